#include "shim/smtp/envelope.h"

bool judgement_blocks(const struct judgement *judgement)
{
	return judgement->verdict.outcome == OUTCOME_BLOCKED && !judgement->would_block;
}

void judge_here(const struct policy *policy, const struct demands *demands,
	const struct facts *facts, struct judgement *judgement)
{
	struct verdict *v = &judgement->verdict;

	policy_judge(demands, &policy->connection, facts, v);
	judgement->require_tls = demands->origin[DEMAND_REQUIRE_TLS];
	if (facts->tls == TLS_FACT_ON && v->outcome == OUTCOME_CLEARTEXT)
		v->outcome = OUTCOME_TLS_UNVERIFIED;
	judgement->would_block = v->outcome == OUTCOME_BLOCKED && demands->mode == MODE_OBSERVE;
}

static bool blocks(
	const struct policy *policy, const struct demands *demands, const struct facts *facts)
{
	struct judgement judgement;

	judge_here(policy, demands, facts, &judgement);
	return judgement_blocks(&judgement);
}

/* Could a message that asks for nothing pass where these demands block? */
static bool can_relax(
	const struct policy *policy, const struct demands *demands, const struct facts *facts)
{
	static const struct overrides nothing = {FIELD_NO, FIELD_NO};
	struct demands relaxed;

	if (!demands->relax)
		return false;
	policy_override(demands, &nothing, &relaxed);
	return !blocks(policy, &relaxed, facts);
}

static bool is_hopeless(
	const struct policy *policy, const struct domain *sender, const struct facts *facts)
{
	struct demands weakest;

	policy_weakest(policy, sender, &weakest);
	return blocks(policy, &weakest, facts) && !can_relax(policy, &weakest, facts);
}

/*
 * Some mail may go over this TLS where it would be blocked, or sent in the clear, on a fresh
 * connection: what needs no verification, and what requires TLS and no more than this. Sender and
 * recipient are not known yet, so all mail stays on it then.
 */
static bool tls_serves_some(const struct policy *policy, const struct facts *facts)
{
	struct demands strictest, weakest;
	struct verdict verdict;

	policy_weakest(policy, NULL, &weakest);
	weakest.require_tls = false;
	policy_judge(&weakest, &policy->connection, facts, &verdict);
	if (verdict.outcome != OUTCOME_CLEARTEXT)
		return true;
	policy_strictest(policy, &strictest);
	weakest.require_tls = true;
	return strictest.require_tls && !blocks(policy, &weakest, facts);
}

enum route route_of(const struct policy *policy, const struct facts *facts)
{
	struct verdict verdict;

	if (is_hopeless(policy, NULL, facts))
		return ROUTE_ALONE;
	if (facts->tls == TLS_FACT_HANDSHAKE_FAILED)
		return ROUTE_AFRESH;
	if (facts->tls != TLS_FACT_ON)
		return ROUTE_STAY;
	policy_judge(&policy->demands, &policy->connection, facts, &verdict);
	if (verdict.outcome == OUTCOME_CLEARTEXT && !tls_serves_some(policy, facts))
		return ROUTE_AFRESH;
	return ROUTE_STAY;
}

void facts_in_clear(struct facts *facts)
{
	if (facts->tls == TLS_FACT_ON)
		facts->tls = TLS_FACT_LEFT;
	facts->verified = false;
}

bool is_good_for_all(const struct policy *policy, const struct facts *facts, bool messages)
{
	static const struct overrides everything = {FIELD_YES, FIELD_YES};
	struct demands strictest;

	policy_strictest(policy, &strictest);
	if (messages)
		policy_override(&strictest, &everything, &strictest);
	return !blocks(policy, &strictest, facts);
}

/* They are protected by TLS, with the certificate that policy asks for. */
static bool credentials_are_safe(
	const struct policy *policy, const struct facts *facts, const struct judgement *judgement)
{
	if (judgement->verdict.outcome == OUTCOME_BLOCKED)
		return false;
	if (!policy->connection.protect_credentials)
		return true;
	return facts->tls == TLS_FACT_ON && (judgement->verdict.outcome == OUTCOME_TLS_VERIFIED ||
						    !policy->demands.verify_certificate);
}

enum credentials_step credentials_step(
	const struct policy *policy, const struct facts *facts, const struct judgement *judgement)
{
	if (credentials_are_safe(policy, facts, judgement))
		return CREDENTIALS_PASS;
	return policy->demands.mode == MODE_OBSERVE ? CREDENTIALS_PASS_OBSERVED
						    : CREDENTIALS_BLOCKED;
}

void envelope_init(
	struct envelope *envelope, const struct policy *policy, const struct facts *facts)
{
	*envelope = (struct envelope){.policy = policy, .facts = facts};
}

void envelope_reset(struct envelope *envelope)
{
	envelope->state = ENVELOPE_NONE;
	envelope->accepted = 0;
}

enum mail_step envelope_mail(
	struct envelope *envelope, const struct domain *sender, struct judgement *judgement)
{
	const struct policy *policy = envelope->policy;
	struct demands demands;

	envelope_reset(envelope);
	envelope->sender = *sender;
	policy_for_envelope(policy, sender, NULL, &demands);
	judge_here(policy, &demands, envelope->facts, judgement);
	if (is_good_for_all(policy, envelope->facts, false)) {
		envelope->state = ENVELOPE_OPEN;
		return MAIL_PASSES;
	}
	if (is_hopeless(policy, sender, envelope->facts)) {
		envelope->state = ENVELOPE_REFUSED;
		return MAIL_REFUSED;
	}
	envelope->state = ENVELOPE_UNDECIDED;
	return MAIL_WAITS;
}

enum recipient_step envelope_recipient(struct envelope *envelope, const struct domain *recipient,
	struct judgement *judgement, struct demands *demands)
{
	bool blocked;

	policy_for_envelope(envelope->policy, &envelope->sender, recipient, demands);
	judge_here(envelope->policy, demands, envelope->facts, judgement);
	blocked = judgement_blocks(judgement);
	switch (envelope->state) {
	case ENVELOPE_OPEN:
		return blocked ? RECIPIENT_REFUSED : RECIPIENT_PASSES;
	case ENVELOPE_UNDECIDED:
		if (!blocked)
			return RECIPIENT_OPENS;
		break;
	case ENVELOPE_HELD:
		if (!blocked)
			return RECIPIENT_SEPARATE;
		break;
	case ENVELOPE_NONE:
	case ENVELOPE_REFUSED:
		return RECIPIENT_REFUSED;
	}
	return can_relax(envelope->policy, demands, envelope->facts) ? RECIPIENT_WAITS
								     : RECIPIENT_REFUSED;
}

void envelope_opened(struct envelope *envelope)
{
	envelope->state = ENVELOPE_OPEN;
}

/* How much a judgement weighs for a message that all recipients share. */
static int weight(const struct judgement *judgement)
{
	if (judgement_blocks(judgement))
		return judgement->verdict.violation == VIOLATION_REJECT ? 3 : 2;
	return judgement->would_block ? 1 : 0;
}

static struct overrides reading_of(unsigned i)
{
	return (struct overrides){(enum field)(i / 3), (enum field)(i % 3)};
}

void envelope_accept(struct envelope *envelope, const struct demands *demands)
{
	struct judgement judgement;

	for (unsigned i = 0; i < ENVELOPE_READINGS; i++) {
		struct overrides overrides = reading_of(i);
		struct demands merged;

		policy_override(demands, &overrides, &merged);
		judge_here(envelope->policy, &merged, envelope->facts, &judgement);
		if (envelope->accepted == 0 || weight(&judgement) > weight(&envelope->reading[i]))
			envelope->reading[i] = judgement;
	}
	envelope->accepted++;
	if (envelope->state == ENVELOPE_UNDECIDED)
		envelope->state = ENVELOPE_HELD;
}

bool envelope_awaits_header(const struct envelope *envelope)
{
	if (envelope->state == ENVELOPE_HELD)
		return true;
	for (unsigned i = 0; envelope->accepted > 0 && i < ENVELOPE_READINGS; i++) {
		if (judgement_blocks(&envelope->reading[i]))
			return true;
	}
	return false;
}

void envelope_message(const struct envelope *envelope, const struct overrides *overrides,
	struct judgement *judgement)
{
	unsigned i = overrides ? (unsigned)overrides->require_tls * 3 +
					 (unsigned)overrides->verify_certificate
			       : 0;

	*judgement = envelope->reading[i];
}
