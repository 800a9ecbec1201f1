/*
 * text: looks at a configuration text before libconfuse does, so that it means to libconfuse what
 * it looks like.
 *
 * Left alone, libconfuse puts environment variables in for ${NAME}, cuts strings at \0, drops
 * characters that it does not know, takes the rest of the file for a comment whose end is missing,
 * opens sections under paths such as default|require_tls, counts lines wrongly after a comment in C
 * style, and does not allow comments everywhere. Here the first five are errors, and comments
 * become blanks, so that lines are counted rightly.
 */
#ifndef MAILSEAL_CONFIG_TEXT_H
#define MAILSEAL_CONFIG_TEXT_H

#include "shim/base/err.h"

#include <stddef.h>

#define TEXT_SECTIONS 10000 /* most sections in a file */

struct text_problem {
	unsigned line;
	struct err err; /* what is wrong and what to do, without file and line */
};

/* The line on which each section begins; in the order of the file. */
struct text_section {
	unsigned line;
	unsigned empty_list; /* line of a list without values in it, or 0 */
};

struct text_sections {
	struct text_section *at;
	size_t count;
};

void text_sections_clear(struct text_sections *sections);

/*
 * Checks `text` and blanks its comments in place; its length stays. 0; -EINVAL with *problem;
 * -ENOMEM with *problem. *sections is the caller's to clear on success.
 */
int text_prepare(
	char *text, size_t length, struct text_sections *sections, struct text_problem *problem);

#endif
