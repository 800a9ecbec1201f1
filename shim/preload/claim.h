/*
 * claim: of several threads that connect one socket at the same time, one does it.
 * No lock: who comes late is told so, and looks at the socket again. Claims of another process (a
 * parent before fork(), a vfork() child that died) count for nothing.
 */
#ifndef MAILSEAL_PRELOAD_CLAIM_H
#define MAILSEAL_PRELOAD_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

struct claim {
	int place; /* -1: none is held */
};

/*
 * Claims the socket at fd. False if another thread of this process holds it. Where no note can be
 * taken (too many at once) it is true all the same, with nothing held. To be called, and given
 * back, with all signals blocked.
 */
bool claim_take(struct claim *claim, int fd);

/* What is not held may be released. */
void claim_release(struct claim *claim);

#endif
