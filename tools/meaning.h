/*
 * meaning: what a policy set means, as facts that `mailseal check` prints in words or as JSON.
 */
#ifndef MAILSEAL_TOOLS_MEANING_H
#define MAILSEAL_TOOLS_MEANING_H

#include "config/set.h"

#include <stddef.h>

/* What holds for connections that `section` is for, as if no other name or address had a section
 * for them. */
void meaning_policy(
	const struct policy_set *set, const struct section *section, struct policy *policy);

/* What holds where no section speaks of the host: `no_name` false: its name is known; true: it is
 * not. */
void meaning_policy_elsewhere(const struct policy_set *set, bool no_name, struct policy *policy);

/* `host "a.example"` or `default`. */
void meaning_section_name(const struct section *section, char *out, size_t size);

/* The sentences that say what `policy` does, one at each call of `say`. */
void meaning_in_words(const struct policy *policy, void (*say)(void *context, const char *sentence),
	void *context);

struct warning {
	unsigned line; /* 0: of the file as a whole */
	const char *setting;
	const char *text;
};

/* What an administrator may not have meant: one call of `warn` for each. */
void meaning_warnings(const struct policy_set *set, const struct section *section,
	void (*warn)(void *context, const struct warning *warning), void *context);

#endif
