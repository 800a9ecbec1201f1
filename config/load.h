/*
 * load: reads a configuration file with libconfuse into a frozen policy set.
 * libconfuse is not reentrant: one load at a time in a process. Where memory runs out inside it, it
 * may end the process; it never yields half a policy.
 */
#ifndef MAILSEAL_CONFIG_LOAD_H
#define MAILSEAL_CONFIG_LOAD_H

#include "config/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* The set that holds without a file: require_tls = false, verify_certificate = true. NULL without
 * memory. */
struct policy_set *policy_set_builtin(void);

/*
 * Where `mailseal policy` keeps the sections of domains: beside the configuration, in a directory
 * named like it with .d instead of .conf (else behind its name): /etc/mailseal.conf has
 * /etc/mailseal.d/domains.conf. 0, or -ENAMETOOLONG.
 */
int domains_path(const char *config, char *out, size_t size);

/* Which files were read, and fstat() of them. */
struct seen {
	bool main_present, domains_present;
	struct stat main, domains;
};

/*
 * Reads `path`, and the file at domains_path() behind it, as if both were one; where that file is
 * missing, it counts as empty (a link that leads nowhere is an error). A section may stand in one
 * of them only, and default only in the first. All or nothing: on any error *set and *seen are
 * untouched and err tells file, line and setting, and what to do. `seen` may be NULL. 0, -ENOENT
 * (no file at `path`; never for the other), -errno or -EINVAL (content).
 *
 * With `optional`, a missing file at `path` counts as empty too; a link there that leads nowhere is
 * -EINVAL.
 */
int policy_set_load(const char *path, bool optional, struct policy_set **set, struct seen *seen,
	struct err *err);

/* The same with `domains` (of `length` bytes) in place of what the domains file holds. */
int policy_set_load_with(const char *path, bool optional, const char *domains, size_t length,
	struct policy_set **set, struct seen *seen, struct err *err);

/* The same from memory; `path` is what errors and origins call it. No NUL is needed behind it. */
int policy_set_parse(const char *path, const char *text, size_t length, struct policy_set **set,
	struct err *err);

#endif
