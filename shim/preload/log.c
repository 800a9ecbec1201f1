/*
 * log: one line about a connect() that the preload itself refused.
 */
#include "shim/preload/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "shim/handoff/text.h"
#include "shim/preload/settings.h"
#include "shim/preload/sys.h"

#define LINE_SIZE 1024
#define PRIORITY "<19>" /* facility mail, severity err */

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
		bool plain = (unsigned char)*value >= ' ' && *value != 0x7f && *value != '"' &&
			     *value != '\\';

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

static void to_syslog(const struct text *line)
{
	struct sockaddr_un log = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	int fd = (int)sys(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0)
		sys(SYS_sendto, fd, line->bytes, line->length, MSG_NOSIGNAL, &log, sizeof(log));
	sys_close(&fd);
}

static void to_file(const struct text *line, const char *path)
{
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = (int)sys(SYS_openat, AT_FDCWD, path, flags, 0640);

	if (fd >= 0)
		sys(SYS_write, fd, line->bytes, line->length);
	sys_close(&fd);
}

void log_refused(const struct handoff_addr *peer, const char *host, const char *reason, int error)
{
	const struct settings *s = settings_get();
	char bytes[LINE_SIZE], exe[256];
	struct text t;
	long n;

	text_init(&t, bytes, sizeof(bytes) - 1);
	if (s->log == SETTINGS_LOG_SYSLOG)
		text_add(&t, PRIORITY "mailseal: ");
	text_add(&t, "event=connect-refused pid=");
	text_add_number(&t, (uint64_t)sys(SYS_getpid));
	text_add(&t, " uid=");
	text_add_number(&t, (uint64_t)sys(SYS_GETEUID));
	n = sys(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	add_quoted(&t, " exe=", exe);
	add_address(&t, peer);
	if (host)
		add_quoted(&t, " host=", host);
	add_reason(&t, reason, error);
	t.bytes[t.length++] = '\n'; /* one byte was kept for it */
	switch (s->log) {
	case SETTINGS_LOG_SYSLOG:
		t.length--;
		to_syslog(&t);
		break;
	case SETTINGS_LOG_STDERR:
		sys(SYS_write, 2, t.bytes, t.length);
		break;
	case SETTINGS_LOG_FILE:
		to_file(&t, s->log_text);
		break;
	}
}
