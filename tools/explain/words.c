/*
 * words: an explanation for a person, in a hundred columns.
 */
#include "tools/explain/explain.h"
#include "tools/print.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 100
#define NAME_COLUMNS 22 /* of a setting, and of what was asked */
#define VALUE_COLUMNS 18
#define SERVER_COLUMNS 34

static void print_values(const struct values *values)
{
	for (unsigned i = 0; i < values->count; i++) {
		const struct value *v = &values->at[i];
		char text[1200], where[512] = "";
		unsigned at = 2 + NAME_COLUMNS;

		value_describe(v, text, sizeof(text));
		if (v->origin)
			origin_describe(v->origin, where, sizeof(where));
		printf("  %-*s", NAME_COLUMNS, v->name);
		if (print_columns(text) < VALUE_COLUMNS) {
			if (v->origin)
				print_padded(text, VALUE_COLUMNS);
			else
				print_plain(stdout, text);
			at += VALUE_COLUMNS;
		} else {
			print_wrapped(text, at, at, WIDTH);
			printf("%*s", (int)at + VALUE_COLUMNS, "");
			at += VALUE_COLUMNS;
		}
		print_wrapped(where, at, at, WIDTH);
	}
}

static void print_asked(const char *name, const char *text, const char *remark)
{
	char line[2400];

	snprintf(line, sizeof(line), "%s%s%s", text, *remark ? " " : "", remark);
	printf("%-*s", NAME_COLUMNS + 2, name);
	print_wrapped(line, NAME_COLUMNS + 2, NAME_COLUMNS + 2, WIDTH);
}

static void print_files(const struct configuration *c)
{
	if (!c->seen.main_present)
		print_asked(
			"configuration", c->path, "(does not exist: the built-in default applies)");
	else
		print_asked("configuration", c->path, "");
	if (c->seen.domains_present)
		print_asked("", c->domains, "");
}

static void print_mailbox(const char *name, const struct mailbox *m)
{
	char remark[400] = "";

	if (!m->text) {
		print_asked(name, "(any without a section)", "");
		return;
	}
	switch (m->domain.form) {
	case DOMAIN_UNKNOWN:
		break;
	case DOMAIN_NULL:
		snprintf(remark, sizeof(remark), "(no sender: a bounce)");
		break;
	case DOMAIN_NAME:
	case DOMAIN_LITERAL:
		snprintf(remark, sizeof(remark), "(domain %s)", m->domain.name);
		break;
	case DOMAIN_AMBIGUOUS:
		snprintf(remark, sizeof(remark),
			"(%s, so the strictest values of the configuration count)",
			m->no_domain ? "has no domain" : "cannot be read in one way only");
		break;
	}
	print_asked(name, *m->text ? m->text : "<>", remark);
}

static void print_host(const struct question *q)
{
	if (q->name_count == 0 && !q->address_text)
		print_asked("host", "(any name without a section)", "");
	for (unsigned i = 0; i < q->name_count; i++)
		print_asked(i ? "" : "host", q->names[i], "");
	if (q->address_text)
		print_asked("address", q->address_text,
			q->name_count ? "" : "(no name is known: each host section may be meant)");
}

static void print_question(const struct explain *e)
{
	const struct question *q = &e->question;

	print_files(&e->configuration);
	print_host(q);
	print_mailbox("sender", &q->sender);
	for (unsigned i = 0; i < q->recipient_count; i++)
		print_mailbox(i ? "" : "recipient", &q->recipients[i]);
	for (unsigned i = 0; i < q->field_count; i++)
		print_asked(i ? "" : "header", q->fields[i].text,
			q->fields[i].ours ? "" : "(not a field of mailseal's: no effect)");
	if (*q->remark)
		print_asked("", q->remark, "");
}

static void print_connection(const struct explain *e)
{
	const struct policy *p = &e->explanation.policy;
	struct values values;

	printf("\nthe connection\n");
	values_of_connection(
		e->configuration.set, p, (const struct sockaddr *)&e->question.address, &values);
	print_values(&values);
	values_clear(&values);
	if (p->connection.conflict)
		printf("  %s differs between the sections of these names: every certificate counts "
		       "as not verified\n",
			p->connection.conflict);
}

static bool same_demands(const struct demands *a, const struct demands *b)
{
	return memcmp(a->origin, b->origin, sizeof(a->origin)) == 0;
}

static void print_demands(const struct explain *e)
{
	const struct question *q = &e->question;
	const struct demands *demands = e->explanation.demands;
	struct values values;

	for (unsigned i = 0; i < q->recipient_count; i++) {
		bool shown = i > 0 && same_demands(&demands[i - 1], &demands[i]);

		printf("\nmail to ");
		print_plain(
			stdout, q->recipients[i].text ? q->recipients[i].text : "any recipient");
		printf("%s\n", shown ? ": the same as above" : "");
		if (shown)
			continue;
		values_of_demands(&demands[i], &values);
		print_values(&values);
		values_clear(&values);
	}
}

static const char *outcome_words(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_TLS_VERIFIED:
		return "TLS, verified";
	case OUTCOME_TLS_UNVERIFIED:
		return "TLS, not verified";
	case OUTCOME_CLEARTEXT:
		return "in the clear";
	case OUTCOME_BLOCKED:
		break;
	}
	return "blocked";
}

/* What goes on though enforce would block it. */
static const char *observed_words(const struct facts *facts)
{
	return facts->tls == TLS_FACT_ON ? "TLS (mode = observe; enforce would block it)"
					 : "in the clear (mode = observe; enforce would block it)";
}

const char *fate_words(const struct row *row, const struct fate *fate)
{
	switch (fate->stop) {
	case STOP_NOWHERE:
		break;
	case STOP_MAIL:
		return "blocked at MAIL";
	case STOP_RECIPIENT:
		return "blocked at RCPT";
	case STOP_SEPARATE:
		return "not with the others, at RCPT";
	case STOP_MESSAGE:
		return "blocked after the final dot";
	}
	return fate->judgement.would_block ? observed_words(&row->facts)
					   : outcome_words(fate->judgement.verdict.outcome);
}

static void print_fate(const struct row *row, const struct fate *fate, const struct fate *before)
{
	printf("%s%s\n", fate_words(row, fate),
		fate->waits ? "; RCPT gets 250, then the header decides" : "");
	if (!fate->reply[0] || (before && strcmp(before->reply, fate->reply) == 0))
		return;
	printf("%*s", 6, "");
	print_wrapped(fate->reply, 6, 6, WIDTH);
}

static void describe_row(const struct row *row, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s", row->server, row->certificate ? ", certificate " : "",
		row->certificate ? row->certificate : "");
}

static void print_row(const struct explain *e, const struct row *row)
{
	const struct question *q = &e->question;
	bool one = q->recipient_count == 1 || row->fates[0].stop == STOP_MAIL;
	char name[100];

	describe_row(row, name, sizeof(name));
	printf("  ");
	if (one) {
		print_padded(name, SERVER_COLUMNS);
		print_fate(row, &row->fates[0], NULL);
		return;
	}
	printf("%s\n", name);
	for (unsigned i = 0; i < q->recipient_count; i++) {
		printf("    ");
		print_padded(q->recipients[i].text, SERVER_COLUMNS - 2);
		print_fate(row, &row->fates[i], i ? &row->fates[i - 1] : NULL);
	}
}

static void print_auth(const struct row *row)
{
	char name[100];

	describe_row(row, name, sizeof(name));
	printf("  ");
	print_padded(name, SERVER_COLUMNS);
	switch (row->auth) {
	case CREDENTIALS_PASS:
		printf("passes\n");
		return;
	case CREDENTIALS_PASS_OBSERVED:
		printf("passes (mode = observe; enforce would refuse it)\n");
		return;
	case CREDENTIALS_BLOCKED:
		break;
	}
	printf("refused\n%*s", 6, "");
	print_wrapped(row->auth_reply, 6, 6, WIDTH);
}

static void print_own_tls(const struct explanation *e)
{
	const struct own_tls *own = &e->own_tls;

	printf("\nwhat becomes of STARTTLS, if the program issues it itself\n  ");
	if (!own->accepted) {
		printf("refused\n%*s", 6, "");
		print_wrapped(e->own_tls_reply, 6, 6, WIDTH);
	} else if (own->judgement.would_block) {
		printf("passes (mode = observe; enforce would refuse it), not shown to the "
		       "program\n");
	} else {
		printf("passes, %s\n", own->offered ? "and is shown to the program"
						    : "but is not shown to the program");
	}
}

void explain_in_words(const struct explain *e)
{
	print_question(e);
	print_connection(e);
	if (!e->explanation.policy.connection.intercept) {
		printf("\nThe connection passes untouched: no TLS by mailseal, and no demand "
		       "counts.\n");
		return;
	}
	print_demands(e);
	printf("\nwhat becomes of it, by what the server offers\n");
	for (unsigned i = 0; i < e->explanation.row_count; i++)
		print_row(e, &e->explanation.rows[i]);
	printf("\nwhat becomes of AUTH, if the program logs in\n");
	for (unsigned i = 0; i < e->explanation.row_count; i++)
		print_auth(&e->explanation.rows[i]);
	print_own_tls(&e->explanation);
}
