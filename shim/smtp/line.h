/*
 * line: finds lines in received bytes (RFC 5321 2.3.8), and makes text fit to be shown.
 */
#ifndef MAILSEAL_SMTP_LINE_H
#define MAILSEAL_SMTP_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct line {
	const char *text; /* into the scanned bytes, not terminated */
	size_t length;	  /* without the line end */
	size_t octets;	  /* with the line end */
	bool crlf;	  /* ended by CRLF, not by a bare LF */
};

enum line_state { LINE_PARTIAL, LINE_WHOLE, LINE_TOO_LONG };

/* The first line of `bytes`. It is too long when it is not over within `limit` octets, the line end
 * counted. */
enum line_state line_scan(const char *bytes, size_t n, size_t limit, struct line *line);

/* True if every octet may stand in a command: no control characters but TAB, so no bare CR and no
 * NUL. */
bool line_is_clean(const struct line *line);

/*
 * Copies at most size - 1 octets as one line that cannot end early: control characters become '?'.
 * With `ascii`, so do octets beyond 126. Always terminated; returns the length.
 */
size_t line_sanitize(char *out, size_t size, const char *text, size_t n, bool ascii);

#endif
