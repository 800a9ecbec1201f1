/*
 * units: which units are asked for, which of them the log names, and which it names at all.
 * Memory is bounded: the first names are kept.
 */
#ifndef MAILSEAL_TOOLS_REPORT_UNITS_H
#define MAILSEAL_TOOLS_REPORT_UNITS_H

#include <stdbool.h>
#include <stddef.h>

#define UNITS_SEEN 64
#define UNITS_NAME 256

struct units {
	const char *const *patterns; /* as of fnmatch(3), up to NULL; NULL: all are asked for */
	bool *met;		     /* for each of them: some line is of such a unit */
	char (*seen)[UNITS_NAME];    /* whatever was met */
	size_t seen_count, last;
};

/* 0 or -ENOMEM. */
int units_init(struct units *u, const char *const *patterns);
void units_clear(struct units *u);

/* Is a line of `name` asked for? "" is no unit. */
bool units_take(struct units *u, const char *name);

/* The names near to the pattern, else the first ones, with commas between; "" where there is none.
 * They may hold any octet. Returns `out`. */
const char *units_near(const struct units *u, const char *pattern, char *out, size_t size);

#endif
