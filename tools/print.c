#include "tools/print.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static unsigned columns_of(const char *text, size_t length)
{
	unsigned columns = 0;

	for (size_t i = 0; i < length; i++)
		columns += !is_continuation(text[i]);
	return columns;
}

unsigned print_columns(const char *text)
{
	return columns_of(text, strlen(text));
}

/* The octets of the character in UTF-8 that begins the text, more than one; 0: it is none. */
static size_t character(const unsigned char *c)
{
	size_t n = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;

	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (!is_continuation((char)c[i]))
			return 0;
	}
	/* written longer than it is, half of a pair, beyond the last */
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
		(c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	return n;
}

/* U+FDD0 to U+FDEF, and the last two of each plane. */
static bool is_no_character(const unsigned char *c, size_t n)
{
	if (n == 3 && c[0] == 0xef && c[1] == 0xb7)
		return c[2] >= 0x90 && c[2] <= 0xaf;
	return c[n - 1] >= 0xbe && c[n - 2] == 0xbf && (n == 3 ? c[0] == 0xef : (c[1] & 15) == 15);
}

bool is_utf8(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	while (*c) {
		size_t n = *c < 0x80 ? 1 : character(c);

		if (n == 0 || (n > 2 && is_no_character(c, n)))
			return false;
		c += n;
	}
	return true;
}

/* The octets of what a terminal may obey, and that begins the text: C0, DEL, C1 in UTF-8, or what
 * is no UTF-8; else 0. */
static size_t control(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if (c[0] < 0x80)
		return c[0] < ' ' || c[0] == 0x7f;
	if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
		return 2;
	return character(c) == 0;
}

static void put(FILE *to, const char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t n = control(text + i);

		if (n > 0) {
			putc(text[i] == '\t' ? ' ' : '?', to);
			i += n;
			continue;
		}
		do
			putc(text[i++], to);
		while (i < length && is_continuation(text[i]));
	}
}

void print_plain(FILE *to, const char *text)
{
	put(to, text, strlen(text));
}

void print_plain_lines(FILE *to, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		put(to, text, length);
		text += length;
		if (*text) {
			putc('\n', to);
			text++;
		}
	}
}

void print_padded(const char *text, unsigned width)
{
	unsigned columns = print_columns(text);

	print_plain(stdout, text);
	printf("%*s", columns < width ? (int)(width - columns) : 1, "");
}

void print_wrapped(const char *text, unsigned at, unsigned indent, unsigned width)
{
	bool first = true;

	while (*text) {
		size_t length = strcspn(text, " ");
		unsigned columns = columns_of(text, length);

		if (!first && at + 1 + columns > width) {
			printf("\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			putchar(' ');
			at++;
		}
		put(stdout, text, length);
		at += columns;
		text += length + (text[length] == ' ');
		first = false;
	}
	putchar('\n');
}
