/*
 * parking: where a session begins with a connection that another one left, and where it leaves its
 * own to the next.
 *
 * The application's socket is then not connected at all, but kept until the server has proved that
 * the connection is alive: it becomes the fresh one if it is not.
 */
#include "shim/agent/log.h"
#include "shim/agent/parts.h"

#include <unistd.h>

/* A private agent serves one connect(), so nobody would come. */
static bool is_wanted(struct session *s)
{
	if (s->lane->agent->options.private)
		return false;
	s->peer = s->to; /* what kept ones were connected to, or they have no key */
	opening_find_demands(s);
	return s->policy.connection.intercept && s->policy.connection.connection_reuse;
}

void parking_note(struct session *s, int tcp)
{
	const struct agent *agent = s->lane->agent;
	const struct key_parts parts = {
		.tcp = tcp,
		.channel = s->channel,
		.head = &s->head,
		.names = s->names,
		.name_count = s->name_count,
		.who = {.pid = s->pid, .uid = s->uid, .gid = s->gid},
		.by_cgroup = agent->options.system != NULL,
	};

	if (is_wanted(s))
		s->key = key_new(&parts);
}

static bool is_allowed(const struct session *s)
{
	return s->key && s->policy.connection.intercept && s->policy.connection.connection_reuse;
}

/* Its connection becomes the session's. False: it is gone. */
static bool go_on_with(struct session *s, struct parked *p)
{
	stream_close(&s->server);
	if (stream_move(&s->server, &p->stream) < 0) {
		parked_free(p);
		return false;
	}
	s->server_leg = LEG_UP;
	s->server_eof_told = false;
	s->peer = p->kept.peer;
	s->tls = p->kept.tls;
	s->tls_since = p->kept.since;
	s->kept_until = p->until;
	s->reused = true;
	return true;
}

bool parking_take(struct session *s, int tcp)
{
	struct err err;
	struct parked *p;

	if (!s->key || !s->lane->pool || !pool_holds(s->lane->pool, s->key))
		return false;
	if (opening_find_policy(s, &err) < 0 || !is_allowed(s))
		return false;
	p = pool_take(s->lane->pool, s->key, s->edition, s->context, NULL, NULL);
	if (!p || !go_on_with(s, p))
		return false;
	s->parked = p;
	s->likeness = tcp;
	return true;
}

bool parking_take_another(struct session *s)
{
	struct warm *warm;
	struct parked *p;

	if (!is_allowed(s) || !s->lane->pool)
		return false;
	p = pool_take(
		s->lane->pool, s->key, s->edition, s->context, dialogue_would_take, s->dialogue);
	if (!p || !go_on_with(s, p))
		return false;
	warm = p->kept.warm;
	p->kept.warm = NULL;
	dialogue_offered(s->dialogue, warm, p->reset_due);
	(void)buf_append(dialogue_server_in(s->dialogue), buf_bytes(&p->in), buf_length(&p->in));
	parked_free(p);
	return true;
}

int parking_unconnected(struct session *s)
{
	int tcp = s->likeness;

	s->likeness = -1;
	parking_leave(s);
	stream_close(&s->server);
	parking_clear(s);
	return tcp;
}

/* A fresh one takes its place, or nobody wants it. */
void parking_leave(struct session *s)
{
	if (s->reused && s->lane->pool && s->server.tls && !s->server.eof && !s->server.cut_off)
		pool_leave(s->lane->pool, &s->server);
}

void parking_settings(const struct session *s, struct dialogue_settings *settings)
{
	settings->may_park = is_allowed(s);
	if (!s->parked)
		return;
	settings->warm = s->parked->kept.warm;
	settings->reset_due = s->parked->reset_due;
}

/* The dialogue has what was the next application's to know. */
void parking_begun(struct session *s)
{
	struct parked *p = s->parked;

	if (!p)
		return;
	p->kept.warm = NULL;
	(void)buf_append(dialogue_server_in(s->dialogue), buf_bytes(&p->in), buf_length(&p->in));
	parking_clear(s);
}

void parking_clear(struct session *s)
{
	if (s->parked)
		parked_free(s->parked);
	s->parked = NULL;
}

/* An agent that logs to its processes' stderr leaves with the last of them. */
static bool somebody_may_come(const struct lane *lane)
{
	const struct agent *agent = lane->agent;
	bool leaves = !agent->options.system && log_is_stderr();

	return !lane->closed && (!leaves || agent->session_count > 1);
}

static bool may_put(struct session *s)
{
	unsigned half = s->lane->agent->usable / 2; /* of the descriptors are for those in use */

	if (!is_allowed(s) || (unsigned)s->server.fd >= half || s->server_leg != LEG_UP ||
		!s->server.tls || s->server.eof || s->server.cut_off || !somebody_may_come(s->lane))
		return false;
	if (!s->lane->pool)
		s->lane->pool = pool_new(s->lane->loop);
	return s->lane->pool != NULL;
}

/* Those who said nothing on it do not make it last longer. */
static uint64_t until(const struct session *s, const struct warm *warm)
{
	if (warm->untouched)
		return s->kept_until;
	return loop_now(s->lane->loop) + (uint64_t)s->policy.connection.connection_reuse * 1000;
}

bool parking_put(struct session *s)
{
	struct kept kept = {.tls = s->tls, .peer = s->peer, .since = s->tls_since};

	if (!may_put(s))
		return false;
	kept.warm = dialogue_warm(s->dialogue);
	kept.key = key_hold(s->key); /* the session may have another to leave */
	kept.edition = s->edition;
	kept.context = s->context;
	edition_hold(kept.edition);
	tls_context_hold(kept.context);
	if (!kept.warm || pool_put(s->lane->pool, &s->server, &kept, until(s, kept.warm)) < 0) {
		pool_kept_clear(&kept);
		return false;
	}
	s->server_leg = LEG_GONE;
	return true;
}

/* The server has answered on it: no other connection will take its place. */
void parking_settle(struct session *s, unsigned wishes)
{
	if (!s->reused || s->likeness < 0 || wishes & (DIALOGUE_MAY_RECONNECT | DIALOGUE_RECONNECT))
		return;
	close(s->likeness);
	s->likeness = -1;
}
