/*
 * journal: a line of the log as an entry of systemd's journal, by its native protocol
 * (systemd.io/JOURNAL_NATIVE_PROTOCOL). It only puts bytes together. libsystemd would do, but its
 * socket waits, and to load it and what it needs takes half a millisecond of each agent's start.
 */
#ifndef MAILSEAL_HANDOFF_JOURNAL_H
#define MAILSEAL_HANDOFF_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_DEV_LOG                                                                            \
	"/run/systemd/journal/dev-log" /* who /dev/log is, where that is the journal */

/* For a text of `length`: twice, with a longer name before each value. */
#define JOURNAL_ENTRY_SIZE(length) (4 * (length))

/*
 * `text` is key=value pairs divided by blanks, values with blanks in quotes. MESSAGE is the text;
 * beside it each of its keys is a field, MAILSEAL_ and the key in capitals, the value without
 * quotes and backslashes. A value with control characters, or that is no UTF-8, is given as it
 * stands in the text, which has no control characters itself. The length; fields that do not fit
 * are left out.
 */
size_t journal_entry(unsigned priority, const char *text, uint64_t pid, char *out, size_t size);

#endif
