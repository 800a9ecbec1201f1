/*
 * hints: the names that the application looked up, by address. A fixed ring of slots; the newest
 * push out the oldest. Safe from any thread and from signal handlers, without locks: each slot is a
 * seqlock.
 */
#ifndef MAILSEAL_PRELOAD_HINTS_H
#define MAILSEAL_PRELOAD_HINTS_H

#include <stdbool.h>

#include "shim/handoff/handoff.h"

/* Remembers that `name` (not a numeric literal) led to this address: family, and 4 or 16 bytes. */
void hints_remember(const char *name, int family, const void *address);

struct hints {
	char bytes[HANDOFF_NAMES][HANDOFF_NAME_SIZE];
	const char *names[HANDOFF_NAMES];
	unsigned count;
	bool torn; /* a name may be missing */
};

/* All the remembered names of an address; v4-mapped and IPv4 are the same. */
void hints_find(const struct handoff_addr *peer, struct hints *out);

/* Is this an address in the forms that getaddrinfo() and inet_aton() take (127.1, 0x7f.1, ::1,
 * fe80::1%eth0)? */
bool hints_numeric(const char *name);

#endif
