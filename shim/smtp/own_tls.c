#include "shim/smtp/own_tls.h"

#include <stdio.h>
#include <string.h>

static void refuse(const struct policy *policy, struct judgement *judgement)
{
	judgement->verdict = (struct verdict){
		.outcome = OUTCOME_BLOCKED,
		.origin = policy->connection.application_tls_origin,
		.rule = "application_tls",
		.violation = policy->demands.violation,
	};
	judgement->would_block = policy->demands.mode == MODE_OBSERVE;
}

void own_tls_judge(const struct policy *policy, enum tls_version version, struct own_tls *own)
{
	const struct facts facts = {.tls = TLS_FACT_ON, .version = version};
	enum application_tls setting = policy->connection.application_tls;
	struct demands strictest;

	policy_strictest(policy, &strictest);
	/* the administrator leaves the verification to the application */
	if (setting == APPLICATION_TLS_ALLOW)
		strictest.verify_certificate = false;
	judge_here(policy, &strictest, &facts, &own->judgement);
	if (setting == APPLICATION_TLS_REFUSE)
		refuse(policy, &own->judgement);
	own->accepted = !judgement_blocks(&own->judgement);
	own->offered =
		own->accepted && !own->judgement.would_block && !strictest.verify_certificate;
}

void own_tls_words(const struct own_tls *own, char out[VERDICT_SIZE])
{
	const struct verdict *v = &own->judgement.verdict;
	bool setting = strcmp(v->rule, "application_tls") == 0;
	char where[256];

	origin_describe(v->origin, where, sizeof(where));
	snprintf(out, VERDICT_SIZE,
		"%s mailseal: STARTTLS not accepted%s; %s by %.200s; go on without STARTTLS%s",
		v->violation == VIOLATION_REJECT ? "554 5.7.0" : "454 4.7.0",
		setting ? "" : ": mailseal could not verify the certificate", v->rule, where,
		setting ? "" : ", or see application_tls in mailseal.conf(5)");
}

void own_tls_rule(const struct policy *policy, const struct own_tls *own, char *out, size_t size)
{
	const struct verdict *v = &own->judgement.verdict;
	bool blocked = v->outcome == OUTCOME_BLOCKED;
	char where[256];

	origin_describe(blocked ? v->origin : policy->connection.application_tls_origin, where,
		sizeof(where));
	snprintf(out, size, "%s by %s", blocked ? v->rule : "application_tls", where);
}
