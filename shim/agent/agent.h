/*
 * agent: what all sessions of one agent share, and how long it lives.
 */
#ifndef MAILSEAL_AGENT_AGENT_H
#define MAILSEAL_AGENT_AGENT_H

#include "shim/agent/loop.h"
#include "shim/agent/rules.h"
#include "shim/agent/seats.h"
#include "shim/agent/system.h"

#include <stdint.h>
#include <sys/types.h>

#ifndef MAILSEAL_TIMEOUT_DIVISOR
#define MAILSEAL_TIMEOUT_DIVISOR 1
#endif

/* Protocol seconds as milliseconds of the loop. */
#define PROTOCOL_MS(seconds) ((uint64_t)(seconds)*1000 / MAILSEAL_TIMEOUT_DIVISOR)

#define AGENT_PORTS 16

struct session;
struct caller;

struct agent_options {
	int fd; /* listener, or the request channel itself where `private` */
	bool private;
	const struct system_sockets *system; /* in place of `fd`: an agent for all users */
	const char *config;		     /* of the system agent: absolute */
	bool config_named;
	const char *log;
	uint16_t ports[AGENT_PORTS];
	unsigned port_count;
	const char *identity; /* "" if none */
};

struct agent {
	struct agent_options options;
	struct loop *loop;
	struct rules *rules;
	uid_t uid, overflow_uid;
	/* listener */
	int listeners[SYSTEM_SOCKETS];
	unsigned listener_count;
	struct watch listening;
	struct task accepting;
	struct timer pause;
	int spare;	     /* a descriptor to give up when there are no others left */
	uint64_t complained; /* when a stranger, or a lack of descriptors, was last logged */
	struct caller *callers;
	struct seats *seats; /* NULL: no limit */
	/* sessions */
	struct session *sessions;
	unsigned session_count;
	unsigned long long served; /* numbers the sessions */
	/* life */
	struct watch signalled;
	struct task on_signal;
	int signals;
	struct timer idle, last_call;
	struct task settling;
	bool stopping, leaving;
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

#endif
