/*
 * rules: the configuration as the agent uses it. It is read anew when the domains file beside it
 * changed; a session keeps the edition that it began with. One thread reads and hands editions out;
 * what others may call is marked.
 */
#ifndef MAILSEAL_AGENT_RULES_H
#define MAILSEAL_AGENT_RULES_H

#include "config/policy.h"
#include "shim/tls/sessions.h"
#include "shim/tls/tls.h"

#include <stdint.h>

struct rules;
struct edition;

/*
 * Reads `path` and the domains file that belongs to it; `named` says that the absence of `path` is
 * an error. NULL only without memory: files that cannot be used are kept as an error, see
 * rules_error().
 */
struct rules *rules_new(const char *path, bool named);
void rules_free(struct rules *rules);

/*
 * To be called for each request. Reads the files anew where the domains file changed, appeared or
 * went since it was read (with `main_too`, where the other file did). What cannot be used is also
 * tried again and again within a bounded share of the time, since the fault may be in a file that
 * it names. True if they were read because something had changed or could not be used.
 */
bool rules_refresh(struct rules *rules, bool main_too);

/* NULL, or `file:line: setting: ...` with advice: nothing may pass. */
const char *rules_error(const struct rules *rules);

/* Does the identity text speak of the very main file that was read? An empty text speaks of nothing
 * and fits. */
bool rules_fit(const struct rules *rules, const char *identity, size_t length);

/* What holds now, held for the caller, who owes edition_release(). NULL where rules_error() is not.
 */
struct edition *rules_edition(struct rules *rules);

/* Never NULL; as long as the edition is held. */
const struct policy_set *edition_policy(const struct edition *edition);
void edition_hold(struct edition *edition);		/* once more. On any thread. */
void edition_release(struct edition *edition);		/* NULL is fine. On any thread. */
uint64_t edition_serial(const struct edition *edition); /* no other of this process ever had it */

/* Was no context made yet, or none since the files were read? The first takes some milliseconds. On
 * any thread. */
bool rules_tls_untried(struct rules *rules);

/*
 * A shared context for these settings, made when first needed, held for the caller, who owes one
 * tls_context_free(). Replaced files count at once. 0 or -errno with err. On any thread.
 */
int rules_tls(struct rules *rules, const struct policy *policy, struct tls_context **context,
	struct err *err);

/* What servers gave to resume by; forgotten when the files are read anew. NULL without memory. On
 * any thread. */
struct tls_sessions *rules_sessions(struct rules *rules);

#endif
