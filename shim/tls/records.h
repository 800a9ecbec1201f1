/*
 * records: the shape of TLS on the wire, where the keys are somebody else's. Nothing is decrypted:
 * what is no record is told from what is one, and how the two hellos begin, which no key hides.
 */
#ifndef MAILSEAL_TLS_RECORDS_H
#define MAILSEAL_TLS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

/* One direction of a connection, record after record. Zeroed before the first octet. */
struct records {
	unsigned char header[5];
	unsigned got; /* octets of the header */
	size_t left;  /* octets of the record behind it */
};

/* The next octets. False where they leave the framing of records (RFC 8446 5.1, RFC 5246 6.2.1). */
bool records_pass(struct records *records, const char *bytes, size_t n);

enum hello {
	HELLO_PARTIAL, /* so far it may become one */
	HELLO_SEEN,
	HELLO_DENIED, /* an alert that ends the connection, in place of the server's */
	HELLO_BARE,   /* the server chose a cipher that encrypts nothing */
	HELLO_NONE,   /* whatever it is, it is no TLS */
};

/* The first octets of a client: a ClientHello is seen by its record's header and its own type. */
enum hello records_client_hello(const char *bytes, size_t n);

/*
 * The first octets of a server: its ServerHello whole, with warnings before it or not. *version:
 * 10 to 13 for TLS 1.0 to 1.3, or 0 where it cannot be told. *end: octets up to the end of the
 * alert that denies.
 */
enum hello records_server_hello(const char *bytes, size_t n, int *version, size_t *end);

#endif
