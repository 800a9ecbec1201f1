/*
 * refusals: how the dispatcher of the system agent turns callers away without closing their
 * channels itself. What is queued in such a channel is closed with it, and can make whoever closes
 * it wait; see passing.h. So a process does it that lives for nothing else. It ends without closing
 * them: a process that ends does not wait for data to be sent.
 */
#ifndef MAILSEAL_AGENT_REFUSALS_H
#define MAILSEAL_AGENT_REFUSALS_H

#include "shim/handoff/handoff.h"

#include <sys/types.h>

#define REFUSALS_AT_ONCE 16
#define REFUSALS_PROCESSES 64

struct refusals {
	void (*disown)(void *context); /* in the process: lets go of what is the dispatcher's */
	void *context;
	struct refusal {
		int channel;
		enum handoff_stage stage;
		int error;
	} waiting[REFUSALS_AT_ONCE];
	unsigned count;
	pid_t processes[REFUSALS_PROCESSES]; /* 0: none */
};

/* The channel is taken over. */
void refusals_add(struct refusals *r, int channel, enum handoff_stage stage, int error);

/* Carries out what was added. To be called before any other process is made. */
void refusals_flush(struct refusals *r);

/* Forgets the processes that have ended. */
void refusals_reap(struct refusals *r);

#endif
