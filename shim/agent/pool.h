/*
 * pool: connections that wait for their next session, for seconds, on one lane. Each was told RSET
 * last, and answers it by one 250; another octet of the server, or its end, is the connection's
 * end.
 */
#ifndef MAILSEAL_AGENT_POOL_H
#define MAILSEAL_AGENT_POOL_H

#include "shim/agent/connect.h"
#include "shim/agent/key.h"
#include "shim/agent/rules.h"
#include "shim/agent/stream.h"
#include "shim/base/buf.h"
#include "shim/smtp/dialogue.h"

#define POOL_MAX 64	  /* connections */
#define POOL_MAX_ALIKE 16 /* of one key */
/* Messages on one connection when it is put in. OpenSMTPD takes 100 on a connection ("smtp limit
 * max-mails"), Exim 1000 (smtp_accept_max_per_connection): some are left for the next session. */
#define POOL_MESSAGES_MAX 50
#define POOL_AGE_MS 300000 /* of TLS on one connection, when it is put in */

struct pool;

/* What is kept of a connection beside its stream. All pointers are owned, or held. */
struct kept {
	struct key *key;
	struct edition *edition;
	struct tls_context *context;
	struct warm *warm;
	struct tls_facts tls;
	struct endpoint peer;
	uint64_t since; /* when TLS came up, on the loop's clock */
};

void pool_kept_clear(struct kept *kept);

/* A connection that was taken out. Its stream is watched by nobody. */
struct parked {
	struct stream stream;
	struct buf in; /* what came of the reply to RSET */
	bool reset_due;
	struct kept kept;
	/* the pool's own */
	struct pool *pool;
	struct parked *next, **link;
	struct buf out;
	struct task task;
	struct timer timer;
	uint64_t until;
	bool leaving; /* QUIT was said */
};

/* NULL without memory. */
struct pool *pool_new(struct loop *loop);

/* There is no room for a connection that somebody wants: true if there was one that nobody wants
 * yet. Ends them all. */
bool pool_gives_way(struct pool *pool); /* NULL is fine */

/* Ends all that waits, by QUIT where that can be sent at once. */
void pool_clear(struct pool *pool); /* NULL is fine */
void pool_free(struct pool *pool);  /* NULL is fine */

/*
 * Takes over the stream, which is TLS and idle, and *kept, until then on the loop's clock. 0; or
 * -errno, where both stay the caller's: it is too old, or was used too often.
 */
int pool_put(struct pool *pool, struct stream *stream, struct kept *kept, uint64_t until);

/* Takes over a stream, for QUIT and its end alone; or leaves it to the caller, without memory. */
void pool_leave(struct pool *pool, struct stream *stream);

/* Is it worth asking pool_take()? */
bool pool_holds(const struct pool *pool, const struct key *key);

/*
 * Of this key the one that came last, of those that suit (all, if that is NULL), unless its server
 * has said anything but 250 to RSET. NULL: there is none. All of another edition are ended. The
 * caller owes parked_free().
 */
struct parked *pool_take(struct pool *pool, const struct key *key, const struct edition *edition,
	const struct tls_context *context,
	bool (*suits)(const struct dialogue *dialogue, const struct warm *warm),
	const struct dialogue *dialogue);

/* Closes what is still its own. */
void parked_free(struct parked *parked);

#endif
