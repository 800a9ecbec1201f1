/*
 * verdict: our own replies that say what policy forbids, by which rule, and what is wrong with the
 * connection (RFC 3463, RFC 7817 for 4.7.x).
 */
#include "shim/smtp/verdict.h"

#include "shim/smtp/inside.h"

#include <stdio.h>
#include <string.h>

/* What is wrong with the connection, in words. */
static void describe_fault(const struct facts *facts, const struct verdict *verdict,
	const char *server, char *out, size_t size)
{
	const char *reason = facts->reason;

	switch (facts->tls) {
	case TLS_FACT_NOT_OFFERED:
		snprintf(out, size, "%s does not offer STARTTLS", server);
		return;
	case TLS_FACT_REFUSED:
		snprintf(out, size, "%s refused STARTTLS: %s", server, reason);
		return;
	case TLS_FACT_HANDSHAKE_FAILED:
		snprintf(out, size, "TLS handshake with %s failed: %s", server, reason);
		return;
	case TLS_FACT_LEFT:
		snprintf(out, size, "TLS with %s was left, by on_bad_certificate = cleartext: %s",
			server, reason);
		return;
	case TLS_FACT_ON:
		/* a certificate that is valid leaves the version to blame */
		if (facts->verified ||
			(verdict && verdict->rule && strcmp(verdict->rule, "min_tls") == 0))
			snprintf(out, size, "%s speaks only %s", server,
				tls_version_name(facts->version));
		else
			snprintf(out, size, "certificate of %s not valid: %s", server, reason);
		return;
	}
	snprintf(out, size, "the connection to %s is not fit", server);
}

static int verdict_code(const struct verdict *verdict, enum verb verb)
{
	if (verdict->violation == VIOLATION_TEMPFAIL)
		return 454;
	if (verb == VERB_AUTH)
		return 538;
	return verb == VERB_DATA ? 554 : 550;
}

void verdict_words(enum verb verb, const struct verdict *verdict, const struct facts *facts,
	const char *server, const char *rule, char out[VERDICT_SIZE])
{
	char fault[400], enhanced[24];
	int code = verdict_code(verdict, verb);

	/* to AUTH, x.7.11 and x.7.0 are what clients know (RFC 4954 6) */
	if (verb == VERB_AUTH)
		snprintf(enhanced, sizeof(enhanced), "%s", code == 538 ? "5.7.11" : "4.7.0");
	else
		snprintf(enhanced, sizeof(enhanced), "%d.7.%d", code / 100, verdict->detail);
	describe_fault(facts, verdict, server, fault, sizeof(fault));
	snprintf(out, VERDICT_SIZE, "%d %s mailseal: %.240s; %.200s", code, enhanced, fault, rule);
}

static void words_of(const struct dialogue *d, enum verb verb, const struct verdict *verdict,
	char out[VERDICT_SIZE])
{
	struct judgement judgement = {.verdict = *verdict};
	char rule[320];

	rule_describe(d, &judgement, rule, sizeof(rule));
	verdict_words(verb, verdict, &d->facts, d->settings.server_name, rule, out);
}

void answer_verdict(struct dialogue *d, enum verb verb, const struct verdict *verdict)
{
	char words[VERDICT_SIZE];

	words_of(d, verb, verdict, words);
	answer_own(d, false, "%s", words);
}

int verdict_write(const struct dialogue *d, const struct verdict *verdict, struct buf *out)
{
	char words[VERDICT_SIZE], line[VERDICT_SIZE];
	int rc;

	words_of(d, VERB_DATA, verdict, words);
	line_sanitize(line, VERDICT_SIZE - 2, words, strlen(words), true);
	rc = buf_append_text(out, line);
	return rc ? rc : buf_append_text(out, "\r\n");
}

/*
 * What clients look for before they say what would be refused: it shall be refused by the rule, not
 * given up for want of an extension.
 */
void answer_alone_hello(struct dialogue *d, bool esmtp)
{
	static const char extensions[] =
		"250-SIZE\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"
		"250-ENHANCEDSTATUSCODES\r\n250 AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2 OAUTHBEARER\r\n";
	const char *own = esmtp && starttls_shown_alone(d) ? "250-STARTTLS\r\n" : "";
	char name[256], text[VERDICT_SIZE];

	line_sanitize(
		name, sizeof(name), d->settings.server_name, strlen(d->settings.server_name), true);
	snprintf(text, sizeof(text), "250%c%s\r\n%s%s", esmtp ? '-' : ' ', name, own,
		esmtp ? extensions : "");
	if (pending_add_reply(&d->pending, text, false) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
	answer_flush(d);
}

void answer_separate(struct dialogue *d)
{
	answer_own(d, false, "%s", VERDICT_SEPARATE);
}

void credentials_words(const struct policy *policy, const struct judgement *judgement,
	const struct facts *facts, const char *server, char out[VERDICT_SIZE])
{
	const struct verdict *verdict = &judgement->verdict;
	const struct connection_settings *c = &policy->connection;
	bool protect = c->protect_credentials;
	bool reject = policy->demands.violation == VIOLATION_REJECT;
	const struct origin *origin = protect ? c->protect_credentials_origin : verdict->origin;
	char fault[400], where[256] = "", rule[320];

	if (origin)
		origin_describe(origin, where, sizeof(where));
	if (!protect) {
		snprintf(rule, sizeof(rule), "%s by %s", verdict->rule ? verdict->rule : "", where);
		verdict_words(VERB_AUTH, verdict, facts, server, rule, out);
		return;
	}
	describe_fault(facts, NULL, server, fault, sizeof(fault));
	snprintf(out, VERDICT_SIZE,
		"%s mailseal: credentials not sent: %.240s; protect_credentials by %.160s",
		reject ? "538 5.7.11" : "454 4.7.0", fault, where);
}

void answer_credentials(struct dialogue *d)
{
	char words[VERDICT_SIZE];

	credentials_words(
		d->settings.policy, &d->judgement, &d->facts, d->settings.server_name, words);
	answer_own(d, false, "%s", words);
}
