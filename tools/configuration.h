/*
 * configuration: which configuration a subcommand is about, and reading it as the agent will.
 */
#ifndef MAILSEAL_TOOLS_CONFIGURATION_H
#define MAILSEAL_TOOLS_CONFIGURATION_H

#include "config/load.h"
#include "tools/mailseal.h"

/* Zeroed before the first use. */
struct configuration {
	const char *named;		   /* by the user; NULL: the default place */
	char path[TOOL_PATH_SIZE];	   /* absolute */
	char domains[TOOL_PATH_SIZE + 16]; /* the domains file that belongs to it */
	struct policy_set *set;
	struct seen seen;
};

/*
 * Finds the files: `named`, else the one that MAILSEAL_CONFIG names, else the default place. 0 or
 * -errno with err.
 */
int configuration_find(struct configuration *c, const char *named, struct err *err);

/* Reads what was found. Only at the default place may the file be missing. 0 or -errno with err. */
int configuration_load(struct configuration *c, struct err *err);

void configuration_clear(struct configuration *c);

/* Whether OpenSSL takes the files and lists that the sections name, which the loader only looks at
 * from outside. 0, or -EINVAL with err: file:line: setting: what is wrong. */
int configuration_check_tls(const struct policy_set *set, struct err *err);

#endif
