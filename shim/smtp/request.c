/*
 * request: what the application says, one command, line or piece of content at a time.
 */
#include "shim/smtp/inside.h"

#include <string.h>

static bool room_for_commands(const struct dialogue *d)
{
	return buf_room(&d->client_out) >= CLIENT_OUT_ROOM &&
	       buf_room(&d->server_out) >= SERVER_OUT_ROOM && pending_has_room(&d->pending, 2);
}

static bool commands_pass(const struct dialogue *d)
{
	return d->phase == PHASE_READY || d->phase == PHASE_OPEN || d->phase == PHASE_ALONE;
}

static enum credentials_step credentials_here(const struct dialogue *d)
{
	return credentials_step(d->settings.policy, &d->facts, &d->judgement);
}

void forward(struct dialogue *d, const struct line *line, enum awaited what)
{
	put_server(d, line->text, line->length);
	put_server(d, "\r\n", 2);
	await(d, what);
}

void refuse_unsupported(struct dialogue *d)
{
	answer_own(d, false, "502 5.5.1 mailseal: command not supported here");
}

static void refuse_bdat(struct dialogue *d, const struct command *command)
{
	if (command_bdat_size(command, &d->bdat_left) < 0) {
		answer_own(d, true, "501 5.5.4 mailseal: BDAT without a size");
		return;
	}
	d->speech = SPEECH_BDAT;
}

/* Answered here whatever the connection is like. */
static bool is_always_refused(enum verb verb)
{
	return verb == VERB_BAD || verb == VERB_BDAT || verb == VERB_DESYNCHRONISING;
}

static void always_refuse(struct dialogue *d, const struct command *command)
{
	if (command->verb == VERB_BAD)
		answer_own(d, false, "500 5.5.2 mailseal: not an SMTP command");
	else if (command->verb == VERB_BDAT)
		refuse_bdat(d, command);
	else
		refuse_unsupported(d);
}

/* Before the application's greeting. False: the line stays, and is read again later. */
static bool command_ready(
	struct dialogue *d, const struct line *line, const struct command *command)
{
	bool bare = command->argument_length == 0;
	bool idle = pending_first(&d->pending) == AWAITED_NOTHING;

	if (d->warm.state == WARM_OFFERED)
		return warm_take(d, command);
	if ((command->verb == VERB_NOOP || command->verb == VERB_RSET) && bare) {
		warm_note_other(d);
		forward(d, line, AWAITED_OTHER);
		return true;
	}
	if (command->verb == VERB_QUIT) {
		d->speech = SPEECH_OVER;
		send_command(d, "QUIT", "");
		await(d, AWAITED_QUIT);
		return true;
	}
	if (!idle)
		return false;
	if (command->verb == VERB_EHLO || command->verb == VERB_HELO) {
		upgrade_begin(d, command->verb == VERB_EHLO ? GREETER_EHLO : GREETER_HELO,
			command->argument, command->argument_length);
		return true;
	}
	if (command->verb == VERB_AUTH)
		d->credentials = true;
	upgrade_begin(d, GREETER_OURS, d->settings.own_name, strlen(d->settings.own_name));
	return false;
}

void refuse_credentials(struct dialogue *d)
{
	d->credentials_fate = CREDENTIALS_REFUSED;
	d->credentials_untold = true;
	answer_credentials(d);
}

/* False: the line stays, and is read again later. */
static bool command_auth(struct dialogue *d, const struct line *line)
{
	enum credentials_step step = credentials_here(d);

	if (step == CREDENTIALS_BLOCKED) {
		refuse_credentials(d);
		return true;
	}
	if (warm_leaves_for_credentials(d))
		return false;
	d->credentials = d->credentials_untold = true;
	d->credentials_fate = step == CREDENTIALS_PASS ? CREDENTIALS_SENT : CREDENTIALS_OBSERVED;
	forward(d, line, AWAITED_AUTH);
	d->speech = SPEECH_AWAITING_AUTH;
	return true;
}

/* A command whose argument is nobody's business but the server's: not where some mail may be
 * forbidden. */
static void command_other(
	struct dialogue *d, const struct line *line, const struct command *command)
{
	bool harmless = (command->verb == VERB_NOOP || command->verb == VERB_RSET) &&
			command->argument_length == 0;

	/* what cannot be understood may hold some */
	bool foreign = command->verb == VERB_UNKNOWN && credentials_here(d) == CREDENTIALS_BLOCKED;

	if (harmless || (!d->watched && !foreign))
		forward(d, line, AWAITED_OTHER);
	else
		refuse_unsupported(d);
}

/* After ours it has nothing to undo, and would only count. */
static void command_reset(
	struct dialogue *d, const struct line *line, const struct command *command)
{
	if (command->argument_length == 0 && warm_was_reset(d)) {
		answer_own(d, false, "250 2.0.0 Reset");
		return;
	}
	command_other(d, line, command);
	if (command->argument_length == 0)
		warm_note_reset(d);
	else
		warm_note_other(d);
}

static bool final_reply_is_due(const struct dialogue *d)
{
	return pending_has(&d->pending, 1u << AWAITED_END_OF_DATA);
}

/* A connection that may be kept awaits its replies first: one may say that it may not. False:
 * the line stays. */
static bool command_quit(struct dialogue *d)
{
	if (warm_may_park(d)) {
		if (warm_park(d))
			return true;
		if (warm_may_park(d))
			return false;
	}
	send_command(d, "QUIT", "");
	await(d, AWAITED_QUIT);
	d->speech = SPEECH_OVER;
	return true;
}

/* False: the line stays, and is read again later. */
static bool command_open(struct dialogue *d, const struct line *line, const struct command *command)
{
	switch (command->verb) {
	case VERB_EHLO:
	case VERB_HELO:
		if (final_reply_is_due(d))
			return false;
		early_before(d, command);
		transaction_over(d);
		warm_note_other(d);
		forward(d, line, command->verb == VERB_EHLO ? AWAITED_HELLO : AWAITED_HELO);
		return true;
	case VERB_MAIL:
		return transaction_mail(d, line, command);
	case VERB_RCPT:
		return transaction_recipient(d, line, command);
	case VERB_DATA:
		return transaction_data(d, line, command);
	case VERB_AUTH:
		early_before(d, command);
		return command_auth(d, line);
	case VERB_QUIT:
		return command_quit(d);
	case VERB_RSET:
		if (final_reply_is_due(d))
			return false;
		early_before(d, command);
		if (!d->watched || command->argument_length == 0)
			transaction_over(d);
		if (command->argument_length == 0)
			d->server_has_mail = false;
		command_reset(d, line, command);
		return true;
	case VERB_VRFY:
	case VERB_EXPN:
	case VERB_HELP:
	case VERB_UNKNOWN:
	case VERB_NOOP:
		warm_note_other(d);
		early_before(d, command);
		command_other(d, line, command);
		return true;
	case VERB_BAD:
	case VERB_BDAT:
	case VERB_STARTTLS:
	case VERB_DESYNCHRONISING:
		break;
	}
	refuse_unsupported(d);
	return true;
}

/* One command line, not yet dropped from client_in. False: it stays. */
static bool command_take(struct dialogue *d, const struct line *line)
{
	struct command command;
	size_t octets = line->octets;
	char text[AUTH_LINE_MAX];
	struct line copy = *line;

	/* The line is dropped before it is worked on: what is left in client_in is what came after
	 * it. */
	memcpy(text, line->text, line->length);
	copy.text = text;
	command_parse(&copy, &command);
	if (line->length + 2 > COMMAND_LINE_MAX && command.verb != VERB_AUTH) {
		buf_consume(&d->client_in, octets);
		answer_own(d, false, "500 5.5.2 mailseal: line too long");
		return true;
	}
	if (d->stopping && command.verb == VERB_MAIL) {
		end_with_reply(d, "4.3.2", "the agent is ending, try again");
		return true;
	}
	if (command.verb == VERB_STARTTLS) {
		bool taken = starttls_take(d, &command);

		if (taken)
			buf_consume(&d->client_in, octets);
		return taken;
	}
	if (d->phase == PHASE_READY && !is_always_refused(command.verb)) {
		bool taken = command_ready(d, &copy, &command);

		if (taken)
			buf_consume(&d->client_in, octets);
		return taken;
	}
	if (d->phase == PHASE_OPEN && !is_always_refused(command.verb)) {
		if (!command_open(d, &copy, &command))
			return false;
		buf_consume(&d->client_in, octets);
	} else {
		buf_consume(&d->client_in, octets);
		if (is_always_refused(command.verb))
			always_refuse(d, &command);
		else
			command_alone(d, &command);
	}
	if (command.verb == VERB_DATA && d->speech == SPEECH_COMMANDS)
		refuse_data_before_content(d);
	return true;
}

static bool command_step(struct dialogue *d)
{
	struct line line;

	if (!commands_pass(d) || !room_for_commands(d) || transaction_waits(d))
		return false;
	switch (line_scan(
		buf_bytes(&d->client_in), buf_length(&d->client_in), AUTH_LINE_MAX, &line)) {
	case LINE_PARTIAL:
		return false;
	case LINE_TOO_LONG:
		trace_note(d, "app>", "[a line that is too long]");
		d->trace.secret = true;
		d->speech = SPEECH_LONG_LINE;
		return true;
	case LINE_WHOLE:
		if (!d->lf_known)
			d->lf_client = !line.crlf;
		d->lf_known = true;
		trace_command(d, &line);
		return command_take(d, &line);
	}
	return false;
}

static bool auth_step(struct dialogue *d)
{
	struct line line;

	if (!room_for_commands(d))
		return false;
	switch (line_scan(
		buf_bytes(&d->client_in), buf_length(&d->client_in), AUTH_LINE_MAX, &line)) {
	case LINE_PARTIAL:
		return false;
	case LINE_TOO_LONG:
		end_with_reply(d, "4.5.2", "line too long in AUTH");
		return true;
	case LINE_WHOLE:
		trace_credentials(d);
		forward(d, &line, AWAITED_AUTH);
		buf_consume(&d->client_in, line.octets);
		d->speech = SPEECH_AWAITING_AUTH;
		return true;
	}
	return false;
}

/* Drops octets of a chunk that nobody wants; the refusal comes when they are all read. */
static bool bdat_step(struct dialogue *d)
{
	size_t n = buf_length(&d->client_in);

	if (!room_for_commands(d))
		return false;
	if (n > d->bdat_left)
		n = (size_t)d->bdat_left;
	buf_consume(&d->client_in, n);
	d->bdat_left -= n;
	if (d->bdat_left == 0) {
		d->speech = SPEECH_COMMANDS;
		refuse_unsupported(d);
		return true;
	}
	return n > 0;
}

static bool long_line_step(struct dialogue *d)
{
	const char *bytes = buf_bytes(&d->client_in);
	size_t n = buf_length(&d->client_in);
	const char *lf = memchr(bytes, '\n', n);

	if (!room_for_commands(d))
		return false;
	buf_consume(&d->client_in, lf ? (size_t)(lf - bytes) + 1 : n);
	if (lf) {
		d->speech = SPEECH_COMMANDS;
		answer_own(d, false, "500 5.5.2 mailseal: line too long");
	}
	return lf != NULL;
}

bool request_step(struct dialogue *d)
{
	if (starttls_under_way(d))
		return starttls_step(d);
	if (warm_renews(d))
		return false;
	if (d->speech == SPEECH_BDAT && d->bdat_left == 0)
		return bdat_step(d);
	if (d->speech == SPEECH_CONTENT)
		return message_step(d);
	if (buf_length(&d->client_in) == 0)
		return false;
	switch (d->speech) {
	case SPEECH_COMMANDS:
		return command_step(d);
	case SPEECH_CONTENT:
	case SPEECH_HEADER:
	case SPEECH_DISCARD:
		return message_step(d);
	case SPEECH_AUTH:
		return auth_step(d);
	case SPEECH_BDAT:
		return bdat_step(d);
	case SPEECH_LONG_LINE:
		return long_line_step(d);
	case SPEECH_OVER:
		buf_clear(&d->client_in);
		return false;
	case SPEECH_AWAITING_DATA:
	case SPEECH_AWAITING_AUTH:
	case SPEECH_HELD:
		return false;
	}
	return false;
}

bool request_waits(const struct dialogue *d)
{
	return memchr(buf_bytes(&d->client_in), '\n', buf_length(&d->client_in)) != NULL;
}
