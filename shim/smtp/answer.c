/*
 * answer: replies on their way to the application, the server's and our own, and how everything
 * ends.
 */
#include "shim/smtp/inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OWN_REPLY_SIZE 512 /* RFC 5321 4.5.3.1.5 */

static bool final_reply_outstanding(const struct dialogue *d)
{
	return pending_has(&d->pending, 1u << AWAITED_END_OF_DATA);
}

/* Both sides end; client_out is still sent. */
void end(struct dialogue *d, unsigned server_wish)
{
	if (!(d->wishes & (DIALOGUE_CLOSE_SERVER | DIALOGUE_ABORT_SERVER)))
		d->wishes |= server_wish;
	d->wishes |= DIALOGUE_CLOSE_CLIENT;
	pending_clear(&d->pending);
	trace_shown(d, false);
	if (d->phase != PHASE_OVER)
		trace_note(d, "-", "[end%s%s]", d->note ? ": " : "", d->note ? d->note : "");
	enter_phase(d, PHASE_OVER);
	report_connection(d);
}

void end_after_client_out(struct dialogue *d)
{
	end(d, d->speech == SPEECH_CONTENT ? DIALOGUE_ABORT_SERVER : DIALOGUE_CLOSE_SERVER);
}

/* Where the server may already have the message, only silence is honest: no reply is invented. */
static void end_with_421(struct dialogue *d, const char *enhanced, const char *why)
{
	char text[OWN_REPLY_SIZE], clean[OWN_REPLY_SIZE];
	int n;

	if (!final_reply_outstanding(d)) {
		n = snprintf(text, sizeof(text), "421 %s mailseal: %s: %s", enhanced,
			d->settings.server_name, why);
		if (n > OWN_REPLY_SIZE - 3)
			n = OWN_REPLY_SIZE - 3;
		line_sanitize(clean, sizeof(clean), text, (size_t)n, true);
		report_reply(d, clean, false);
		if (buf_append_text(&d->client_out, clean) == 0)
			(void)buf_append_text(&d->client_out, "\r\n");
	}
	end(d, DIALOGUE_ABORT_SERVER);
}

void end_with_reply(struct dialogue *d, const char *enhanced, const char *why)
{
	note_set(d, why, "");
	end_with_421(d, enhanced, why);
}

void end_protocol_error(struct dialogue *d, const char *why)
{
	note_set(d, "protocol error", why);
	end_with_421(d, "4.3.0", why);
}

void end_attack(struct dialogue *d, const char *why)
{
	note_set(d, "attack", why);
	end_with_421(d, "4.7.0", why);
}

/* The server is gone. While the connection was being made fit, the application gets words; later it
 * sees what happened: a close. */
void end_lost(struct dialogue *d, const char *why)
{
	bool upgrading = d->phase == PHASE_EHLO || d->phase == PHASE_STARTTLS ||
			 d->phase == PHASE_REGREETING || d->phase == PHASE_HELLO ||
			 d->phase == PHASE_RECONNECT || starttls_under_way(d);

	if (message_outlives_server(d))
		return;
	if (pending_first(&d->pending) != AWAITED_QUIT)
		note_set(d, "connection lost", why);
	if (upgrading)
		end_with_421(d, "4.4.2", why);
	else
		end(d, DIALOGUE_ABORT_SERVER);
}

void answer_own(struct dialogue *d, bool last, const char *format, ...)
{
	char text[OWN_REPLY_SIZE - 2], line[OWN_REPLY_SIZE + 1];
	va_list ap;

	if (d->phase == PHASE_OVER)
		return; /* what was to be answered could not be done */
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	size_t n = line_sanitize(line, sizeof(line) - 2, text, strlen(text), true);

	memcpy(line + n, "\r\n", 3);
	report_reply(d, line, false);
	if (pending_add_reply(&d->pending, line, last) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
	if (last)
		d->speech = SPEECH_OVER; /* its turn may come later */
	answer_flush(d);
}

void answer_prepared(struct dialogue *d, const char *reply)
{
	report_reply(d, reply, false);
	if (pending_add_reply(&d->pending, reply, false) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
	answer_flush(d);
}

/* Our own replies whose turn has come. */
void answer_flush(struct dialogue *d)
{
	const char *text;
	bool last;

	while ((text = pending_reply(&d->pending, &last)) != NULL &&
		buf_append_text(&d->client_out, text) == 0) {
		trace_shown(d, false);
		pending_replied(&d->pending);
		if (last) {
			end_after_client_out(d);
			return;
		}
	}
}

int show_hello(const struct dialogue *d, const struct reply *reply, bool single, struct buf *out)
{
	const char *more = !single && starttls_shown(d, reply) ? "STARTTLS" : NULL;

	return ehlo_copy(buf_bytes(&d->server_in), reply, single, more, out);
}

void relay_hello(struct dialogue *d, const struct reply *reply, bool single)
{
	if (show_hello(d, reply, single, &d->client_out) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
	trace_shown(d, true);
}

void relay(struct dialogue *d, const struct reply *reply)
{
	enum awaited what = pending_first(&d->pending);
	char code_only[16];

	if (what == AWAITED_AUTH || what == AWAITED_OTHER) {
		/* such a reply may repeat what the application said, a password for example */
		snprintf(code_only, sizeof(code_only), "%d", reply->code);
		report_reply(d, code_only, false);
	} else {
		report_reply(d, buf_bytes(&d->server_in), what == AWAITED_END_OF_DATA);
	}
	if (reply_copy(buf_bytes(&d->server_in), reply, &d->client_out) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
	trace_shown(d, true);
}

/* A reply that nothing asked for: only a server's 421, or its early refusal of the content, makes
 * sense. */
static void unsolicited(struct dialogue *d, const struct reply *reply)
{
	if (warm_lost(d) || (reply->code == 421 && message_outlives_server(d)))
		return;
	if (reply->code != 421 && !(d->speech == SPEECH_CONTENT && reply->code >= 400)) {
		end_protocol_error(d, d->speech == SPEECH_CONTENT
					      ? "reply before the end of the content"
					      : "reply without a command");
		return;
	}
	relay(d, reply);
	note_set(d, "the server ended the connection", "");
	end_after_client_out(d);
}

static bool code_fits(enum awaited what, int code)
{
	if (code >= 400)
		return true;
	switch (what) {
	case AWAITED_DATA:
	case AWAITED_HELD_DATA:
		return code == 354;
	case AWAITED_AUTH:
		return code < 300 || code == 334;
	case AWAITED_HELLO:
	case AWAITED_HELO:
	case AWAITED_MAIL:
	case AWAITED_RCPT:
	case AWAITED_END_OF_DATA:
	case AWAITED_QUIT:
	case AWAITED_OTHER:
	case AWAITED_HELD_MAIL:
	case AWAITED_REFUSED_RCPT:
	case AWAITED_REPLAY:
	case AWAITED_RESET:
		return code < 300;
	case AWAITED_NOTHING:
	case AWAITED_NO_SERVER:
		return false;
	}
	return false;
}

/* What the reply to DATA or AUTH means for what the application says next. */
static void speech_after(struct dialogue *d, enum awaited what, int code)
{
	if (what == AWAITED_AUTH) {
		d->speech = code == 334 ? SPEECH_AUTH : SPEECH_COMMANDS;
	} else if (what == AWAITED_DATA && code == 354) {
		message_begin(d, SPEECH_CONTENT);
	} else if (what == AWAITED_DATA) {
		d->speech = SPEECH_COMMANDS;
		refuse_data_before_content(d);
	}
}

/* A reply that the application knows nothing of. False: it is the application's. */
static bool is_for_us(enum awaited what)
{
	return what == AWAITED_HELD_MAIL || what == AWAITED_REFUSED_RCPT ||
	       what == AWAITED_REPLAY || what == AWAITED_HELD_DATA || what == AWAITED_RESET;
}

static void take_ours(struct dialogue *d, enum awaited what, const struct reply *reply)
{
	if (what == AWAITED_HELD_MAIL)
		transaction_mail_replied(d, reply, true);
	else if (what == AWAITED_REPLAY)
		replay_replied(d, reply);
	else if (what == AWAITED_HELD_DATA)
		replay_data_replied(d, reply);
	else if (what == AWAITED_RESET && reply->code >= 400 && !warm_lost(d))
		end_protocol_error(d, "RSET refused");
}

/* Passed on already: what it means for the transaction. */
static void settle(struct dialogue *d, enum awaited what, const struct reply *reply)
{
	const struct demands *demands = pending_demands(&d->pending);

	if ((what == AWAITED_HELLO || what == AWAITED_HELO) && reply->code == 250)
		early_learn(d, reply);
	if (what == AWAITED_MAIL)
		transaction_mail_replied(d, reply, false);
	if (what == AWAITED_RCPT && demands && reply->code < 400 &&
		d->envelope.state == ENVELOPE_OPEN) {
		envelope_accept(&d->envelope, demands);
		report_judgement(d, &d->envelope.reading[0]);
	}
}

void answer_reply(struct dialogue *d, const struct reply *reply)
{
	enum awaited what = pending_first(&d->pending);
	int code = reply->code;

	if (what == AWAITED_NOTHING) {
		unsolicited(d, reply);
		return;
	}
	if (!code_fits(what, code)) {
		end_protocol_error(d, "reply does not fit the command");
		return;
	}
	if (code == 421 && warm_lost(d))
		return;
	warm_note_reply(d, what, code);
	if (is_for_us(what) && code != 421) {
		pending_drop(&d->pending);
		take_ours(d, what, reply);
		if (d->phase != PHASE_OVER && d->phase != PHASE_RECONNECT)
			buf_consume(&d->server_in, reply->octets);
		answer_flush(d);
		return;
	}
	if ((what == AWAITED_HELLO || what == AWAITED_HELO) && code == 250)
		relay_hello(d, reply, what == AWAITED_HELO);
	else
		relay(d, reply);
	if (d->phase == PHASE_OVER)
		return;
	settle(d, what, reply);
	buf_consume(&d->server_in, reply->octets);
	pending_drop(&d->pending);
	if (what == AWAITED_END_OF_DATA)
		report_transaction(d);
	speech_after(d, what, code);
	if (d->phase != PHASE_OVER && (what == AWAITED_QUIT || code == 421))
		end_after_client_out(d);
	answer_flush(d);
}
