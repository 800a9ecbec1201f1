/*
 * scratch: memory for the length of one call, since thread stacks can be tiny. Fresh memory costs
 * more than most of what is done with it, so that one block is kept for whoever comes first.
 */
#ifndef MAILSEAL_PRELOAD_SCRATCH_H
#define MAILSEAL_PRELOAD_SCRATCH_H

#define SCRATCH_SIZE 98304 /* bytes; untouched pages are none */

/* SCRATCH_SIZE bytes, aligned for anything; what is in them is not said. NULL: there is no memory.
 * Safe from any thread and from signal handlers. */
void *scratch_take(void);
void scratch_give_back(void *scratch); /* NULL is fine */

#endif
