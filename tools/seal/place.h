/*
 * place: what the files that know where drop-ins stand share among themselves.
 */
#ifndef MAILSEAL_TOOLS_SEAL_PLACE_H
#define MAILSEAL_TOOLS_SEAL_PLACE_H

#include "tools/seal/seal.h"

/* systemd passes over what begins with a dot. */
#define UNFINISHED ".mailseal-unfinished-"

/* A directory within the tree. A descriptor or -errno. */
int seal_open_within(const struct seal_tree *t, const char *path);

/* The directory of all drop-ins, or one above it; made if `make`, and counted if it is missing. A
 * descriptor or -errno. */
int seal_open_base(const struct seal_tree *t, const char *path, bool make, unsigned *made);

/* NAME.d in the base. A descriptor; -ENOENT; else -errno with err. */
int seal_open_own(const struct seal_tree *t, const struct sealing *s, int base, struct err *err);

/* With mode 0755. A descriptor or -errno. */
int seal_make_directory(int parent, const char *name);

/* Is it a file that was not finished? */
bool seal_is_unfinished(const char *name);

int seal_fail_at(const struct seal_tree *t, const struct sealing *s, const char *name, int code,
	struct err *err);

#endif
