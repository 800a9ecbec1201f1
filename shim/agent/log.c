/*
 * log: one write a line, so that lines of several agents in one file do not mix.
 */
#include "shim/agent/log.h"

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

static enum { TO_SYSLOG, TO_STDERR, TO_FILE } target;
static const char *path;
static atomic_int file = -1;
/* Of the log file, whichever thread opened it last. Where two threads open it at once, these may be
 * of both: then it is opened once more. */
static _Atomic ino_t inode;
static _Atomic dev_t device;

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
	return 0;
}

/* Not syslog(3): that one waits where the log daemon does not keep up. */
static bool open_syslog(void)
{
	const struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0) {
		take_over(fd);
		return true;
	}
	if (fd >= 0)
		close(fd);
	return false;
}

int log_open(const char *where)
{
	int rc;

	if (strcmp(where, "stderr") == 0) {
		target = TO_STDERR;
		return 0;
	}
	if (strcmp(where, "syslog") == 0) {
		target = TO_SYSLOG;
		open_syslog();
		return 0;
	}
	target = TO_FILE;
	path = where;
	rc = open_file();
	if (rc < 0) {
		target = TO_SYSLOG;
		open_syslog();
	}
	return rc;
}

bool log_is_stderr(void)
{
	return target == TO_STDERR;
}

/* The file may have been renamed or removed by a rotation. */
static void follow_rotation(void)
{
	struct stat named;

	if (stat(path, &named) != 0 || named.st_ino != inode || named.st_dev != device)
		open_file();
}

/* It is somebody else's and may block; what we open ourselves does not. */
static bool stderr_takes_a_line(void)
{
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&ready, 1, 0) == 1 && ready.revents & POLLOUT;
}

static void write_stamped(int fd, const char *text)
{
	char line[LOG_LINE_MAX + 128], date[48];
	time_t now = time(NULL);
	struct tm tm;
	int n;

	if (!localtime_r(&now, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S%z", &tm))
		date[0] = '\0';
	n = snprintf(line, sizeof(line), "%s mailseal[%ld]: %s\n", date, (long)getpid(), text);
	if (write(fd, line, (size_t)n) < 0)
		return; /* nowhere to tell */
}

/* RFC 3164, as /dev/log wants it. A daemon that was restarted has another socket: tried once more.
 */
static void write_syslog(int priority, const char *text)
{
	char line[LOG_LINE_MAX + 128], date[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	int n;

	if (localtime_r(&now, &tm))
		strftime(date, sizeof(date), "%b %e %H:%M:%S", &tm);
	n = snprintf(line, sizeof(line), "<%d>%s mailseal[%ld]: %s", LOG_MAIL | priority, date,
		(long)getpid(), text);
	if (file >= 0 && (send(file, line, (size_t)n, MSG_NOSIGNAL) >= 0 || errno == EAGAIN))
		return;
	if (open_syslog() && send(file, line, (size_t)n, MSG_NOSIGNAL) < 0)
		return; /* nowhere to tell */
}

static void send_text(int priority, const char *text)
{
	switch (target) {
	case TO_SYSLOG:
		write_syslog(priority, text);
		return;
	case TO_STDERR:
		if (stderr_takes_a_line())
			write_stamped(STDERR_FILENO, text);
		return;
	case TO_FILE:
		follow_rotation();
		write_stamped(file, text);
		return;
	}
}

static void add(struct log_line *line, const char *bytes, size_t n)
{
	if (n > sizeof(line->text) - 1 - line->length)
		return;
	memcpy(line->text + line->length, bytes, n);
	line->length += n;
	line->text[line->length] = '\0';
}

static void add_key(struct log_line *line, const char *key)
{
	if (line->length)
		add(line, " ", 1);
	add(line, key, strlen(key));
	add(line, "=", 1);
}

/* Events that an administrator should look at. */
static const char *const alarming[] = {"attack", "connect-refused", "overload", "failed", "log"};

void line_begin(struct log_line *line, const char *event)
{
	line->length = 0;
	line->text[0] = '\0';
	line->priority = LOG_INFO;
	for (size_t i = 0; i < sizeof(alarming) / sizeof(alarming[0]); i++)
		if (strcmp(event, alarming[i]) == 0)
			line->priority = LOG_WARNING;
	line_word(line, "event", event);
}

void line_word(struct log_line *line, const char *key, const char *value)
{
	add_key(line, key);
	add(line, value, strlen(value));
}

void line_number(struct log_line *line, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	line_word(line, key, digits);
}

static void add_escaped(struct log_line *line, char c)
{
	char hex[8];

	if (c < 0x20 || c > 0x7e) {
		snprintf(hex, sizeof(hex), "\\x%02x", (unsigned char)c);
		add(line, hex, 4);
		return;
	}
	if (c == '"' || c == '\\')
		line->text[line->length++] = '\\';
	line->text[line->length++] = c;
}

void line_quoted(struct log_line *line, const char *key, const char *value, size_t limit)
{
	size_t i;

	add_key(line, key);
	add(line, "\"", 1);
	for (i = 0; value[i] && i < limit && line->length + 8 < sizeof(line->text); i++)
		add_escaped(line, value[i]);
	add(line, "\"", 1);
}

void line_copy(struct log_line *line, const char *text)
{
	line->length = 0;
	add(line, text, strlen(text));
}

void line_send(const struct log_line *line)
{
	send_text(line->priority, line->text);
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
