/*
 * dialogue: decides what an SMTP relay says next.
 * It does no I/O: bytes and events go in, bytes and wishes come out; agent/session.c carries them
 * out.
 */
#include "shim/smtp/dialogue.h"

#include "shim/smtp/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_IN_LIMIT 65536
#define CLIENT_OUT_LIMIT 65536
#define SERVER_IN_LIMIT (REPLY_MAX + REPLY_334_LINE_MAX)
#define SERVER_OUT_LIMIT 65536
#define LOST_MOST 127
#define HELD_LINES_LIMIT (101 * COMMAND_LINE_MAX)

struct dialogue *dialogue_new(const struct dialogue_settings *settings)
{
	struct dialogue *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->settings = *settings;
	d->sent = UINT64_MAX;
	buf_init(&d->client_in, CLIENT_IN_LIMIT);
	buf_init(&d->client_out, CLIENT_OUT_LIMIT);
	buf_init(&d->server_in, SERVER_IN_LIMIT);
	buf_init(&d->server_out, SERVER_OUT_LIMIT);
	buf_init(&d->shown, 2 * REPLY_MAX);
	buf_init(&d->held.lines, HELD_LINES_LIMIT);
	buf_init(&d->held.head, 2 * HEAD_MAX + HEAD_SLACK); /* LF becomes CRLF */
	buf_init(&d->held.refusals, 2 * REPLY_MAX);
	buf_init(&d->held.final, 3 * REPLY_MAX);
	envelope_init(&d->envelope, settings->policy, &d->facts);
	buf_init(&d->warm.sent, SERVER_OUT_LIMIT);
	if (settings->warm)
		warm_begin(d, settings->warm, settings->reset_due);
	return d;
}

void dialogue_free(struct dialogue *d)
{
	if (!d)
		return;
	if (d->phase != PHASE_OVER && d->phase != PHASE_OWN_TLS) {
		note_set(d, "session ended", "");
		report_connection(d);
	}
	pending_clear(&d->pending);
	buf_clear(&d->client_in);
	buf_clear(&d->client_out);
	buf_clear(&d->server_in);
	buf_clear(&d->server_out);
	buf_clear(&d->shown);
	transaction_clear_held(d);
	free(d->hello);
	free(d->note);
	free(d->lost);
	warm_free(d->warm.known);
	buf_clear(&d->warm.sent);
	free(d);
}

struct buf *dialogue_client_in(struct dialogue *d)
{
	return &d->client_in;
}

struct buf *dialogue_client_out(struct dialogue *d)
{
	return &d->client_out;
}

struct buf *dialogue_server_in(struct dialogue *d)
{
	return &d->server_in;
}

struct buf *dialogue_server_out(struct dialogue *d)
{
	return &d->server_out;
}

void enter_phase(struct dialogue *d, enum phase phase)
{
	if (d->phase != PHASE_OVER)
		d->phase = phase;
}

void send_command(struct dialogue *d, const char *verb, const char *argument)
{
	char line[COMMAND_LINE_MAX + 16];
	int n = snprintf(line, sizeof(line), "%s%s%s\r\n", verb, argument && *argument ? " " : "",
		argument ? argument : "");

	put_server(d, line, (size_t)n);
	trace_sent(d, AWAITED_NOTHING);
}

void put_server(struct dialogue *d, const char *bytes, size_t n)
{
	if (buf_append(&d->server_out, bytes, n) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
	else
		warm_note_sent(d, bytes, n);
}

void put_client(struct dialogue *d, const char *bytes, size_t n)
{
	if (buf_append(&d->client_out, bytes, n) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
	trace_shown(d, false);
}

void await(struct dialogue *d, enum awaited what)
{
	trace_sent(d, what);
	if (d->phase != PHASE_OVER &&
		pending_add(&d->pending, what, buf_position(&d->server_out)) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
}

void dialogue_client_eof(struct dialogue *d)
{
	d->client_eof = true;
}

void dialogue_server_eof(struct dialogue *d)
{
	d->server_eof = true;
}

void dialogue_server_lost(struct dialogue *d, const char *why)
{
	d->server_eof = true;
	free(d->lost);
	d->lost = strndup(why, LOST_MOST);
}

void dialogue_server_cut(struct dialogue *d, uint64_t sent)
{
	d->sent = sent;
}

/* What makes the facts worse than the handshake said, in policy_judge()'s eyes. */
static void complete_reason(struct dialogue *d)
{
	const struct policy *policy = d->settings.policy;
	char *reason = d->facts.reason;
	size_t size = sizeof(d->facts.reason);

	if (policy->connection.conflict) {
		d->facts.verified = false;
		if (!reason[0])
			snprintf(reason, size,
				"sections for several names of this server differ in %s",
				policy->connection.conflict);
	}
	if (!reason[0] && d->facts.version < policy->demands.min_tls)
		snprintf(reason, size, "%s is older than min_tls allows",
			tls_version_name(d->facts.version));
}

void dialogue_tls_up(struct dialogue *d, const struct facts *facts)
{
	struct facts before = d->facts;

	if (d->phase != PHASE_HANDSHAKE)
		return;
	d->facts = *facts;
	d->facts.tls = TLS_FACT_ON;
	complete_reason(d);
	trace_note(d, "-", "[%s, certificate %s%s%s]", tls_version_name(d->facts.version),
		d->facts.verified ? "verified" : "not verified: ", d->facts.reason, "");
	if (!warm_tls_up(d, &before))
		upgrade_judge(d);
}

static void handshake_failed(struct dialogue *d, const char *why)
{
	trace_note(d, "-", "[no TLS: %s]", why);
	if (warm_tls_failed(d, why))
		return;
	d->facts = (struct facts){.tls = TLS_FACT_HANDSHAKE_FAILED};
	snprintf(d->facts.reason, sizeof(d->facts.reason), "%s", why);
	upgrade_judge(d);
}

void dialogue_tls_failed(struct dialogue *d, const char *why)
{
	if (d->phase == PHASE_HANDSHAKE)
		handshake_failed(d, why);
}

bool dialogue_tls_again(struct dialogue *d)
{
	if (d->phase != PHASE_HANDSHAKE || d->tried_again)
		return false;
	d->again = d->tried_again = true;
	enter_phase(d, PHASE_RECONNECT);
	return true;
}

void dialogue_residue(struct dialogue *d)
{
	if (d->phase != PHASE_OVER)
		end_attack(d, "octets in the clear after the 220 to STARTTLS");
}

void dialogue_reconnected(struct dialogue *d)
{
	if (d->phase != PHASE_RECONNECT && d->phase != PHASE_OWN_RECONNECT)
		return;
	d->wishes &= ~DIALOGUE_PARK;
	d->server_eof = d->pipelining = d->server_has_mail = false;
	free(d->lost);
	d->lost = NULL;
	d->sent = UINT64_MAX;
	buf_clear(&d->server_in);
	buf_clear(&d->server_out);
	trace_afresh(d);
	enter_phase(d, d->phase == PHASE_RECONNECT ? PHASE_REGREETING : PHASE_OWN_GREETING);
}

void dialogue_reconnect_failed(struct dialogue *d, const char *why)
{
	if (d->phase == PHASE_RECONNECT || d->phase == PHASE_OWN_RECONNECT)
		end_lost(d, why);
}

void dialogue_timeout(struct dialogue *d)
{
	if (d->phase == PHASE_HANDSHAKE) {
		dialogue_tls_failed(d, "timed out");
	} else if (d->phase != PHASE_OVER && !warm_late(d)) {
		note_set(d, "timeout", "");
		end_with_reply(d, "4.4.2", "timed out");
	}
}

void dialogue_stop(struct dialogue *d)
{
	d->stopping = true;
}

static bool server_speaks(const struct dialogue *d)
{
	switch (d->phase) {
	case PHASE_GREETING:
	case PHASE_READY:
	case PHASE_EHLO:
	case PHASE_STARTTLS:
	case PHASE_REGREETING:
	case PHASE_HELLO:
	case PHASE_OPEN:
	case PHASE_OWN_GREETING:
	case PHASE_OWN_EHLO:
	case PHASE_OWN_STARTTLS:
		return true;
	case PHASE_HANDSHAKE:
	case PHASE_RECONNECT:
	case PHASE_ALONE:
	case PHASE_OWN_RECONNECT:
	case PHASE_OWN_TLS:
	case PHASE_OVER:
		return false;
	}
	return false;
}

static bool room_for_replies(const struct dialogue *d)
{
	return buf_room(&d->client_out) >= CLIENT_OUT_ROOM &&
	       buf_room(&d->server_out) >= SERVER_OUT_ROOM;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A reply to a command that has not left yet was prepared without knowing it. */
static bool is_early(const struct dialogue *d)
{
	if (d->phase == PHASE_READY || d->phase == PHASE_OPEN)
		return least(d->server_out.gone, d->sent) < pending_sent_at(&d->pending);
	return d->phase != PHASE_GREETING && d->phase != PHASE_REGREETING &&
	       d->phase != PHASE_OWN_GREETING && buf_length(&d->server_out) > 0;
}

/* Takes one reply of the server. False when nothing can be taken now. */
static bool server_step(struct dialogue *d)
{
	struct reply reply;
	const char *why;

	if (d->phase == PHASE_HANDSHAKE && buf_length(&d->server_in) > 0) {
		dialogue_residue(d);
		return true;
	}
	if (!server_speaks(d) || buf_length(&d->server_in) == 0 || !room_for_replies(d))
		return false;
	switch (reply_parse(buf_bytes(&d->server_in), buf_length(&d->server_in), &reply, &why)) {
	case REPLY_PARTIAL:
		return false;
	case REPLY_MALFORMED:
		trace_note(
			d, "<server", "[%zu octets that are no reply]", buf_length(&d->server_in));
		end_protocol_error(d, why);
		return true;
	case REPLY_WHOLE:
		trace_heard(d, &reply);
		if (is_early(d))
			end_protocol_error(d, "reply before the command");
		else if (d->phase == PHASE_READY || d->phase == PHASE_OPEN)
			answer_reply(d, &reply);
		else
			upgrade_reply(d, &reply);
		return true;
	}
	return false;
}

/* The server is gone, and all that it said was heard. */
static void server_finished(struct dialogue *d)
{
	if (!server_speaks(d) || (buf_length(&d->server_in) > 0 && !room_for_replies(d)))
		return;
	if (warm_lost(d))
		return;
	if (buf_length(&d->server_in) > 0)
		end_protocol_error(d, "end of connection inside a reply");
	else if (d->phase == PHASE_STARTTLS)
		handshake_failed(d, "connection lost instead of a reply to STARTTLS");
	else
		end_lost(d, d->lost ? d->lost : "the server closed the connection");
}

static bool is_content(enum speech speech)
{
	return speech == SPEECH_CONTENT || speech == SPEECH_HEADER || speech == SPEECH_DISCARD;
}

/* The application will say no more, and all that it said was taken up. */
static void client_finished(struct dialogue *d)
{
	bool upgrading = d->phase == PHASE_GREETING || d->phase == PHASE_EHLO ||
			 d->phase == PHASE_STARTTLS || d->phase == PHASE_HANDSHAKE ||
			 d->phase == PHASE_RECONNECT || d->phase == PHASE_REGREETING ||
			 d->phase == PHASE_HELLO;

	if (is_content(d->speech) || d->speech == SPEECH_AUTH) {
		if ((buf_length(&d->client_in) > 0 || buf_length(&d->held.head) > 0) &&
			buf_room(&d->server_out) < SERVER_OUT_ROOM)
			return; /* still being passed on */
		note_set(d, "the application closed the connection", "");
		end(d, DIALOGUE_ABORT_SERVER);
		return;
	}
	if (upgrading || request_waits(d) || pending_first(&d->pending) != AWAITED_NOTHING)
		return;
	if (!warm_put_back(d))
		end_after_client_out(d);
}

/* The agent is ending: what is not under way yet ends now. */
static void stop_if_idle(struct dialogue *d)
{
	if (d->phase != PHASE_OWN_TLS && d->speech == SPEECH_COMMANDS &&
		pending_first(&d->pending) == AWAITED_NOTHING)
		end_with_reply(d, "4.3.2", "the agent is ending, try again");
}

void dialogue_run(struct dialogue *d)
{
	bool progress = true;

	while (progress && d->phase != PHASE_OVER) {
		answer_flush(d);
		progress = server_step(d);
		if (d->phase != PHASE_OVER)
			progress |= request_step(d);
	}
	if (d->phase != PHASE_OVER && d->server_eof)
		server_finished(d);
	if (d->phase != PHASE_OVER && d->client_eof)
		client_finished(d);
	if (d->phase != PHASE_OVER && d->stopping)
		stop_if_idle(d);
	if (d->phase == PHASE_OVER) {
		buf_clear(&d->client_in);
		buf_clear(&d->server_in);
	}
}

unsigned dialogue_wishes(const struct dialogue *d)
{
	unsigned wishes = d->wishes;

	if (d->phase == PHASE_HANDSHAKE)
		wishes |= DIALOGUE_START_TLS;
	if (d->phase == PHASE_RECONNECT || d->phase == PHASE_OWN_RECONNECT)
		wishes |= DIALOGUE_RECONNECT;
	if (starttls_may_come(d) || d->warm.state != WARM_NO)
		wishes |= DIALOGUE_MAY_RECONNECT;
	if (d->phase == PHASE_OWN_TLS)
		wishes |= DIALOGUE_HAND_OVER;
	if (d->phase != PHASE_OVER && d->phase != PHASE_OWN_TLS && !d->client_eof &&
		buf_room(&d->client_in) > 0)
		wishes |= DIALOGUE_READ_CLIENT;
	if (server_speaks(d) && !d->server_eof && buf_room(&d->server_in) > 0)
		wishes |= DIALOGUE_READ_SERVER;
	return wishes;
}
