/*
 * plan: what the files that plan a drop-in share among themselves.
 */
#ifndef MAILSEAL_TOOLS_SEAL_PLAN_H
#define MAILSEAL_TOOLS_SEAL_PLAN_H

#include "tools/doctor/unit.h"
#include "tools/locate.h"
#include "tools/seal/seal.h"

struct planning {
	const struct seal_options *o;
	const struct seal_tree *t;
	struct sealing *s;
	struct parts parts;
	struct service base; /* the unit without the drop-in */
	struct service then; /* and with it */
	struct seal_wish wish;
	const char **unset; /* what the wish points to; owned */
	char library_directory[PATH_MAX], socket_directory[PATH_MAX];
	bool inside; /* it sees a tree of its own: RootDirectory=, RootImage= */
	char dropin[PATH_MAX], variables[PATH_MAX];
	struct overlay without[3], with[3];
};

/* --- library.c --- */

/* Fills g->parts: this machine's, or the tree's. An exit code, after telling. */
int seal_locate(struct planning *g);

/* RootDirectory= as the unit has it; NULL: it sees all. */
const char *seal_root_of(const struct planning *g);

/* What must be bound into it. */
void seal_take_root(struct planning *g);

/* The library is `library`, one of g->parts: what the drop-in says of it. An exit code. */
int seal_take_library(struct planning *g, const char *library);

/* --- verify.c --- */

/* Looks whether the unit will be as it was meant, and adds to what was found. An exit code. */
int seal_verify(struct planning *g);

#endif
