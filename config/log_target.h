/*
 * log_target: what may be named as the place of the log: stderr, journal, syslog, or a file, which
 * has a slash in its name. A word without one is taken for a misspelt target, never for a file in
 * the current directory.
 */
#ifndef MAILSEAL_CONFIG_LOG_TARGET_H
#define MAILSEAL_CONFIG_LOG_TARGET_H

#include "shim/base/err.h"

#include <stdbool.h>

/* Is it one of the three words? */
bool log_target_is_word(const char *target);

/* 0; -EINVAL with err where it is neither a word nor a file. */
int log_target_check(const char *target, struct err *err);

#endif
