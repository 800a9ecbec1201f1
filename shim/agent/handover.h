/*
 * handover: the agent's half of taking one connect() over from the preload, as
 * shim/handoff/handoff.h describes it.
 */
#ifndef MAILSEAL_AGENT_HANDOVER_H
#define MAILSEAL_AGENT_HANDOVER_H

#include "shim/handoff/handoff.h"

#include <sys/types.h>

struct request {
	int tcp, plain;			  /* owned by whoever holds the request; -1: none */
	struct handoff_request_view view; /* points into bytes */
	unsigned char bytes[HANDOFF_REQUEST_MAX + 1];
};

/*
 * Receives one request from `channel` without waiting. 0; -EAGAIN: none yet; -EPIPE: the caller
 * left. Anything else is to be answered: -EPROTO, -EPROTONOSUPPORT, -EMSGSIZE (too long), -EMFILE
 * (no room for descriptors). On failure nothing is kept open.
 */
int request_receive(int channel, struct request *request);
void request_clear(struct request *request);

/* Sends one reply. 0 or -errno: the caller does not listen any more. `local` may be NULL. */
int handover_reply(
	int channel, enum handoff_stage stage, int error, const struct handoff_addr *local);

/* The outcome of a connect() that failed, and the unconnected TCP socket back with it. */
int handover_return(int channel, int error, int tcp);

/* Gives the plaintext end the name that tells that it is connected, and discards the junk before
 * the application's bytes. 0 or -errno. */
int handover_connected(int plain, const struct handoff_request *head);

/* Gives it the name that tells the error, and closes it with the junk unread, so that poll() tells
 * an error too. */
void handover_failed(int plain, const struct handoff_request *head, int error);

#endif
