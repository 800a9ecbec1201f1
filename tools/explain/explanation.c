#include "tools/explain/explanation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the words of the server or of its certificate would be. */
#define REASON "(the reason)"

static void add_row(struct explanation *e, const char *server, const char *certificate,
	enum tls_fact tls, enum tls_version version)
{
	struct row *row = &e->rows[e->row_count++];

	snprintf(row->server, sizeof(row->server), "%s", server);
	row->certificate = certificate;
	row->seen = (struct facts){
		.tls = tls,
		.version = version,
		.verified = certificate && strcmp(certificate, "valid") == 0,
	};
	if (!row->seen.verified && tls != TLS_FACT_NOT_OFFERED)
		snprintf(row->seen.reason, sizeof(row->seen.reason), REASON);
	row->facts = row->seen;
}

/* The newest version that someone's min_tls does not take, or 0 if a handshake would not yield it:
 * versions before 1.2 are tried only where the connection's own min_tls names them. */
static enum tls_version version_too_old(const struct explanation *e, unsigned recipients)
{
	int floor = e->policy.demands.min_tls, most = floor;

	if (floor > TLS_VERSION_1_2)
		floor = TLS_VERSION_1_2;
	for (unsigned i = 0; i < recipients; i++) {
		if ((int)e->demands[i].min_tls > most)
			most = e->demands[i].min_tls;
	}
	return most > floor ? (enum tls_version)(most - 1) : (enum tls_version)0;
}

static void add_rows(struct explanation *e, unsigned recipients)
{
	char too_old[32];
	enum tls_version old = version_too_old(e, recipients);

	add_row(e, "STARTTLS", "valid", TLS_FACT_ON, TLS_VERSION_1_3);
	add_row(e, "STARTTLS", "not valid", TLS_FACT_ON, TLS_VERSION_1_3);
	if (old) {
		snprintf(too_old, sizeof(too_old), "only %s", tls_version_name(old));
		add_row(e, too_old, "valid", TLS_FACT_ON, old);
	}
	add_row(e, "no STARTTLS", NULL, TLS_FACT_NOT_OFFERED, 0);
	add_row(e, "STARTTLS refused", NULL, TLS_FACT_REFUSED, 0);
	add_row(e, "handshake failed", NULL, TLS_FACT_HANDSHAKE_FAILED, 0);
}

static void stop(struct fate *fate, enum stop at, enum verb verb, const struct judgement *judgement,
	const struct facts *facts, const char *server)
{
	const struct verdict *verdict = &judgement->verdict;
	char where[256], rule[320];

	fate->stop = at;
	fate->judgement = *judgement;
	origin_describe(verdict->origin, where, sizeof(where));
	snprintf(rule, sizeof(rule), "%s by %s", verdict->rule, where);
	verdict_words(verb, verdict, facts, server, rule, fate->reply);
}

/* RCPT, as the dialogue goes on from each step. */
static void give_recipient(struct envelope *envelope, const struct domain *recipient,
	struct fate *fate, const struct facts *facts, const char *server)
{
	struct judgement judgement;
	struct demands demands;
	enum recipient_step step = envelope_recipient(envelope, recipient, &judgement, &demands);

	if (step == RECIPIENT_OPENS) {
		envelope_opened(envelope);
		step = envelope_recipient(envelope, recipient, &judgement, &demands);
	}
	switch (step) {
	case RECIPIENT_WAITS:
		fate->waits = true;
		envelope_accept(envelope, &demands);
		return;
	case RECIPIENT_PASSES:
	case RECIPIENT_OPENS:
		envelope_accept(envelope, &demands);
		return;
	case RECIPIENT_SEPARATE:
		fate->stop = STOP_SEPARATE;
		snprintf(fate->reply, sizeof(fate->reply), "%s", VERDICT_SEPARATE);
		return;
	case RECIPIENT_REFUSED:
		break;
	}
	stop(fate, STOP_RECIPIENT, VERB_RCPT, &judgement, facts, server);
}

/* The final dot, for those whose RCPT was taken. */
static void give_message(const struct explanation *e, const struct question *q, struct row *row,
	const struct envelope *envelope)
{
	struct judgement all;

	if (envelope->accepted == 0)
		return;
	envelope_message(envelope, &q->overrides, &all);
	for (unsigned i = 0; i < q->recipient_count; i++) {
		struct fate *fate = &row->fates[i];

		if (fate->stop != STOP_NOWHERE)
			continue;
		judge_here(&e->policy, &e->demands[i], &row->facts, &fate->judgement);
		if (judgement_blocks(&all))
			stop(fate, STOP_MESSAGE, VERB_DATA, &all, &row->facts, question_server(q));
	}
}

/* AUTH comes before sender and recipient: the policy for the host decides. */
static void give_credentials(const struct policy *policy, struct row *row, const char *server)
{
	struct judgement judgement;

	judge_here(policy, &policy->demands, &row->facts, &judgement);
	row->auth = row->route == ROUTE_ALONE ? CREDENTIALS_BLOCKED
					      : credentials_step(policy, &row->facts, &judgement);
	if (row->auth == CREDENTIALS_BLOCKED)
		credentials_words(policy, &judgement, &row->facts, server, row->auth_reply);
}

static void play(const struct explanation *e, const struct question *q, struct row *row)
{
	struct envelope envelope;
	struct judgement judgement;

	row->route = route_of(&e->policy, &row->facts);
	if (row->route == ROUTE_AFRESH)
		facts_in_clear(&row->facts);
	give_credentials(&e->policy, row, question_server(q));
	envelope_init(&envelope, &e->policy, &row->facts);
	if (envelope_mail(&envelope, &q->sender.domain, &judgement) == MAIL_REFUSED) {
		for (unsigned i = 0; i < q->recipient_count; i++)
			stop(&row->fates[i], STOP_MAIL, VERB_MAIL, &judgement, &row->facts,
				question_server(q));
		return;
	}
	for (unsigned i = 0; i < q->recipient_count; i++)
		give_recipient(&envelope, &q->recipients[i].domain, &row->fates[i], &row->facts,
			question_server(q));
	give_message(e, q, row, &envelope);
}

static int demand(struct explanation *e, const struct question *q)
{
	e->demands = calloc(q->recipient_count, sizeof(*e->demands));
	if (!e->demands)
		return -ENOMEM;
	for (unsigned i = 0; i < q->recipient_count; i++) {
		policy_for_envelope(
			&e->policy, &q->sender.domain, &q->recipients[i].domain, &e->demands[i]);
		policy_override(&e->demands[i], &q->overrides, &e->demands[i]);
	}
	return 0;
}

static int play_all(struct explanation *e, const struct question *q)
{
	for (unsigned i = 0; i < e->row_count; i++) {
		e->rows[i].fates = calloc(q->recipient_count, sizeof(struct fate));
		if (!e->rows[i].fates)
			return -ENOMEM;
		play(e, q, &e->rows[i]);
	}
	return 0;
}

static int begin(struct explanation *e, const struct policy_set *set, const struct question *q)
{
	question_policy(q, set, &e->policy);
	own_tls_judge(&e->policy, TLS_VERSION_1_3, &e->own_tls);
	if (!e->own_tls.accepted)
		own_tls_words(&e->own_tls, e->own_tls_reply);
	return demand(e, q);
}

int explanation_make(struct explanation *e, const struct policy_set *set, const struct question *q)
{
	if (begin(e, set, q))
		return -ENOMEM;
	add_rows(e, q->recipient_count);
	return play_all(e, q);
}

int explanation_make_seen(struct explanation *e, const struct policy_set *set,
	const struct question *q, const struct facts *seen)
{
	struct row *row = &e->rows[0];

	if (begin(e, set, q))
		return -ENOMEM;
	snprintf(row->server, sizeof(row->server), "as seen");
	row->seen = row->facts = *seen;
	e->row_count = 1;
	return play_all(e, q);
}

void explanation_clear(struct explanation *e)
{
	for (unsigned i = 0; i < ROWS_MOST; i++)
		free(e->rows[i].fates);
	free(e->demands);
	memset(e, 0, sizeof(*e));
}
