/*
 * load: what the benchmark's clients have in common: options, threads, the SMTP dialogue, and the
 * report.
 *
 * A client is this and a transport, which says how a connection's bytes travel: plain.c or
 * native.c. Everything blocks. What goes wrong ends the program with a message and status 1: a
 * figure of a run with errors is none.
 */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct load_options {
	const char *host, *port, *name; /* name: whom the certificate must be for; default host */
	const char *ca_dir, *ca_file;
	unsigned long messages, sessions, size, hold;
	bool keep, pipelining, resume, plain;
};

struct load_connection {
	int fd;
	void *tls; /* the transport's own */
	bool offers_pipelining, offers_starttls;
	size_t used, start;
	char in[8192];
};

struct load_transport {
	/* Once, before any thread: what all connections share. May be NULL. */
	void (*prepare)(const struct load_options *o);
	/* After 220 to STARTTLS. NULL: this client speaks no TLS. Thread-local state is the
	 * transport's. */
	void (*start_tls)(struct load_connection *c);
	ssize_t (*read)(struct load_connection *c, void *data, size_t size);
	ssize_t (*write)(struct load_connection *c, const void *data, size_t size);
	/* After the reply to QUIT. */
	void (*close)(struct load_connection *c);
	/* Handshakes so far, and how many of them resumed a session. May be NULL. */
	void (*count)(unsigned long *handshakes, unsigned long *resumed);
};

int load_main(int argc, char **argv, const struct load_transport *transport);
_Noreturn void load_die(const char *what);

#endif
