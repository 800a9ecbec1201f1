/*
 * rules: the configuration as the agent uses it: the policy set that was loaded once, and TLS
 * contexts made from it.
 */
#ifndef MAILSEAL_AGENT_RULES_H
#define MAILSEAL_AGENT_RULES_H

#include "config/policy.h"
#include "shim/tls/tls.h"

#include <sys/stat.h>

struct rules;

/*
 * Reads `path`; `named` says that its absence is an error. NULL only without memory: a bad file is
 * kept as an error, see rules_error().
 */
struct rules *rules_new(const char *path, bool named);
void rules_free(struct rules *rules);

/* NULL, or `file:line: setting: …`: nothing may pass. */
const char *rules_error(const struct rules *rules);

/* Does the identity text speak of the very file that was read? An empty text speaks of nothing and
 * fits. */
bool rules_fit(const struct rules *rules, const char *identity, size_t length);

/* NULL where rules_error() is not. */
const struct policy_set *rules_policy(const struct rules *rules);

/* A shared context for these settings, made when first needed. It stays the rules'. 0 or -errno
 * with err. */
int rules_tls(struct rules *rules, const struct policy *policy, struct tls_context **context,
	struct err *err);

/*
 * A name as the application looked it up, fit for policy and certificates: U-labels become
 * A-labels, all else stays. The caller frees it. NULL without memory.
 */
char *rules_name(const char *looked_up);

/* What policy judges, from what the handshake showed. */
void rules_facts(const struct tls_facts *seen, struct facts *facts);

#endif
