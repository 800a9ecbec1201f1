#include "tools/report/fields.h"

#include <string.h>

#define DEPTH 32 /* of arrays and objects within each other */

/* What is left: in[0] up to end, which is not part of it. */
struct rest {
	char *in, *end;
};

static void skip_blanks(struct rest *r)
{
	while (r->in < r->end &&
		(*r->in == ' ' || *r->in == '\t' || *r->in == '\n' || *r->in == '\r'))
		r->in++;
}

static bool take_char(struct rest *r, char c)
{
	skip_blanks(r);
	if (r->in == r->end || *r->in != c)
		return false;
	r->in++;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four of them, as in \uXXXX; -1 where they are not. */
static long code_unit(struct rest *r)
{
	long code = 0;

	if (r->end - r->in < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(r->in[i]);

		if (digit < 0)
			return -1;
		code = code << 4 | digit;
	}
	r->in += 4;
	return code;
}

/* Behind \u: a character, of two halves where it takes them; -1 where it is none. */
static long code_point(struct rest *r)
{
	long high = code_unit(r), low;

	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || r->end - r->in < 6 || r->in[0] != '\\' || r->in[1] != 'u')
		return -1;
	r->in += 2;
	low = code_unit(r);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static char *put_utf8(char *out, long code)
{
	if (code < 0x80) {
		*out++ = (char)code;
		return out;
	}
	if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
	} else {
		if (code < 0x10000) {
			*out++ = (char)(0xe0 | code >> 12);
		} else {
			*out++ = (char)(0xf0 | code >> 18);
			*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (code & 0x3f));
	return out;
}

/* Behind a backslash; never longer than what it was written with. NULL where it is no escape. */
static char *unescape(struct rest *r, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *known;
	long code;

	if (r->in == r->end)
		return NULL;
	if (*r->in == 'u') {
		r->in++;
		code = code_point(r);
		return code < 0 ? NULL : put_utf8(out, code);
	}
	known = memchr(from, *r->in, sizeof(from) - 1);
	if (!known)
		return NULL;
	r->in++;
	*out++ = to[known - from];
	return out;
}

/* Behind the opening quote: up to the closing one, which becomes NUL. */
static bool take_string(struct rest *r, char **text, size_t *length)
{
	char *out = r->in;

	*text = out;
	while (r->in < r->end) {
		char c = *r->in++;

		if (c == '"') {
			*length = (size_t)(out - *text);
			*out = '\0';
			return true;
		}
		if ((unsigned char)c < 0x20)
			return false;
		if (c != '\\')
			*out++ = c;
		else if (!(out = unescape(r, out)))
			return false;
	}
	return false;
}

/* Behind the opening quote. A quote ends it unless an odd number of backslashes stands before. */
static bool skip_string(struct rest *r)
{
	char *from = r->in, *quote;

	for (; (quote = memchr(r->in, '"', (size_t)(r->end - r->in))); r->in = quote + 1) {
		char *before = quote;

		while (before > from && before[-1] == '\\')
			before--;
		if ((quote - before) % 2 == 0) {
			r->in = quote + 1;
			return true;
		}
	}
	return false;
}

/* A number, true, false or null. */
static bool skip_word(struct rest *r)
{
	char *from = r->in;

	while (r->in < r->end && strchr("+-.0123456789Eaeflnrstu", *r->in) && *r->in)
		r->in++;
	return r->in > from;
}

/* Arrays and objects are passed over by their brackets. */
static bool skip_value(struct rest *r)
{
	char closing[DEPTH];
	size_t depth = 0;

	do {
		skip_blanks(r);
		if (r->in == r->end)
			return false;
		if (*r->in == '[' || *r->in == '{') {
			if (depth == DEPTH)
				return false;
			closing[depth++] = *r->in++ == '[' ? ']' : '}';
		} else if (depth && *r->in == closing[depth - 1]) {
			depth--;
			r->in++;
		} else if (depth && (*r->in == ',' || *r->in == ':')) {
			r->in++;
		} else if (*r->in == '"') {
			r->in++;
			if (!skip_string(r))
				return false;
		} else if (!skip_word(r)) {
			return false;
		}
	} while (depth);
	return true;
}

static struct field *find(struct field *fields, size_t count, const char *name, size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (fields[i].name[0] == *name && strlen(fields[i].name) == length &&
			memcmp(fields[i].name, name, length) == 0)
			return &fields[i];
	return NULL;
}

static bool take_pair(struct rest *r, struct field *fields, size_t count)
{
	struct field *field;
	char *name;
	size_t length;

	if (!take_char(r, '"') || !take_string(r, &name, &length) || !take_char(r, ':'))
		return false;
	field = find(fields, count, name, length);
	if (!field)
		return skip_value(r);
	field->text = NULL;
	field->length = 0;
	field->other = !take_char(r, '"');
	return field->other ? skip_value(r) : take_string(r, &field->text, &field->length);
}

bool fields_take(char *json, size_t length, struct field *fields, size_t count)
{
	struct rest r = {json, json + length};

	for (size_t i = 0; i < count; i++)
		fields[i] = (struct field){.name = fields[i].name};
	if (!take_char(&r, '{'))
		return false;
	if (!take_char(&r, '}')) {
		do {
			if (!take_pair(&r, fields, count))
				return false;
		} while (take_char(&r, ','));
		if (!take_char(&r, '}'))
			return false;
	}
	skip_blanks(&r);
	return r.in == r.end;
}
