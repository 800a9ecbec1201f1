#include "config/policy.h"

#include <stdio.h>

static const struct origin builtin_origin = {.kind = SECTION_BUILTIN, .label = "", .file = ""};

void origin_describe(const struct origin *origin, char *out, size_t size)
{
	const char *kind = "built-in default";

	if (!origin)
		origin = &builtin_origin;
	switch (origin->kind) {
	case SECTION_BUILTIN:
		snprintf(out, size, "%s", kind);
		return;
	case SECTION_DEFAULT:
		snprintf(out, size, "default, %s:%u", origin->file, origin->line);
		return;
	case SECTION_MESSAGE:
		snprintf(out, size, "field %s of the message", origin->label);
		return;
	case SECTION_HOST:
		kind = "host";
		break;
	case SECTION_SENDER:
		kind = "sender";
		break;
	case SECTION_RECIPIENT:
		kind = "recipient";
		break;
	}
	snprintf(out, size, "%s \"%s\", %s:%u", kind, origin->label, origin->file, origin->line);
}

static void override(bool *value, const struct origin **origin, enum field field,
	const struct demands *base, const struct origin *message)
{
	bool wanted = field == FIELD_YES;

	if (field == FIELD_ABSENT || wanted == *value || !(wanted ? base->tighten : base->relax))
		return;
	*value = wanted;
	*origin = message;
}

void policy_override(
	const struct demands *base, const struct overrides *overrides, struct demands *demands)
{
	static const struct origin require = {SECTION_MESSAGE, "Mailseal-Require-TLS", "", 0};
	static const struct origin verify = {SECTION_MESSAGE, "Mailseal-Verify-Certificate", "", 0};
	struct demands d = *base;

	override(&d.require_tls, &d.origin[DEMAND_REQUIRE_TLS], overrides->require_tls, base,
		&require);
	override(&d.verify_certificate, &d.origin[DEMAND_VERIFY_CERTIFICATE],
		overrides->verify_certificate, base, &verify);
	*demands = d;
}

const char *outcome_name(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_TLS_VERIFIED:
		return "tls-verified";
	case OUTCOME_TLS_UNVERIFIED:
		return "tls-unverified";
	case OUTCOME_CLEARTEXT:
		return "cleartext";
	case OUTCOME_BLOCKED:
		return "blocked";
	}
	return "unknown";
}

const char *tls_version_name(enum tls_version version)
{
	switch (version) {
	case TLS_VERSION_1_0:
		return "TLSv1.0";
	case TLS_VERSION_1_1:
		return "TLSv1.1";
	case TLS_VERSION_1_2:
		return "TLSv1.2";
	case TLS_VERSION_1_3:
		return "TLSv1.3";
	}
	return "unknown";
}

static void block(struct verdict *v, const struct demands *demands, const char *rule,
	const struct origin *origin, int detail)
{
	v->outcome = OUTCOME_BLOCKED;
	v->rule = rule;
	v->origin = origin ? origin : &builtin_origin;
	v->violation = demands->violation;
	v->detail = detail;
}

/* require_tls blocks a bad certificate; the rule told is min_tls or verify_certificate where that
 * says more. */
static void block_certificate(struct verdict *v, const struct demands *demands, bool verify_failed)
{
	const struct origin *require = demands->origin[DEMAND_REQUIRE_TLS];
	const struct origin *verify = demands->origin[DEMAND_VERIFY_CERTIFICATE];

	if (!verify_failed)
		block(v, demands, "min_tls", demands->origin[DEMAND_MIN_TLS], 5);
	else if (require && verify && verify->kind > require->kind)
		block(v, demands, "verify_certificate", verify, 5);
	else
		block(v, demands, "require_tls", require, 5);
}

static void judge_bad_certificate(const struct demands *demands,
	const struct connection_settings *connection, bool verify_failed, struct verdict *v)
{
	if (demands->require_tls) {
		block_certificate(v, demands, verify_failed);
		return;
	}
	switch (connection->on_bad_certificate) {
	case BAD_CERTIFICATE_UNAUTHENTICATED:
		v->outcome = OUTCOME_TLS_UNVERIFIED;
		return;
	case BAD_CERTIFICATE_CLEARTEXT:
		v->outcome = OUTCOME_CLEARTEXT;
		return;
	case BAD_CERTIFICATE_REFUSE:
		break;
	}
	block(v, demands, "on_bad_certificate", connection->on_bad_certificate_origin, 5);
}

static void judge_tls(const struct demands *demands, const struct connection_settings *connection,
	const struct facts *facts, struct verdict *v)
{
	bool verified = facts->verified && !connection->conflict;
	bool verify_failed = demands->verify_certificate && !verified;

	if (verify_failed || facts->version < demands->min_tls)
		judge_bad_certificate(demands, connection, verify_failed, v);
	else
		v->outcome = verified ? OUTCOME_TLS_VERIFIED : OUTCOME_TLS_UNVERIFIED;
}

static void judge_no_tls(const struct demands *demands, int detail, struct verdict *v)
{
	if (demands->require_tls)
		block(v, demands, "require_tls", demands->origin[DEMAND_REQUIRE_TLS], detail);
	else
		v->outcome = OUTCOME_CLEARTEXT;
}

void policy_judge(const struct demands *demands, const struct connection_settings *connection,
	const struct facts *facts, struct verdict *verdict)
{
	*verdict = (struct verdict){.origin = &builtin_origin, .rule = ""};
	switch (facts->tls) {
	case TLS_FACT_NOT_OFFERED:
	case TLS_FACT_REFUSED:
		judge_no_tls(demands, 4, verdict);
		return;
	case TLS_FACT_HANDSHAKE_FAILED:
	case TLS_FACT_LEFT:
		judge_no_tls(demands, 5, verdict);
		return;
	case TLS_FACT_ON:
		judge_tls(demands, connection, facts, verdict);
		return;
	}
	block(verdict, demands, "require_tls", demands->origin[DEMAND_REQUIRE_TLS], 0);
}
