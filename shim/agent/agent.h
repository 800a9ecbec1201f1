/*
 * agent: what all sessions of one agent share, and how long it lives. A system agent is several
 * processes: a dispatcher (dispatcher.h), and for each user a worker, which is such an agent.
 */
#ifndef MAILSEAL_AGENT_AGENT_H
#define MAILSEAL_AGENT_AGENT_H

#include "shim/agent/lane.h"
#include "shim/agent/lanes.h"
#include "shim/agent/loop.h"
#include "shim/agent/repeats.h"
#include "shim/agent/rules.h"
#include "shim/agent/system.h"

#include <stdint.h>
#include <sys/types.h>

#ifndef MAILSEAL_TIMEOUT_DIVISOR
#define MAILSEAL_TIMEOUT_DIVISOR 1
#endif

/* The lanes of an agent at most; 0: as many as there are processors for it. */
#ifndef MAILSEAL_LANES
#define MAILSEAL_LANES 0
#endif

/* Protocol seconds as milliseconds of the loop. */
#define PROTOCOL_MS(seconds) ((uint64_t)(seconds)*1000 / MAILSEAL_TIMEOUT_DIVISOR)

#define AGENT_PORTS 16

#define AGENT_IDLE_MS                                                                              \
	30000 /* an agent without sessions stays so long, and waits so long for its first          \
	       */
#define AGENT_LAST_CALL_MS 30000 /* replies outstanding at SIGTERM */

struct caller;

struct agent_options {
	int fd; /* listener; the request channel itself where `private`; where `worker` what the
		   dispatcher passes channels over */
	bool private;
	bool worker;
	const struct system_sockets *system; /* in place of `fd`: an agent for all users */
	const char *config;		     /* of the system agent: absolute */
	bool config_named;
	const char *log;
	uint16_t ports[AGENT_PORTS];
	unsigned port_count;
	const char *identity; /* "" if none */
	unsigned lanes;	      /* as MAILSEAL_LANES */
};

struct agent {
	struct agent_options options;
	struct loop *loop;
	struct rules *rules;
	uid_t uid, overflow_uid;
	/* listener or, in a worker, the dispatcher */
	int listener; /* -1: none, or none any more */
	struct watch listening;
	struct task accepting;
	struct timer pause;
	int spare;	 /* a descriptor to give up when there are no others left */
	unsigned usable; /* descriptors, for all but what room.h says */
	struct caller *callers;
	unsigned caller_count;
	/* of a worker */
	unsigned room;	  /* for callers and sessions */
	int held;	  /* a channel that is not ours alone yet, or -1 */
	bool sourced;	  /* the dispatcher may still pass something */
	bool leave_asked; /* and was told not to */
	/* sessions */
	struct lane lane; /* of this thread */
	struct lanes lanes;
	atomic_uint session_count; /* on all of them */
	struct task last_gone;	   /* posted by the lane that had it, once */
	atomic_uint last_gone_posted;
	unsigned long long served; /* numbers the sessions */
	/* life */
	struct watch signalled;
	struct task on_signal;
	int signals;
	struct timer idle, last_call, tidying;
	unsigned crowd; /* most sessions since the last tidying */
	struct task settling;
	bool stopping, leaving;
	struct recap recap;
};

/* Runs until the agent has nothing more to do. An exit status. */
int agent_run(const struct agent_options *options);

/* Called when a caller or a session has gone; frees nothing itself. */
void agent_settle(struct agent *agent);

/* Ends as soon as the sessions are done; callers are told that this agent is stale. */
void agent_leave(struct agent *agent);

/* listener.c */
int listener_open(struct agent *agent);
void listener_close(
	struct agent *agent); /* what still stands in the backlog is told that the agent is stale */

/* worker.c */
int worker_open(struct agent *agent);
void worker_close(struct agent *agent); /* asks the dispatcher to pass nobody any more */

#endif
