#include "shim/smtp/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void note_set(struct dialogue *d, const char *kind, const char *why)
{
	if (!d->note[0])
		snprintf(d->note, sizeof(d->note), "%s%s%s", kind, *why ? ": " : "", why);
}

static void transaction_clear(struct transaction *t)
{
	for (unsigned i = 0; i < DIALOGUE_RECIPIENTS; i++)
		free(t->recipients[i]);
	*t = (struct transaction){0};
}

/* MAIL begins a transaction; one that was begun before is over. */
void report_mail(struct dialogue *d, const struct command *command)
{
	report_transaction(d);
	d->transaction.begun = true;
	command_path(command, d->transaction.sender, sizeof(d->transaction.sender));
}

void report_recipient(struct dialogue *d, const struct command *command)
{
	struct transaction *t = &d->transaction;
	char path[DIALOGUE_ADDRESS_SIZE];

	if (!t->begun)
		return;
	if (t->recipient_count < DIALOGUE_RECIPIENTS) {
		command_path(command, path, sizeof(path));
		t->recipients[t->recipient_count] = strdup(path);
	}
	t->recipient_count++;
}

/* What decided a transaction: the final reply, or the last refusal. What merely went well on the
 * way says nothing. */
void report_reply(struct dialogue *d, const char *line, bool final)
{
	if (!final && line[0] < '4')
		return;
	snprintf(d->transaction.reply, sizeof(d->transaction.reply), "%.*s",
		(int)strcspn(line, "\r\n"), line);
}

void rule_describe(const struct dialogue *d, char *out, size_t size)
{
	const struct demands *demands = &d->settings.policy->demands;
	const struct origin *origin = demands->origin[DEMAND_REQUIRE_TLS];
	const char *rule = "require_tls";
	char where[256];

	out[0] = '\0';
	if (!d->judged)
		return;
	if (d->verdict.outcome == OUTCOME_BLOCKED && d->verdict.origin) {
		origin = d->verdict.origin;
		rule = d->verdict.rule;
	}
	if (!origin)
		return;
	origin_describe(origin, where, sizeof(where));
	snprintf(out, size, "%s by %s", rule, where);
}

static void report(struct dialogue *d, bool transaction)
{
	struct transaction *t = &d->transaction;
	struct dialogue_report r = {
		.transaction = transaction,
		.sender = t->sender,
		.recipient_count = t->recipient_count,
		.bytes = t->bytes,
		.facts = d->facts,
		.verdict = d->verdict,
		.would_block = d->would_block,
		.reply = t->reply,
		.note = d->note,
	};
	char rule[320];

	rule_describe(d, rule, sizeof(rule));
	r.rule = rule;
	for (unsigned i = 0; i < DIALOGUE_RECIPIENTS; i++)
		r.recipients[i] = t->recipients[i] ? t->recipients[i] : "";
	if (d->settings.report)
		d->settings.report(d->settings.context, &r);
	d->transactions++;
}

void report_transaction(struct dialogue *d)
{
	if (d->transaction.begun)
		report(d, true);
	transaction_clear(&d->transaction);
}

void report_connection(struct dialogue *d)
{
	if (!d->transaction.begun && d->transactions == 0)
		report(d, false);
	report_transaction(d);
}
