/*
 * reply: reads server replies (RFC 5321 4.2) and rewrites those to EHLO.
 */
#ifndef MAILSEAL_SMTP_REPLY_H
#define MAILSEAL_SMTP_REPLY_H

#include "shim/base/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define REPLY_LINE_MAX 4096	 /* octets with CRLF; RFC 5321 4.5.3.1.5 asks for 512 */
#define REPLY_334_LINE_MAX 12288 /* RFC 4954 4 */
#define REPLY_MAX 16384		 /* octets of a reply, all continuation lines counted */
#define REPLY_TEXT_SIZE 256

struct reply {
	int code;      /* 200 … 599 */
	size_t octets; /* of all its lines as received */
	unsigned lines;
};

enum reply_state { REPLY_PARTIAL, REPLY_WHOLE, REPLY_MALFORMED };

/* The first reply of `bytes`. For REPLY_MALFORMED *why says what is wrong (static text). */
enum reply_state reply_parse(const char *bytes, size_t n, struct reply *reply, const char **why);

/* Appends the reply with clean lines: CRLF at the end, no control characters. `bytes` is what
 * reply_parse() accepted. -ENOBUFS, -ENOMEM. */
int reply_copy(const char *bytes, const struct reply *reply, struct buf *out);

/* The first line in one piece, without the code; for log and texts. */
void reply_text(const char *bytes, char *out, size_t size);

/* Does this 250 to EHLO offer the keyword? */
bool ehlo_offers(const char *bytes, const struct reply *reply, const char *keyword);

/*
 * Appends the 250 to EHLO as the application may see it: only known keywords that this relay can
 * honour, AUTH without mechanisms bound to a TLS channel (-PLUS: RFC 5802 6). With `single`, only
 * its first line (for HELO). `more`: a keyword to show beside those, or NULL.
 */
int ehlo_copy(const char *bytes, const struct reply *reply, bool single, const char *more,
	struct buf *out);

#endif
