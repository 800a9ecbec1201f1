/*
 * meaning: what a policy set means, as facts that `mailseal check` prints in words or as JSON.
 */
#ifndef MAILSEAL_TOOLS_MEANING_H
#define MAILSEAL_TOOLS_MEANING_H

#include "config/set.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What holds for connections, or for mail, that `section` is for, as if no other section of host,
 * sender or recipient were for them. Of the section only kind and label count.
 */
void meaning_policy(
	const struct policy_set *set, const struct section *section, struct policy *policy);

/* A domain whose mail the label of a sender or recipient section is for: of a suffix one under it
 * that no other section is for. False: no domain is long enough to be. */
bool meaning_domain(const struct pattern *pattern, struct domain *domain);

/* What holds where no section speaks of the host: `no_name` false: its name is known; true: it is
 * not. */
void meaning_policy_elsewhere(const struct policy_set *set, bool no_name, struct policy *policy);

/* The value of a setting that the section sets, as one writes it, a list separated by commas; cut
 * to fit. */
void meaning_setting(const struct section *section, enum setting setting, char *out, size_t size);

/* `host "a.example"` or `default`. */
void meaning_section_name(const struct section *section, char *out, size_t size);

/* The sentences that say what `policy` does, one at each call of `say`. */
void meaning_in_words(const struct policy *policy, void (*say)(void *context, const char *sentence),
	void *context);

struct warning {
	const char *path; /* of the file */
	unsigned line;
	const char *setting;
	const char *text;
};

/* What an administrator may not have meant: one call of `warn` for each. */
void meaning_warnings(const struct policy_set *set, const struct section *section,
	void (*warn)(void *context, const struct warning *warning), void *context);

#endif
