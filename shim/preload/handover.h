/*
 * handover: one intercepted connect(), from the socketpair to the agent's answer.
 */
#ifndef MAILSEAL_PRELOAD_HANDOVER_H
#define MAILSEAL_PRELOAD_HANDOVER_H

#include "shim/handoff/handoff.h"

#define HANDOVER_RACED 2 /* another thread connects the same socket: look at it again */

/*
 * Connects the TCP socket fd to `peer` by way of an agent, as connect(2) would: 0, or -errno
 * (EINPROGRESS, EINTR and the rest). Without `wait` never for the outcome, as with O_NONBLOCK. Logs
 * what it refuses itself. Touches no errno, keeps no descriptor.
 */
int handover(int fd, const struct handoff_addr *peer, bool wait);

#endif
