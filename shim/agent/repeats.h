/*
 * repeats: lines that say again what was just said, as when a server is down. The first few of a
 * kind are logged as they come; those that follow within the same span are counted, and the last of
 * them is logged when the span is over, with `suppressed=N` for those that were not. So the lines
 * and what they say was suppressed are all that happened, whatever the agent ends by but a crash.
 *
 * Who varies what he does to make many kinds is bounded too: what finds no place, or comes when
 * enough was logged in a span, is counted with all others of its event.
 *
 * Never for what became of mail: transactions and attacks go to line_send(). Safe to use from
 * several threads.
 */
#ifndef MAILSEAL_AGENT_REPEATS_H
#define MAILSEAL_AGENT_REPEATS_H

#include "shim/agent/log.h"
#include "shim/agent/loop.h"

#include <pthread.h>

#define REPEATS_SPAN_MS PROTOCOL_MS(30) /* agent.h */
#define REPEATS_USUAL 5			/* lines of a kind in a span */
#define REPEATS_RARE 1			/* for what is known by then: more of it tells nothing */
#define REPEATS_KINDS 256		/* at a time */
#define REPEATS_LINES 300		/* in a span, of all kinds */

/* Forgets whatever was counted. `counting` is called, on whatever thread, when there is something
 * that repeats_tell() owes from then on. */
void repeats_init(void (*counting)(void *context), void *context);

/* Sends the line, or counts it. What its kind is, `kind` tells beside the event: texts, up to NULL.
 * `now` in milliseconds of one clock. */
void repeats_send(const struct log_line *line, const char *event, const char *const kind[],
	unsigned usual, uint64_t now);

/* As log_event(); the text is the kind. */
void repeats_event(uint64_t now, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Tells what was counted in spans that are over. When to call it again; 0: not before the next
 * `counting`. */
uint64_t repeats_tell(uint64_t now);

/* The end: tells all. */
void repeats_end(void);

/* Tells on a loop's time; to be used on its thread. */
struct recap {
	struct loop *loop;
	pthread_t thread;
	struct task task;
	struct timer timer;
};

void recap_begin(struct recap *recap, struct loop *loop);

#endif
