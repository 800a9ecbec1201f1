/*
 * lane: a loop of the agent and the sessions on it, which never leave it. What is a lane's is
 * touched by nobody else.
 */
#ifndef MAILSEAL_AGENT_LANE_H
#define MAILSEAL_AGENT_LANE_H

#include "shim/agent/loop.h"

struct agent;
struct session;

struct lane {
	struct agent *agent;
	struct loop *loop;
	struct session *sessions;
};

#endif
