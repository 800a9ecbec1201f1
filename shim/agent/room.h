/*
 * room: whether the descriptors of this process allow one more connection, and how it is said that
 * they do not. Some are left for what those that are there may still open: a certificate of an
 * authority, a fresh connection, the log after its rotation.
 */
#ifndef MAILSEAL_AGENT_ROOM_H
#define MAILSEAL_AGENT_ROOM_H

#include <stdbool.h>

struct agent;

void room_init(struct agent *agent);

/* Is there room for what came as `fd`, the lowest that was free? */
bool room_for(const struct agent *agent, int fd);

/* Somebody was turned away for this reason. Logged once, then counted. */
void room_complain(struct agent *agent);

/* How many descriptors this process may have open. */
unsigned room_limit(void);

#define ROOM_ADVICE "raise LimitNOFILE= of the unit, or ulimit -Hn"

#endif
