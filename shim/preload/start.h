/*
 * start: brings an agent to life so that the application notices nothing: no SIGCHLD, nothing for
 * wait() to find, no descriptor, no library of its environment.
 */
#ifndef MAILSEAL_PRELOAD_START_H
#define MAILSEAL_PRELOAD_START_H

#include "shim/preload/identity.h"

/*
 * Starts the agent that `id` means. With channel < 0 it listens on id's name; otherwise it serves
 * `channel` (a connected SOCK_SEQPACKET socket, still the caller's to close) and nobody else. 0
 * once it runs (*pid, in the caller's process id namespace), -EADDRINUSE if another one has the
 * name, or -errno with *reason.
 */
int start_agent(const struct identity *id, int channel, pid_t *pid, const char **reason);

#endif
