/*
 * server: the server's side of a session: TLS on its connection, a fresh connection, the end.
 */
#include "shim/agent/parts.h"
#include "shim/hop/hop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool server_take_in(struct session *s, unsigned wishes)
{
	ssize_t n;

	if (s->server_leg != LEG_UP || !(wishes & DIALOGUE_READ_SERVER))
		return false;
	n = stream_read(&s->server, dialogue_server_in(s->dialogue));
	if (s->server.eof && !s->server_eof_told) {
		s->server_eof_told = true;
		if (*s->server.why)
			dialogue_server_lost(s->dialogue, s->server.why);
		else
			dialogue_server_eof(s->dialogue);
		return true;
	}
	return n > 0;
}

/*
 * Progress, for patience, is what we could send, and what the application sends. What the server
 * sends is none by itself: replies that trickle in octet by octet shall not hold a session for
 * ever.
 */
bool server_put_out(struct session *s)
{
	struct buf *out = dialogue_server_out(s->dialogue);
	size_t before = buf_length(out);

	if (s->server_leg == LEG_GONE)
		buf_consume(out, before);
	else if (s->server_leg != LEG_UP && s->server_leg != LEG_ENDING)
		return false;
	else if (stream_write(&s->server, out) > 0)
		s->progress = loop_now(s->lane->loop);
	if (s->server.sent)
		dialogue_server_cut(s->dialogue, s->server.sent);
	return buf_length(out) < before;
}

/* What a fresh connection is made like, where the dialogue may still want one. */
static void keep_likeness(struct session *s)
{
	struct err err;

	if (s->dialogue && s->likeness < 0 && s->server.fd >= 0 &&
		dialogue_wishes(s->dialogue) & DIALOGUE_MAY_RECONNECT)
		s->likeness = connect_sibling(s->server.fd, &err);
}

void server_close(struct session *s)
{
	keep_likeness(s);
	stream_close(&s->server);
	s->server_leg = LEG_GONE;
	s->server_deadline = NEVER;
}

static void tls_failed(struct session *s, const char *why)
{
	s->server_leg = LEG_UP; /* closing it is the dialogue's wish to come */
	if (!resumption_failed(s))
		dialogue_tls_failed(s->dialogue, why);
}

bool server_hangs(struct session *s)
{
	if (s->server_leg != LEG_SHAKING || !resumption_failed(s))
		return false;
	s->server_leg = LEG_UP;
	return true;
}

static void tls_up(struct session *s)
{
	struct facts facts;

	s->tls = *tls_facts(s->server.tls);
	s->tls_since = loop_now(s->lane->loop);
	s->reused = false;
	hop_facts(&s->tls, &facts);
	if (s->head.flags & HANDOFF_NAMES_TORN && !s->policy.connection.match &&
		!s->policy.connection.fingerprints) {
		facts.verified = false;
		if (!*facts.reason)
			snprintf(facts.reason, sizeof(facts.reason),
				"the name that the application looked up is not certain");
	}
	s->tls.verified = facts.verified;
	s->server_leg = LEG_UP;
	dialogue_tls_up(s->dialogue, &facts);
}

static bool shake(struct session *s)
{
	struct err err = {""};
	int rc = stream_handshake(&s->server, &err);

	if (rc == -EAGAIN)
		return false;
	if (rc == 0)
		tls_up(s);
	else if (rc == -EBADMSG)
		dialogue_residue(s->dialogue);
	else
		tls_failed(s, err.text);
	return true;
}

/* Nothing of ours may be unsent and nothing of the server's unread when the first TLS record goes
 * out. */
static bool start_tls(struct session *s)
{
	struct tls_identity id;
	struct err err = {""};

	if (buf_length(dialogue_server_out(s->dialogue)) > 0)
		return false;
	if (buf_length(dialogue_server_in(s->dialogue)) > 0 || stream_has_residue(&s->server)) {
		dialogue_residue(s->dialogue);
		return true;
	}
	hop_identity(&s->policy, (const char *const *)s->names, s->name_count,
		(const struct sockaddr *)&s->peer.ss, &id);
	s->server_leg = LEG_SHAKING;
	s->progress = loop_now(s->lane->loop);
	if (tls_new(&s->server.tls, s->context, s->server.fd, &id, &err) < 0) {
		tls_failed(s, err.text);
		return true;
	}
	resumption_offer(s);
	return shake(s);
}

static void reconnect_failed(struct session *s, const char *why)
{
	server_close(s);
	dialogue_reconnect_failed(s->dialogue, why);
}

static bool reconnect(struct session *s)
{
	struct err err = {""};
	int flags, rc, fd = s->likeness;

	if (fd < 0)
		fd = connect_sibling(s->server.fd, &err);
	s->likeness = -1;
	stream_close(&s->server);
	s->server_deadline = NEVER;
	s->tls = (struct tls_facts){0};
	s->reused = false;
	if (fd < 0) {
		reconnect_failed(s, err.text);
		return true;
	}
	rc = connect_begin(fd, &s->peer, &flags);
	if (rc == -EINPROGRESS)
		rc = stream_open(&s->server, fd);
	if (rc < 0) {
		close(fd);
		reconnect_failed(s, strerror(-rc));
		return true;
	}
	s->server_eof_told = false;
	s->server_leg = LEG_RECONNECTING;
	s->progress = loop_now(s->lane->loop);
	return true;
}

static bool finish_reconnect(struct session *s)
{
	struct endpoint peer;
	int rc;

	if (!s->server.writable)
		return false;
	rc = connect_finish(s->server.fd, &s->peer, &peer);
	if (rc < 0) {
		reconnect_failed(s, strerror(-rc));
		return true;
	}
	s->server_leg = LEG_UP;
	s->progress = loop_now(s->lane->loop);
	dialogue_reconnected(s->dialogue);
	return true;
}

/* QUIT or not: our end behind our last byte, then the server's end, so that nothing is reset on its
 * way. */
static bool end(struct session *s)
{
	if (s->server_leg < LEG_ENDING)
		s->server_leg = LEG_ENDING;
	if (s->server_leg == LEG_ENDING && buf_length(dialogue_server_out(s->dialogue)) == 0) {
		stream_end(&s->server);
		s->server_leg = LEG_LINGERING;
		s->server_deadline = loop_now(s->lane->loop) + PROTOCOL_MS(SERVER_LINGER_S);
	}
	if (s->server_leg == LEG_LINGERING && (s->server.eof || stream_drained(&s->server))) {
		server_close(s);
		return true;
	}
	return s->server_leg == LEG_LINGERING && s->server.readable; /* more to forget */
}

/* Or QUIT, where it cannot be kept: the application has its reply to that. */
static bool leave(struct session *s)
{
	if (parking_put(s))
		return true;
	if (s->server_leg == LEG_UP)
		(void)buf_append_text(dialogue_server_out(s->dialogue), "QUIT\r\n");
	return end(s);
}

bool server_obey(struct session *s, unsigned wishes)
{
	if (s->server_leg == LEG_GONE && !(wishes & DIALOGUE_RECONNECT))
		return false;
	if (wishes & DIALOGUE_ABORT_SERVER ||
		(wishes & DIALOGUE_CLOSE_SERVER && s->server_leg == LEG_RECONNECTING)) {
		server_close(s);
		return true;
	}
	if (wishes & DIALOGUE_CLOSE_SERVER)
		return end(s);
	if (s->server_leg == LEG_RECONNECTING)
		return finish_reconnect(s);
	if (wishes & DIALOGUE_RECONNECT) {
		if (s->likeness >= 0 && (!(wishes & DIALOGUE_PARK) || !parking_put(s)))
			parking_leave(s);
		return parking_take_another(s) || reconnect(s);
	}
	if (wishes & DIALOGUE_PARK)
		return leave(s);
	if (s->server_leg == LEG_SHAKING)
		return shake(s);
	if (wishes & DIALOGUE_START_TLS)
		return start_tls(s);
	return false;
}
