#include "shim/tls/records.h"

#include <string.h>

#define HEADER 5
#define RECORD_MOST (16384 + 2048) /* RFC 5246 6.2.3; TLS 1.3 allows less */
#define ALERT 21
#define HANDSHAKE 22
#define CLIENT_HELLO 1
#define SERVER_HELLO 2
#define WARNING 1
#define FATAL 2
#define SUPPORTED_VERSIONS 43 /* RFC 8446 4.2.1 */

/* Change of cipher, alert, handshake, data, heartbeat. None of them begins a word of SMTP. */
static bool is_type(unsigned char c)
{
	return c >= 20 && c <= 24;
}

static size_t number(const unsigned char *p, unsigned octets)
{
	size_t value = 0;

	while (octets--)
		value = value << 8 | *p++;
	return value;
}

/* As far as it goes: can this become the header of a record? */
static bool header_fits(const unsigned char *h, size_t n)
{
	if (n > 0 && !is_type(h[0]))
		return false;
	if (n > 1 && h[1] != 3)
		return false;
	if (n > 2 && h[2] > 4)
		return false;
	return n < HEADER || number(h + 3, 2) <= RECORD_MOST;
}

bool records_pass(struct records *r, const char *bytes, size_t n)
{
	while (n > 0) {
		size_t skip = r->left < n ? r->left : n;

		r->left -= skip;
		bytes += skip;
		n -= skip;
		if (n == 0)
			break;
		r->header[r->got++] = (unsigned char)*bytes++;
		n--;
		if (!header_fits(r->header, r->got))
			return false;
		if (r->got == HEADER) {
			r->left = number(r->header + 3, 2);
			r->got = 0;
		}
	}
	return true;
}

enum hello records_client_hello(const char *bytes, size_t n)
{
	const unsigned char *p = (const unsigned char *)bytes;

	if (!header_fits(p, n < HEADER ? n : HEADER) || (n > 0 && p[0] != HANDSHAKE))
		return HELLO_NONE;
	if (n <= HEADER)
		return HELLO_PARTIAL;
	return p[HEADER] == CLIENT_HELLO && number(p + 3, 2) > 4 ? HELLO_SEEN : HELLO_NONE;
}

/* 3.1 to 3.4 on the wire are TLS 1.0 to 1.3. */
static int version_of(const unsigned char *p)
{
	return p[0] == 3 && p[1] >= 1 && p[1] <= 4 ? 9 + p[1] : 0;
}

/* Those of IANA's registry whose name says WITH_NULL, and the two of RFC 9150. */
static bool encrypts_nothing(size_t cipher)
{
	static const unsigned short ciphers[] = {0x0000, 0x0001, 0x0002, 0x002c, 0x002d, 0x002e,
		0x003b, 0x00b0, 0x00b1, 0x00b4, 0x00b5, 0x00b8, 0x00b9, 0xc001, 0xc006, 0xc00b,
		0xc010, 0xc015, 0xc039, 0xc03a, 0xc03b, 0xc0b4, 0xc0b5};

	for (size_t i = 0; i < sizeof(ciphers) / sizeof(*ciphers); i++) {
		if (ciphers[i] == cipher)
			return true;
	}
	return false;
}

/* The extension that tells the version, in what stands between p and its end; else `version`. */
static int extended_version(const unsigned char *p, size_t n, int version)
{
	while (n > 0) {
		size_t length;

		if (n < 4 || (length = number(p + 2, 2)) > n - 4)
			return 0;
		if (number(p, 2) == SUPPORTED_VERSIONS)
			return length == 2 ? version_of(p + 4) : 0;
		p += 4 + length;
		n -= 4 + length;
	}
	return version;
}

/*
 * A whole ServerHello without its header (RFC 8446 4.1.3): version, random, session, cipher,
 * compression, and extensions or none.
 */
static enum hello read_server_hello(const unsigned char *p, size_t n, int *version)
{
	size_t at = 2 + 32;

	if (n < at + 1 || n < at + 1 + p[at] + 3)
		return HELLO_NONE;
	at += 1 + (size_t)p[at];
	if (encrypts_nothing(number(p + at, 2)))
		return HELLO_BARE;
	at += 3;
	if (at == n)
		*version = version_of(p);
	else if (n - at >= 2 && number(p + at, 2) == n - at - 2)
		*version = extended_version(p + at + 2, n - at - 2, version_of(p));
	return HELLO_SEEN;
}

/* The record at p is a handshake's. Nobody sane cuts its first message in pieces, which would hide
 * it from us. */
static enum hello take_server_hello(const unsigned char *p, size_t n, int *version)
{
	size_t record = number(p + 3, 2), message;

	*version = 0;
	if (n <= HEADER)
		return HELLO_PARTIAL;
	if (p[HEADER] != SERVER_HELLO)
		return HELLO_NONE;
	if (record < 4)
		return HELLO_NONE;
	if (n < HEADER + 4)
		return HELLO_PARTIAL;
	message = number(p + HEADER + 1, 3);
	if (message > record - 4)
		return HELLO_NONE;
	if (n < HEADER + 4 + message)
		return HELLO_PARTIAL;
	return read_server_hello(p + HEADER + 4, message, version);
}

enum hello records_server_hello(const char *bytes, size_t n, int *version, size_t *end)
{
	const unsigned char *p = (const unsigned char *)bytes;
	size_t length;

	*version = 0;
	*end = n;
	for (;;) {
		if (!header_fits(p, n < HEADER ? n : HEADER))
			return HELLO_NONE;
		if (n > 0 && p[0] != HANDSHAKE && p[0] != ALERT)
			return HELLO_NONE;
		if (n < HEADER)
			return HELLO_PARTIAL;
		if (p[0] == HANDSHAKE)
			return take_server_hello(p, n, version);
		length = number(p + 3, 2);
		if (length != 2)
			return HELLO_NONE;
		if (n < HEADER + 2)
			return HELLO_PARTIAL;
		if (p[HEADER] == FATAL) {
			*end = (size_t)(p + HEADER + 2 - (const unsigned char *)bytes);
			return HELLO_DENIED;
		}
		if (p[HEADER] != WARNING)
			return HELLO_NONE;
		p += HEADER + 2; /* Java servers warn of a name, for example */
		n -= HEADER + 2;
	}
}
