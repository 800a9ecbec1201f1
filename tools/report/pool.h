/*
 * pool: each text once, so that equal texts have equal addresses. Bounded: a flood of names does
 * not take the machine's memory.
 */
#ifndef MAILSEAL_TOOLS_REPORT_POOL_H
#define MAILSEAL_TOOLS_REPORT_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets that do not end with NUL, and hold none. */
struct slice {
	const char *at; /* NULL where there is no such thing */
	size_t length;
};

struct pool_text {
	const struct pool_text *domain; /* the same, as a domain is compared; NULL: not asked yet */
	uint32_t hash;
	uint32_t length;
	char text[]; /* ends with NUL */
};

struct pool_block;

struct pool {
	struct pool_text **slots; /* open addressing; a power of two */
	size_t room, count, bytes;
	uint32_t seed; /* else whoever chooses the names could choose their places */
	struct pool_block *blocks;
};

/* 0 or -ENOMEM. */
int pool_init(struct pool *p);
void pool_clear(struct pool *p);

/* The one copy of `length` octets, none of them NUL. NULL where the pool is full or there is no
 * memory. */
struct pool_text *pool_put(struct pool *p, const char *text, size_t length);

#endif
