#include "tools/probe/heard.h"

#include "shim/smtp/line.h"
#include "shim/smtp/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_LIMIT (2u * REPLY_MAX)
#define LINE_SHOWN 1024 /* octets of a line, escaped */

void text_escape(char *out, size_t size, const char *bytes, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (at + 5 + 3 > size) {
			snprintf(out + at, size - at, "...");
			return;
		}
		if (c == '\\')
			at += (size_t)snprintf(out + at, size - at, "\\\\");
		else if (c >= ' ' && c < 0x7f)
			out[at++] = (char)c;
		else
			at += (size_t)snprintf(out + at, size - at, "\\x%02x", c);
	}
	out[at] = '\0';
}

void heard_begin(struct heard *h)
{
	buf_init(&h->pending, PENDING_LIMIT);
}

static void saying_clear(struct saying *s)
{
	for (unsigned i = 0; i < s->count; i++)
		free(s->lines[i]);
	free(s->lines);
	*s = (struct saying){0};
}

void heard_await(struct heard *h, enum moment moment)
{
	h->moment = moment;
	buf_clear(&h->pending);
	saying_clear(&h->said[moment]);
}

static bool begins(const char *line, size_t length, const char *verb)
{
	return length >= strlen(verb) && memcmp(line, verb, strlen(verb)) == 0;
}

void heard_command(struct heard *h, const char *line, size_t length, bool inside)
{
	if (begins(line, length, "EHLO") || begins(line, length, "HELO"))
		heard_await(h, inside ? MOMENT_EHLO_INSIDE : MOMENT_EHLO);
	else if (begins(line, length, "STARTTLS"))
		heard_await(h, MOMENT_STARTTLS);
	else
		heard_await(h, MOMENT_QUIT);
}

static void keep(struct saying *s, const char *bytes, const struct reply *reply)
{
	char text[LINE_SHOWN];
	struct line line;
	size_t at = 0;

	saying_clear(s);
	s->lines = calloc(reply->lines, sizeof(*s->lines));
	if (!s->lines)
		return;
	s->code = reply->code;
	while (at < reply->octets && s->count < reply->lines &&
		line_scan(bytes + at, reply->octets - at, REPLY_334_LINE_MAX, &line) ==
			LINE_WHOLE) {
		size_t skip = line.length > 4 ? 4 : line.length;

		text_escape(text, sizeof(text), line.text + skip, line.length - skip);
		s->lines[s->count] = strdup(text);
		if (!s->lines[s->count])
			return;
		s->count++;
		at += line.octets;
	}
}

void heard_octets(struct heard *h, const char *bytes, size_t n)
{
	struct reply reply;
	const char *why;

	if (*h->odd || buf_append(&h->pending, bytes, n) < 0)
		return;
	while (buf_length(&h->pending) > 0) {
		bytes = buf_bytes(&h->pending);
		n = buf_length(&h->pending);
		switch (reply_parse(bytes, n, &reply, &why)) {
		case REPLY_PARTIAL:
			return;
		case REPLY_MALFORMED:
			text_escape(h->odd, sizeof(h->odd), bytes, n);
			buf_clear(&h->pending);
			return;
		case REPLY_WHOLE:
			break;
		}
		if (h->said[h->moment].code == 0)
			keep(&h->said[h->moment], bytes, &reply);
		buf_consume(&h->pending, reply.octets);
	}
}

void heard_clear(struct heard *h)
{
	for (unsigned i = 0; i < MOMENT_COUNT; i++)
		saying_clear(&h->said[i]);
	buf_clear(&h->pending);
}

const char *moment_words(enum moment moment)
{
	switch (moment) {
	case MOMENT_GREETING:
		return "greeting";
	case MOMENT_EHLO:
		return "reply to EHLO";
	case MOMENT_STARTTLS:
		return "reply to STARTTLS";
	case MOMENT_HANDSHAKE:
		return "TLS handshake";
	case MOMENT_EHLO_INSIDE:
		return "reply to EHLO inside TLS";
	case MOMENT_QUIT:
	case MOMENT_COUNT:
		break;
	}
	return "reply to QUIT";
}
