/*
 * What the files of shim/tls/ share among themselves. Nobody else includes this.
 */
#ifndef MAILSEAL_TLS_INTERNAL_H
#define MAILSEAL_TLS_INTERNAL_H

#include "shim/tls/sessions.h"
#include "shim/tls/tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>

struct tls_context {
	atomic_uint users; /* the owner and each connection */
	uint64_t serial;   /* no other of this process ever had it */
	SSL_CTX *ssl;
	BIO_METHOD *wire;
};

/* What the wire saw where the server's first TLS record should have been. */
enum wire_residue { RESIDUE_NONE, RESIDUE_CLEARTEXT, RESIDUE_GARBAGE };

/* State of one connection's BIO: non-blocking socket calls, the first of them preceded by a look
 * for residue. */
struct wire {
	int fd;
	bool looked;
	enum wire_residue residue;
	int error;    /* errno of the last failed call, 0 for EOF */
	bool watched; /* tls_arrived() is called */
	bool ended;
	bool dry;	  /* there is nothing to read before the next event */
	bool more;	  /* what is written need not be sent yet */
	bool kept;	  /* and such a thing was written last */
	bool bounded;	  /* the handshake is over: octets that yield no data are counted */
	size_t fruitless; /* octets read since data came out last */
};

/* A record of the largest size (RFC 8446 5.2) and some session tickets fit; a flood of records
 * without data does not. */
#define FRUITLESS_MAX 40000

/* The first fault that OpenSSL found in the chain. */
struct chain_fault {
	int code; /* X509_V_ERR_…, X509_V_OK if none */
	int depth;
	char words[160]; /* "expired 2026-01-02" */
};

#define FINGERPRINT_SIZE 32 /* SHA-256 */

/* The full handshake that a session descends from, whatever was resumed in between. */
struct origin {
	int64_t born;	     /* boot clock, seconds */
	int64_t from, until; /* when the whole chain is valid, seconds of the epoch */
	size_t octets;	     /* of the certificates, which each session holds */
	bool keep;	     /* fit for resumption at all */
};

/* A session, and what is known of the server by its origin. */
struct kept {
	SSL_SESSION *session; /* owned; NULL: none */
	struct origin origin;
	bool verified;
	char *reason;  /* owned; NULL: "" */
	int64_t since; /* boot clock: when the server gave it */
	size_t octets; /* that it takes, roughly */
};

struct resumption {
	struct tls_sessions *sessions; /* NULL: nothing is kept */
	struct tls_session_key key;
	struct kept offered;  /* until the handshake is over */
	struct origin origin; /* since then */
	unsigned tickets;     /* that the server gave */
};

struct tls {
	struct tls_context *context;
	SSL *ssl;
	struct wire wire;
	char *servername;
	char **names;
	unsigned name_count;
	bool any_name;
	unsigned char (*fingerprints)[FINGERPRINT_SIZE];
	size_t fingerprint_count;	 /* 0: chain and names decide */
	struct sockaddr_storage address; /* ss_family AF_UNSPEC: none */
	struct chain_fault fault;
	struct resumption resumption;
	struct tls_facts facts;
	bool up;     /* handshake done */
	bool broken; /* a fatal error: nothing may be sent or read any more, no close_notify either
		      */
	bool unfinished; /* a record of ours is not written whole */
	bool cut;	 /* writing failed; what the server had sent before can still be read */
};

/* wire.c */
BIO_METHOD *wire_method_new(void);
BIO *wire_bio_new(BIO_METHOD *method, struct wire *wire);
void wire_flush(struct wire *wire);
/* What `n` bytes at the place of the server's first record are. Pure. */
enum wire_residue wire_classify(const unsigned char *bytes, size_t n);

/* reasons.c: what OPENSSL_init_ssl() is told about them, and the words for an error; NULL: none. */
uint64_t reasons_declined(const struct tls_settings *settings);
const char *reason_words(unsigned long error);

/* rehearse.c: while there is nothing to do but wait. */
void rehearse(void);

/* client.c: 0 or -errno with err, which begins with the setting at fault. */
int client_show_certificate(SSL_CTX *ssl, const struct tls_settings *settings, struct err *err);
int client_offer(SSL_CTX *ssl, const struct tls_settings *settings, struct err *err);

/* fingerprint.c: 0, -ENOMEM, or -EINVAL for what is no fingerprint. */
int fingerprints_copy(struct tls *tls, const char *const *list);
/* Says in tls->facts.reason what does not match. */
bool fingerprints_match(struct tls *tls, X509 *cert);

/* facts.c */
/* "2026-01-02" */
void date_words(const ASN1_TIME *t, char *out, size_t size);
/* Appends as much of `n` bytes as fits; what is not plain becomes '?'. */
void facts_add_text(char *out, size_t size, const char *bytes, size_t n);
int facts_verify_callback(int ok, X509_STORE_CTX *store);
void facts_record(struct tls *tls);
/* Chain and dates apart. Says in tls->facts.reason what does not match. */
bool facts_names_match(struct tls *tls, X509 *cert);

/* peer.c: 0 or -ENOMEM; peer_certificate_clear() is due after either. */
struct tls_certificate;
int peer_certificate(X509 *cert, struct tls_certificate *certificate);
void peer_certificate_clear(struct tls_certificate *certificate);

/* sessions.c: seconds by two clocks; a test has its own. */
struct moment {
	int64_t boot; /* since the machine started, sleep included: nobody sets it */
	int64_t wall; /* of the epoch */
};
void sessions_now(const struct tls_sessions *sessions, struct moment *now);
void sessions_set_clock(struct tls_sessions *sessions, void (*clock)(struct moment *now));
/* The newest of that key is taken out and given to the caller. False if there is none. */
bool sessions_take(
	struct tls_sessions *sessions, const struct tls_session_key *key, struct kept *kept);
/* Takes over what *kept owns, also where it does not keep it. */
void sessions_put(
	struct tls_sessions *sessions, const struct tls_session_key *key, struct kept *kept);
/* Forgets those of that key, and keeps none for a while. */
void sessions_ban(struct tls_sessions *sessions, const struct tls_session_key *key);
void kept_clear(struct kept *kept);

/* resume.c */
void resume_set_up(SSL_CTX *ssl);
/* The handshake is over. True if it was a resumption: the facts are then those of its origin. */
bool resume_facts(struct tls *tls);
/* The facts are recorded: notes what later tickets descend from, keeps what came already. */
void resume_settle(struct tls *tls);
/* The server broke the protocol: what it gave to resume by goes, if the handshake was over. */
void resume_forget(struct tls *tls);
void resume_clear(struct tls *tls);

/* error.c: the one place that translates OpenSSL's errors. `result` is what the SSL_ call returned.
 */
int tls_error(struct tls *tls, int result, short *want, struct err *err);
/* The newest entry of the error queue in words. */
void tls_error_words(char *out, size_t size);

#endif
