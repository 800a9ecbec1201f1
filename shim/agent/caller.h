/*
 * caller: the time between accept() and the request. Then a session begins, or a refusal was sent.
 */
#ifndef MAILSEAL_AGENT_CALLER_H
#define MAILSEAL_AGENT_CALLER_H

#include "shim/agent/agent.h"
#include "shim/handoff/handoff.h"

#include <sys/socket.h>

/* Waits for the request of `peer` on `fd`, which is taken over, also on failure. 0 or -errno. */
int caller_new(struct agent *agent, int fd, const struct ucred *peer);

/* Answers one that is not served, and closes `fd`. */
void caller_turn_away(int fd, enum handoff_stage stage, int error);

/* Tells those whose request is not in work that the agent is stale. */
void callers_dismiss(struct agent *agent);

#endif
