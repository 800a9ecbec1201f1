/*
 * policy: what the files of `mailseal policy` share.
 */
#ifndef MAILSEAL_TOOLS_POLICY_H
#define MAILSEAL_TOOLS_POLICY_H

#include "tools/configuration.h"

/* What was asked for: the words behind list, set or unset. Zeroed before the first use. */
struct policy_words {
	const char *kind, *domain;
	char **settings; /* SETTING=VALUE, or SETTING */
	unsigned count;
};

/* Each gets the configuration found, but not loaded, and returns an exit code. */
int policy_list(struct configuration *configuration, bool json);
int policy_set_settings(struct configuration *configuration, const struct policy_words *words);
int policy_unset_settings(struct configuration *configuration, const struct policy_words *words);

/* Tells what holds now for `domain`: the two switches, and the settings `changed` (1u << enum
 * setting). The configuration is loaded. */
void policy_report(const struct configuration *configuration, enum section_kind kind,
	const char *domain, unsigned changed);

#endif
