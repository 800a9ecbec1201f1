/*
 * transaction: MAIL, RCPT and DATA. On a connection where policy may forbid something they are
 * held back until enough is known, and refused without the server hearing of them.
 */
#include "shim/smtp/inside.h"

#include "shim/smtp/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELD_RECIPIENTS 100 /* RFC 5321 4.5.3.1.8 asks for no more */
#define RECIPIENTS_OUTSTANDING                                                                     \
	(1u << AWAITED_MAIL | 1u << AWAITED_HELD_MAIL | 1u << AWAITED_RCPT |                       \
		1u << AWAITED_REFUSED_RCPT)
#define TRANSACTION_OUTSTANDING                                                                    \
	(RECIPIENTS_OUTSTANDING | 1u << AWAITED_DATA | 1u << AWAITED_END_OF_DATA)

void transaction_clear_held(struct dialogue *d)
{
	struct held *h = &d->held;

	buf_clear(&h->lines);
	buf_clear(&h->head);
	buf_clear(&h->refusals);
	buf_clear(&h->final);
	h->replayed = h->answered = h->head_octets = 0;
	h->recipients = 0;
	h->opening = h->mail_may_go = h->content_ended = false;
	h->refused_for_good = h->sender_refused = false;
	free(h->mail_refusal);
	h->mail_refusal = NULL;
}

void transaction_over(struct dialogue *d)
{
	report_transaction(d);
	envelope_reset(&d->envelope);
	transaction_clear_held(d);
}

bool transaction_waits(const struct dialogue *d)
{
	return d->held.opening || pending_has(&d->pending, 1u << AWAITED_RESET);
}

static void hold(struct dialogue *d, const struct line *line)
{
	if (buf_append(&d->held.lines, line->text, line->length) < 0 ||
		buf_append(&d->held.lines, "\r\n", 2) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
}

void transaction_send_mail(struct dialogue *d)
{
	d->held.mail_may_go = false;
	put_server(d, buf_bytes(&d->held.lines), buf_length(&d->held.lines));
	buf_clear(&d->held.lines);
	await(d, AWAITED_HELD_MAIL);
}

static void hold_mail(struct dialogue *d, const struct line *line)
{
	hold(d, line);
	answer_own(d, false, "250 2.1.0 mailseal: sender noted");
}

bool transaction_mail(struct dialogue *d, const struct line *line, const struct command *command)
{
	struct judgement judgement;
	struct domain sender;

	/* What is outstanding belongs to the transaction before this one. */
	early_before(d, command);
	if (pending_has(&d->pending, TRANSACTION_OUTSTANDING))
		return false;
	if (d->watched && d->envelope.state != ENVELOPE_NONE &&
		d->envelope.state != ENVELOPE_REFUSED) {
		answer_own(d, false, "503 5.5.1 mailseal: nested MAIL command");
		return true;
	}
	transaction_over(d);
	report_mail(d, command);
	address_of_command(command, &sender);
	switch (envelope_mail(&d->envelope, &sender, &judgement)) {
	case MAIL_PASSES:
		/* The transaction that the server has would take what is said behind a MAIL that it
		 * refuses. */
		if (d->server_has_mail || !early_may(d)) {
			forward(d, line, AWAITED_MAIL);
			return true;
		}
		d->held.mail_may_go = true;
		hold_mail(d, line);
		return true;
	case MAIL_WAITS:
		hold_mail(d, line);
		return true;
	case MAIL_REFUSED:
		break;
	}
	report_judgement(d, &judgement);
	answer_verdict(d, VERB_MAIL, &judgement.verdict);
	return true;
}

static void forward_recipient(struct dialogue *d, const struct line *line,
	const struct command *command, const struct demands *demands)
{
	report_recipient(d, command);
	if (d->held.mail_may_go)
		transaction_send_mail(d);
	put_server(d, line->text, line->length);
	put_server(d, "\r\n", 2);
	trace_sent(d, AWAITED_RCPT);
	if (d->phase != PHASE_OVER &&
		pending_add_recipient(&d->pending, buf_position(&d->server_out), demands) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
}

/* The first recipient passes, and its MAIL with it. False: the recipient is read again when the
 * server took the MAIL. */
static bool open_envelope(struct dialogue *d)
{
	bool together = early_may(d);

	transaction_send_mail(d);
	if (together)
		envelope_opened(&d->envelope);
	else
		d->held.opening = true;
	return together;
}

static void hold_recipient(struct dialogue *d, const struct line *line,
	const struct command *command, const struct demands *demands)
{
	if (d->held.recipients == HELD_RECIPIENTS) {
		answer_own(d, false,
			"452 4.5.3 mailseal: too many recipients; send again to the rest");
		return;
	}
	d->held.recipients++;
	hold(d, line);
	envelope_accept(&d->envelope, demands);
	report_recipient(d, command);
	answer_own(d, false, "250 2.1.5 mailseal: recipient noted, the message's header decides");
}

static void refuse_recipient(
	struct dialogue *d, const struct command *command, const struct judgement *judgement)
{
	report_refused_recipient(d, command, judgement);
	answer_verdict(d, VERB_RCPT, &judgement->verdict);
}

/* RCPT in a transaction that has a MAIL of its own. */
static bool judge_recipient(
	struct dialogue *d, const struct line *line, const struct command *command)
{
	struct judgement judgement;
	struct demands demands;
	struct domain recipient;

	address_of_command(command, &recipient);
	switch (envelope_recipient(&d->envelope, &recipient, &judgement, &demands)) {
	case RECIPIENT_OPENS:
		if (!open_envelope(d))
			return false;
		forward_recipient(d, line, command, &demands);
		return true;
	case RECIPIENT_PASSES:
		forward_recipient(d, line, command, &demands);
		return true;
	case RECIPIENT_WAITS:
		hold_recipient(d, line, command, &demands);
		return true;
	case RECIPIENT_SEPARATE:
		answer_separate(d);
		return true;
	case RECIPIENT_REFUSED:
		break;
	}
	refuse_recipient(d, command, &judgement);
	return true;
}

/* For all that is known here; the server may have a MAIL. */
static void forward_without_mail(
	struct dialogue *d, const struct line *line, const struct command *command)
{
	report_unannounced(d);
	report_recipient(d, command);
	forward(d, line, AWAITED_RCPT);
}

bool transaction_recipient(
	struct dialogue *d, const struct line *line, const struct command *command)
{
	if (d->held.mail_refusal) {
		report_recipient(d, command);
		answer_prepared(d, d->held.mail_refusal);
		return true;
	}
	if (d->envelope.state != ENVELOPE_NONE)
		return judge_recipient(d, line, command);
	if (d->watched)
		answer_own(d, false, "503 5.5.1 mailseal: RCPT without MAIL");
	else
		forward_without_mail(d, line, command);
	return true;
}

#define MAIL_REFUSAL_MOST 2048 /* octets; of a longer one the first line is told */
#define MAIL_REFUSAL_END " (in reply to MAIL)\r\n"

/* To RCPT, 552 would mean too many recipients (RFC 5321 4.5.3.1.10). Terminated. */
static int write_refusal(const struct dialogue *d, const struct reply *reply, struct buf *out)
{
	struct reply said = *reply;
	char text[REPLY_TEXT_SIZE], line[REPLY_TEXT_SIZE + 8];
	int rc;

	said.code = reply->code == 552 ? 550 : reply->code;
	if (reply->octets + 2 * reply->lines <= MAIL_REFUSAL_MOST) {
		rc = reply_copy(buf_bytes(&d->server_in), &said, out);
		if (rc == 0)
			buf_truncate(out, buf_length(out) - 2);
	} else {
		reply_text(buf_bytes(&d->server_in), text, sizeof(text));
		snprintf(line, sizeof(line), "%d %s", said.code, text);
		rc = buf_append_text(out, line);
	}
	return rc ? rc : buf_append(out, MAIL_REFUSAL_END, sizeof(MAIL_REFUSAL_END));
}

/* Those that were sent behind the MAIL, and, while its transaction lasts, those to come. */
static void refuse_recipients(struct dialogue *d, const struct reply *reply)
{
	struct buf text;

	buf_init(&text, MAIL_REFUSAL_MOST + 64);
	if (write_refusal(d, reply, &text) < 0 ||
		pending_refuse_recipients(&d->pending, buf_bytes(&text)) < 0) {
		end(d, DIALOGUE_ABORT_SERVER);
	} else if (d->envelope.state != ENVELOPE_NONE) {
		report_reply(d, buf_bytes(&text), false);
		d->held.mail_refusal = strdup(buf_bytes(&text));
		if (!d->held.mail_refusal)
			end(d, DIALOGUE_ABORT_SERVER);
	}
	buf_clear(&text);
}

/* The server answered MAIL: held, it is answered by us already, and a refusal answers each RCPT. */
void transaction_mail_replied(struct dialogue *d, const struct reply *reply, bool held)
{
	bool was_opening = d->held.opening;

	d->held.opening = false;
	if (reply->code < 400) {
		if (d->envelope.state != ENVELOPE_NONE) /* else a RSET is on its way behind it */
			d->server_has_mail = true;
		if (was_opening)
			envelope_opened(&d->envelope);
		return;
	}
	if (held)
		refuse_recipients(d, reply);
	if (held && !was_opening)
		early_disappointed(d);
	if (d->phase != PHASE_OVER)
		envelope_reset(&d->envelope);
}

void refuse_data_before_content(struct dialogue *d)
{
	static const char reply[] =
		"421 4.5.0 mailseal: what came behind a refused DATA may be content\r\n";

	if (d->phase == PHASE_OVER || buf_length(&d->client_in) == 0)
		return;
	note_set(d, "the application went on behind a refused DATA", "");
	if (pending_add_reply(&d->pending, reply, true) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
	d->speech = SPEECH_OVER; /* other replies may come first */
	answer_flush(d);
}

static void ask_for_content(struct dialogue *d)
{
	answer_own(d, false, "354 mailseal: end data with <CR><LF>.<CR><LF>");
	message_begin(d, SPEECH_HEADER);
}

static void forward_data(struct dialogue *d, const struct line *line)
{
	forward(d, line, AWAITED_DATA);
	d->speech = SPEECH_AWAITING_DATA;
}

static void refuse_data(struct dialogue *d)
{
	const struct transaction *t = &d->transaction;

	if (t->judged && judgement_blocks(&t->judgement))
		answer_verdict(d, VERB_DATA, &t->judgement.verdict);
	else
		answer_own(d, false, "%s mailseal: no valid recipients",
			t->begun ? "554 5.5.1" : "503 5.5.1");
}

bool transaction_data(struct dialogue *d, const struct line *line, const struct command *command)
{
	switch (d->envelope.state) {
	case ENVELOPE_HELD:
		ask_for_content(d);
		return true;
	case ENVELOPE_OPEN:
		if (!d->obeys)
			break;
		if (pending_has(&d->pending, RECIPIENTS_OUTSTANDING))
			return false;
		if (d->envelope.state == ENVELOPE_OPEN && d->envelope.accepted > 0) {
			if (!envelope_awaits_header(&d->envelope))
				break;
			ask_for_content(d);
			return true;
		}
		refuse_data(d);
		return true;
	case ENVELOPE_NONE:
		if (!d->obeys && !d->held.mail_refusal)
			break;
		refuse_data(d);
		return true;
	case ENVELOPE_REFUSED:
	case ENVELOPE_UNDECIDED:
		refuse_data(d);
		return true;
	}
	early_before(d, command);
	if (!early_data(d, line))
		forward_data(d, line);
	return true;
}
