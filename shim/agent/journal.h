/*
 * journal: a line as an entry of systemd's journal, by its native protocol
 * (systemd.io/JOURNAL_NATIVE_PROTOCOL). It only puts bytes together. libsystemd would do, but its
 * socket waits, and to load it and what it needs takes half a millisecond of each agent's start.
 */
#ifndef MAILSEAL_AGENT_JOURNAL_H
#define MAILSEAL_AGENT_JOURNAL_H

#include "shim/agent/log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_DEV_LOG "/run/systemd/journal/dev-log"

/* The text twice, with a longer name before each value. */
#define JOURNAL_ENTRY_MAX (4 * LOG_LINE_MAX)

/*
 * MESSAGE is the text; beside it each of its keys is a field, MAILSEAL_ and the key in capitals,
 * the value without quotes and backslashes. A value with control characters, or that is no UTF-8,
 * is given as it stands in the line. The length; what does not fit is left out.
 */
size_t journal_entry(int priority, const char *text, long pid, char *out, size_t size);

/* Is the journal whoever reads `dev_log`, or is nobody there to read it? */
bool journal_is_syslog(const char *dev_log);

#endif
