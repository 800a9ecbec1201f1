/*
 * record: the transcript. Writes lines and knows nothing about SMTP or sockets.
 */
#include "tests/hostile/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SHOWN 4096

static int fd = -1;
static int connection;
static int inside_tls;
static struct timespec start;

int record_open(const char *path)
{
	clock_gettime(CLOCK_MONOTONIC, &start);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : 0;
}

void record_set_connection(int number)
{
	connection = number;
}

void record_set_tls(int tls)
{
	inside_tls = tls;
}

static double since_start(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
}

static int prefix(char *line, size_t size)
{
	return snprintf(
		line, size, "%d %.3f %s ", connection, since_start(), inside_tls ? "tls" : "plain");
}

static void emit(const char *line, size_t len)
{
	if (write(fd, line, len) != (ssize_t)len)
		_exit(70);
}

static size_t escape(char *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	if (c == '\r' || c == '\n' || c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = c == '\r' ? 'r' : c == '\n' ? 'n' : (char)c;
		return 2;
	}
	if (c >= 32 && c < 127) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	out[1] = 'x';
	out[2] = hex[c >> 4];
	out[3] = hex[c & 15];
	return 4;
}

void record_bytes(char who, const void *bytes, size_t len)
{
	static char line[4 * SHOWN + 128];
	const unsigned char *p = bytes;
	size_t shown = len > SHOWN ? SHOWN : len;
	size_t n = (size_t)prefix(line, sizeof(line));

	n += (size_t)snprintf(line + n, 8, "%c: \"", who);
	for (size_t i = 0; i < shown; i++)
		n += escape(line + n, p[i]);
	line[n++] = '"';
	if (shown < len)
		n += (size_t)snprintf(line + n, 48, " of %zu bytes", len);
	line[n++] = '\n';
	emit(line, n);
}

void record_note(const char *fmt, ...)
{
	char line[1024];
	size_t n = (size_t)prefix(line, sizeof(line));
	va_list ap;

	line[n++] = '#';
	line[n++] = ' ';
	va_start(ap, fmt);
	n += (size_t)vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	emit(line, n);
}
