/*
 * parse: adds the sections of one configuration text to a policy set.
 * libconfuse reads the text; what it does behind one's back is kept from it by text.h. It keeps its
 * scanner in global variables, and so does this file with the text that is under way: one at a time
 * in a process.
 */
#ifndef MAILSEAL_CONFIG_PARSE_H
#define MAILSEAL_CONFIG_PARSE_H

#include "config/set.h"

struct parse_file {
	const char *path; /* one of the set's; what errors and origins call it */
	const char *main; /* of a domains file the path of the configuration, where default belongs;
			     else NULL */
};

/* `text` is changed. 0, -EINVAL or -ENOMEM with err; then the set has some of the sections. */
int parse_text(struct policy_set *set, const struct parse_file *file, char *text, size_t length,
	struct err *err);

#endif
