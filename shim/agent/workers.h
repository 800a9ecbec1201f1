/*
 * workers: the processes of the system agent that serve its callers, one for each user. What a
 * caller hands over can make a system call wait, some of them for as long as he likes: it is his
 * own worker that waits then, and nobody else's.
 */
#ifndef MAILSEAL_AGENT_WORKERS_H
#define MAILSEAL_AGENT_WORKERS_H

#include "shim/agent/agent.h"

struct workers;

/*
 * `disown` is called in a new process, which shall let go of what is the dispatcher's; `changed`
 * when a worker has ended. NULL without memory. All that is passed in stays the caller's.
 */
struct workers *workers_new(struct loop *loop, const struct agent_options *options,
	void (*disown)(void *context), void (*changed)(void *context), void *context);
void workers_free(struct workers *workers);

/* Is there one that takes this user's callers? Otherwise workers_pass() starts one. */
bool workers_serve(const struct workers *workers, uid_t uid);

/*
 * Gives `channel`, unread, to this user's worker; it is closed here then. Otherwise it is still the
 * caller's: -EAGAIN if the worker is busy, so that another try makes sense; -EPIPE if it has just
 * ended; -ENFILE if it does not move, or if there is no place for another one.
 */
int workers_pass(struct workers *workers, uid_t uid, int channel);

/* Forgets those that have ended. */
void workers_reap(struct workers *workers);

unsigned workers_count(const struct workers *workers);
void workers_signal(const struct workers *workers, int signal);

/* In a new process: closes what leads to the workers. */
void workers_disown(struct workers *workers);

#endif
