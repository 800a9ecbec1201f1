/*
 * load: reads a configuration file with libconfuse into a frozen policy set.
 * libconfuse is not reentrant: one load at a time in a process. Where memory runs out inside it, it
 * may end the process; it never yields half a policy.
 */
#ifndef MAILSEAL_CONFIG_LOAD_H
#define MAILSEAL_CONFIG_LOAD_H

#include "config/policy.h"

#include <sys/stat.h>

/* The set that holds without a file: require_tls = false, verify_certificate = true. NULL without
 * memory. */
struct policy_set *policy_set_builtin(void);

/*
 * Reads `path`. All or nothing: on any error *set is untouched and err tells file, line and
 * setting, and what to do. `seen` (may be NULL) is filled with fstat() of the very file that was
 * read. 0, -ENOENT, -errno or -EINVAL (content).
 */
int policy_set_load(const char *path, struct policy_set **set, struct stat *seen, struct err *err);

/* The same from memory; `path` is what errors and origins call it. No NUL is needed behind it. */
int policy_set_parse(const char *path, const char *text, size_t length, struct policy_set **set,
	struct err *err);

#endif
