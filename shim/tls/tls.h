/*
 * tls: everything that touches OpenSSL. It makes client contexts, drives the handshake on a
 * non-blocking socket, and records facts about the peer. It never decides: a bad certificate does
 * not end the handshake, it is noted, and policy judges afterwards. It never reads SSL_CERT_FILE or
 * SSL_CERT_DIR.
 */
#ifndef MAILSEAL_TLS_H
#define MAILSEAL_TLS_H

#include "shim/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#define TLS_RECORD_MAX 16384 /* RFC 8446 5.1: the most bytes that are written at once */

struct tls_context;
struct tls;

struct tls_settings {
	const char *ca_file;		/* PEM; NULL: the system's hashed CA directory */
	int min_version;		/* 10, 11, 12, 13 for TLS 1.0 … 1.3 */
	const char *client_certificate; /* PEM chain to show when the server asks, or NULL */
	const char *client_key;	  /* PEM, without a passphrase; with client_certificate only */
	const char *ciphers;	  /* ciphers(1) list for TLS up to 1.2, or NULL */
	const char *ciphersuites; /* list for TLS 1.3, or NULL */
};

/*
 * A context to be shared by connections with equal settings. It reads every file that is named.
 * 0, or -errno with err, which begins with the name of the setting at fault and a colon:
 * "client_key: /etc/mailseal.key: ...".
 */
int tls_context_new(
	struct tls_context **context, const struct tls_settings *settings, struct err *err);
/* One more user: tls_context_free() is then due once more. Connections hold theirs by themselves.
 */
void tls_context_hold(struct tls_context *context);
void tls_context_free(struct tls_context *context);

/* Whether tls_context_new() would take these settings. 0 or -errno with err, as there. */
int tls_settings_check(const struct tls_settings *settings, struct err *err);

/*
 * What is wrong today with the dates of the certificates in a PEM file, of the first that has a
 * fault: "expired 2026-01-02", "not valid before 2027-01-01", with "authority's certificate "
 * before it where it is not the first of the file; "" where there is none, or the file cannot be
 * read.
 */
void tls_certificate_dates(const char *file, char *out, size_t size);

struct tls_identity {
	const char *servername; /* SNI; NULL or an address: none is sent (RFC 6066 3) */
	const char *const
		*names; /* reference identities (RFC 9525: SAN only); all of them must match */
	unsigned name_count;
	bool any_name; /* one of the names is enough (an administrator's `match` list) */
	/*
	 * SHA-256 of the certificate or of its public key (SubjectPublicKeyInfo, RFC 7469 2.4), as
	 * 64 lower case hexadecimal digits; NULL-terminated, or NULL. Where given, they alone
	 * decide: neither chain nor dates nor names count.
	 */
	const char *const *fingerprints;
	const struct sockaddr *address; /* compared with iPAddress SANs where name_count is 0 */
};

struct tls_facts {
	int version;	   /* 10 … 13 */
	char protocol[16]; /* "TLSv1.3" */
	char cipher[64];
	bool verified;	  /* chain and every name, or a fingerprint */
	char reason[256]; /* why not verified, in words that name the certificate's fault: "expired
			     2026-01-02", "self-signed certificate", "name mismatch: certificate is
			     for a.example, b.example", "" */
	bool resumed;	  /* verified and reason are those of the full handshake it descends from */
};

/* A connection on `fd` (non-blocking, stays the caller's). Strings of `identity` are copied. 0 or
 * -errno with err. */
int tls_new(struct tls **tls, struct tls_context *context, int fd,
	const struct tls_identity *identity, struct err *err);

/* Frees without sending anything. */
void tls_free(struct tls *tls);

/*
 * The calls below return -EAGAIN with *want set to POLLIN or POLLOUT (poll(2)) where the socket is
 * not ready. tls_handshake: 0 when done; -EPROTO with err (peer's alert, garbage, no common version
 * …). -EBADMSG: cleartext came after ClientHello (residue after the 220 to STARTTLS): an attack,
 * never to be followed by a fallback.
 */
int tls_handshake(struct tls *tls, short *want, struct err *err);

/* Bytes read, 0 at close_notify, -ECONNRESET at EOF without close_notify, -EPROTO. */
ssize_t tls_read(struct tls *tls, void *bytes, size_t size, short *want, struct err *err);

/* True if decrypted or half-read bytes wait inside, so that poll() would not tell. */
bool tls_pending(const struct tls *tls);

/* Bytes written (may be fewer than size). After -EAGAIN the next call may give a moved or longer
 * buffer with the same first bytes. */
ssize_t tls_write(struct tls *tls, const void *bytes, size_t size, short *want, struct err *err);

/*
 * Whoever waits for events of the socket edge-triggered says when there was one: then a read that
 * got all there was is not tried again before the next. `ended`: the server's end was among what
 * came, now or before, and may stand behind any byte. Never called: each read asks the kernel.
 */
void tls_arrived(struct tls *tls, bool ended);

/*
 * What is written next is followed at once by more, by tls_flush(), or by the end of the
 * connection, and need not be sent before. The last message of the handshake may also wait for
 * that.
 */
void tls_more(struct tls *tls, bool more);
void tls_flush(struct tls *tls);

/* Sends close_notify if it can do so without waiting, together with the end of our direction or
 * tls_flush(). Never fails. */
void tls_close_notify(struct tls *tls);

/* Valid after the handshake. */
const struct tls_facts *tls_facts(const struct tls *tls);

#endif
