/*
 * content: the octets between 354 and the final dot (RFC 5321 4.1.1.4, 4.5.2).
 * It finds the end of the data at CRLF.CRLF only, passes everything else through unchanged, and
 * reports a lone-dot line that touches a bare CR or LF: what other software might take for the end
 * (SMTP smuggling). No octet of a doubtful line end is passed on before it is clear.
 */
#ifndef MAILSEAL_SMTP_CONTENT_H
#define MAILSEAL_SMTP_CONTENT_H

#include "shim/base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum content_at {
	CONTENT_LINE_START,  /* after CRLF, or at the very start */
	CONTENT_LOOSE_START, /* after a bare CR or a bare LF */
	CONTENT_IN_LINE,
	CONTENT_CR,	   /* a CR was read and held back */
	CONTENT_DOT,	   /* CRLF, dot: held back */
	CONTENT_LOOSE_DOT, /* bare CR or LF, dot: held back */
	CONTENT_DOT_CR,
	CONTENT_LOOSE_DOT_CR,
};

struct content {
	enum content_at at;
	bool lf_client; /* a bare LF is a line end and becomes CRLF */
};

enum content_state {
	CONTENT_MORE,	   /* all of it taken, or no more room */
	CONTENT_END,	   /* the final dot was read; its line was appended */
	CONTENT_SMUGGLING, /* nothing of the doubtful line was appended */
};

void content_begin(struct content *content, bool lf_client);

/*
 * How many of the next octets pass unchanged, so that the caller may move them in one piece. They
 * count as taken. 0 where the next one needs content_pass().
 */
size_t content_run(struct content *content, const char *bytes, size_t n);

/* Takes octets from `bytes` while `out` has room for them; *taken says how many. */
enum content_state content_pass(
	struct content *content, const char *bytes, size_t n, size_t *taken, struct buf *out);

#endif
