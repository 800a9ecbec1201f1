/*
 * hold: many SMTP sessions in one process, in plaintext as far as it knows.
 *
 *     hold HOST PORT
 *
 * Does what standard input says, a line each, and answers with a line each:
 *   open N    N more sessions, greeted, EHLO answered:    open HELD FAILED SECONDS [ERROR]
 *   send      one message on every session, all at once:  sent DONE FAILED SECONDS P50-MS P99-MS
 *   close     ends every session with QUIT:               closed DONE FAILED SECONDS
 * HELD counts all sessions that are open by now. Ends at the end of its input.
 * It waits with poll() and keeps few sessions opening at a time: it is to measure others, not to be
 * measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SESSIONS_MAX = 20000, OPENING_MAX = 32, WAIT_MS = 120000 };

/* What a session says next, and the first digit of the reply that it must get. */
struct step {
	const char *say;
	char expected;
};

static const struct step opening[] = {{NULL, '2'}, {"EHLO client.a.example\r\n", '2'}, {0}};
static const struct step message[] = {{"MAIL FROM:<s@a.example>\r\n", '2'},
	{"RCPT TO:<a@b.example>\r\n", '2'}, {"DATA\r\n", '3'}, {NULL, '2'}, {0}};
static const struct step closing[] = {{"QUIT\r\n", '2'}, {0}};

struct session {
	int fd;
	const struct step *step;
	/* of the reply that is coming in: place in the line, code and the byte behind it */
	unsigned column;
	char head[4];
	int64_t started;
};

static struct session sessions[SESSIONS_MAX];
static unsigned held, failed;
static int last_error;
static double *latencies;
static unsigned latency_count;
static char content[1024];

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void make_content(void)
{
	size_t used = snprintf(content, sizeof(content), "Subject: held\r\n\r\n");

	while (used + 80 < sizeof(content))
		used += snprintf(content + used, sizeof(content) - used, "%070d\r\n", (int)used);
	snprintf(content + used, sizeof(content) - used, ".\r\n");
}

/* The content has no words of its own in a table: it follows the 354. */
static int say(struct session *s)
{
	const char *text = s->step->say;

	if (!text && s->step != opening)
		text = content;
	if (!text)
		return 0;
	return send(s->fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text) ? 0 : -1;
}

/* A whole reply has come: 1, more is to come: 0, a reply that was not expected or the end: -1. */
static int hear(struct session *s)
{
	char bytes[2048];
	ssize_t n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	bool complete = false;

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n == 0)
		errno = ECONNRESET;
	if (n <= 0)
		return -1;
	for (ssize_t i = 0; i < n; i++) {
		if (s->column < sizeof(s->head))
			s->head[s->column] = bytes[i];
		s->column++;
		if (bytes[i] == '\n') {
			complete = s->head[3] != '-';
			s->column = 0;
		}
	}
	errno = EPROTO;
	return complete && s->head[0] != s->step->expected ? -1 : complete;
}

static void drop(struct session *s)
{
	last_error = errno;
	close(s->fd);
	s->fd = -1;
}

/* Compact what is open, so that held counts it. */
static void keep_open(unsigned end)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < end; i++)
		if (sessions[i].fd >= 0)
			sessions[kept++] = sessions[i];
	held = kept;
}

static bool begin(struct session *s, const struct step *first)
{
	s->step = first;
	s->column = 0;
	s->started = now();
	if (say(s) == 0)
		return true;
	failed++;
	drop(s);
	return false;
}

/* Goes on with one session that has something to read; false when it is through, whatever the
 * outcome. */
static bool proceed(struct session *s)
{
	int got = hear(s);

	if (got == 0)
		return true;
	if (got > 0) {
		s->step++;
		if (!s->step->expected) {
			latencies[latency_count++] = (now() - s->started) / 1e6;
			return false;
		}
		if (say(s) == 0)
			return true;
	}
	failed++;
	drop(s);
	return false;
}

static struct addrinfo *server;

static bool dial(struct session *s)
{
	s->fd = socket(server->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd >= 0 &&
		(connect(s->fd, server->ai_addr, server->ai_addrlen) == 0 || errno == EINPROGRESS))
		return begin(s, opening);
	failed++;
	last_error = errno;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	return false;
}

/* Waits for those that are under way and goes on with them; takes out those that are through. */
static unsigned go_on(struct session **busy, unsigned count)
{
	static struct pollfd p[SESSIONS_MAX];
	unsigned left = 0;

	for (unsigned i = 0; i < count; i++)
		p[i] = (struct pollfd){.fd = busy[i]->fd, .events = POLLIN};
	if (poll(p, count, WAIT_MS) == 0) {
		errno = ETIMEDOUT;
		for (unsigned i = 0; i < count; i++)
			drop(busy[i]);
		failed += count;
		return 0;
	}
	for (unsigned i = 0; i < count; i++)
		if (!p[i].revents || proceed(busy[i]))
			busy[left++] = busy[i];
	return left;
}

static void open_more(unsigned n)
{
	struct session *busy[OPENING_MAX];
	unsigned count = 0, next = held, end = held + n;

	if (end > SESSIONS_MAX)
		end = SESSIONS_MAX;
	while (next < end || count) {
		while (next < end && count < OPENING_MAX)
			if (dial(&sessions[next++]))
				busy[count++] = &sessions[next - 1];
		if (count)
			count = go_on(busy, count);
	}
	keep_open(end);
}

static void on_all(const struct step *first)
{
	static struct session *busy[SESSIONS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < held; i++)
		if (begin(&sessions[i], first))
			busy[count++] = &sessions[i];
	while (count)
		count = go_on(busy, count);
	keep_open(held);
}

static void close_all(void)
{
	on_all(closing);
	for (unsigned i = 0; i < held; i++)
		close(sessions[i].fd);
	held = 0;
}

static int by_size(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

static double quantile(double q)
{
	return latency_count ? latencies[(size_t)(q * (latency_count - 1))] : 0;
}

static void obey(const char *line)
{
	unsigned n = strtoul(line + 4, NULL, 10);
	int64_t start = now();

	failed = latency_count = 0;
	last_error = 0;
	if (!strncmp(line, "open ", 5)) {
		open_more(n);
		printf("open %u %u %.6f %s\n", held, failed, (now() - start) / 1e9,
			last_error ? strerror(last_error) : "");
	} else if (!strncmp(line, "send", 4)) {
		on_all(message);
		double seconds = (now() - start) / 1e9;
		qsort(latencies, latency_count, sizeof(*latencies), by_size);
		printf("sent %u %u %.6f %.3f %.3f\n", latency_count, failed, seconds, quantile(0.5),
			quantile(0.99));
	} else if (!strncmp(line, "close", 5)) {
		close_all();
		printf("closed %u %u %.6f\n", latency_count, failed, (now() - start) / 1e9);
	} else {
		printf("unknown\n");
	}
	fflush(stdout);
}

static int find_server(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	int rc = getaddrinfo(host, port, &hints, &server);

	if (rc)
		fprintf(stderr, "hold: %s: %s\n", host, gai_strerror(rc));
	return rc;
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	char line[64];

	if (argc != 3) {
		fprintf(stderr, "usage: hold HOST PORT\n");
		return 64;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	latencies = calloc(SESSIONS_MAX, sizeof(*latencies));
	if (!latencies || find_server(argv[1], argv[2]))
		return 71;
	make_content();
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	return 0;
}
