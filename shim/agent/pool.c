/*
 * pool: the newest stands first; one that was of no use to who took it stands last. One that is
 * being ended is still in the list, but nobody's any more.
 */
#include "shim/agent/pool.h"

#include "shim/agent/agent.h"
#include "shim/smtp/reply.h"

#include <errno.h>
#include <stdlib.h>

#define RESET_S 5  /* for the reply to RSET */
#define LINGER_S 2 /* behind QUIT, for the server's end */

struct pool {
	struct loop *loop;
	struct parked *first;
	unsigned count;
};

struct pool *pool_new(struct loop *loop)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool)
		pool->loop = loop;
	return pool;
}

void pool_kept_clear(struct kept *k)
{
	key_free(k->key);
	edition_release(k->edition);
	tls_context_free(k->context);
	warm_free(k->warm);
	*k = (struct kept){0};
}

static void take_out(struct parked *p)
{
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	loop_timer_stop(p->pool->loop, &p->timer);
	loop_undefer(p->pool->loop, &p->task);
	p->pool->count--;
	p->pool = NULL;
}

void parked_free(struct parked *p)
{
	if (p->pool)
		take_out(p);
	stream_close(&p->stream);
	pool_kept_clear(&p->kept);
	buf_clear(&p->in);
	buf_clear(&p->out);
	free(p);
}

/* --- the end of one --- */

/* Our end behind QUIT; then the server's, so that nothing is reset on its way. */
static void leave(struct parked *p)
{
	if (p->leaving)
		return;
	p->leaving = true;
	if (buf_length(&p->out) == 0 && buf_append_text(&p->out, "QUIT\r\n") == 0)
		stream_write(&p->stream, &p->out);
	stream_end(&p->stream);
	p->until = loop_now(p->pool->loop) + PROTOCOL_MS(LINGER_S);
	if (loop_timer_set(p->pool->loop, &p->timer, p->until) < 0)
		parked_free(p);
}

static void expired(void *context)
{
	struct parked *p = context;

	if (p->leaving || p->reset_due)
		parked_free(p);
	else
		leave(p);
}

void pool_clear(struct pool *pool)
{
	while (pool && pool->first) {
		leave(pool->first);
		if (pool->first)
			parked_free(pool->first);
	}
}

bool pool_gives_way(struct pool *pool)
{
	bool some = pool && pool->first;

	pool_clear(pool);
	return some;
}

void pool_free(struct pool *pool)
{
	pool_clear(pool);
	free(pool);
}

/* --- waiting --- */

/* Takes in what the server said: true if that was the 250 to RSET, or a part of it, or nothing. */
static bool is_still_good(struct parked *p)
{
	size_t before = buf_length(&p->in);
	struct reply reply;
	const char *why;
	ssize_t n;

	while ((n = stream_read(&p->stream, &p->in)) > 0)
		;
	if (n < 0 || p->stream.eof || p->stream.cut_off)
		return false;
	if (buf_length(&p->in) == before)
		return true;
	if (!p->reset_due)
		return false;
	switch (reply_parse(buf_bytes(&p->in), buf_length(&p->in), &reply, &why)) {
	case REPLY_PARTIAL:
		return true;
	case REPLY_MALFORMED:
		return false;
	case REPLY_WHOLE:
		break;
	}
	if (reply.code != 250 || reply.octets != buf_length(&p->in))
		return false;
	buf_clear(&p->in);
	p->reset_due = false;
	return loop_timer_set(p->pool->loop, &p->timer, p->until) == 0;
}

static void turn(void *context)
{
	struct parked *p = context;

	if (p->leaving) {
		if (stream_drained(&p->stream))
			parked_free(p);
		return;
	}
	stream_write(&p->stream, &p->out);
	if (!is_still_good(p))
		parked_free(p);
}

static void ready(void *context, uint32_t events)
{
	struct parked *p = context;

	stream_note(&p->stream, events);
	loop_defer(p->pool->loop, &p->task);
}

/* --- coming in --- */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void stand(struct parked *p, struct parked **at)
{
	p->next = *at;
	p->link = at;
	if (p->next)
		p->next->link = &p->next;
	*at = p;
}

static struct parked **end_of(struct pool *pool)
{
	struct parked **at = &pool->first;

	while (*at)
		at = &(*at)->next;
	return at;
}

/* The stream is its own from then on. */
static struct parked *adopt(struct pool *pool, struct stream *stream, bool last)
{
	struct parked *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	stream_init(&p->stream, pool->loop, ready, p);
	if (stream_move(&p->stream, stream) < 0) {
		free(p);
		return NULL;
	}
	p->task = (struct task){.run = turn, .context = p};
	p->timer = (struct timer){.expired = expired, .context = p};
	buf_init(&p->in, REPLY_MAX);
	buf_init(&p->out, 64);
	p->pool = pool;
	stand(p, last ? end_of(pool) : &pool->first);
	pool->count++;
	return p;
}

/* RSET, unless that was the last that it was told. */
static int reset(struct parked *p)
{
	uint64_t until = p->until;

	p->reset_due = !p->kept.warm->reset;
	if (p->reset_due)
		until = least(until, loop_now(p->pool->loop) + PROTOCOL_MS(RESET_S));
	if (p->reset_due && buf_append_text(&p->out, "RSET\r\n") < 0)
		return -ENOMEM;
	return loop_timer_set(p->pool->loop, &p->timer, until);
}

/* The oldest of all, or of those alike, makes room. */
static void make_room(struct pool *pool, const struct key *key)
{
	struct parked *p, *oldest = NULL, *oldest_alike = NULL;
	unsigned alike = 0;

	for (p = pool->first; p; p = p->next) {
		oldest = p;
		if (key && !p->leaving && key_equal(p->kept.key, key)) {
			oldest_alike = p;
			alike++;
		}
	}
	if (alike >= POOL_MAX_ALIKE)
		leave(oldest_alike);
	if (pool->count >= POOL_MAX)
		parked_free(oldest);
}

int pool_put(struct pool *pool, struct stream *stream, struct kept *kept, uint64_t until)
{
	uint64_t now = loop_now(pool->loop);
	struct parked *p;

	if (kept->warm->messages >= POOL_MESSAGES_MAX || now - kept->since >= POOL_AGE_MS ||
		until <= now)
		return -ESTALE;
	make_room(pool, kept->key);
	p = adopt(pool, stream, kept->warm->untouched);
	if (!p)
		return -ENOMEM;
	p->kept = *kept;
	*kept = (struct kept){0};
	p->until = until;
	if (reset(p) < 0)
		parked_free(p);
	else
		turn(p);
	return 0;
}

void pool_leave(struct pool *pool, struct stream *stream)
{
	struct parked *p;

	make_room(pool, NULL);
	p = adopt(pool, stream, true);
	if (p)
		leave(p);
}

bool pool_holds(const struct pool *pool, const struct key *key)
{
	const struct parked *p;

	for (p = pool->first; p; p = p->next)
		if (!p->leaving && key_equal(p->kept.key, key))
			return true;
	return false;
}

static bool fits(const struct parked *p, const struct key *key, const struct tls_context *context)
{
	return !p->leaving && p->kept.context == context && key_equal(p->kept.key, key);
}

static void leave_others(struct pool *pool, const struct edition *edition)
{
	struct parked *p, *next;

	for (p = pool->first; p; p = next) {
		next = p->next;
		if (p->kept.edition != edition)
			leave(p);
	}
}

struct parked *pool_take(struct pool *pool, const struct key *key, const struct edition *edition,
	const struct tls_context *context,
	bool (*suits)(const struct dialogue *dialogue, const struct warm *warm),
	const struct dialogue *dialogue)
{
	struct parked *p, *next;

	leave_others(pool, edition);
	for (p = pool->first; p; p = next) {
		next = p->next;
		if (!fits(p, key, context) || (suits && !suits(dialogue, p->kept.warm)))
			continue;
		p->stream.readable = true; /* what epoll has not told yet counts as well */
		if (is_still_good(p) && buf_length(&p->out) == 0) {
			take_out(p);
			return p;
		}
		parked_free(p);
	}
	return NULL;
}
