/*
 * load: options, threads, the SMTP dialogue and the report of the benchmark's clients; see load.h.
 */
#include "tests/bench/load.h"

#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct load_options options = {.port = "25", .messages = 1, .sessions = 1, .size = 1024};
static const struct load_transport *transport;
static struct addrinfo *peer;
static char *content; /* header, body and the final dot */
static size_t content_size;
static unsigned long next_message; /* shared by the threads */
static unsigned *latency;	   /* us, for each message */

void load_die(const char *what)
{
	fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- the dialogue -------------------------------------------------------------------------- */

static void send_all(struct load_connection *c, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = transport->write(c, data, size);
		if (n <= 0)
			load_die("write");
		data += n;
		size -= (size_t)n;
	}
}

static void say(struct load_connection *c, const char *text)
{
	send_all(c, text, strlen(text));
}

/* The next line, without its end, which holds until the next call. */
static char *hear_line(struct load_connection *c)
{
	char *line, *end;
	ssize_t n;

	while (!(end = memchr(c->in + c->start, '\n', c->used - c->start))) {
		memmove(c->in, c->in + c->start, c->used - c->start);
		c->used -= c->start;
		c->start = 0;
		n = c->used < sizeof c->in
			    ? transport->read(c, c->in + c->used, sizeof c->in - c->used)
			    : -1;
		if (n <= 0) {
			errno = n == 0 ? 0 : errno;
			load_die("the connection ended within a reply");
		}
		c->used += (size_t)n;
	}
	line = c->in + c->start;
	*end = '\0';
	c->start = (size_t)(end - c->in) + 1;
	return line;
}

static void expect(struct load_connection *c, const char *code)
{
	char *line;

	do {
		line = hear_line(c);
		if (strncmp(line, code, 3) != 0) {
			errno = 0;
			fprintf(stderr, "load: %s expected, heard: %s\n", code, line);
			exit(1);
		}
		if (strncasecmp(line + 4, "PIPELINING", 10) == 0)
			c->offers_pipelining = true;
		if (strncasecmp(line + 4, "STARTTLS", 8) == 0)
			c->offers_starttls = true;
	} while (line[3] == '-');
}

static void connect_to_peer(struct load_connection *c)
{
	c->fd = socket(peer->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	c->tls = NULL;
	c->used = c->start = 0;
	c->offers_pipelining = c->offers_starttls = false;
	if (c->fd < 0 || connect(c->fd, peer->ai_addr, peer->ai_addrlen) != 0)
		load_die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static void open_session(struct load_connection *c)
{
	connect_to_peer(c);
	expect(c, "220");
	say(c, "EHLO client.a.example\r\n");
	expect(c, "250");
	if (!transport->start_tls || options.plain)
		return;
	errno = 0;
	if (!c->offers_starttls)
		load_die("no STARTTLS");
	say(c, "STARTTLS\r\n");
	expect(c, "220");
	if (c->used != c->start)
		load_die("text behind the reply to STARTTLS");
	c->offers_pipelining = false;
	transport->start_tls(c);
	say(c, "EHLO client.a.example\r\n");
	expect(c, "250");
}

static void send_message(struct load_connection *c)
{
	static const char mail[] = "MAIL FROM:<sender@a.example>\r\n",
			  rcpt[] = "RCPT TO:<a@b.example>\r\n";
	static const char all[] =
		"MAIL FROM:<sender@a.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n";

	if (options.pipelining && c->offers_pipelining) {
		say(c, all);
		expect(c, "250");
		expect(c, "250");
	} else {
		say(c, mail);
		expect(c, "250");
		say(c, rcpt);
		expect(c, "250");
		say(c, "DATA\r\n");
	}
	expect(c, "354");
	send_all(c, content, content_size);
	expect(c, "250");
}

static void close_session(struct load_connection *c)
{
	say(c, "QUIT\r\n");
	expect(c, "221");
	transport->close(c);
	close(c->fd);
}

/* --- the work ------------------------------------------------------------------------------ */

static void *work(void *unused)
{
	static _Thread_local struct load_connection c;
	bool open = false;
	unsigned long i;

	while ((i = __atomic_fetch_add(&next_message, 1, __ATOMIC_RELAXED)) < options.messages) {
		double start = now();
		if (!open)
			open_session(&c);
		send_message(&c);
		open = options.keep;
		if (!open)
			close_session(&c);
		latency[i] = (unsigned)((now() - start) * 1e6);
	}
	if (open)
		close_session(&c);
	return unused;
}

/* Opens so many sessions, says so, and leaves them idle until standard input ends. */
static void hold(void)
{
	char c;

	for (unsigned long i = 0; i < options.hold; i++) {
		struct load_connection *held = malloc(sizeof *held);
		if (!held)
			load_die("memory");
		open_session(held);
		/* What is measured is the connection, not this buffer. */
		if (!realloc(held, offsetof(struct load_connection, in)))
			load_die("memory");
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

static void run(void)
{
	pthread_attr_t small;
	pthread_t *threads = calloc(options.sessions, sizeof *threads);

	if (!threads || pthread_attr_init(&small) != 0 ||
		pthread_attr_setstacksize(&small, 256 * 1024) != 0)
		load_die("memory");
	for (unsigned long i = 1; i < options.sessions; i++)
		if ((errno = pthread_create(&threads[i], &small, work, NULL)) != 0)
			load_die("thread");
	work(NULL);
	for (unsigned long i = 1; i < options.sessions; i++)
		pthread_join(threads[i], NULL);
	free(threads);
}

static int by_number(const void *a, const void *b)
{
	const unsigned *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void report(double seconds)
{
	struct rusage r;
	unsigned long handshakes = 0, resumed = 0;

	getrusage(RUSAGE_SELF, &r);
	if (transport->count)
		transport->count(&handshakes, &resumed);
	qsort(latency, options.messages, sizeof *latency, by_number);
	printf("{\"messages\": %lu, \"seconds\": %.6f, \"p50_us\": %u, \"p99_us\": %u, \"cpu\": "
	       "%.6f, "
	       "\"handshakes\": %lu, \"resumed\": %lu}\n",
		options.messages, seconds, latency[options.messages / 2],
		latency[options.messages * 99 / 100],
		(double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
			(double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6,
		handshakes, resumed);
}

/* --- the beginning ------------------------------------------------------------------------- */

static void write_content(void)
{
	static const char header[] =
		"From: <sender@a.example>\r\nTo: <a@b.example>\r\nSubject: benchmark\r\n\r\n";
	static const char line[] =
		"The quick brown fox jumps over the lazy dog and then goes home at ten\r\n";
	size_t room = sizeof header + options.size + sizeof line + 5;
	char *p = content = malloc(room);

	if (!content)
		load_die("memory");
	p = mempcpy(p, header, sizeof header - 1);
	while ((size_t)(p - content) < options.size)
		p = mempcpy(p, line, sizeof line - 1);
	p = mempcpy(p, ".\r\n", 3);
	content_size = (size_t)(p - content);
}

static void usage(void)
{
	fputs("usage: [--messages N] [--sessions N] [--size BYTES] [--keep] [--pipelining] [--hold "
	      "N] [--port PORT]\n"
	      "       [--name NAME] [--ca-dir DIRECTORY] [--ca-file FILE] [--resume] [--plain] "
	      "HOST\n",
		stderr);
	exit(64);
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {{"messages", 1, NULL, 'm'},
		{"sessions", 1, NULL, 's'}, {"size", 1, NULL, 'l'}, {"keep", 0, NULL, 'k'},
		{"pipelining", 0, NULL, 'P'}, {"hold", 1, NULL, 'h'}, {"port", 1, NULL, 'p'},
		{"name", 1, NULL, 'n'}, {"ca-dir", 1, NULL, 'd'}, {"ca-file", 1, NULL, 'f'},
		{"resume", 0, NULL, 'r'}, {"plain", 0, NULL, 'c'}, {0}};
	int o;

	while ((o = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		switch (o) {
		case 'm':
			options.messages = strtoul(optarg, NULL, 10);
			break;
		case 's':
			options.sessions = strtoul(optarg, NULL, 10);
			break;
		case 'l':
			options.size = strtoul(optarg, NULL, 10);
			break;
		case 'h':
			options.hold = strtoul(optarg, NULL, 10);
			break;
		case 'k':
			options.keep = true;
			break;
		case 'P':
			options.pipelining = true;
			break;
		case 'r':
			options.resume = true;
			break;
		case 'c':
			options.plain = true;
			break;
		case 'p':
			options.port = optarg;
			break;
		case 'n':
			options.name = optarg;
			break;
		case 'd':
			options.ca_dir = optarg;
			break;
		case 'f':
			options.ca_file = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc - 1 || options.messages < 1 || options.sessions < 1)
		usage();
	options.host = argv[optind];
	if (!options.name)
		options.name = options.host;
}

int load_main(int argc, char **argv, const struct load_transport *t)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	double start = now();
	int error;

	parse(argc, argv);
	transport = t;
	error = getaddrinfo(options.host, options.port, &hints, &peer);
	errno = 0;
	if (error)
		load_die(gai_strerror(error));
	if (t->prepare)
		t->prepare(&options);
	if (options.hold) {
		hold();
		return 0;
	}
	latency = calloc(options.messages, sizeof *latency);
	if (!latency)
		load_die("memory");
	write_content();
	run();
	report(now() - start);
	return 0;
}
