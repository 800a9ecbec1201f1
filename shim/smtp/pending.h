/*
 * pending: the commands whose replies are still to come, in order, so that forwarded and
 * synthesised replies reach a pipelining application in the order of its commands (RFC 2920 3.2).
 */
#ifndef MAILSEAL_SMTP_PENDING_H
#define MAILSEAL_SMTP_PENDING_H

#include "config/policy.h"

#include <stdbool.h>
#include <stdint.h>

#define PENDING_MAX 64 /* more commands than this wait in the input buffer */

enum awaited {
	AWAITED_NOTHING, /* the queue is empty */
	AWAITED_HELLO,	 /* EHLO of the application, forwarded */
	AWAITED_HELO,
	AWAITED_MAIL,
	AWAITED_RCPT,
	AWAITED_DATA,	     /* the 354 */
	AWAITED_END_OF_DATA, /* the final reply */
	AWAITED_AUTH,
	AWAITED_QUIT,
	AWAITED_OTHER,
	/* for nobody but ourselves */
	AWAITED_HELD_MAIL,    /* answered by us before it was sent */
	AWAITED_REFUSED_RCPT, /* its MAIL was refused: `text` is the reply, until it is given */
	AWAITED_REPLAY,	      /* a line of a held envelope */
	AWAITED_HELD_DATA,    /* the application has its 354 already */
	AWAITED_RESET,
	AWAITED_NO_SERVER, /* the reply is ours and stands in `text` */
};

struct pending_entry;

struct pending {
	struct pending_entry *entry; /* a ring of `size`; as large as it must be */
	unsigned first, count, size;
};

bool pending_full(const struct pending *p);
bool pending_has_room(const struct pending *p, unsigned entries);
enum awaited pending_first(const struct pending *p);

/* The first entry's position behind its command. */
uint64_t pending_sent_at(const struct pending *p);

/* 0, -ENOBUFS or -ENOMEM. */
int pending_add(struct pending *p, enum awaited what, uint64_t sent_at);

/* AWAITED_RCPT with a copy of its demands. 0, -ENOBUFS or -ENOMEM. */
int pending_add_recipient(struct pending *p, uint64_t sent_at, const struct demands *demands);

/* Each recipient with demands becomes an AWAITED_REFUSED_RCPT, answered by a copy of `reply`. 0 or
 * -ENOMEM. */
int pending_refuse_recipients(struct pending *p, const char *reply);

/* Those of the first entry, or NULL. */
const struct demands *pending_demands(const struct pending *p);

/* Is the reply to one of these outstanding? `what` is a set of 1u << enum awaited. */
bool pending_has(const struct pending *p, unsigned what);

/* A reply of our own, copied. 0, -ENOBUFS or -ENOMEM. */
int pending_add_reply(struct pending *p, const char *text, bool last);

/* The first entry's own reply and whether it is the last; NULL if the server owes it, or
 * pending_replied(). */
const char *pending_reply(const struct pending *p, bool *last);

/* That reply was given: the entry is dropped, unless the server still owes one for it. */
void pending_replied(struct pending *p);

/* The commands are said again: behind them stands what stood there, and `by` more (or, as it wraps
 * around, less). */
void pending_shift(struct pending *p, uint64_t by);

void pending_drop(struct pending *p); /* the first one; there must be one */
void pending_clear(struct pending *p);

#endif
