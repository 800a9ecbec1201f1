/*
 * wire: one connection to a server, with TLS once it stands. Every call is over by the deadline.
 * A preloaded libmailseal.so does not see it: the command would meet mailseal, not the server.
 */
#ifndef MAILSEAL_TOOLS_PROBE_WIRE_H
#define MAILSEAL_TOOLS_PROBE_WIRE_H

#include "shim/base/buf.h"
#include "shim/tls/tls.h"
#include "tools/probe/target.h"

#include <stdbool.h>

struct wire {
	int fd; /* -1: none */
	struct tls *tls;
	const struct address_of *to;
	char own[80];	    /* our address as EHLO names it: "[192.0.2.1]" (RFC 5321 4.1.3) */
	long long deadline; /* ms, by wire_now() */
};

long long wire_now(void);

/* 0 or -errno with err; -ETIMEDOUT where there is no answer by `until`. */
int wire_connect(struct wire *wire, const struct address_of *to, long long until, struct err *err);

/* Closes it, and connects again to the same. */
int wire_again(struct wire *wire, struct err *err);

/* Appends to `to`. Octets, 0 at the end, -EAGAIN where none came by `until`, other -errno with err.
 */
ssize_t wire_read(struct wire *wire, struct buf *to, long long until, struct err *err);

/* Sends all of it, and empties it. 0 or -errno with err. */
int wire_write(struct wire *wire, struct buf *from, long long until, struct err *err);

/* Has the server said something that was not read? */
bool wire_has_residue(const struct wire *wire);

/* As tls_handshake(); -ETIMEDOUT where it is not over by `until`. Of wire->tls. */
int wire_handshake(struct wire *wire, long long until, struct err *err);

/* Says goodbye on TLS and TCP, and waits a moment for the server to do so, so that nothing is reset
 * on its way. */
void wire_leave(struct wire *wire);

void wire_close(struct wire *wire);

#endif
