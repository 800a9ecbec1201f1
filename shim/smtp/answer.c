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
	for (unsigned i = 0; i < d->pending.count; i++) {
		if (d->pending.entry[(d->pending.first + i) % PENDING_MAX].what ==
			AWAITED_END_OF_DATA)
			return true;
	}
	return false;
}

/* Both sides end; client_out is still sent. */
void end(struct dialogue *d, unsigned server_wish)
{
	if (!(d->wishes & (DIALOGUE_CLOSE_SERVER | DIALOGUE_ABORT_SERVER)))
		d->wishes |= server_wish;
	d->wishes |= DIALOGUE_CLOSE_CLIENT;
	pending_clear(&d->pending);
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
			 d->phase == PHASE_RECONNECT;

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

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	size_t n = line_sanitize(line, sizeof(line) - 2, text, strlen(text), true);

	memcpy(line + n, "\r\n", 3);
	report_reply(d, line, false);
	if (pending_add_reply(&d->pending, line, last) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
	answer_flush(d);
}

/* What is wrong with the connection, in words. */
static void describe_fault(const struct dialogue *d, char *out, size_t size)
{
	const char *server = d->settings.server_name;
	const char *reason = d->facts.reason;

	switch (d->facts.tls) {
	case TLS_FACT_NOT_OFFERED:
		snprintf(out, size, "%s does not offer STARTTLS", server);
		return;
	case TLS_FACT_REFUSED:
		snprintf(out, size, "%s refused STARTTLS: %s", server, reason);
		return;
	case TLS_FACT_HANDSHAKE_FAILED:
		snprintf(out, size, "TLS handshake with %s failed: %s", server, reason);
		return;
	case TLS_FACT_ON:
		if (d->facts.version < d->settings.policy->demands.min_tls)
			snprintf(out, size, "%s speaks only %s", server,
				tls_version_name(d->facts.version));
		else
			snprintf(out, size, "certificate of %s not valid: %s", server, reason);
		return;
	}
	snprintf(out, size, "the connection to %s is not fit", server);
}

static int verdict_code(const struct dialogue *d, enum verb verb)
{
	if (d->verdict.violation == VIOLATION_TEMPFAIL)
		return 454;
	if (verb == VERB_AUTH)
		return 538;
	return verb == VERB_DATA ? 554 : 550;
}

void answer_verdict(struct dialogue *d, enum verb verb)
{
	char fault[400], rule[320];
	int code = verdict_code(d, verb);

	describe_fault(d, fault, sizeof(fault));
	rule_describe(d, rule, sizeof(rule));
	answer_own(d, false, "%d %d.7.%d mailseal: %s; %s", code, code / 100, d->verdict.detail,
		fault, rule);
}

void answer_credentials(struct dialogue *d)
{
	const struct policy *policy = d->settings.policy;
	bool reject = policy->demands.violation == VIOLATION_REJECT;
	char fault[400], where[256];

	describe_fault(d, fault, sizeof(fault));
	origin_describe(policy->connection.protect_credentials_origin, where, sizeof(where));
	answer_own(d, false, "%s mailseal: credentials not sent: %s; protect_credentials by %s",
		reject ? "538 5.7.11" : "454 4.7.0", fault, where);
}

/* Our own replies whose turn has come. */
void answer_flush(struct dialogue *d)
{
	const char *text;
	bool last;

	while ((text = pending_reply(&d->pending, &last)) != NULL &&
		buf_append_text(&d->client_out, text) == 0) {
		pending_drop(&d->pending);
		if (last) {
			end_after_client_out(d);
			return;
		}
	}
}

void relay_hello(struct dialogue *d, const struct reply *reply, bool single)
{
	if (ehlo_copy(buf_bytes(&d->server_in), reply, single, &d->client_out) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
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
}

/* A reply that nothing asked for: only a server's 421, or its early refusal of the content, makes
 * sense. */
static void unsolicited(struct dialogue *d, const struct reply *reply)
{
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
		return code == 354;
	case AWAITED_AUTH:
		return code < 300 || code == 334;
	case AWAITED_HELLO:
	case AWAITED_MAIL:
	case AWAITED_RCPT:
	case AWAITED_END_OF_DATA:
	case AWAITED_QUIT:
	case AWAITED_OTHER:
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
		d->speech = SPEECH_CONTENT;
		content_begin(&d->content, d->lf_client);
	} else if (what == AWAITED_DATA) {
		d->speech = SPEECH_COMMANDS;
		/* DATA must be the last of a group (RFC 2920 3.1): what came with it is content,
		 * never to be read as commands */
		if (buf_length(&d->client_in) > 0)
			end_after_client_out(d);
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
	if (what == AWAITED_HELLO && code == 250)
		relay_hello(d, reply, false);
	else
		relay(d, reply);
	if (d->phase == PHASE_OVER)
		return;
	buf_consume(&d->server_in, reply->octets);
	pending_drop(&d->pending);
	if (what == AWAITED_END_OF_DATA)
		report_transaction(d);
	speech_after(d, what, code);
	if (d->phase != PHASE_OVER && (what == AWAITED_QUIT || code == 421))
		end_after_client_out(d);
	answer_flush(d);
}
