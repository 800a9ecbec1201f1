/*
 * program: what can be seen of a process that connects, for the log alone: nothing is decided by
 * it, and another process may have its number by now.
 */
#ifndef MAILSEAL_AGENT_PROGRAM_H
#define MAILSEAL_AGENT_PROGRAM_H

#include "shim/handoff/unit.h"

#include <stddef.h>
#include <sys/types.h>

/* Its executable; the name that it gives itself where that cannot be seen; else "". */
void program_exe(pid_t pid, char *exe, size_t size);

/* Its systemd unit, or "". */
void program_unit(pid_t pid, char unit[UNIT_NAME_SIZE]);

/* The agent's own unit, which is that of all its callers where they share its control group. Read
 * once. On any thread. */
const char *program_own_unit(void);

#endif
