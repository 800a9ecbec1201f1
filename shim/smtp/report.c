#include "shim/smtp/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

void note_set(struct dialogue *d, const char *kind, const char *why)
{
	char note[160];

	if (d->note)
		return;
	snprintf(note, sizeof(note), "%s%s%s", kind, *why ? ": " : "", why);
	d->note = strdup(note);
}

static void list_clear(struct address_list *list)
{
	for (unsigned i = 0; i < DIALOGUE_RECIPIENTS; i++)
		free(list->address[i]);
}

static void list_add(struct address_list *list, const struct command *command)
{
	char path[DIALOGUE_ADDRESS_SIZE];

	if (list->count < DIALOGUE_RECIPIENTS) {
		command_path(command, path, sizeof(path));
		list->address[list->count] = strdup(path);
	}
	list->count++;
}

static void list_show(const struct address_list *list, const char *out[DIALOGUE_RECIPIENTS])
{
	for (unsigned i = 0; i < DIALOGUE_RECIPIENTS; i++)
		out[i] = or_empty(list->address[i]);
}

static void transaction_clear(struct transaction *t)
{
	list_clear(&t->recipients);
	list_clear(&t->refused);
	free(t->sender);
	free(t->reply);
	*t = (struct transaction){0};
}

/* MAIL begins a transaction; one that was begun before is over. */
void report_mail(struct dialogue *d, const struct command *command)
{
	char path[DIALOGUE_ADDRESS_SIZE];

	report_transaction(d);
	command_path(command, path, sizeof(path));
	d->transaction.begun = true;
	d->transaction.sender = strdup(path);
}

void report_recipient(struct dialogue *d, const struct command *command)
{
	if (d->transaction.begun)
		list_add(&d->transaction.recipients, command);
}

/* Policy refused this one; it stands for the whole transaction until another one passes. */
void report_refused_recipient(
	struct dialogue *d, const struct command *command, const struct judgement *judgement)
{
	struct transaction *t = &d->transaction;

	if (!t->begun)
		return;
	if (t->refused.count == 0)
		t->refused_judgement = *judgement;
	list_add(&t->refused, command);
	if (!t->judged)
		report_judgement(d, judgement);
}

void report_judgement(struct dialogue *d, const struct judgement *judgement)
{
	d->transaction.judged = true;
	d->transaction.judgement = *judgement;
}

/* What decided a transaction: the final reply, or the last refusal. What merely went well on the
 * way says nothing. */
void report_reply(struct dialogue *d, const char *line, bool final)
{
	bool mere_syntax = strncmp(line, "50", 2) == 0 && d->transaction.reply;
	size_t length;

	if (line[0] >= '4')
		d->warm.unfit = true;
	if (!final && (line[0] < '4' || mere_syntax))
		return;
	length = strcspn(line, "\r\n");
	free(d->transaction.reply);
	d->transaction.reply =
		strndup(line, length < REPLY_TEXT_SIZE ? length : REPLY_TEXT_SIZE - 1);
}

void rule_describe(
	const struct dialogue *d, const struct judgement *judgement, char *out, size_t size)
{
	const struct verdict *v = &judgement->verdict;
	bool blocked = v->outcome == OUTCOME_BLOCKED && v->origin;
	const struct origin *origin = blocked ? v->origin : judgement->require_tls;
	char where[256];

	out[0] = '\0';
	if (!d->judged || !origin)
		return;
	origin_describe(origin, where, sizeof(where));
	snprintf(out, size, "%s by %s", blocked ? v->rule : "require_tls", where);
}

static void credentials_describe(const struct dialogue *d, char *out, size_t size)
{
	const struct policy *policy = d->settings.policy;
	char where[256];

	out[0] = '\0';
	if (d->credentials_fate != CREDENTIALS_OBSERVED &&
		d->credentials_fate != CREDENTIALS_REFUSED)
		return;
	if (!policy->connection.protect_credentials) {
		rule_describe(d, &d->judgement, out, size);
		return;
	}
	origin_describe(policy->connection.protect_credentials_origin, where, sizeof(where));
	snprintf(out, size, "protect_credentials by %s", where);
}

static const char *credentials_name(enum credentials_fate fate)
{
	switch (fate) {
	case CREDENTIALS_NONE:
		return "";
	case CREDENTIALS_SENT:
		return "sent";
	case CREDENTIALS_OBSERVED:
		return "would-block";
	case CREDENTIALS_REFUSED:
		return "refused";
	}
	return "";
}

static void report(struct dialogue *d, bool transaction)
{
	struct transaction *t = &d->transaction;
	const struct judgement *judgement = t->judged ? &t->judgement : &d->judgement;
	bool undecided = transaction && !t->judged;
	struct dialogue_report r = {
		.transaction = transaction,
		.sender = or_empty(t->sender),
		.recipient_count = t->recipients.count,
		.refused_count = t->refused.count,
		.bytes = t->bytes,
		.facts = d->facts,
		.verdict = judgement->verdict,
		.would_block = judgement->would_block,
		.overrides = t->overrides,
		.remark = or_empty(t->remark),
		.credentials = credentials_name(d->credentials_fate),
		.reply = or_empty(t->reply),
		.note = or_empty(d->note),
	};
	char rule[320], refused_rule[320], credentials_rule[320];

	rule_describe(d, judgement, rule, sizeof(rule));
	rule_describe(d, &t->refused_judgement, refused_rule, sizeof(refused_rule));
	credentials_describe(d, credentials_rule, sizeof(credentials_rule));
	r.rule = undecided ? "" : rule;
	r.credentials_rule = credentials_rule;
	r.refused_rule = t->refused.count ? refused_rule : "";
	list_show(&t->recipients, r.recipients);
	list_show(&t->refused, r.refused);
	if (d->settings.report)
		d->settings.report(d->settings.context, &r);
	d->transactions++;
	d->credentials_untold = false;
}

void report_transaction(struct dialogue *d)
{
	if (d->transaction.begun)
		report(d, true);
	transaction_clear(&d->transaction);
}

/* What is said or sent outside of transactions: to a server that takes it without a MAIL, or whose
 * transaction was not over when it should have been. */
void report_unannounced(struct dialogue *d)
{
	d->transaction.begun = true;
}

/* What was reported before may tell nothing of how it ends. */
static bool ends_with_news(const struct dialogue *d)
{
	return d->transactions == 0 || d->credentials_untold ||
	       strncmp(or_empty(d->note), "attack", 6) == 0;
}

void report_connection(struct dialogue *d)
{
	if (!d->transaction.begun && ends_with_news(d))
		report(d, false);
	report_transaction(d);
}
