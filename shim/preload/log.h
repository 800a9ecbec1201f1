/*
 * log: one line about a connect() that the preload itself refused, to the target that MAILSEAL_LOG
 * names. Never to a descriptor of the application's, except where `stderr` was asked for by name;
 * nothing stays open, and nothing is said twice. What cannot be logged is lost: the refusal stands
 * all the same.
 */
#ifndef MAILSEAL_PRELOAD_LOG_H
#define MAILSEAL_PRELOAD_LOG_H

#include "shim/handoff/handoff.h"

/* `host` and `file` (what the reason is about) may be NULL; `error` is a positive errno or 0. */
void log_refused(const struct handoff_addr *peer, const char *host, const char *reason,
	const char *file, int error);

#endif
