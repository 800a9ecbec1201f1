/*
 * warm: a connection that goes on from one application to the next, as the dialogue sees it.
 *
 * Its end: a QUIT is answered here, and the session keeps the connection (DIALOGUE_PARK).
 * Its beginning: the application sees the greeting that was kept. If it greets as the one before
 * did, it sees the reply that was kept, and speaks to the server; if not, the connection is left
 * alone for a fresh one, whose greeting it does not see.
 *
 *   OFFERED -> UNPROVEN -> NO    the server answered MAIL: from here on it is like any other
 *         \           \-> RENEWED -> NO    lost before that: a fresh one takes its place, but only
 *          \                               if it is no worse and looks the same; what has no reply
 *           \                              is said again
 *            \-> GIVEN_UP -> NO    nothing was said on it: a fresh one begins from the beginning
 *
 * Servers count what is not for mail, over a whole connection, and no application may pay for what
 * the one before it said. Exim drops a connection after smtp_accept_max_nonmail (10) such commands,
 * and counts none for one RSET and one EHLO after each message; Postfix counts RSET, NOOP, VRFY and
 * EHLO since the last message (smtpd_junk_command_limit, 100); Sendmail slows down after 20 NOOP or
 * VERB, 6 VRFY or EXPN, 3 EHLO (MaxNOOPCommands and its like); Exchange counts what it refused
 * (MaxProtocolErrors, 5). So a connection goes on only where nothing was said on it but EHLO,
 * STARTTLS, mail that was taken, and one RSET after each message at most, ours included: at the
 * next application all those counts stand where they stand on a fresh one. (VRFY may also have
 * changed what RSET does not undo, and a second EHLO the name.)
 */
#include "shim/smtp/warm.h"

#include "shim/smtp/inside.h"

#include <stdlib.h>
#include <string.h>

struct warm *warm_new(void)
{
	return calloc(1, sizeof(struct warm));
}

void warm_free(struct warm *w)
{
	if (!w)
		return;
	free(w->greeting);
	free(w->name);
	free(w->hello);
	free(w);
}

/* --- what the next application would have to know --- */

/* Without memory it is not known, and the connection not kept. */
static void keep(char **text, const struct buf *shown)
{
	free(*text);
	*text = strndup(buf_bytes(shown), buf_length(shown));
}

void warm_keep_greeting(struct dialogue *d, const struct reply *reply)
{
	struct buf shown;

	if (!d->settings.may_park)
		return;
	if (!d->warm.known)
		d->warm.known = warm_new();
	buf_init(&shown, 2 * REPLY_MAX);
	if (d->warm.known && reply_copy(buf_bytes(&d->server_in), reply, &shown) == 0)
		keep(&d->warm.known->greeting, &shown);
	buf_clear(&shown);
}

void warm_keep_hello(struct dialogue *d, const struct reply *reply)
{
	struct warm *w = d->warm.known;
	struct buf shown;

	if (!w)
		return;
	buf_init(&shown, 2 * REPLY_MAX);
	if (show_hello(d, reply, d->greeter == GREETER_HELO, &shown) == 0)
		keep(&w->hello, &shown);
	buf_clear(&shown);
	free(w->name);
	w->name = strdup(d->hello);
	w->helo = d->greeter == GREETER_HELO;
}

/* --- the end --- */

static bool is_known(const struct warm *w)
{
	return w && w->greeting && w->name && w->hello;
}

bool warm_may_park(const struct dialogue *d)
{
	return d->settings.may_park && is_known(d->warm.known) && !d->warm.unfit &&
	       d->facts.tls == TLS_FACT_ON && !d->credentials &&
	       d->credentials_fate == CREDENTIALS_NONE && !d->stopping && !d->server_eof &&
	       (d->warm.used || pending_has(&d->pending, 1u << AWAITED_END_OF_DATA));
}

static void park(struct dialogue *d)
{
	d->speech = SPEECH_OVER;
	answer_own(d, false, "221 2.0.0 %s", d->settings.server_name);
	if (d->phase != PHASE_OVER)
		end(d, DIALOGUE_PARK);
}

/* Nothing was said on it, and RSET is answered; but it may be about to speak out of turn. */
static void end_if_it_speaks(struct dialogue *d)
{
	if (buf_length(&d->server_in) == 0)
		return;
	warm_free(d->warm.known);
	d->warm.known = NULL;
}

static bool is_untouched(const struct dialogue *d)
{
	return d->warm.state == WARM_OFFERED ||
	       (d->warm.state == WARM_UNPROVEN && d->warm.known && d->warm.known->reset);
}

bool warm_put_back(struct dialogue *d)
{
	if (!is_untouched(d) || !warm_may_park(d))
		return false;
	end_if_it_speaks(d);
	end(d, DIALOGUE_PARK);
	return true;
}

/* --- what is said on it that is not for mail --- */

void warm_note_other(struct dialogue *d)
{
	d->warm.unfit = true;
}

void warm_note_reset(struct dialogue *d)
{
	struct warm *w = d->warm.known;

	if (!w)
		return;
	if (w->reset_spent)
		d->warm.unfit = true;
	w->reset = w->reset_spent = true;
}

/* Ours was the last command: where it counts, a second one would be one more than on a fresh one.
 */
bool warm_was_reset(const struct dialogue *d)
{
	return d->warm.state == WARM_UNPROVEN && is_untouched(d);
}

bool warm_park(struct dialogue *d)
{
	if (pending_first(&d->pending) != AWAITED_NOTHING || buf_length(&d->server_out) > 0)
		return false;
	if (!d->warm.used || d->transaction.begun || buf_length(&d->server_in) > 0) {
		d->warm.unfit = true;
		return false;
	}
	d->warm.known->facts = d->facts;
	park(d);
	return true;
}

struct warm *dialogue_warm(struct dialogue *d)
{
	struct warm *w = d->warm.known;

	d->warm.known = NULL;
	return w;
}

/* --- the beginning --- */

static void offer(struct dialogue *d, struct warm *known, bool reset_due)
{
	d->warm.known = known;
	d->warm.state = WARM_OFFERED;
	d->warm.used = true; /* or it would not be here */
	known->untouched = known->reset = known->reset_spent = true;
	d->facts = known->facts;
	if (reset_due)
		await(d, AWAITED_RESET);
	enter_phase(d, PHASE_READY);
}

void warm_begin(struct dialogue *d, struct warm *known, bool reset_due)
{
	put_client(d, known->greeting, strlen(known->greeting));
	offer(d, known, reset_due);
}

static void leave_for_fresh(struct dialogue *d, enum warm_state state)
{
	d->warm.state = state;
	d->warm.used = false;
	buf_clear(&d->server_in);
	if (pending_first(&d->pending) == AWAITED_RESET)
		pending_drop(&d->pending);
	enter_phase(d, PHASE_RECONNECT);
}

static void give_up(struct dialogue *d)
{
	d->facts = (struct facts){0};
	leave_for_fresh(d, WARM_GIVEN_UP);
}

static bool greets_alike(const struct warm *w, const struct command *command)
{
	char name[COMMAND_LINE_MAX];

	if (command->verb != (w->helo ? VERB_HELO : VERB_EHLO))
		return false;
	line_sanitize(name, sizeof(name), command->argument, command->argument_length, false);
	return strcmp(name, w->name) == 0;
}

static bool offers_pipelining(const char *hello)
{
	struct reply reply;
	const char *why;

	return reply_parse(hello, strlen(hello), &reply, &why) == REPLY_WHOLE &&
	       ehlo_offers(hello, &reply, "PIPELINING");
}

static void greet(struct dialogue *d)
{
	const struct warm *w = d->warm.known;

	if (!upgrade_keep_hello(d, w->name, strlen(w->name)))
		return;
	d->warm.state = WARM_UNPROVEN;
	d->warm.sent_from = buf_position(&d->server_out);
	put_client(d, w->hello, strlen(w->hello));
	d->pipelining = offers_pipelining(w->hello);
	enter_phase(d, PHASE_OPEN);
}

bool warm_take(struct dialogue *d, const struct command *command)
{
	if (command->verb == VERB_QUIT) {
		end_if_it_speaks(d);
		park(d);
		return true;
	}
	if (greets_alike(d->warm.known, command) && upgrade_again(d, &d->warm.known->facts)) {
		greet(d);
		return true;
	}
	d->wishes |= DIALOGUE_PARK; /* it may suit the next one */
	end_if_it_speaks(d);
	give_up(d);
	return false;
}

/* Nothing was said on the one that was left; the greeting still stands in client_in. */
bool dialogue_would_take(const struct dialogue *d, const struct warm *warm)
{
	struct command command;
	struct line line;

	if (d->phase != PHASE_RECONNECT || d->warm.state != WARM_GIVEN_UP ||
		line_scan(buf_bytes(&d->client_in), buf_length(&d->client_in), AUTH_LINE_MAX,
			&line) != LINE_WHOLE)
		return false;
	command_parse(&line, &command);
	return greets_alike(warm, &command);
}

void dialogue_offered(struct dialogue *d, struct warm *warm, bool reset_due)
{
	d->wishes &= ~DIALOGUE_PARK;
	d->server_eof = false;
	free(d->lost);
	d->lost = NULL;
	buf_clear(&d->server_in);
	warm_free(d->warm.known);
	offer(d, warm, reset_due);
}

/* --- lost before the server answered MAIL --- */

bool warm_lost(struct dialogue *d)
{
	if (d->warm.state == WARM_OFFERED)
		give_up(d);
	else if (d->warm.state == WARM_UNPROVEN && d->phase == PHASE_OPEN)
		leave_for_fresh(d, WARM_RENEWED);
	else
		return false;
	return true;
}

bool warm_late(struct dialogue *d)
{
	return d->warm.state == WARM_OFFERED && warm_lost(d);
}

/* They go over no connection that others used. */
bool warm_leaves_for_credentials(struct dialogue *d)
{
	if (d->warm.state != WARM_UNPROVEN)
		return false;
	if (pending_first(&d->pending) == AWAITED_NOTHING)
		warm_lost(d);
	return true;
}

bool warm_renews(const struct dialogue *d)
{
	return d->warm.state == WARM_RENEWED;
}

void warm_over(struct dialogue *d)
{
	d->warm.state = WARM_NO;
	buf_clear(&d->warm.sent);
}

void warm_note_sent(struct dialogue *d, const char *bytes, size_t n)
{
	if (d->warm.known)
		d->warm.known->reset = false;
	if (d->warm.state == WARM_UNPROVEN && buf_append(&d->warm.sent, bytes, n) < 0)
		warm_over(d);
}

static void note_message(struct dialogue *d)
{
	struct warm *w = d->warm.known;

	d->warm.used = true;
	if (!w)
		return;
	w->messages++;
	w->untouched = w->reset_spent = false;
}

void warm_note_reply(struct dialogue *d, enum awaited what, int code)
{
	size_t answered;

	if (code >= 400)
		d->warm.unfit = true;
	if (what == AWAITED_END_OF_DATA && code < 300)
		note_message(d);
	if (d->warm.state != WARM_UNPROVEN)
		return;
	if (what == AWAITED_RESET)
		return;
	if (what != AWAITED_OTHER) {
		warm_over(d); /* MAIL, or what a server takes without it */
	} else {
		answered = (size_t)(pending_sent_at(&d->pending) - d->warm.sent_from);
		buf_consume(&d->warm.sent, answered);
		d->warm.sent_from += answered;
	}
}

/* --- the fresh connection --- */

static void refuse(struct dialogue *d, const char *why)
{
	end_with_reply(d, "4.4.2", why);
}

static void refuse_as_server(struct dialogue *d, const struct reply *reply)
{
	char text[REPLY_TEXT_SIZE];

	if (reply->code < 400) {
		end_protocol_error(d, "unexpected reply on a fresh connection");
		return;
	}
	reply_text(buf_bytes(&d->server_in), text, sizeof(text));
	end_with_reply(d, "4.4.2", text);
}

/* It serves nobody: the answer to what the application said first. */
static void relay_late_greeting(struct dialogue *d, const struct reply *reply)
{
	struct line line;

	if (line_scan(buf_bytes(&d->client_in), buf_length(&d->client_in), AUTH_LINE_MAX, &line) ==
		LINE_WHOLE)
		buf_consume(&d->client_in, line.octets);
	relay(d, reply);
	note_set(d, "the server refused the connection", "");
	end_after_client_out(d);
}

static void begin_anew(struct dialogue *d, const struct reply *reply)
{
	d->warm.state = WARM_NO;
	warm_free(d->warm.known);
	d->warm.known = NULL;
	if (reply->code == 220) {
		warm_keep_greeting(d, reply);
		enter_phase(d, PHASE_READY);
	} else if (reply->code >= 400) {
		relay_late_greeting(d, reply);
	} else {
		end_protocol_error(d, "unexpected greeting");
	}
}

static const char *keywords(const char *hello)
{
	const char *end = strstr(hello, "\r\n");

	return end ? end : "";
}

/* As the application would see it now; its first line may name another machine of the same
 * service. */
static bool looks_the_same(struct dialogue *d, const struct reply *reply)
{
	struct buf now;
	bool same;

	buf_init(&now, 2 * REPLY_MAX);
	same = show_hello(d, reply, d->warm.known->helo, &now) == 0 &&
	       buf_append(&now, "", 1) == 0 &&
	       strcmp(keywords(buf_bytes(&now)), keywords(d->warm.known->hello)) == 0;
	buf_clear(&now);
	return same;
}

static void say_again(struct dialogue *d)
{
	struct buf sent = d->warm.sent;

	pending_shift(&d->pending, buf_position(&d->server_out) - d->warm.sent_from);
	d->warm.state = WARM_NO;
	d->warm.known->messages = 0;
	d->warm.known->untouched = d->warm.known->reset_spent = false;
	buf_init(&d->warm.sent, sent.limit);
	enter_phase(d, PHASE_OPEN);
	put_server(d, buf_bytes(&sent), buf_length(&sent));
	trace_note(d, ">server", "[what was said before, again: %zu octets]", buf_length(&sent));
	d->trace.sent = buf_position(&d->server_out);
	buf_clear(&sent);
}

bool warm_tls_up(struct dialogue *d, const struct facts *before)
{
	if (d->warm.state != WARM_RENEWED)
		return false;
	if ((before->verified && !d->facts.verified) || d->facts.version < before->version ||
		route_of(d->settings.policy, &d->facts) != ROUTE_STAY) {
		refuse(d, "the connection was lost, and TLS on a fresh one is worse");
	} else {
		send_command(d, d->warm.known->helo ? "HELO" : "EHLO", d->hello);
		enter_phase(d, PHASE_HELLO);
	}
	return true;
}

bool warm_tls_failed(struct dialogue *d, const char *why)
{
	if (d->warm.state != WARM_RENEWED)
		return false;
	refuse(d, why);
	return true;
}

static void renew(struct dialogue *d, const struct reply *reply)
{
	int expected = d->phase == PHASE_REGREETING || d->phase == PHASE_STARTTLS ? 220 : 250;

	if (reply->code != expected) {
		refuse_as_server(d, reply);
	} else if (d->phase == PHASE_REGREETING) {
		d->again = false;
		send_command(d, "EHLO", d->hello);
		enter_phase(d, PHASE_EHLO);
	} else if (d->phase == PHASE_STARTTLS) {
		enter_phase(d, PHASE_HANDSHAKE);
	} else if (d->phase == PHASE_HELLO && looks_the_same(d, reply)) {
		early_learn(d, reply);
		say_again(d);
	} else if (d->phase == PHASE_HELLO) {
		refuse(d, "the connection was lost, and a fresh one offers other things");
	} else if (ehlo_offers(buf_bytes(&d->server_in), reply, "STARTTLS")) {
		send_command(d, "STARTTLS", "");
		enter_phase(d, PHASE_STARTTLS);
	} else {
		refuse(d, "the connection was lost, and STARTTLS is not offered on a fresh one");
	}
}

bool warm_reply(struct dialogue *d, const struct reply *reply)
{
	if (d->warm.state == WARM_GIVEN_UP)
		begin_anew(d, reply);
	else if (d->warm.state == WARM_RENEWED)
		renew(d, reply);
	else
		return false;
	return true;
}
