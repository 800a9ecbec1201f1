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

/* Takes `channel` and the request's descriptors over. The session then goes on by itself on its
 * lane: answers the request, connects, and so on. To be called on the agent's own thread. */
void session_begin(
	struct lane *lane, int channel, struct request *request, const struct ucred *peer);

/* SIGTERM, on the lane's thread: connections that are not up are given up, the others finish what
 * is outstanding. */
void sessions_stop(struct lane *lane);

/* At the very end, likewise: drops what is left. */
void sessions_free(struct lane *lane);

#endif
