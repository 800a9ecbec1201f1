/*
 * log: one line about a connect() that the preload itself refused.
 */
#include "shim/preload/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "shim/handoff/journal.h"
#include "shim/handoff/text.h"
#include "shim/handoff/unit.h"
#include "shim/preload/scratch.h"
#include "shim/preload/settings.h"
#include "shim/preload/sys.h"

#define LINE_SIZE 2048
#define PRIORITY "<19>" /* facility mail, severity err */
#define SEVERITY 3

static const struct {
	int number;
	const char *name;
} error_names[] = {
	{EPERM, "EPERM"},
	{ENOENT, "ENOENT"},
	{EAGAIN, "EAGAIN"},
	{ENOMEM, "ENOMEM"},
	{EACCES, "EACCES"},
	{ENOTDIR, "ENOTDIR"},
	{EINVAL, "EINVAL"},
	{ENFILE, "ENFILE"},
	{EMFILE, "EMFILE"},
	{ENOEXEC, "ENOEXEC"},
	{ENOSYS, "ENOSYS"},
	{EAFNOSUPPORT, "EAFNOSUPPORT"},
	{ECONNRESET, "ECONNRESET"},
	{ENOBUFS, "ENOBUFS"},
	{ETIMEDOUT, "ETIMEDOUT"},
	{ECONNREFUSED, "ECONNREFUSED"},
	{ETXTBSY, "ETXTBSY"},
	{ELOOP, "ELOOP"},
	{ENAMETOOLONG, "ENAMETOOLONG"},
	{EPROTO, "EPROTO"},
	{ETOOMANYREFS, "ETOOMANYREFS"},
	{EBADF, "EBADF"},
};

static void add_quoted(struct text *t, const char *key, const char *value)
{
	text_add(t, key);
	text_add(t, "\"");
	for (; *value; value++) {
		bool plain = (unsigned char)*value >= ' ' && *value != 0x7f;

		if (*value == '"' || *value == '\\')
			text_add(t, "\\");
		text_add_bytes(t, plain ? value : "?", 1);
	}
	text_add(t, "\"");
}

static void add_hex(struct text *t, unsigned value)
{
	static const char digits[] = "0123456789abcdef";
	bool begun = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		unsigned digit = value >> shift & 15;

		begun = begun || digit || !shift;
		if (begun)
			text_add_bytes(t, digits + digit, 1);
	}
}

static void add_address(struct text *t, const struct handoff_addr *a)
{
	text_add(t, " addr=");
	if (a->family == AF_INET6)
		text_add(t, "[");
	for (int i = 0; a->family == AF_INET6 && i < 8; i++) {
		if (i)
			text_add(t, ":");
		add_hex(t, (unsigned)a->addr[2 * i] << 8 | a->addr[2 * i + 1]);
	}
	for (int i = 0; a->family == AF_INET && i < 4; i++) {
		if (i)
			text_add(t, ".");
		text_add_number(t, a->addr[i]);
	}
	text_add(t, a->family == AF_INET6 ? "]:" : ":");
	text_add_number(t, a->port);
}

static void add_reason(struct text *t, const char *reason, int error)
{
	const char *name = NULL;

	add_quoted(t, " reason=", reason);
	if (!error)
		return;
	text_add(t, " errno=");
	for (size_t i = 0; i < sizeof(error_names) / sizeof(error_names[0]); i++)
		if (error_names[i].number == error)
			name = error_names[i].name;
	if (name)
		text_add(t, name);
	else
		text_add_number(t, (uint64_t)error);
}

static void add_two(struct text *t, const char *before, uint64_t value)
{
	text_add(t, before);
	if (value < 10)
		text_add(t, "0");
	text_add_number(t, value);
}

/* The time in UTC; days to a date as in Howard Hinnant's chrono-compatible algorithms. */
static void add_date(struct text *t)
{
	struct sys_time now = {0, 0};
	uint64_t seconds, days, era, of_era, year, of_year, month;

	sys_clock(CLOCK_REALTIME, &now);
	seconds = (uint64_t)now.seconds;
	days = seconds / 86400 + 719468; /* since 0000-03-01 */
	era = days / 146097;
	of_era = days % 146097;
	year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year + year / 4 - year / 100);
	month = (5 * of_year + 2) / 153; /* from March */
	text_add_number(t, year + era * 400 + (month >= 10));
	add_two(t, "-", month < 10 ? month + 3 : month - 9);
	add_two(t, "-", of_year - (153 * month + 2) / 5 + 1);
	add_two(t, "T", seconds / 3600 % 24);
	add_two(t, ":", seconds / 60 % 60);
	add_two(t, ":", seconds % 60);
	text_add(t, "+0000 ");
}

static void add_unit(struct text *t)
{
	char unit[UNIT_NAME_SIZE] = "", *cgroup = scratch_take();
	long n = cgroup ? sys_read_file("/proc/self/cgroup", cgroup, SCRATCH_SIZE) : 0;

	if (n > 0)
		unit_of_cgroup(cgroup, (unsigned long)n, unit);
	scratch_give_back(cgroup);
	add_quoted(t, " unit=", unit);
}

static void add_line(struct text *t, const struct handoff_addr *peer, const char *host)
{
	char exe[256];
	long n = sys(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", exe, sizeof(exe) - 1);
	uint64_t pid = (uint64_t)sys(SYS_getpid);

	text_add(t, "mailseal[");
	text_add_number(t, pid);
	text_add(t, "]: event=connect-refused pid=");
	text_add_number(t, pid);
	text_add(t, " uid=");
	text_add_number(t, (uint64_t)sys(SYS_GETEUID));
	if (n <= 0 && sys(SYS_prctl, PR_GET_NAME, exe, 0, 0, 0) == 0) /* no /proc: its name */
		n = (long)strlen(exe);
	exe[n > 0 ? n : 0] = '\0';
	add_quoted(t, " exe=", exe);
	add_unit(t);
	if (host)
		add_quoted(t, " host=", host);
	add_address(t, peer);
}

static long send_to(int fd, const char *path, const char *bytes, unsigned long length)
{
	struct sockaddr_un log = {.sun_family = AF_UNIX};

	memcpy(log.sun_path, path, strlen(path) + 1);
	return sys(SYS_sendto, fd, bytes, length, MSG_NOSIGNAL, &log, sizeof(log));
}

/* Asked for, or who reads /dev/log; as the agent has it. */
static bool journal_is_meant(const struct settings *s)
{
	struct stat journals, given;

	if (strcmp(s->log_text, "journal") == 0)
		return true;
	return sys_stat(JOURNAL_DEV_LOG, &journals) == 0 &&
	       (sys_stat("/dev/log", &given) != 0 ||
		       (given.st_dev == journals.st_dev && given.st_ino == journals.st_ino));
}

/* `line` behind its tag. */
static bool to_journal(int fd, const char *line)
{
	char *entry = scratch_take();
	unsigned long n;
	long rc;

	if (!entry)
		return false;
	n = journal_entry(SEVERITY, line, (uint64_t)sys(SYS_getpid), entry, SCRATCH_SIZE);
	rc = send_to(fd, JOURNAL_SOCKET, entry, n);
	scratch_give_back(entry);
	return rc >= 0 || rc == -EAGAIN; /* full is full, by the other way too */
}

static void to_syslog(const struct text *line)
{
	const char *event = strstr(line->bytes, "event=");
	int fd = (int)sys(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && !(event && journal_is_meant(settings_get()) && to_journal(fd, event)))
		send_to(fd, "/dev/log", line->bytes, line->length);
	sys_close(&fd);
}

/* A write that neither waits nor leaves a SIGPIPE or SIGXFSZ for the application. */
static void write_quietly(int fd, const struct text *line)
{
	sys_sigset mask = sys_signals_block(), before = 0;
	sys_sigset raised = (sys_sigset)1 << (SIGPIPE - 1) | (sys_sigset)1 << (SIGXFSZ - 1);
	long n;

	sys(SYS_rt_sigpending, &before, SYS_SIGSET_BYTES);
	if (sys_wait(fd, POLLOUT, 0) == 1) {
		n = sys(SYS_write, fd, line->bytes, line->length);
		raised &= ~before;
		if (raised && (n == -EPIPE || n == -EFBIG))
			sys_signals_drop(raised);
	}
	sys_signals_restore(mask);
}

static void to_file(const struct text *line, const char *path)
{
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = (int)sys(SYS_openat, AT_FDCWD, path, flags, 0640);

	if (fd >= 0)
		write_quietly(fd, line);
	sys_close(&fd);
}

void log_refused(const struct handoff_addr *peer, const char *host, const char *reason,
	const char *file, int error)
{
	const struct settings *s = settings_get();
	char bytes[LINE_SIZE];
	struct text t;

	text_init(&t, bytes, sizeof(bytes) - 1);
	if (s->log == SETTINGS_LOG_SYSLOG)
		text_add(&t, PRIORITY);
	else
		add_date(&t);
	add_line(&t, peer, host);
	add_reason(&t, reason, error);
	if (file)
		add_quoted(&t, " file=", file);
	switch (s->log) {
	case SETTINGS_LOG_SYSLOG:
		to_syslog(&t);
		return;
	case SETTINGS_LOG_STDERR:
		t.bytes[t.length++] = '\n'; /* one byte was kept for it */
		write_quietly(2, &t);
		return;
	case SETTINGS_LOG_FILE:
		t.bytes[t.length++] = '\n';
		to_file(&t, s->log_text);
		return;
	}
}
