#include "shim/smtp/reply.h"

#include "shim/smtp/line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The code of a reply line, or 0. */
static int line_code(const struct line *line)
{
	const char *t = line->text;

	if (line->length < 3 || t[0] < '2' || t[0] > '5' || !is_digit(t[1]) || !is_digit(t[2]))
		return 0;
	if (line->length > 3 && t[3] != ' ' && t[3] != '-')
		return 0;
	return (t[0] - '0') * 100 + (t[1] - '0') * 10 + (t[2] - '0');
}

static size_t line_limit(const char *bytes, size_t n)
{
	return n >= 3 && memcmp(bytes, "334", 3) == 0 ? REPLY_334_LINE_MAX : REPLY_LINE_MAX;
}

/* A line that is not over yet, but can already not become a reply. */
static bool hopeless(const char *bytes, size_t n)
{
	return (n > 0 && (bytes[0] < '2' || bytes[0] > '5')) || (n > 1 && !is_digit(bytes[1])) ||
	       (n > 2 && !is_digit(bytes[2]));
}

static enum reply_state malformed(const char **why, const char *text)
{
	*why = text;
	return REPLY_MALFORMED;
}

enum reply_state reply_parse(const char *bytes, size_t n, struct reply *reply, const char **why)
{
	struct reply r = {0};
	struct line line;
	bool more = true;

	while (more) {
		size_t left = n - r.octets;
		const char *p = bytes + r.octets;
		enum line_state state = line_scan(p, left, line_limit(p, left), &line);

		if (state == LINE_TOO_LONG)
			return malformed(why, "reply line too long");
		if (state == LINE_PARTIAL && hopeless(p, left))
			return malformed(why, "not an SMTP reply");
		if (state == LINE_PARTIAL)
			return n >= REPLY_MAX ? malformed(why, "reply too long") : REPLY_PARTIAL;
		int code = line_code(&line);

		if (code == 0)
			return malformed(why, "not an SMTP reply");
		if (r.lines > 0 && code != r.code)
			return malformed(why, "unequal codes in one reply");
		r.code = code;
		r.lines++;
		r.octets += line.octets;
		if (r.octets > REPLY_MAX)
			return malformed(why, "reply too long");
		more = line.length > 3 && line.text[3] == '-';
	}
	*reply = r;
	return REPLY_WHOLE;
}

/* One line of a reply that reply_parse() accepted; returns where the next one begins. */
static const char *next_line(const char *p, struct line *line)
{
	line_scan(p, REPLY_334_LINE_MAX, REPLY_334_LINE_MAX, line);
	return p + line->octets;
}

static int append_line(struct buf *out, int code, char separator, const char *text, size_t n)
{
	char clean[REPLY_334_LINE_MAX + 8];
	int head = snprintf(clean, sizeof(clean), "%03d%c", code, separator);
	size_t length = (size_t)head;

	length += line_sanitize(clean + length, sizeof(clean) - length - 2, text, n, false);
	clean[length++] = '\r';
	clean[length++] = '\n';
	return buf_append(out, clean, length);
}

static const char *line_text(const struct line *line, size_t *n)
{
	size_t skip = line->length > 4 ? 4 : line->length;

	*n = line->length - skip;
	return line->text + skip;
}

int reply_copy(const char *bytes, const struct reply *reply, struct buf *out)
{
	const char *p = bytes;
	struct line line;
	size_t n;
	int rc = 0;

	if (buf_room(out) < reply->octets + 2 * reply->lines + 8)
		return -ENOBUFS;
	for (unsigned i = 0; i < reply->lines && rc == 0; i++) {
		p = next_line(p, &line);
		const char *text = line_text(&line, &n);

		rc = append_line(out, reply->code, i + 1 < reply->lines ? '-' : ' ', text, n);
	}
	return rc;
}

void reply_text(const char *bytes, char *out, size_t size)
{
	struct line line;
	size_t n;

	next_line(bytes, &line);
	const char *text = line_text(&line, &n);

	line_sanitize(out, size, text, n, false);
}

/* What the application may use through the relay: keywords without arguments to mend. AUTH is
 * treated apart. */
static const char *const shown_keywords[] = {
	"SIZE",
	"8BITMIME",
	"SMTPUTF8",
	"DSN",
	"ENHANCEDSTATUSCODES",
	"PIPELINING",
	"DELIVERBY",
	"ETRN",
	"VRFY",
	"EXPN",
	"HELP",
	"FUTURERELEASE",
	"MT-PRIORITY",
	"NO-SOLICITING",
	"LIMITS",
};

static size_t word_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != ' ' && p[i] != '\t')
		i++;
	return i;
}

static bool word_is(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(p, word, n) == 0;
}

bool ehlo_offers(const char *bytes, const struct reply *reply, const char *keyword)
{
	const char *p = bytes;
	struct line line;
	size_t n;

	for (unsigned i = 0; i < reply->lines; i++) {
		p = next_line(p, &line);
		const char *text = line_text(&line, &n);

		if (i > 0 && word_is(text, word_length(text, n), keyword))
			return true;
	}
	return false;
}

/* Copies the mechanisms that are not bound to a channel; returns the length, 0 if none is left. */
static size_t auth_without_plus(const char *text, size_t n, char *out)
{
	size_t length = 0, mechanisms = 0;

	for (size_t i = 0; i < n;) {
		size_t word = word_length(text + i, n - i);
		bool plus = word > 5 && strncasecmp(text + i + word - 5, "-PLUS", 5) == 0;

		if (word > 0 && !plus) {
			if (length > 0)
				out[length++] = ' ';
			memcpy(out + length, text + i, word);
			length += word;
			mechanisms++;
		}
		i += word;
		while (i < n && (text[i] == ' ' || text[i] == '\t'))
			i++;
	}
	return mechanisms > 1 || (n > 5 && text[4] == '=') ? length : 0;
}

/* What to show of one keyword line; 0 for nothing. */
static size_t shown_keyword(const char *text, size_t n, char *out)
{
	size_t word = word_length(text, n);

	if (word_is(text, word, "AUTH") || (word > 5 && strncasecmp(text, "AUTH=", 5) == 0))
		return auth_without_plus(text, n, out);
	for (size_t i = 0; i < sizeof(shown_keywords) / sizeof(shown_keywords[0]); i++) {
		if (word_is(text, word, shown_keywords[i])) {
			memcpy(out, text, n);
			return n;
		}
	}
	return 0;
}

int ehlo_copy(const char *bytes, const struct reply *reply, bool single, const char *more,
	struct buf *out)
{
	char held[REPLY_LINE_MAX], keyword[REPLY_LINE_MAX];
	const char *p = bytes;
	size_t held_length = 0, n;
	struct line line;
	int rc = 0;

	if (buf_room(out) < reply->octets + 2 * reply->lines + 8 + (more ? strlen(more) + 8 : 0))
		return -ENOBUFS;
	/* A line is written when the next one is known to follow: the last one has a blank, not a
	 * dash. */
	for (unsigned i = 0; i < (single ? 1 : reply->lines) && rc == 0; i++) {
		p = next_line(p, &line);
		const char *text = line_text(&line, &n);
		size_t length = n;

		if (i == 0)
			memcpy(keyword, text, n);
		else
			length = shown_keyword(text, n, keyword);
		if (i > 0 && length == 0)
			continue;
		if (i > 0)
			rc = append_line(out, reply->code, '-', held, held_length);
		memcpy(held, keyword, length);
		held_length = length;
	}
	if (rc == 0 && more)
		rc = append_line(out, reply->code, '-', held, held_length);
	if (rc < 0)
		return rc;
	return more ? append_line(out, reply->code, ' ', more, strlen(more))
		    : append_line(out, reply->code, ' ', held, held_length);
}
