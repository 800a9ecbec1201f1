/*
 * calls: what single calls cost, in nanoseconds: those that the library has in its hands, where it
 * has nothing to do, and those that it leaves alone.
 *
 *     calls [BATCHES]
 *
 * Prints JSON: for each call the median over the batches of the time of one call. Connects to
 * loopback only, to a port where nobody listens.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES_MAX = 10000, BATCH = 200 };

static int null, udp, tcp, local;
static int fds[BATCH];
static struct sockaddr_in nobody = {.sin_family = AF_INET};
static struct sockaddr_un nowhere = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/socket"};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void connect_udp(int i)
{
	(void)i;
	if (connect(udp, (struct sockaddr *)&nobody, sizeof(nobody)))
		abort();
}

static void connect_tcp(int i)
{
	(void)i;
	if (!connect(tcp, (struct sockaddr *)&nobody, sizeof(nobody)))
		abort();
}

static void connect_unix(int i)
{
	(void)i;
	if (!connect(local, (struct sockaddr *)&nowhere, sizeof(nowhere)))
		abort();
}

static void write_one(int i)
{
	(void)i;
	if (write(null, "x", 1) != 1)
		abort();
}

static void open_socket(int i)
{
	fds[i] = socket(AF_INET, SOCK_STREAM, 0);
}

static void open_null(int i)
{
	fds[i] = open("/dev/null", O_WRONLY);
}

static void close_one(int i)
{
	if (close(fds[i]))
		abort();
}

static void resolve_literal(int i)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *a;

	(void)i;
	if (getaddrinfo("192.0.2.25", "80", &hints, &a))
		abort();
	freeaddrinfo(a);
}

/* What is measured, and what goes before and after a batch of it. */
static const struct {
	const char *name;
	void (*call)(int), (*before)(int), (*after)(int);
} measures[] = {
	{"connect_udp", connect_udp, NULL, NULL},
	{"connect_tcp_refused", connect_tcp, NULL, NULL},
	{"connect_unix_missing", connect_unix, NULL, NULL},
	{"write", write_one, NULL, NULL},
	{"socket", open_socket, NULL, close_one},
	{"close", close_one, open_null, NULL},
	{"getaddrinfo_literal", resolve_literal, NULL, NULL},
};
enum { MEASURES = sizeof(measures) / sizeof(*measures) };

static void batch(void (*call)(int))
{
	for (int i = 0; call && i < BATCH; i++)
		call(i);
}

static double timed(unsigned m)
{
	double start, end;

	batch(measures[m].before);
	start = now();
	batch(measures[m].call);
	end = now();
	batch(measures[m].after);
	return (end - start) / BATCH;
}

static int by_size(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

int main(int argc, char **argv)
{
	static double times[MEASURES][BATCHES_MAX];
	unsigned batches = argc > 1 ? strtoul(argv[1], NULL, 10) : 200;

	if (!batches || batches > BATCHES_MAX) {
		fprintf(stderr, "usage: calls [BATCHES]\n");
		return 64;
	}
	nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	nobody.sin_port = htons(9);
	null = open("/dev/null", O_WRONLY);
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	local = socket(AF_UNIX, SOCK_STREAM, 0);
	for (unsigned b = 0; b < batches; b++)
		for (unsigned m = 0; m < MEASURES; m++)
			times[m][b] = timed(m);
	for (unsigned m = 0; m < MEASURES; m++) {
		qsort(times[m], batches, sizeof(double), by_size);
		printf("%s\"%s\": %.1f", m ? ", " : "{", measures[m].name, times[m][batches / 2]);
	}
	puts("}");
	return 0;
}
