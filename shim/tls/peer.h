/*
 * peer: what a handshake showed of the server beyond what is judged: keys, signatures, its
 * certificates. For people who want to know, and for nobody who decides. Text from certificates is
 * a stranger's: only printable ASCII of it is passed on, and not without end.
 */
#ifndef MAILSEAL_TLS_PEER_H
#define MAILSEAL_TLS_PEER_H

#include "shim/tls/tls.h"

#define TLS_PEER_NAMES 100 /* of one certificate */

struct tls_certificate {
	char *subject, *issuer;	  /* as RFC 4514 writes them, cut */
	char from[24], until[24]; /* "2026-01-02T03:04:05Z"; "" where the date cannot be read */
	int days_left;	    /* whole days until it expires; negative: expired, or nobody knows */
	bool started;	    /* `from` is past */
	char key[64];	    /* "RSA 2048 bits", "EC prime256v1 256 bits" */
	char signature[64]; /* of whoever issued it: "ecdsa-with-SHA256" */
	char sha256[65], public_key[65];     /* fingerprints, as the setting writes them */
	char **names;			     /* DNS names and addresses of the subjectAltName */
	unsigned name_count, names_in_total; /* the first TLS_PEER_NAMES of all */
	bool sent; /* by the server; false: it is of the authorities here */
	bool used; /* the server was verified by it, among others */
};

/* Zeroed before the first use. */
struct tls_peer {
	char key_exchange[64];	       /* "x25519", "DH 2048 bits", "RSA (no forward secrecy)" */
	char signature[64];	       /* over the handshake: "RSA-PSS with SHA256"; "" for none */
	struct tls_certificate *chain; /* as sent, then those of the authorities that were used */
	unsigned count;
};

/* After a full handshake. 0 or -ENOMEM; tls_peer_clear() is due after either. */
int tls_peer_read(const struct tls *tls, struct tls_peer *peer);
void tls_peer_clear(struct tls_peer *peer);

/* How often the server gave something to resume by that was fit to be kept, up to now. */
unsigned tls_tickets(const struct tls *tls);

/* The directory of the authorities that count where no ca_file is named. Static. */
const char *tls_authorities(void);

#endif
