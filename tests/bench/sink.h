/*
 * sink: what the two halves of the benchmark's server share: sink.c (sockets, TLS, threads) and
 * talk.c (SMTP).
 */
#ifndef TESTS_BENCH_SINK_H
#define TESTS_BENCH_SINK_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { READ_SIZE = 128 * 1024, LINE_SIZE = 1024 };

/* What a worker counts, in the order of the file of counters. */
enum counter { CONNECTIONS, FULL, RESUMED, MESSAGES, BYTES, OPEN, FAILED, COUNTERS = 8 };

enum state { COMMAND, HANDSHAKE, CONTENT, LEAVING };

/* A thread's own; buffers are empty between two events. */
struct worker {
	int epoll;
	uint64_t *count;
	char in[READ_SIZE];
	char out[READ_SIZE];
	size_t out_used;
};

struct connection {
	int fd; /* of a listener if `listener` */
	bool listener;
	enum state state;
	SSL *ssl;
	unsigned matched; /* how much of CRLF.CRLF the content ended with so far */
	size_t line_used;
	char line[LINE_SIZE]; /* a command that is not complete yet */
};

struct offers {
	bool starttls, pipelining;
};
extern struct offers offers;

void sink_count(struct worker *w, enum counter c, uint64_t n);
bool sink_send(struct connection *c, const char *data, size_t size);
/* Makes c->ssl; the handshake is still to come. */
bool sink_start_tls(struct connection *c);

/* Takes the first `size` bytes of w->in and answers them. false: the connection has to end. */
bool talk_take(struct worker *w, struct connection *c, size_t size);

#endif
