/*
 * talk: drives the agent's own dialogue, in the place of its session, and is the program on the
 * other side: it greets, and leaves. The dialogue is told a policy that lets everything pass, so
 * that all there is to see is seen; what the true policy makes of it is judged afterwards. Only the
 * fresh connection in the clear, after a handshake that failed, is made where the true policy makes
 * it.
 */
#include "shim/hop/hop.h"
#include "shim/smtp/reply.h"
#include "tools/probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAVING_MS 5000 /* for the reply to QUIT */

/* What the program waits for. */
enum program { PROGRAM_GREETING, PROGRAM_HELLO, PROGRAM_HELO, PROGRAM_LEAVING };

struct run {
	struct talk *talk;
	const struct talk_settings *settings;
	struct wire *wire;
	struct dialogue *dialogue;
	struct policy open; /* lets everything pass */
	enum program program;
	long long progress; /* when the server last had something to answer */
	bool over;
	char refused[REPLY_TEXT_SIZE + 40]; /* the server's words to the program */
	enum moment refused_at;
	char note[200]; /* the dialogue's, why it ended */
};

static void stop(struct run *r, const char *why)
{
	struct talk *t = r->talk;

	r->over = true;
	if (t->served || *t->trouble)
		return;
	t->stopped = t->heard.moment;
	snprintf(t->trouble, sizeof(t->trouble), "%s: %s", moment_words(t->stopped), why);
}

/* --- the program --- */

static void say(struct run *r, const char *verb, const char *argument)
{
	struct buf *in = dialogue_client_in(r->dialogue);
	char line[600];
	int n = snprintf(line, sizeof(line), "%s%s%s\r\n", verb, *argument ? " " : "", argument);

	if (buf_append(in, line, (size_t)n) < 0)
		stop(r, "out of memory");
}

static void leave(struct run *r)
{
	if (r->program == PROGRAM_LEAVING)
		return;
	r->program = PROGRAM_LEAVING;
	if (r->wire->deadline > wire_now() + LEAVING_MS)
		r->wire->deadline = wire_now() + LEAVING_MS;
	say(r, "QUIT", "");
}

static void refused(struct run *r, const char *bytes, const struct reply *reply)
{
	char text[REPLY_TEXT_SIZE];

	reply_text(bytes, text, sizeof(text));
	snprintf(r->refused, sizeof(r->refused), "%d %s", reply->code, text);
	r->refused_at = r->talk->heard.moment;
	leave(r);
}

static void hear_reply(struct run *r, const char *bytes, const struct reply *reply)
{
	switch (r->program) {
	case PROGRAM_GREETING:
		if (reply->code != 220) {
			refused(r, bytes, reply);
			return;
		}
		r->program = PROGRAM_HELLO;
		say(r, "EHLO", r->settings->ehlo ? r->settings->ehlo : r->wire->own);
		return;
	case PROGRAM_HELLO:
	case PROGRAM_HELO:
		if (reply->code == 250) {
			r->talk->served = true;
			leave(r);
		} else if (reply->code >= 500 && r->program == PROGRAM_HELLO) {
			r->program = PROGRAM_HELO;
			say(r, "HELO", r->settings->ehlo ? r->settings->ehlo : r->wire->own);
		} else {
			refused(r, bytes, reply);
		}
		return;
	case PROGRAM_LEAVING:
		return;
	}
}

/* What the dialogue tells the program. True: there was something. */
static bool hear_program(struct run *r)
{
	struct buf *out = dialogue_client_out(r->dialogue);
	struct reply reply;
	const char *why;

	if (reply_parse(buf_bytes(out), buf_length(out), &reply, &why) != REPLY_WHOLE)
		return false;
	hear_reply(r, buf_bytes(out), &reply);
	buf_consume(out, reply.octets);
	return true;
}

static void note_report(void *context, const struct dialogue_report *report)
{
	struct run *r = context;

	r->talk->facts = report->facts;
	snprintf(r->note, sizeof(r->note), "%s", report->note);
}

/* --- the server --- */

/* When what is awaited is due, by the agent's patience and by ours. */
static long long due(const struct run *r)
{
	long long patience = 1000LL * dialogue_patience(r->dialogue);
	long long until = r->progress + patience;

	return patience == 0 || until > r->wire->deadline ? r->wire->deadline : until;
}

static void late(struct run *r)
{
	if (wire_now() >= r->wire->deadline)
		stop(r, "no answer in time");
	else
		dialogue_timeout(r->dialogue);
}

static void put_out(struct run *r)
{
	struct buf *out = dialogue_server_out(r->dialogue);
	struct err err = {""};

	if (buf_length(out) == 0)
		return;
	heard_command(&r->talk->heard, buf_bytes(out), buf_length(out), r->wire->tls != NULL);
	if (wire_write(r->wire, out, due(r), &err) < 0) {
		buf_consume(out, buf_length(out));
		dialogue_server_lost(r->dialogue, err.text);
		return;
	}
	r->progress = wire_now();
}

static void take_in(struct run *r)
{
	struct buf *in = dialogue_server_in(r->dialogue);
	size_t before = buf_length(in);
	struct err err = {""};
	ssize_t n = wire_read(r->wire, in, due(r), &err);

	if (n > 0)
		heard_octets(&r->talk->heard, buf_bytes(in) + before, (size_t)n);
	else if (n == 0)
		dialogue_server_eof(r->dialogue);
	else if (n == -EAGAIN)
		late(r);
	else
		dialogue_server_lost(r->dialogue, err.text);
}

/* --- TLS --- */

static void shaken(struct run *r)
{
	struct talk *t = r->talk;
	struct facts facts;

	t->shaken = true;
	t->tls = *tls_facts(r->wire->tls);
	if (r->settings->curious && tls_peer_read(r->wire->tls, &t->peer) < 0)
		stop(r, "out of memory");
	hop_facts(&t->tls, &facts);
	dialogue_tls_up(r->dialogue, &facts);
}

static void offer_session(struct run *r)
{
	static const char scope[] = "probe";
	struct tls_resumption offer = {
		.sessions = r->settings->sessions, .scope = scope, .scope_length = sizeof(scope)};
	struct tls_session_key key;

	if (offer.sessions)
		tls_resume(r->wire->tls, &offer, &key);
}

static void start_tls(struct run *r)
{
	struct err err = {""};
	int rc;

	heard_await(&r->talk->heard, MOMENT_HANDSHAKE);
	r->progress = wire_now();
	if (buf_length(dialogue_server_in(r->dialogue)) > 0 || wire_has_residue(r->wire)) {
		dialogue_residue(r->dialogue);
		return;
	}
	rc = tls_new(
		&r->wire->tls, r->settings->context, r->wire->fd, &r->settings->identity, &err);
	if (rc == 0) {
		offer_session(r);
		rc = wire_handshake(r->wire, due(r), &err);
	}
	if (rc == 0)
		shaken(r);
	else if (rc == -EBADMSG)
		dialogue_residue(r->dialogue);
	else if (rc == -ETIMEDOUT && wire_now() >= r->wire->deadline)
		stop(r, "no answer in time");
	else
		dialogue_tls_failed(r->dialogue, err.text);
}

/* The handshake failed: does mail go on in the clear, by the true policy? */
static void go_on_in_clear(struct run *r)
{
	const struct facts failed = {.tls = TLS_FACT_HANDSHAKE_FAILED};
	struct err err = {""};

	if (route_of(r->settings->policy, &failed) != ROUTE_AFRESH) {
		r->talk->served = true; /* by the agent alone, which refuses all mail */
		r->over = true;
		return;
	}
	heard_await(&r->talk->heard, MOMENT_GREETING);
	if (wire_again(r->wire, &err) < 0) {
		stop(r, err.text);
		return;
	}
	r->progress = wire_now();
	dialogue_reconnected(r->dialogue);
}

/* --- all together --- */

static void obey(struct run *r)
{
	unsigned wishes = dialogue_wishes(r->dialogue);

	if (r->wire->tls)
		r->talk->tickets = tls_tickets(r->wire->tls);
	if (wishes & DIALOGUE_ABORT_SERVER) {
		wire_close(r->wire);
		r->over = true;
	} else if (wishes & DIALOGUE_RECONNECT) {
		go_on_in_clear(r);
	} else {
		put_out(r);
		if (wishes & DIALOGUE_CLOSE_SERVER) {
			wire_leave(r->wire);
			r->over = true;
		} else if (wishes & DIALOGUE_START_TLS) {
			start_tls(r);
		} else if (wishes & DIALOGUE_READ_SERVER) {
			take_in(r);
		} else {
			r->over = true;
		}
	}
}

/* Did the dialogue end it? Then its note says more than what the program was told. */
static bool ended_by_us(const struct run *r)
{
	static const char *const kinds[] = {
		"attack", "protocol error", "connection lost", "timeout"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strncmp(r->note, kinds[i], strlen(kinds[i])) == 0)
			return true;
	}
	return !*r->refused;
}

static void finish(struct run *r)
{
	struct talk *t = r->talk;
	char words[300];

	dialogue_free(r->dialogue); /* reports */
	if (t->served || *t->trouble)
		return;
	t->attack = strncmp(r->note, "attack", 6) == 0;
	t->stopped = r->refused_at;
	if (ended_by_us(r)) {
		t->stopped = t->heard.moment;
		text_escape(words, sizeof(words), r->note, strlen(r->note));
	} else {
		text_escape(words, sizeof(words), r->refused, strlen(r->refused));
	}
	snprintf(t->trouble, sizeof(t->trouble), "%s: %.200s%s%s%s", moment_words(t->stopped),
		words, *t->heard.odd ? ": \"" : "", t->heard.odd, *t->heard.odd ? "\"" : "");
}

/* No section counts, and whatever the connection is like, it will do. */
static void make_open(struct policy *open)
{
	static const struct origin none = {.kind = SECTION_BUILTIN, .label = "", .file = ""};

	*open = (struct policy){.demands = {.min_tls = TLS_VERSION_1_0, .mode = MODE_ENFORCE}};
	for (unsigned i = 0; i < DEMAND_COUNT; i++)
		open->demands.origin[i] = &none;
	open->connection.on_bad_certificate_origin = &none;
	open->connection.protect_credentials_origin = &none;
	open->connection.application_tls_origin = &none;
}

void talk_go(struct talk *talk, const struct talk_settings *settings, struct wire *wire)
{
	struct run r = {.talk = talk, .settings = settings, .wire = wire, .progress = wire_now()};
	struct dialogue_settings d = {
		.policy = &r.open,
		.server_name = settings->server_name,
		.own_name = wire->own,
		.report = note_report,
		.context = &r,
	};

	make_open(&r.open);
	heard_begin(&talk->heard);
	r.dialogue = dialogue_new(&d);
	if (!r.dialogue) {
		stop(&r, "out of memory");
		return;
	}
	while (!r.over) {
		do
			dialogue_run(r.dialogue);
		while (hear_program(&r));
		obey(&r);
	}
	finish(&r);
	wire_close(wire);
}

void talk_clear(struct talk *talk)
{
	heard_clear(&talk->heard);
	tls_peer_clear(&talk->peer);
}
