/*
 * intern: each text once, so that equal texts have equal addresses. Bounded: a flood of names does
 * not take the machine's memory.
 */
#ifndef MAILSEAL_TOOLS_REPORT_INTERN_H
#define MAILSEAL_TOOLS_REPORT_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets that do not end with NUL, and hold none. */
struct slice {
	const char *at; /* NULL where there is no such thing */
	size_t length;
};

struct interned {
	const struct interned *domain; /* the same, as a domain is compared; NULL: not asked yet */
	uint32_t hash;
	uint32_t length;
	char text[]; /* ends with NUL */
};

struct intern_block;

struct intern {
	struct interned **slots; /* open addressing; a power of two */
	size_t room, count, bytes;
	uint32_t seed; /* else whoever chooses the names could choose their places */
	struct intern_block *blocks;
};

/* 0 or -ENOMEM. */
int intern_init(struct intern *p);
void intern_clear(struct intern *p);

/* The one copy of `length` octets, none of them NUL. NULL where there are too many or there is no
 * memory. */
struct interned *intern_put(struct intern *p, const char *text, size_t length);

#endif
