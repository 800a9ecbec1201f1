/*
 * early: what the application is told before the server said it, to spare it a round trip. MAIL is
 * answered at once and goes together with the first recipient; DATA is answered while it is on its
 * way. Neither is final: a MAIL that the server refuses answers the recipients, and a DATA that it
 * refuses answers the content, which goes nowhere. No octet of content goes before the server's
 * 354.
 */
#include "shim/smtp/inside.h"

void early_learn(struct dialogue *d, const struct reply *reply)
{
	d->pipelining = ehlo_offers(buf_bytes(&d->server_in), reply, "PIPELINING");
	d->server_has_mail = false;
}

/* A server that is being greeted anew may offer something else. In observe mode nothing is held. */
bool early_may(const struct dialogue *d)
{
	return d->settings.early_replies && d->pipelining &&
	       d->settings.policy->demands.mode != MODE_OBSERVE &&
	       !pending_has(&d->pending, 1u << AWAITED_HELLO | 1u << AWAITED_HELO);
}

/* Is the server's reply the same whether it heard a MAIL before or not? What discards the
 * transaction discards what is held of it. */
static bool ignores_mail(const struct command *command)
{
	return command->verb == VERB_NOOP || command->verb == VERB_QUIT ||
	       (command->verb == VERB_RSET && command->argument_length == 0);
}

void early_before(struct dialogue *d, const struct command *command)
{
	if (d->held.mail_may_go && !ignores_mail(command))
		transaction_send_mail(d);
}

/* Where replies are outstanding it is not known yet whether any recipient was accepted. */
bool early_data(struct dialogue *d, const struct line *line)
{
	if (!early_may(d) || d->envelope.state != ENVELOPE_OPEN || d->envelope.accepted == 0 ||
		pending_first(&d->pending) != AWAITED_NOTHING)
		return false;
	answer_own(d, false, "354 mailseal: end data with <CR><LF>.<CR><LF>");
	forward(d, line, AWAITED_HELD_DATA);
	message_begin(d, SPEECH_HELD);
	return true;
}

void early_disappointed(struct dialogue *d)
{
	d->settings.early_replies = false;
	if (d->settings.disappointed)
		d->settings.disappointed(d->settings.context);
}
