/*
 * alone: the relay answers by itself, since policy blocks all mail on this connection, or the
 * server serves nobody. Nothing of what is said here reaches anyone.
 */
#include "shim/smtp/inside.h"

#include "shim/smtp/address.h"

/* What blocked the transaction, or, before there was one, the connection. */
static const struct verdict *alone_verdict(const struct dialogue *d)
{
	return d->transaction.judged ? &d->transaction.judgement.verdict : &d->judgement.verdict;
}

/* Nothing can pass: whatever step the envelope says, it is refused. */
static void alone_mail(struct dialogue *d, const struct command *command)
{
	struct judgement judgement;
	struct domain sender;

	report_mail(d, command);
	address_of_command(command, &sender);
	envelope_mail(&d->envelope, &sender, &judgement);
	report_judgement(d, &judgement);
	answer_verdict(d, VERB_MAIL, &judgement.verdict);
}

static void alone_recipient(struct dialogue *d, const struct command *command)
{
	struct judgement judgement = d->judgement;
	struct demands demands;
	struct domain recipient;

	report_recipient(d, command);
	address_of_command(command, &recipient);
	if (d->envelope.state != ENVELOPE_NONE)
		envelope_recipient(&d->envelope, &recipient, &judgement, &demands);
	answer_verdict(d, VERB_RCPT, &judgement.verdict);
}

/* Policy blocks, or the server serves nobody: nothing of what is said here reaches anyone. */
void command_alone(struct dialogue *d, const struct command *command)
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
		transaction_over(d);
		answer_alone_hello(d, command->verb == VERB_EHLO);
		break;
	case VERB_RSET:
		transaction_over(d);
		answer_own(d, false, "250 2.0.0 OK");
		break;
	case VERB_NOOP:
		answer_own(d, false, "250 2.0.0 OK");
		break;
	case VERB_MAIL:
		transaction_over(d);
		alone_mail(d, command);
		break;
	case VERB_RCPT:
		alone_recipient(d, command);
		break;
	case VERB_DATA:
		answer_verdict(d, VERB_DATA, alone_verdict(d));
		break;
	case VERB_AUTH:
		refuse_credentials(d);
		break;
	case VERB_QUIT:
	case VERB_BAD:
	case VERB_UNKNOWN:
	case VERB_BDAT:
	case VERB_STARTTLS: /* taken before */
	case VERB_VRFY:
	case VERB_EXPN:
	case VERB_HELP:
	case VERB_DESYNCHRONISING:
		refuse_unsupported(d);
		break;
	}
}
