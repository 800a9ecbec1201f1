/*
 * text: short lines put together in memory of the caller's, without stdio.
 * Once something did not fit, `overflow` stays set and nothing more is written; the text always
 * ends in NUL.
 */
#ifndef MAILSEAL_HANDOFF_TEXT_H
#define MAILSEAL_HANDOFF_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *bytes;
	size_t size; /* of the memory, NUL included; at least 1 */
	size_t length;
	bool overflow;
};

void text_init(struct text *t, char *bytes, size_t size);
void text_add_bytes(struct text *t, const void *bytes, size_t length);
void text_add(struct text *t, const char *s);
void text_add_number(struct text *t, uint64_t n);

#endif
