/*
 * The header of a message in pieces of any size, through room of any size, against a slow model that looks at the
 * whole text at once, line by line.
 *
 * Of the input eight octets choose the pieces; in the text behind them 0x80 to 0x8f stand for words that matter.
 */
#include "shim/smtp/header.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[16] = {"Mailseal-Require-TLS", "Mailseal-Verify-Certificate", "mailSEAL-", "\r\n", ": yes\r\n",
	": no\r\n", "A: b\r\n", "From ", ">From ", "\r\n ", "\r\n.", "\r", "\n", "Mailseal-Require-TLS: no\r\n", "\r\n\r\n", "\t"};

static const char *const names[2] = {"mailseal-require-tls", "mailseal-verify-certificate"};

struct passage {
	char *text;
	size_t length; /* of the text that came out */
	size_t taken;  /* up to the end of the header, or all */
	bool whole;
	struct overrides said;
	const char *remark;
};

/* The model. */

struct model {
	struct passage result;
	enum field said[2];
	bool malformed;
	int own; /* the field of ours that may still go on, or -1 */
	bool unclear;
	char value[TEXT_MAX];
	size_t value_length;
};

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool all_blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!blank(p[i]))
			return false;
	}
	return true;
}

/* Which of our fields begins here, or -1. */
static int ours(const char *p, size_t n)
{
	for (int i = 0; i < 2; i++) {
		size_t length = strlen(names[i]);

		if (n >= length && strncasecmp(p, names[i], length) == 0 &&
			(n == length || !p[length] ||
				!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", p[length])))
			return i;
	}
	return -1;
}

static bool is_field(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] > 32 && p[i] < 127 && p[i] != ':')
		i++;
	if (i == 0)
		return false;
	while (i < n && blank(p[i]))
		i++;
	return i < n && p[i] == ':';
}

static bool begins(const char *p, size_t n, const char *with)
{
	return n >= strlen(with) && memcmp(p, with, strlen(with)) == 0;
}

static void said(struct model *m, int which, enum field what)
{
	if (what > m->said[which])
		m->said[which] = what;
}

static bool is_word(const char *p, size_t n, const char *word)
{
	return n == strlen(word) && strncasecmp(p, word, n) == 0;
}

static void close_own(struct model *m)
{
	const char *p = m->value;
	size_t n = m->value_length;
	bool no;

	if (m->own < 0)
		return;
	for (; n > 0 && blank(*p); n--)
		p++;
	while (n > 0 && blank(p[n - 1]))
		n--;
	no = !m->unclear && (is_word(p, n, "no") || is_word(p, n, "false"));
	said(m, m->own, no ? FIELD_NO : FIELD_YES);
	m->own = -1;
}

static void add_value(struct model *m, const char *p, size_t n)
{
	memcpy(m->value + m->value_length, p, n);
	m->value_length += n;
}

static void open_own(struct model *m, int which, const char *p, size_t n)
{
	size_t i = strlen(names[which]);

	m->own = which;
	m->unclear = false;
	m->value_length = 0;
	while (i < n && blank(p[i]))
		i++;
	if (i == n || p[i] != ':') {
		m->unclear = m->malformed = true;
		return;
	}
	add_value(m, p + i + 1, n - i - 1);
}

/* A field behind a bare CR or LF, and the octets that must not be in a header. */
static void look_inside(struct model *m, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t next = i + 1 + (i + 1 < n && p[i + 1] == '.');
		int which;

		if (p[i] == '\0')
			m->malformed = true;
		if (p[i] != '\r' && p[i] != '\n')
			continue;
		m->malformed = true;
		which = ours(p + next, n - next);
		if (which >= 0)
			said(m, which, FIELD_YES);
	}
}

/* One line without its CRLF. True if it is removed. */
static bool line(struct model *m, const char *p, size_t n, bool first, bool complete)
{
	bool dotted = n > 0 && p[0] == '.';
	const char *body = p + dotted;
	size_t length = n - dotted;
	bool continuation = length > 0 && blank(body[0]);
	int which;

	if (!complete && (n == 0 || is_word(p, n, ".") || is_word(p, n, ".\r"))) {
		m->unclear |= n > 0;
		return false;
	}
	m->malformed |= dotted;
	look_inside(m, p, n);
	if (continuation) {
		m->malformed |= first || all_blank(body, length);
		m->unclear |= dotted || !complete;
		if (m->own >= 0)
			add_value(m, body, length);
		return m->own >= 0;
	}
	close_own(m);
	which = ours(body, length);
	if (which >= 0 && !complete && length == strlen(names[which])) {
		said(m, which, FIELD_YES);
		return false;
	}
	if (which >= 0) {
		open_own(m, which, body, length);
		m->unclear |= dotted || !complete;
		return true;
	}
	if (!is_field(body, length) && !(first && (begins(p, n, "From ") || begins(p, n, ">From "))))
		m->malformed = true;
	return false;
}

static void emit(struct model *m, const char *p, size_t n)
{
	memcpy(m->result.text + m->result.length, p, n);
	m->result.length += n;
}

static void model(struct model *m, const char *text, size_t n)
{
	size_t at = 0;

	m->result = (struct passage){.text = malloc(n + 1)};
	if (!m->result.text)
		abort();
	m->said[0] = m->said[1] = FIELD_ABSENT;
	m->malformed = m->unclear = false;
	m->own = -1;
	while (at < n) {
		const char *crlf = memmem(text + at, n - at, "\r\n", 2);
		size_t length = crlf ? (size_t)(crlf - text) - at : n - at;
		size_t octets = length + (crlf ? 2 : 0);
		bool dot = crlf && length == 1 && text[at] == '.';

		m->result.whole = crlf && length == 0;
		if (dot || m->result.whole) {
			close_own(m);
			octets = dot ? n - at : octets;
			emit(m, text + at, octets);
			at += octets;
			break;
		}
		if (!line(m, text + at, length, at == 0, crlf))
			emit(m, text + at, octets);
		at += octets;
	}
	close_own(m);
	m->result.taken = at;
	for (int i = 0; i < 2; i++) {
		if (m->said[i] == FIELD_NO && (m->malformed || !m->result.whole))
			m->said[i] = FIELD_ABSENT;
	}
	m->result.said = (struct overrides){m->said[0], m->said[1]};
}

/* The real one. */

static void drain(struct passage *o, struct buf *out)
{
	if (buf_length(out) > out->limit)
		abort();
	memcpy(o->text + o->length, buf_bytes(out), buf_length(out));
	o->length += buf_length(out);
	buf_consume(out, buf_length(out));
}

/* `ways` tells the sizes of pieces and room in turn, NULL: all at once. */
static void pass(struct passage *o, const char *text, size_t n, const uint8_t *ways)
{
	struct overrides meanwhile;
	struct header header;
	struct buf out;

	*o = (struct passage){.text = malloc(n + 1)};
	if (!o->text)
		abort();
	header_begin(&header);
	buf_init(&out, TEXT_MAX);
	for (unsigned i = 0; !o->whole && o->taken < n; i++) {
		size_t size = ways ? (size_t)ways[i % 4] % 32 + 1 : n, taken;
		char *piece;

		if (size > n - o->taken)
			size = n - o->taken;
		piece = malloc(size); /* of its own, so that reading beyond it shows */
		if (!piece)
			abort();
		memcpy(piece, text + o->taken, size);
		if (ways)
			out.limit = (size_t)ways[4 + i % 4] % 32 + 1;
		o->whole = header_pass(&header, piece, size, &taken, &out) == HEADER_END;
		free(piece);
		if (taken > size || (taken == 0 && buf_length(&out) == 0))
			abort();
		header_overrides(&header, &meanwhile);
		o->taken += taken;
		drain(o, &out);
	}
	out.limit = HEADER_HELD;
	if (!o->whole && header_finish(&header, &out) != 0)
		abort();
	drain(o, &out);
	header_overrides(&header, &o->said);
	o->remark = header_remark(&header);
	buf_clear(&out);
}

static void compare(const struct passage *a, const struct passage *b)
{
	if (a->length == b->length && memcmp(a->text, b->text, a->length) == 0 && a->taken == b->taken &&
		a->whole == b->whole && a->said.require_tls == b->said.require_tls &&
		a->said.verify_certificate == b->said.verify_certificate)
		return;
	fprintf(stderr, "expected %d %d whole %d: %.*s\n\ngot %d %d whole %d: %.*s\n", a->said.require_tls,
		a->said.verify_certificate, a->whole, (int)a->length, a->text, b->said.require_tls,
		b->said.verify_certificate, b->whole, (int)b->length, b->text);
	abort();
}

static size_t expand(char *text, const uint8_t *data, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size && n + 64 < TEXT_MAX; i++) {
		const char *word = words[data[i] & 15];

		if ((data[i] & 0xf0) == 0x80) {
			memcpy(text + n, word, strlen(word));
			n += strlen(word);
		} else {
			text[n++] = (char)data[i];
		}
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[TEXT_MAX];
	static struct model expected;
	struct passage whole, pieces;
	size_t n;

	if (size < 8)
		return 0;
	n = expand(text, data + 8, size - 8);
	model(&expected, text, n);
	pass(&whole, text, n, NULL);
	pass(&pieces, text, n, data);
	compare(&expected.result, &whole);
	compare(&expected.result, &pieces);
	if (strcmp(whole.remark, pieces.remark) != 0)
		abort();
	free(expected.result.text);
	free(whole.text);
	free(pieces.text);
	return 0;
}
