/*
 * sessions: what servers gave to resume TLS sessions by (RFC 8446 2.2, RFC 5077), kept in memory
 * and nowhere else. OpenSSL checks neither names nor dates of a session that it resumes, so that is
 * done here: a session is only ever offered to the server, and under the very conditions, that it
 * was got under, and what is known of the server by the full handshake holds for at most an hour.
 * Where anything is doubtful nothing is offered, and the handshake is a full one.
 *
 * Threads may share a cache. It is locked once a handshake and once a ticket.
 */
#ifndef MAILSEAL_TLS_SESSIONS_H
#define MAILSEAL_TLS_SESSIONS_H

#include "shim/tls/tls.h"

#include <stdbool.h>
#include <stddef.h>

struct tls_sessions;

/* NULL without memory. It must outlive the connections that use it. */
struct tls_sessions *tls_sessions_new(void);
void tls_sessions_free(struct tls_sessions *sessions);
/* Forgets them all. */
void tls_sessions_clear(struct tls_sessions *sessions);

/* SHA-256 of all that must be the same. */
struct tls_session_key {
	unsigned char digest[32];
};

struct tls_resumption {
	struct tls_sessions *sessions;
	/*
	 * What tells apart what tls_new() does not know of: caller, server, configuration. The
	 * context, the names with `any_name`, the fingerprints and the servername are in the key
	 * anyway, and the address where it is compared with the certificate.
	 */
	const void *scope;
	size_t scope_length;
	bool verified;	 /* only sessions by which the server is verified will do */
	int min_version; /* no older sessions: a full handshake may yield a newer version */
};

/*
 * Between tls_new() and the handshake: offers a session if there is one, and keeps what the server
 * gives. It cannot fail; whatever stands in the way leads to a full handshake. *key: for
 * tls_sessions_forget().
 */
void tls_resume(
	struct tls *tls, const struct tls_resumption *resumption, struct tls_session_key *key);

/*
 * The handshake failed, or hangs: true if a session was offered in it, so that a full handshake on
 * a fresh connection may do better. The session is gone then with all of its key, and for ten
 * minutes none is kept in their place.
 */
bool tls_blame_resumption(struct tls *tls);

void tls_sessions_forget(struct tls_sessions *sessions, const struct tls_session_key *key);

#endif
