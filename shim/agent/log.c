/*
 * log: one write a line, so that lines of several agents in one file do not mix. What a target does
 * not take is counted, and told by the next line that it takes.
 */
#include "shim/agent/log.h"

#include "shim/handoff/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define REASON_MAX 700

static enum { TO_SYSLOG, TO_JOURNAL, TO_STDERR, TO_FILE } target;
static const char *path;
static atomic_int file = -1;
/* For both daemons, and connected to neither: whichever is restarted is found again. */
static atomic_int sender = -1;
/* Of the log file, whichever thread opened it last. Where two threads open it at once, these may be
 * of both: then it is opened once more. */
static _Atomic ino_t inode;
static _Atomic dev_t device;
static atomic_bool torn; /* its last line is not whole */

static atomic_ullong lost, elsewhere;
static atomic_bool told_elsewhere; /* syslog knows why the file's lines come to it */

/* Other threads may be writing: the number always stands for the log, old or new. */
static void take_over(int fd)
{
	int none = -1;

	if (atomic_compare_exchange_strong(&file, &none, fd))
		return;
	dup3(fd, file, O_CLOEXEC);
	close(fd);
}

static int open_file(void)
{
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0) {
		inode = st.st_ino;
		device = st.st_dev;
	}
	take_over(fd);
	torn = false;
	return 0;
}

/* Not by syslog(3) and sd_journal_send(3): these wait where the daemon does not keep up. */
static void open_sender(void)
{
	int none = -1, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && !atomic_compare_exchange_strong(&sender, &none, fd))
		close(fd);
}

static const struct {
	const char *name;
	int target;
} daemons[] = {{"stderr", TO_STDERR}, {"syslog", TO_SYSLOG}, {"journal", TO_JOURNAL}};

bool log_is_file(const char *where)
{
	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++)
		if (strcmp(where, daemons[i].name) == 0)
			return false;
	return true;
}

int log_open(const char *where)
{
	int rc;

	atomic_store(&lost, 0);
	atomic_store(&elsewhere, 0);
	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++) {
		if (strcmp(where, daemons[i].name) != 0)
			continue;
		target = daemons[i].target;
		if (target != TO_STDERR)
			open_sender();
		return 0;
	}
	target = TO_FILE;
	path = where;
	rc = open_file();
	if (rc < 0)
		target = TO_SYSLOG;
	return rc;
}

bool log_is_stderr(void)
{
	return target == TO_STDERR;
}

/* --- one way each: 0 or -errno --- */

static int wrote(ssize_t n, size_t all)
{
	if (n < 0)
		return -errno;
	return (size_t)n < all ? -ENOSPC : 0;
}

/* What another line broke off ends first. */
static int write_stamped(int fd, const char *text, bool begin_anew)
{
	char line[LOG_LINE_MAX + 128], date[48];
	time_t now = time(NULL);
	struct tm tm;
	ssize_t n;
	int length;

	if (!localtime_r(&now, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S%z", &tm))
		date[0] = '\0';
	length = snprintf(line, sizeof(line), "%s%s mailseal[%ld]: %s\n", begin_anew ? "\n" : "",
		date, (long)getpid(), text);
	n = write(fd, line, (size_t)length);
	if (fd == file && n > 0)
		torn = n < length;
	return wrote(n, (size_t)length);
}

/* It is somebody else's and may block; what we open ourselves does not. */
static int write_stderr(const char *text)
{
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
		return -EAGAIN;
	return write_stamped(STDERR_FILENO, text, false);
}

static int send_to(const char *socket_path, const char *bytes, size_t length)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (sender < 0)
		open_sender();
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", socket_path);
	return wrote(
		sendto(sender, bytes, length, MSG_NOSIGNAL, (struct sockaddr *)&sun, sizeof(sun)),
		length);
}

/* RFC 3164, as /dev/log wants it. */
static int send_syslog(int priority, const char *text)
{
	char line[LOG_LINE_MAX + 128], date[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	int n;

	if (localtime_r(&now, &tm))
		strftime(date, sizeof(date), "%b %e %H:%M:%S", &tm);
	n = snprintf(line, sizeof(line), "<%d>%s mailseal[%ld]: %s", LOG_MAIL | priority, date,
		(long)getpid(), text);
	return send_to(_PATH_LOG, line, (size_t)n);
}

static int send_journal(int priority, const char *text)
{
	char entry[JOURNAL_ENTRY_SIZE(LOG_LINE_MAX)];
	size_t n =
		journal_entry((unsigned)priority, text, (uint64_t)getpid(), entry, sizeof(entry));

	return send_to(JOURNAL_SOCKET, entry, n);
}

/* Is the journal whoever reads /dev/log, or is nobody there to read it? */
static bool journal_is_syslog(void)
{
	struct stat journals, given;

	if (stat(JOURNAL_DEV_LOG, &journals) < 0)
		return false;
	return stat(_PATH_LOG, &given) < 0 ||
	       (given.st_dev == journals.st_dev && given.st_ino == journals.st_ino);
}

/* A journal that is full is the same daemon by its other socket. */
static int send_daemon(int priority, const char *text)
{
	int rc;

	if (target == TO_JOURNAL || journal_is_syslog()) {
		rc = send_journal(priority, text);
		if (rc == 0 || rc == -EAGAIN)
			return rc;
	}
	return send_syslog(priority, text);
}

/* --- the file --- */

/* What the log says of itself. */
__attribute__((format(printf, 2, 3))) static void compose(
	struct log_line *line, const char *format, ...)
{
	char reason[REASON_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(reason, sizeof(reason), format, ap);
	va_end(ap);
	line_begin(line, "log");
	line_quoted(line, "reason", reason, sizeof(reason));
}

/* The file may have been renamed or removed by a rotation. A renamed one is better than none; what
 * goes into a removed one nobody will read. */
static int follow_rotation(void)
{
	struct stat st;
	int rc;

	if (stat(path, &st) == 0 && st.st_ino == inode && st.st_dev == device)
		return 0;
	rc = open_file();
	if (rc < 0 && fstat(file, &st) == 0 && st.st_nlink > 0)
		return 0;
	return rc;
}

static int write_file(int priority, const char *text)
{
	int rc = follow_rotation();
	struct log_line why;

	if (rc == 0)
		rc = write_stamped(file, text, torn);
	if (rc == 0) {
		told_elsewhere = false;
		return 0;
	}
	if (!atomic_exchange(&told_elsewhere, true)) {
		compose(&why, "%.512s: %s; logging to syslog meanwhile", path, strerror(-rc));
		send_daemon(why.priority, why.text);
	}
	if (send_daemon(priority, text) == 0) {
		atomic_fetch_add(&elsewhere, 1);
		return -EREMOTE;
	}
	return rc;
}

/* --- the line --- */

static int send_text(int priority, const char *text)
{
	switch (target) {
	case TO_SYSLOG:
	case TO_JOURNAL:
		return send_daemon(priority, text);
	case TO_STDERR:
		return write_stderr(text);
	case TO_FILE:
		return write_file(priority, text);
	}
	return -EINVAL;
}

static void tell(atomic_ullong *count, const char *what)
{
	unsigned long long n = atomic_exchange(count, 0);
	struct log_line line;
	int rc;

	if (!n)
		return;
	compose(&line, "%llu lines %s", n, what);
	rc = send_text(line.priority, line.text);
	if (rc < 0 && rc != -EREMOTE)
		atomic_fetch_add(count, n);
}

void line_send(const struct log_line *line)
{
	int rc = send_text(line->priority, line->text);

	if (rc == 0) {
		tell(&elsewhere, "went to syslog, since this file could not be written");
		tell(&lost, "were lost");
	} else if (rc != -EREMOTE) {
		atomic_fetch_add(&lost, 1);
	}
}

void log_event(const char *event, const char *format, ...)
{
	struct log_line line;
	char reason[REASON_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(reason, sizeof(reason), format, ap);
	va_end(ap);
	line_begin(&line, event);
	line_quoted(&line, "reason", reason, sizeof(reason));
	line_send(&line);
}

void log_close(void)
{
	tell(&elsewhere, "went to syslog, since this file could not be written");
	tell(&lost, "were lost");
}
