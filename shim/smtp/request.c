/*
 * request: what the application says, one command, line or piece of content at a time.
 */
#include "shim/smtp/inside.h"

#include <string.h>

static bool room_for_commands(const struct dialogue *d)
{
	return buf_room(&d->client_out) >= CLIENT_OUT_ROOM &&
	       buf_room(&d->server_out) >= SERVER_OUT_ROOM && !pending_full(&d->pending);
}

static bool commands_pass(const struct dialogue *d)
{
	return d->phase == PHASE_READY || d->phase == PHASE_OPEN || d->phase == PHASE_ALONE;
}

/* May credentials travel on this connection? What cannot be understood may hold some. */
static bool credentials_may_pass(const struct dialogue *d)
{
	const struct policy *policy = d->settings.policy;

	if (!policy->connection.protect_credentials || policy->demands.mode == MODE_OBSERVE)
		return true;
	return d->facts.tls == TLS_FACT_ON &&
	       (d->verdict.outcome == OUTCOME_TLS_VERIFIED || !policy->demands.verify_certificate);
}

static void forward(struct dialogue *d, const struct line *line, enum awaited what)
{
	put_server(d, line->text, line->length);
	put_server(d, "\r\n", 2);
	await(d, what);
}

static void refuse_unsupported(struct dialogue *d)
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

/* True if the command is answered here whatever the connection is like. */
static bool always_refused(struct dialogue *d, const struct command *command)
{
	switch (command->verb) {
	case VERB_BAD:
		answer_own(d, false, "500 5.5.2 mailseal: not an SMTP command");
		return true;
	case VERB_BDAT:
		refuse_bdat(d, command);
		return true;
	case VERB_STARTTLS:
	case VERB_DESYNCHRONISING:
		refuse_unsupported(d);
		return true;
	case VERB_UNKNOWN:
	case VERB_EHLO:
	case VERB_HELO:
	case VERB_MAIL:
	case VERB_RCPT:
	case VERB_DATA:
	case VERB_RSET:
	case VERB_NOOP:
	case VERB_QUIT:
	case VERB_AUTH:
	case VERB_VRFY:
	case VERB_EXPN:
	case VERB_HELP:
		return false;
	}
	return false;
}

/* Before the application's greeting. False: the line stays, and is read again later. */
static bool command_ready(
	struct dialogue *d, const struct line *line, const struct command *command)
{
	bool bare = command->argument_length == 0;
	bool idle = pending_first(&d->pending) == AWAITED_NOTHING;

	if ((command->verb == VERB_NOOP || command->verb == VERB_RSET) && bare) {
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

static void command_auth(struct dialogue *d, const struct line *line)
{
	if (!credentials_may_pass(d)) {
		answer_credentials(d);
		return;
	}
	d->credentials = true;
	forward(d, line, AWAITED_AUTH);
	d->speech = SPEECH_AWAITING_AUTH;
}

static void command_open(struct dialogue *d, const struct line *line, const struct command *command)
{
	switch (command->verb) {
	case VERB_EHLO:
	case VERB_HELO:
		report_transaction(d);
		forward(d, line, AWAITED_HELLO);
		break;
	case VERB_MAIL:
		report_mail(d, command);
		forward(d, line, AWAITED_MAIL);
		break;
	case VERB_RCPT:
		report_recipient(d, command);
		forward(d, line, AWAITED_RCPT);
		break;
	case VERB_DATA:
		forward(d, line, AWAITED_DATA);
		d->speech = SPEECH_AWAITING_DATA;
		break;
	case VERB_AUTH:
		command_auth(d, line);
		break;
	case VERB_QUIT:
		forward(d, line, AWAITED_QUIT);
		d->speech = SPEECH_OVER;
		break;
	case VERB_RSET:
		report_transaction(d);
		forward(d, line, AWAITED_OTHER);
		break;
	case VERB_NOOP:
	case VERB_VRFY:
	case VERB_EXPN:
	case VERB_HELP:
		forward(d, line, AWAITED_OTHER);
		break;
	case VERB_UNKNOWN:
		if (credentials_may_pass(d))
			forward(d, line, AWAITED_OTHER);
		else
			refuse_unsupported(d);
		break;
	case VERB_BAD:
	case VERB_BDAT:
	case VERB_STARTTLS:
	case VERB_DESYNCHRONISING:
		refuse_unsupported(d);
		break;
	}
}

/* Policy blocks, or the server serves nobody: nothing of what is said here reaches anyone. */
static void command_alone(struct dialogue *d, const struct command *command)
{
	if (command->verb == VERB_QUIT) {
		d->speech = SPEECH_OVER;
		answer_own(d, true, "221 2.0.0 %s", d->settings.server_name);
		return;
	}
	if (!d->judged) {
		answer_own(d, false, "503 5.5.1 mailseal: %s refused the connection",
			d->settings.server_name);
		return;
	}
	switch (command->verb) {
	case VERB_EHLO:
	case VERB_HELO:
		report_transaction(d);
		answer_own(d, false, "250 %s", d->settings.server_name);
		break;
	case VERB_RSET:
		report_transaction(d);
		answer_own(d, false, "250 2.0.0 OK");
		break;
	case VERB_NOOP:
		answer_own(d, false, "250 2.0.0 OK");
		break;
	case VERB_MAIL:
		report_mail(d, command);
		answer_verdict(d, VERB_MAIL);
		break;
	case VERB_RCPT:
		report_recipient(d, command);
		answer_verdict(d, VERB_RCPT);
		break;
	case VERB_DATA:
		answer_verdict(d, VERB_DATA);
		if (buf_length(&d->client_in) > 0)
			end_after_client_out(
				d); /* what follows may be content: never read it as commands */
		break;
	case VERB_AUTH:
		answer_verdict(d, VERB_AUTH);
		break;
	case VERB_QUIT:
	case VERB_BAD:
	case VERB_UNKNOWN:
	case VERB_BDAT:
	case VERB_STARTTLS:
	case VERB_VRFY:
	case VERB_EXPN:
	case VERB_HELP:
	case VERB_DESYNCHRONISING:
		refuse_unsupported(d);
		break;
	}
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
	if (octets > COMMAND_LINE_MAX && command.verb != VERB_AUTH) {
		buf_consume(&d->client_in, octets);
		answer_own(d, false, "500 5.5.2 mailseal: line too long");
		return true;
	}
	if (d->stopping && command.verb == VERB_MAIL) {
		end_with_reply(d, "4.3.2", "the agent is ending, try again");
		return true;
	}
	if (d->phase == PHASE_READY && command.verb != VERB_BAD && command.verb != VERB_BDAT &&
		command.verb != VERB_STARTTLS && command.verb != VERB_DESYNCHRONISING) {
		bool taken = command_ready(d, &copy, &command);

		if (taken)
			buf_consume(&d->client_in, octets);
		return taken;
	}
	buf_consume(&d->client_in, octets);
	if (always_refused(d, &command))
		return true;
	if (d->phase == PHASE_ALONE)
		command_alone(d, &command);
	else
		command_open(d, &copy, &command);
	return true;
}

static bool command_step(struct dialogue *d)
{
	struct line line;

	if (!commands_pass(d) || !room_for_commands(d))
		return false;
	switch (line_scan(
		buf_bytes(&d->client_in), buf_length(&d->client_in), AUTH_LINE_MAX, &line)) {
	case LINE_PARTIAL:
		return false;
	case LINE_TOO_LONG:
		d->speech = SPEECH_LONG_LINE;
		return true;
	case LINE_WHOLE:
		if (!d->lf_known)
			d->lf_client = !line.crlf;
		d->lf_known = true;
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
		forward(d, &line, AWAITED_AUTH);
		buf_consume(&d->client_in, line.octets);
		d->speech = SPEECH_AWAITING_AUTH;
		return true;
	}
	return false;
}

static bool content_step(struct dialogue *d)
{
	size_t before = buf_length(&d->server_out), taken;

	if (pending_full(&d->pending))
		return false;
	enum content_state state = content_pass(&d->content, buf_bytes(&d->client_in),
		buf_length(&d->client_in), &taken, &d->server_out);

	buf_consume(&d->client_in, taken);
	d->transaction.bytes += buf_length(&d->server_out) - before;
	switch (state) {
	case CONTENT_MORE:
		return taken > 0;
	case CONTENT_END:
		await(d, AWAITED_END_OF_DATA);
		d->speech = SPEECH_COMMANDS;
		return true;
	case CONTENT_SMUGGLING:
		end_attack(d, "lone dot beside a bare CR or LF in the content (SMTP smuggling)");
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
	if (d->speech == SPEECH_BDAT && d->bdat_left == 0)
		return bdat_step(d);
	if (buf_length(&d->client_in) == 0)
		return false;
	switch (d->speech) {
	case SPEECH_COMMANDS:
		return command_step(d);
	case SPEECH_CONTENT:
		return content_step(d);
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
		return false;
	}
	return false;
}

bool request_waits(const struct dialogue *d)
{
	return memchr(buf_bytes(&d->client_in), '\n', buf_length(&d->client_in)) != NULL;
}
