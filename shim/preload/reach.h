/*
 * reach: a connected request socket to an agent that may be trusted. Finds one by its name, checks
 * what the kernel says about it, starts one where there is none, and falls back to a private one
 * where a name is taken by somebody else, or where the process's own uid is the overflow uid, by
 * which nobody can be known.
 */
#ifndef MAILSEAL_PRELOAD_REACH_H
#define MAILSEAL_PRELOAD_REACH_H

#include <stdbool.h>

#include "shim/preload/identity.h"

/*
 * Returns the request socket (SOCK_SEQPACKET, CLOEXEC, O_NONBLOCK; the caller closes it) or -errno
 * with *reason. `deadline` as sys_now_ms(). `private_only`: do not look for a shared agent.
 */
int reach_agent(
	const struct identity *id, bool private_only, int64_t deadline, const char **reason);

#endif
