/*
 * peer: one accepted connection, in the clear or inside TLS, with every byte recorded.
 * Blocking, one process a connection; reads give up after the time limit.
 */
#ifndef TESTS_HOSTILE_PEER_H
#define TESTS_HOSTILE_PEER_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <sys/types.h>

struct peer {
	int fd;
	SSL *ssl; /* NULL in the clear */
	char in[16384];
	size_t start, end; /* what of `in` is unread */
	int offers;	   /* a session, in the hello */
};

struct peer_tls {
	const char *pki; /* directory of NAME.pem and NAME.key */
	const char *cert;
	const char *min, *max; /* "1.0" to "1.3" */
	const char *ciphers;   /* or NULL */
	const char *ciphersuites;
	const char *client; /* NAME.pem: who must have signed what the client shows; or NULL */
	unsigned long ticket_key, tickets, ticket_padding;
	const char
		*offered; /* what becomes of a hello that offers a session; NULL: it is resumed */
};

void peer_init(struct peer *p, int fd, int limit_seconds);

/* 0, or -1 if the client is gone. */
int peer_send(struct peer *p, const void *bytes, size_t len);

/*
 * One line up to LF (or what fits), without its line end, NUL-terminated; NULs inside become '?'.
 * Length, 0 at the end of the stream, -1 on error or when time is up. An empty line has length 1
 * and is "".
 */
ssize_t peer_line(struct peer *p, char *line, size_t size);

/* Unrecorded content, at most `size`; 0 at the end, -1 on error. */
ssize_t peer_read(struct peer *p, char *bytes, size_t size);

/* Reads at least `want` bytes, or everything with want 0, recorded. 0, or -1 at the end. */
int peer_swallow(struct peer *p, size_t want);

/* The handshake. 0, or -1 with a note in the transcript. */
int peer_starttls(struct peer *p, const struct peer_tls *tls);

/* Waits until the client closed, reading nothing before that. */
void peer_stall(struct peer *p);

/* Ends the connection politely and records what still comes, at most a second of it. */
void peer_close(struct peer *p);
/* Ends it with a FIN alone, or with a reset. */
void peer_cut(struct peer *p, int reset);

#endif
