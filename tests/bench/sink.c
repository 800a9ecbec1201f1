/*
 * sink: an SMTP server that takes every message and keeps none; the benchmark's far end.
 *
 *   sink --cert FILE --key FILE [--listen ADDRESS:PORT]... [--threads N] [--no-starttls]
 *        [--no-pipelining] [--stats FILE]
 *
 * It is never the limit: a thread is an epoll set with listeners of its own (SO_REUSEPORT), shares
 * nothing with the others, greets at once, answers all the commands of one read by one write, and
 * looks at content only to find its end. It gives session tickets and judges nothing: whatever a
 * client says in whatever order gets a 250.
 *
 * FILE is mapped: for each thread a line of eight 64-bit counters, in the order of enum counter, so
 * that a reader sees them at any time. One line is printed when it listens: "listening". SIGTERM
 * ends it.
 */
#include "tests/bench/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_LISTEN = 16, MAX_THREADS = 64, EVENTS = 256 };

struct options {
	struct sockaddr_storage listen[MAX_LISTEN];
	size_t listeners;
	const char *cert, *key, *stats;
	size_t threads;
};

static struct options options = {.threads = 1};
static SSL_CTX *context;

static void die(const char *what)
{
	fprintf(stderr, "sink: %s: %s\n", what, strerror(errno));
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* The stats are read by another process while they change. */
void sink_count(struct worker *w, enum counter c, uint64_t n)
{
	__atomic_fetch_add(&w->count[c], n, __ATOMIC_RELAXED);
}

bool sink_send(struct connection *c, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = c->ssl ? SSL_write(c->ssl, data, (int)size)
				   : send(c->fd, data, size, MSG_NOSIGNAL);
		if (n > 0) {
			data += n;
			size -= (size_t)n;
			continue;
		}
		if (c->ssl ? SSL_get_error(c->ssl, (int)n) != SSL_ERROR_WANT_WRITE
			   : errno != EAGAIN)
			return false;
		if (poll(&(struct pollfd){.fd = c->fd, .events = POLLOUT}, 1, 10000) != 1)
			return false;
	}
	return true;
}

bool sink_start_tls(struct connection *c)
{
	c->ssl = SSL_new(context);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1)
		return false;
	SSL_set_accept_state(c->ssl);
	return true;
}

/* --- events -------------------------------------------------------------------------------- */

static void finish(struct worker *w, struct connection *c)
{
	if (c->ssl) {
		if (c->state == LEAVING)
			SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
		ERR_clear_error();
	}
	close(c->fd);
	free(c);
	sink_count(w, OPEN, (uint64_t)-1);
}

/* 1: done; 0: more must come first; -1: failed */
static int handshake(struct worker *w, struct connection *c)
{
	int n = SSL_do_handshake(c->ssl), error;

	if (n == 1) {
		c->state = COMMAND;
		sink_count(w, SSL_session_reused(c->ssl) ? RESUMED : FULL, 1);
		return 1;
	}
	error = SSL_get_error(c->ssl, n);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return 0;
	sink_count(w, FAILED, 1);
	return -1;
}

/* Fills w->in. Positive: so much; 0: nothing for now; -1: the end */
static ssize_t receive(struct worker *w, struct connection *c)
{
	size_t used = 0;
	ssize_t n;

	if (!c->ssl) {
		n = recv(c->fd, w->in, sizeof w->in, 0);
		return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
	}
	while (used + SSL3_RT_MAX_PLAIN_LENGTH <= sizeof w->in) {
		n = SSL_read(c->ssl, w->in + used, (int)(sizeof w->in - used));
		if (n <= 0) {
			if (used > 0)
				break;
			return SSL_get_error(c->ssl, (int)n) == SSL_ERROR_WANT_READ ? 0 : -1;
		}
		used += (size_t)n;
		if (!SSL_has_pending(c->ssl))
			break;
	}
	return (ssize_t)used;
}

static void serve(struct worker *w, struct connection *c)
{
	ssize_t n;
	int done;

	for (;;) {
		if (c->state == HANDSHAKE) {
			done = handshake(w, c);
			if (done < 0)
				break;
			if (done == 0)
				return;
		}
		n = receive(w, c);
		if (n == 0)
			return;
		if (n < 0 || !talk_take(w, c, (size_t)n) || c->state == LEAVING)
			break;
		if (c->state != HANDSHAKE && !(c->ssl && SSL_has_pending(c->ssl)))
			return;
	}
	w->out_used = 0;
	finish(w, c);
}

static void welcome(struct worker *w, struct connection *listener)
{
	static const char greeting[] = "220 sink.b.example ESMTP\r\n";
	struct connection *c;
	int fd;

	while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		c = calloc(1, sizeof *c);
		if (!c)
			die("memory");
		c->fd = fd;
		sink_count(w, CONNECTIONS, 1);
		sink_count(w, OPEN, 1);
		if (send(fd, greeting, sizeof greeting - 1, MSG_NOSIGNAL) < 0 ||
			epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd,
				&(struct epoll_event){.events = EPOLLIN, .data.ptr = c}) != 0)
			finish(w, c);
	}
}

static void *work(void *argument)
{
	struct worker *w = argument;
	struct epoll_event events[EVENTS];
	struct connection *c;

	for (;;) {
		int n = epoll_wait(w->epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			c = events[i].data.ptr;
			if (c->listener)
				welcome(w, c);
			else
				serve(w, c);
		}
	}
	return NULL;
}

/* --- the beginning ------------------------------------------------------------------------- */

static void listen_at(struct worker *w, const struct sockaddr_storage *address)
{
	struct connection *c = calloc(1, sizeof *c);
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (!c || fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int));
	if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0 ||
		listen(fd, 4096) != 0)
		die("listen");
	c->fd = fd;
	c->listener = true;
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd,
		    &(struct epoll_event){.events = EPOLLIN, .data.ptr = c}) != 0)
		die("epoll_ctl");
}

static void add_address(char *text)
{
	char *colon = strrchr(text, ':');
	struct sockaddr_in *four = (void *)&options.listen[options.listeners];

	if (!colon || options.listeners == MAX_LISTEN)
		die("--listen takes ADDRESS:PORT");
	*colon = '\0';
	four->sin_family = AF_INET;
	four->sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, text, &four->sin_addr) != 1)
		die("--listen takes ADDRESS:PORT");
	options.listeners++;
}

static void prepare_context(void)
{
	context = SSL_CTX_new(TLS_server_method());
	if (!context || SSL_CTX_use_certificate_chain_file(context, options.cert) != 1 ||
		SSL_CTX_use_PrivateKey_file(context, options.key, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_set_session_id_context(context, (const unsigned char *)"sink", 4) != 1)
		die("certificate and key");
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_default_read_buffer_len(context, 64 * 1024);
	/* Tickets need no cache, and a cache would be a lock. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static uint64_t *map_counters(void)
{
	size_t size = MAX_THREADS * COUNTERS * sizeof(uint64_t);
	int fd = options.stats ? open(options.stats, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)
			       : -1;
	void *counters;

	if (options.stats && (fd < 0 || ftruncate(fd, (off_t)size) != 0))
		die(options.stats);
	counters = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
	if (counters == MAP_FAILED)
		die("mmap");
	return counters;
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {{"listen", required_argument, NULL, 'l'},
		{"cert", required_argument, NULL, 'c'}, {"key", required_argument, NULL, 'k'},
		{"threads", required_argument, NULL, 't'}, {"stats", required_argument, NULL, 's'},
		{"no-starttls", no_argument, NULL, 'n'}, {"no-pipelining", no_argument, NULL, 'p'},
		{0}};
	int o;

	while ((o = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		switch (o) {
		case 'l':
			add_address(optarg);
			break;
		case 'c':
			options.cert = optarg;
			break;
		case 'k':
			options.key = optarg;
			break;
		case 't':
			options.threads = strtoul(optarg, NULL, 10);
			break;
		case 's':
			options.stats = optarg;
			break;
		case 'n':
			offers.starttls = false;
			break;
		case 'p':
			offers.pipelining = false;
			break;
		default:
			exit(64);
		}
	}
	errno = EINVAL;
	if (options.listeners == 0 || options.threads < 1 || options.threads > MAX_THREADS ||
		(offers.starttls && (!options.cert || !options.key)))
		die("usage: sink --cert FILE --key FILE --listen ADDRESS:PORT ...");
}

int main(int argc, char **argv)
{
	struct rlimit files;
	uint64_t *counters;

	parse(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (offers.starttls)
		prepare_context();
	counters = map_counters();
	for (size_t i = 0; i < options.threads; i++) {
		struct worker *w = calloc(1, sizeof *w);
		pthread_t thread;

		if (!w || (w->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
			die("epoll");
		w->count = counters + i * COUNTERS;
		for (size_t j = 0; j < options.listeners; j++)
			listen_at(w, &options.listen[j]);
		if (pthread_create(&thread, NULL, work, w) != 0)
			die("thread");
	}
	puts("listening");
	fflush(stdout);
	for (;;)
		pause();
}
