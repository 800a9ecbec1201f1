/*
 * lane: a thread of the agent, its loop, and the sessions on it, which never leave it. The agent's
 * own thread is the first lane: it lets callers in, judges their requests, and gives each session
 * to a lane. Others are there only under load, and end when nothing is left to do.
 *
 * What is a lane's is touched by its thread alone, but for what is atomic. Between lanes go whole
 * sessions, once, and the news that the last one is gone.
 */
#ifndef MAILSEAL_AGENT_LANE_H
#define MAILSEAL_AGENT_LANE_H

#include "shim/agent/loop.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct agent;
struct pool;
struct session;

struct lane {
	struct agent *agent;
	struct loop *loop;
	struct session *sessions;
	atomic_uint session_count; /* given and not yet done, so more than are in the list */
	struct pool *pool;	   /* NULL: nothing was ever kept */
	bool closed;		   /* no connection is kept any more */
	/* of the agent's thread */
	uint64_t used;	/* when it was last seen with a session, ms */
	uint64_t burst; /* when the newest sessions began to come, ms */
	unsigned fresh; /* how many came since, which its load does not tell yet */
	/* of a thread of its own */
	pthread_t thread;
	sem_t up;
	int error; /* why it did not come up */
	struct task stopping, ending, yielding;
	atomic_uint yield_posted;
};

/* Starts a lane of `agent`. NULL: there is no room for it, and that is no error. */
struct lane *lane_start(struct agent *agent);

/* Waits for the end of one that was started; its sessions are dropped. Frees it. */
void lane_end(struct lane *lane);

/* Runs `task` on the lane, which has one session more from now on. On the agent's thread. */
void lane_give(struct lane *lane, struct task *task);

/* It has one session less. On the lane's thread. */
void lane_done(struct lane *lane);

/* SIGTERM for its sessions. On the agent's thread, once. */
void lane_stop(struct lane *lane);

/* Descriptors are short: it ends the connections that it keeps for sessions to come. On the agent's
 * thread, for one with a thread of its own. */
void lane_yield(struct lane *lane);

#endif
