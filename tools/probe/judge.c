/*
 * judge: what policy makes of a server as it was met. The mail is led through the same steps as the
 * dialogue would lead it, by tools/explain/.
 */
#include "tools/meaning.h"
#include "tools/probe/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

bool judge_speaks_of(const struct section *section)
{
	struct domain domain;

	return (section->kind == SECTION_SENDER || section->kind == SECTION_RECIPIENT) &&
	       meaning_domain(&section->pattern, &domain);
}

bool judge(const struct probe *p, const struct meeting *m, const struct section *section,
	struct explanation *explanation)
{
	struct question question = p->question;
	struct mailbox recipient = {0};

	*explanation = (struct explanation){0};
	question.address_text = m->at.text;
	memcpy(&question.address, m->at.address, m->at.length);
	if (section) {
		question.sender = (struct mailbox){0};
		question.recipients = &recipient;
		question.recipient_count = 1;
		meaning_domain(&section->pattern, section->kind == SECTION_SENDER
							  ? &question.sender.domain
							  : &recipient.domain);
	}
	return explanation_make_seen(
		       explanation, p->configuration.set, &question, &m->talk.facts) == 0;
}

const char *judge_words(const struct row *row, const struct fate *fate)
{
	if (fate->stop != STOP_NOWHERE || !fate->judgement.would_block)
		return fate_words(row, fate);
	return row->facts.tls == TLS_FACT_ON ? "TLS" : "in the clear";
}

void judge_rule(const struct fate *fate, char *out, size_t size)
{
	const struct verdict *v = &fate->judgement.verdict;
	bool blocked = v->outcome == OUTCOME_BLOCKED && v->origin;
	const struct origin *origin = blocked ? v->origin : fate->judgement.require_tls;
	char where[256];

	*out = '\0';
	if (fate->stop == STOP_SEPARATE || !origin)
		return;
	origin_describe(origin, where, sizeof(where));
	snprintf(out, size, "%s by %s", blocked ? v->rule : "require_tls", where);
}

/* Of those that the server was verified by, or of the server's own. */
static const struct tls_certificate *soonest(const struct meeting *m)
{
	const struct tls_peer *peer = &m->talk.peer;
	const struct tls_certificate *first = NULL;

	for (unsigned i = 0; i < peer->count; i++) {
		const struct tls_certificate *c = &peer->chain[i];

		if ((c->used || i == 0) && (!first || c->days_left < first->days_left))
			first = c;
	}
	return first;
}

bool judge_days_left(const struct meeting *m, int *days)
{
	const struct tls_certificate *c = m->talk.shaken ? soonest(m) : NULL;

	if (c)
		*days = c->days_left;
	return c != NULL;
}

static void add(struct meeting *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct meeting *m, const char *format, ...)
{
	size_t n = strlen(m->summary);
	va_list ap;

	va_start(ap, format);
	vsnprintf(m->summary + n, sizeof(m->summary) - n, format, ap);
	va_end(ap);
}

static void add_expiry(const struct probe *p, struct meeting *m)
{
	const struct tls_certificate *c = m->talk.shaken ? soonest(m) : NULL;
	const char *whose = c == m->talk.peer.chain ? "certificate" : "an authority's certificate";

	if (!c)
		return;
	if (c->days_left < 0)
		add(m, "; %s expired %.10s", whose, c->until);
	else
		add(m, "; %s expires in %d day%s", whose, c->days_left,
			c->days_left == 1 ? "" : "s");
	if (m->status != PROBE_FINE || p->options.expiry < 0 || c->days_left >= p->options.expiry)
		return;
	m->status = PROBE_BLOCKED;
	add(m, ", fewer than %d", p->options.expiry);
}

static const struct fate *worst_fate(const struct probe *p, const struct row *row)
{
	const struct fate *worst = &row->fates[0];

	for (unsigned i = 1; i < p->question.recipient_count; i++) {
		if (worst->stop == STOP_NOWHERE && row->fates[i].stop != STOP_NOWHERE)
			worst = &row->fates[i];
	}
	return worst;
}

/* What is wrong with the connection, where something is. */
static void add_reason(struct meeting *m, const struct facts *seen)
{
	if (!*seen->reason)
		return;
	switch (seen->tls) {
	case TLS_FACT_NOT_OFFERED:
	case TLS_FACT_LEFT:
	case TLS_FACT_ON:
		add(m, " (%s)", seen->reason);
		return;
	case TLS_FACT_REFUSED:
		add(m, " (STARTTLS is refused: %s)", seen->reason);
		return;
	case TLS_FACT_HANDSHAKE_FAILED:
		break;
	}
	add(m, " (the TLS handshake failed: %s)", seen->reason);
}

static void judge_mail(const struct probe *p, struct meeting *m)
{
	const struct row *row = &m->explanation.rows[0];
	const struct fate *fate = worst_fate(p, row);

	m->status = fate->stop == STOP_NOWHERE ? PROBE_FINE : PROBE_BLOCKED;
	add(m, "%s", judge_words(row, fate));
	if (fate->stop == STOP_NOWHERE && fate->judgement.would_block)
		add(m, "; enforce would block it");
	if (fate->stop == STOP_NOWHERE)
		add_reason(m, &row->seen);
	else
		add(m, ": %s", fate->reply);
	add_expiry(p, m);
}

int judge_meeting(const struct probe *p, struct meeting *m)
{
	const struct talk *t = &m->talk;

	if (!t->served) {
		m->status = t->attack ? PROBE_BLOCKED : PROBE_UNREACHABLE;
		snprintf(m->summary, sizeof(m->summary), "%s: %s",
			t->attack ? "blocked" : "unreachable", t->trouble);
		return EX_OK;
	}
	if (!judge(p, m, NULL, &m->explanation))
		return complain(EX_OSERR, "out of memory");
	if (m->untouched)
		snprintf(m->summary, sizeof(m->summary),
			"passes untouched by mailseal (intercept = false)");
	else
		judge_mail(p, m);
	return EX_OK;
}
