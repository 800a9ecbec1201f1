/*
 * header: reads the fields that override policy out of a message's header, and takes them out of it
 * (RFC 5322 2.2, 3.6.8). Everything else passes octet for octet.
 *
 *   Mailseal-Require-TLS: yes | no | true | false          any case, folded lines, blanks around it
 *   Mailseal-Verify-Certificate: yes | no | true | false
 *
 * It works on content as content_pass() yields it: lines end in CRLF, dots are stuffed. A field
 * that says something else, or says it in a doubtful way (no colon, a comment), counts as "yes"; of
 * several the strictest counts. A header that is not well-formed (a line that is no field, a line
 * of blanks only, a line with a stuffed dot, a bare CR or LF, NUL) never says "no". The line `From
 * ` of a mailbox file may stand first.
 *
 * A field of ours is removed up to its CRLF, with its continuation lines. Behind a bare CR or LF,
 * which is a line break for some readers only, it counts as "yes" and stays, unless it stands
 * inside a field that is removed.
 */
#ifndef MAILSEAL_SMTP_HEADER_H
#define MAILSEAL_SMTP_HEADER_H

#include "config/policy.h"
#include "shim/base/buf.h"
#include "shim/smtp/header_field.h"

#include <stdbool.h>
#include <stddef.h>

#define HEADER_HELD 64

/* Where in a line the next octet stands. */
enum header_at {
	HEADER_AT_START,	/* after CRLF, or at the very start */
	HEADER_AT_LOOSE_START,	/* after a bare CR or LF */
	HEADER_AT_CANDIDATE,	/* `held` may become a name of ours */
	HEADER_AT_NAME,		/* a name of somebody else's */
	HEADER_AT_COLON,	/* behind a name: blanks, or the colon */
	HEADER_AT_CONTINUATION, /* blanks at the start of a line */
	HEADER_AT_TEXT,
	HEADER_AT_CR,
	HEADER_AT_BLANK_CR, /* the first octet of the line was CR */
	HEADER_AT_OVER,	    /* what follows is no header */
};

/* On the owner's stack or inside its struct; nothing to free. */
struct header {
	char held[HEADER_HELD]; /* the start of a line that may be a field of ours */
	size_t held_length;
	enum header_at at;
	bool releasing; /* `held` goes to the output first */
	bool later;	/* this is not the first line */
	bool loose;	/* `held` stands behind a bare CR or LF */
	bool malformed;
	bool whole;
	struct header_fields fields; /* an open one is being removed */
};

enum header_state {
	HEADER_MORE, /* all of it taken, or no more room */
	HEADER_END,  /* the blank line was taken and appended; what follows is the body */
};

/* Ready for the first octet of a message. */
void header_begin(struct header *header);

/*
 * Takes octets from `bytes` while `out` has room for them; *taken says how many. What may still
 * turn out to be a field of ours is held back until that is clear (less than 64 octets). 0 or more
 * octets are appended to `out`. Without memory it takes nothing more. After HEADER_END it must not
 * be called again. Who stops listening at some bound may still go on calling it, so that the rest
 * of a field does not stay behind.
 */
enum header_state header_pass(
	struct header *header, const char *bytes, size_t n, size_t *taken, struct buf *out);

/*
 * The message ended before the blank line did come: what was held back is settled and appended.
 * `out` needs room for 64 octets. 0 or -ENOBUFS, -ENOMEM; then nothing changed. Behind it
 * header_pass() passes all.
 */
int header_finish(struct header *header, struct buf *out);

/*
 * What the fields read so far say; one that is not over says "yes". FIELD_NO only if `whole`: the
 * blank line was seen (HEADER_END) and the header is well-formed.
 */
void header_overrides(const struct header *header, struct overrides *overrides);

/* Words for the log about what was doubtful ("Mailseal-Require-TLS is given more than once"), or ""
 * (static text). Never text of the message. */
const char *header_remark(const struct header *header);

#endif
