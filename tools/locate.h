/*
 * locate: finds the library and the agent that belong to this command.
 */
#ifndef MAILSEAL_TOOLS_LOCATE_H
#define MAILSEAL_TOOLS_LOCATE_H

#include "tools/mailseal.h"

struct parts {
	char library[TOOL_PATH_SIZE];	/* libmailseal.so */
	char library32[TOOL_PATH_SIZE]; /* for 32-bit programs; "" if there is none */
	char each[TOOL_PATH_SIZE];	/* the one or the other, by $LIB; "" if there is but one */
	char agent[TOOL_PATH_SIZE];	/* mailseal-agent */
};

/*
 * Both next to this executable (a build tree), else both in the installed places; never one from
 * here and one from there. 0, or -ENOENT with err telling what is missing where.
 */
int locate_parts(struct parts *parts, struct err *err);

#endif
