/*
 * entry_keys: the values of a line, by key; between entry.c, which finds them, and outcome.c, which
 * judges them.
 */
#ifndef MAILSEAL_TOOLS_REPORT_ENTRY_KEYS_H
#define MAILSEAL_TOOLS_REPORT_ENTRY_KEYS_H

#include "tools/report/entry.h"

enum key {
	KEY_EVENT,
	KEY_SESSION,
	KEY_PID,
	KEY_UID,
	KEY_EXE,
	KEY_HOST,
	KEY_ADDR,
	KEY_SENDER,
	KEY_RECIPIENTS,
	KEY_RECIPIENT_COUNT,
	KEY_REFUSED,
	KEY_REFUSED_COUNT,
	KEY_REFUSED_POLICY,
	KEY_TLS,
	KEY_VERIFIED,
	KEY_REASON,
	KEY_POLICY,
	KEY_VERDICT,
	KEY_CREDENTIALS,
	KEY_CREDENTIALS_POLICY,
	KEY_REPLY,
	KEY_BYTES,
	KEY_NOTE,
	KEY_UNIT,
	KEY_SUPPRESSED,
	KEYS,
};

/* False where it is no number; 0 where it is absent. */
bool entry_number(const struct slice *value, uint64_t *out);

/* Fills in kind, outcome and what follows from them. NULL, or what is wrong with the line. */
const char *outcome_judge(const struct slice values[KEYS], struct entry *e);

#endif
