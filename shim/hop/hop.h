/*
 * hop: what the policy for a connection means for TLS with the next hop: what is offered, whom the
 * certificate must name, and what of the handshake is judged. The agent goes by it, and so does
 * `mailseal probe`, which must come to the same end.
 * No I/O but what reading certificates and keys takes.
 */
#ifndef MAILSEAL_HOP_H
#define MAILSEAL_HOP_H

#include "config/policy.h"
#include "shim/tls/tls.h"

/* For tls_context_new(). Texts stay the policy's. */
void hop_tls_settings(const struct policy *policy, struct tls_settings *settings);

/*
 * Whom the certificate must name: what the administrator says, else every one of `names` (as
 * hop_name() gave them), else `address`. Texts and pointers stay the caller's and the policy's.
 */
void hop_identity(const struct policy *policy, const char *const *names, unsigned name_count,
	const struct sockaddr *address, struct tls_identity *identity);

/* What policy judges, from what the handshake showed. */
void hop_facts(const struct tls_facts *seen, struct facts *facts);

/*
 * A name as the application looked it up, fit for policy and certificates: U-labels become
 * A-labels, all else stays. The caller frees it. NULL without memory.
 */
char *hop_name(const char *looked_up);

/*
 * Whether the client certificates and cipher lists of all sections can be used. 0, or -errno with
 * err: `file:line: setting: ...`.
 */
int hop_check(const struct policy_set *set, struct err *err);

#endif
