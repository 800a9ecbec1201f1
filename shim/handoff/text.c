/*
 * text: short lines put together in memory of the caller's, without stdio.
 */
#include "shim/handoff/text.h"

#include <string.h>

void text_init(struct text *t, char *bytes, size_t size)
{
	t->bytes = bytes;
	t->size = size;
	t->length = 0;
	t->overflow = false;
	bytes[0] = '\0';
}

void text_add_bytes(struct text *t, const void *bytes, size_t length)
{
	if (t->overflow || length >= t->size - t->length) {
		t->overflow = true;
		return;
	}
	memcpy(t->bytes + t->length, bytes, length);
	t->length += length;
	t->bytes[t->length] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

void text_add_number(struct text *t, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	text_add_bytes(t, digits + at, sizeof(digits) - at);
}
