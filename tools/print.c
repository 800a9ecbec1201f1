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

static void put(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\t')
			putchar(' ');
		else
			putchar((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i]);
	}
}

void print_plain(const char *text)
{
	put(text, strlen(text));
}

void print_padded(const char *text, unsigned width)
{
	unsigned columns = print_columns(text);

	print_plain(text);
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
		put(text, length);
		at += columns;
		text += length + (text[length] == ' ');
		first = false;
	}
	putchar('\n');
}
