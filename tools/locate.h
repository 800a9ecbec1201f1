/*
 * locate: finds the library and the agent that belong to this command.
 */
#ifndef MAILSEAL_TOOLS_LOCATE_H
#define MAILSEAL_TOOLS_LOCATE_H

#include "tools/mailseal.h"

struct parts {
	char library[TOOL_PATH_SIZE]; /* libmailseal.so */
	char agent[TOOL_PATH_SIZE];   /* mailseal-agent */
};

/*
 * Both next to this executable (a build tree), else both in the installed places; never one from
 * here and one from there. 0, or -ENOENT with err telling what is missing where.
 */
int locate_parts(struct parts *parts, struct err *err);

#endif
