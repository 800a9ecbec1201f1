/*
 * lanes: how many an agent has, and which one a session goes to. All on the agent's own thread.
 */
#ifndef MAILSEAL_AGENT_LANES_H
#define MAILSEAL_AGENT_LANES_H

#include "shim/agent/lane.h"

#define LANES_MOST 16 /* the first included */

struct lanes {
	struct lane *more[LANES_MOST - 1]; /* beside the agent's own */
	unsigned count;
	unsigned most;	/* the first one included; 0: not asked for yet */
	uint64_t retry; /* when one that did not start is tried again, ms */
	struct timer idle;
};

void lanes_init(struct agent *agent);

/* Where the next session goes: the least loaded one, or a new one if all are loaded. */
struct lane *lanes_choose(struct agent *agent);

/* SIGTERM for all sessions. */
void lanes_stop(struct agent *agent);

/* Descriptors are short: connections that wait for sessions to come are ended. True: the agent's
 * own thread had one. */
bool lanes_yield(struct agent *agent);

/* Ends all lanes but the agent's own, whose sessions are dropped as well. */
void lanes_clear(struct agent *agent);

#endif
