/*
 * timers: those of a loop, in a binary heap: the one that is due first stands at its top. It knows
 * no clock, and calls nobody.
 */
#ifndef MAILSEAL_AGENT_TIMERS_H
#define MAILSEAL_AGENT_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timer {
	void (*expired)(void *context);
	void *context;
	uint64_t due;
	size_t place; /* in the heap, from 1; 0: not set */
};

/* Empty where all is zero. */
struct timers {
	struct timer **heap; /* heap[0] unused */
	size_t count, size;
};

/* (Re)sets it. 0 or -ENOMEM, the latter never where it is set already. */
int timers_set(struct timers *timers, struct timer *timer, uint64_t due);
void timers_stop(struct timers *timers, struct timer *timer);

/* NULL: none is set. */
struct timer *timers_first(const struct timers *timers);

/* Frees the heap; the timers are their owners'. */
void timers_clear(struct timers *timers);

#endif
