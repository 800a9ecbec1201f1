/*
 * session: one taken-over connection, from the request to the end of both sides.
 * It joins the application's plaintext end, the server's TCP socket, TLS and the dialogue, and
 * carries out what the dialogue wishes. It decides nothing about mail.
 */
#ifndef MAILSEAL_AGENT_SESSION_H
#define MAILSEAL_AGENT_SESSION_H

#include "shim/agent/agent.h"
#include "shim/agent/handover.h"
#include "shim/agent/lane.h"

#include <sys/socket.h>

/* Takes `channel` and the request's descriptors over, answers the request, and goes on by itself
 * on this lane. */
void session_begin(
	struct lane *lane, int channel, struct request *request, const struct ucred *peer);

/* SIGTERM: connections that are not up are given up, the others finish what is outstanding. */
void sessions_stop(struct lane *lane);

/* At the very end: drops what is left. */
void sessions_free(struct lane *lane);

#endif
