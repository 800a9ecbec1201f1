/*
 * words: the report for a person, on one screen; its first line is what a monitoring system shows.
 */
#include "tools/probe/probe.h"

#include "tools/meaning.h"
#include "tools/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_SHOWN 8
#define WHOM_COLUMNS 34
#define OUTCOME_COLUMNS 20

void probe_line(const char *name, const char *text)
{
	print_padded(name, PROBE_COLUMNS);
	print_wrapped(text, PROBE_COLUMNS, PROBE_COLUMNS, PROBE_WIDTH);
}

/* --- the conversation --- */

static void joined(
	const struct saying *s, unsigned from, const char *separator, char *out, size_t size)
{
	size_t at = 0;

	*out = '\0';
	for (unsigned i = from; i < s->count; i++) {
		int n = snprintf(
			out + at, size - at, "%s%.200s", i > from ? separator : "", s->lines[i]);

		if (n < 0 || (size_t)n >= size - at - 8) {
			snprintf(out + at, size - at, " ...");
			return;
		}
		at += (size_t)n;
	}
}

static void said(const char *name, const struct saying *s, bool keywords)
{
	char line[1000], text[900];

	if (s->code == 0)
		return;
	joined(s, keywords && s->code == 250 ? 1 : 0, keywords ? ", " : " / ", text, sizeof(text));
	if (s->code == (keywords ? 250 : 220))
		probe_line(name, *text ? text : "nothing");
	else {
		snprintf(line, sizeof(line), "%d %s", s->code, text);
		probe_line(name, line);
	}
}

static void tls_in_words(const struct meeting *m)
{
	const struct talk *t = &m->talk;
	char line[600];

	if (t->shaken) {
		snprintf(line, sizeof(line), "%s, %s, key exchange %s%s%s", t->tls.protocol,
			t->tls.cipher, t->peer.key_exchange,
			*t->peer.signature ? ", signature " : "", t->peer.signature);
		probe_line("TLS", line);
		return;
	}
	if (!t->served)
		return;
	switch (t->facts.tls) {
	case TLS_FACT_NOT_OFFERED:
		probe_line("TLS", "none: STARTTLS is not offered");
		return;
	case TLS_FACT_REFUSED:
		snprintf(line, sizeof(line), "none: STARTTLS is refused: %s", t->facts.reason);
		probe_line("TLS", line);
		return;
	case TLS_FACT_HANDSHAKE_FAILED:
	case TLS_FACT_LEFT:
	case TLS_FACT_ON:
		break;
	}
	snprintf(line, sizeof(line), "none: the handshake failed: %s", t->facts.reason);
	probe_line("TLS", line);
}

/* Whom it must name, as hop_identity() has it. */
static void reference(const struct probe *p, const struct meeting *m, char *out, size_t size)
{
	const char *const *match = m->match;
	size_t at = 0;

	snprintf(out, size, "%s", p->target.name ? p->target.name : m->at.text);
	for (unsigned i = 0; match && match[i] && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? " or " : "", match[i]);
}

static void certificate_in_words(const struct probe *p, const struct meeting *m)
{
	const struct talk *t = &m->talk;
	char line[1200], by[400], whom[300];

	if (!t->shaken)
		return;
	reference(p, m, whom, sizeof(whom));
	snprintf(by, sizeof(by), "%s%.300s", m->authorities ? "authorities of " : "fingerprints",
		m->authorities ? m->authorities : "");
	if (t->tls.verified)
		snprintf(line, sizeof(line), "valid for %s, by %s", whom, by);
	else
		snprintf(line, sizeof(line), "not valid: %s (%s, by %s)", t->tls.reason, whom, by);
	probe_line("certificate", line);
	chain_in_words(t);
}

static void resumption_in_words(const struct meeting *m)
{
	char line[400];

	if (!m->talk.shaken || !m->talk.served)
		return;
	switch (m->resumes) {
	case RESUMES_YES:
		snprintf(line, sizeof(line),
			"works: the second connection took no full handshake%s",
			m->explanation.policy.connection.session_resumption
				? ""
				: "; mailseal makes one all the same (session_resumption = false)");
		probe_line("resumption", line);
		return;
	case RESUMES_NO:
	case RESUMES_UNKNOWN:
		break;
	}
	snprintf(line, sizeof(line), "%s: %s", m->resumes == RESUMES_NO ? "no" : "not known",
		m->resumes_why);
	probe_line("resumption", line);
}

/* --- policy --- */

/* Our own reply names the rule already. */
static void row_in_words(const char *whom, const struct row *row, const struct fate *fate)
{
	unsigned at = 2 + WHOM_COLUMNS;
	char rule[320], line[400];

	printf("  ");
	print_padded(whom, WHOM_COLUMNS);
	if (*fate->reply) {
		printf("%s\n%*s", judge_words(row, fate), 6, "");
		print_wrapped(fate->reply, 6, 6, PROBE_WIDTH);
		return;
	}
	judge_rule(fate, rule, sizeof(rule));
	print_padded(judge_words(row, fate), OUTCOME_COLUMNS);
	at += print_columns(judge_words(row, fate)) < OUTCOME_COLUMNS
		      ? OUTCOME_COLUMNS
		      : print_columns(judge_words(row, fate)) + 1;
	snprintf(line, sizeof(line), "%s%s",
		fate->stop == STOP_NOWHERE && fate->judgement.would_block
			? "enforce would block it (mode = observe); "
			: "",
		rule);
	print_wrapped(line, at, 2 + WHOM_COLUMNS + OUTCOME_COLUMNS, PROBE_WIDTH);
}

static bool same_fate(const struct explanation *a, const struct explanation *b)
{
	const struct fate *one = &a->rows[0].fates[0], *other = &b->rows[0].fates[0];

	return one->stop == other->stop && strcmp(one->reply, other->reply) == 0 &&
	       one->judgement.verdict.outcome == other->judgement.verdict.outcome &&
	       one->judgement.would_block == other->judgement.would_block;
}

static size_t sections(const struct policy_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++)
		n += judge_speaks_of(set->sections[i]);
	return n;
}

/* Where there are many, those that come to something else than mail without a section. */
static void sections_in_words(const struct probe *p, const struct meeting *m)
{
	const struct policy_set *set = p->configuration.set;
	size_t total = sections(set), shown = 0, alike = 0, more = 0;
	struct explanation e;
	char name[300];

	for (size_t i = 0; i < set->count; i++) {
		const struct section *s = set->sections[i];

		if (!judge_speaks_of(s))
			continue;
		meaning_section_name(s, name, sizeof(name));
		if (!judge(p, m, s, &e))
			more++;
		else if (total > ROWS_SHOWN && same_fate(&e, &m->explanation))
			alike++;
		else if (shown == ROWS_SHOWN)
			more++;
		else {
			row_in_words(name, &e.rows[0], &e.rows[0].fates[0]);
			shown++;
		}
		explanation_clear(&e);
	}
	if (alike)
		printf("  %zu more sections come to the same as any other mail\n", alike);
	if (more)
		printf("  %zu more sections come to something else: see --json\n", more);
}

static bool asked_for_mail(const struct probe *p)
{
	return p->question.sender.text || p->question.recipients[0].text;
}

static void asked_in_words(const struct probe *p, const struct meeting *m)
{
	const struct row *row = &m->explanation.rows[0];
	char whom[300];

	for (unsigned i = 0; i < p->question.recipient_count; i++) {
		const char *from = p->question.sender.text, *to = p->question.recipients[i].text;

		snprintf(whom, sizeof(whom), "%s%.120s%s%s%.120s", from ? "from " : "",
			from ? *from ? from : "<>" : "", from && to ? " " : "", to ? "to " : "",
			to ? to : "");
		row_in_words(whom, row, &row->fates[i]);
	}
}

static void hosts_in_words(const struct explanation *e)
{
	char line[700] = "", name[300];
	size_t at = 0;

	for (unsigned d = 0; d < DEMAND_COUNT; d++) {
		const struct section *s = e->policy.host[d];
		bool before = !s;

		for (unsigned i = 0; i < d && !before; i++)
			before = e->policy.host[i] == s;
		if (before || at > 300)
			continue;
		meaning_section_name(s, name, sizeof(name));
		at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%.250s, line %u",
			at ? "; " : "", name, s->line);
	}
	if (at)
		probe_line("", line);
}

static void policy_in_words(const struct probe *p, const struct meeting *m)
{
	const struct row *row = &m->explanation.rows[0];
	const struct configuration *c = &p->configuration;
	char line[TOOL_PATH_SIZE + 80];

	snprintf(line, sizeof(line), "%s%s", c->path,
		c->seen.main_present ? "" : " (does not exist: the built-in default applies)");
	probe_line("policy", line);
	hosts_in_words(&m->explanation);
	if (!p->target.name && p->configuration.set->named > 0)
		probe_line("", "no name is known: each host section by name may be meant");
	if (m->untouched) {
		probe_line("", "intercept = false: the connection passes untouched");
		return;
	}
	if (asked_for_mail(p)) {
		asked_in_words(p, m);
	} else {
		row_in_words(sections(p->configuration.set) ? "any other mail" : "any mail", row,
			&row->fates[0]);
		sections_in_words(p, m);
	}
	if (row->auth == CREDENTIALS_BLOCKED) {
		printf("  ");
		print_padded("a login (AUTH)", WHOM_COLUMNS);
		printf("refused\n%*s", 6, "");
		print_wrapped(row->auth_reply, 6, 6, PROBE_WIDTH);
	}
}

/* --- all of it --- */

static void head(const struct probe *p, const char *address, const char *summary)
{
	char line[1200];

	/* behind a bar, monitoring systems read numbers */
	snprintf(line, sizeof(line), "%s%.254s%s:%s%s%s%s: %s",
		strchr(p->target.host, ':') ? "[" : "", p->target.host,
		strchr(p->target.host, ':') ? "]" : "", p->target.port, *address ? " (" : "",
		address, *address ? ")" : "", summary);
	for (char *bar = line; (bar = strchr(bar, '|'));)
		*bar = '!';
	print_wrapped(line, 0, 0, 1000000);
}

static void meeting_in_words(const struct probe *p, const struct meeting *m)
{
	const struct heard *h = &m->talk.heard;

	head(p, p->target.name ? m->at.text : "", m->summary);
	said("greeting", &h->said[MOMENT_GREETING], false);
	said("before TLS", &h->said[MOMENT_EHLO], true);
	said("inside TLS", &h->said[MOMENT_EHLO_INSIDE], true);
	tls_in_words(m);
	certificate_in_words(p, m);
	resumption_in_words(m);
	if (m->talk.served)
		policy_in_words(p, m);
	if (strcmp(p->target.port, "25") != 0 && m->talk.served)
		probe_line(
			"port", "programs are protected there only where MAILSEAL_PORTS names it");
}

/* The line that counts comes first, also where others were tried before in vain. */
void probe_in_words(const struct probe *p)
{
	const struct meeting *last = p->count ? &p->meetings[p->count - 1] : NULL;
	char line[600];

	if (!last) {
		snprintf(line, sizeof(line), "unreachable: %s", p->trouble);
		head(p, "", line);
		return;
	}
	if (p->options.all) {
		for (unsigned i = 0; i < p->count; i++) {
			if (i)
				putchar('\n');
			meeting_in_words(p, &p->meetings[i]);
		}
		return;
	}
	meeting_in_words(p, last);
	for (unsigned i = 0; i + 1 < p->count; i++) {
		snprintf(line, sizeof(line), "%s: %.400s", p->meetings[i].at.text,
			p->meetings[i].talk.trouble);
		probe_line("no answer of", line);
	}
}
