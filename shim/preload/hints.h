/*
 * hints: the names that the application looked up, by address, and the domains whose mail those
 * hosts take. Safe from any thread and from signal handlers. What HINTS_MOST is not enough for is
 * forgotten, oldest first, but for an hour it is kept that there was a name: another name of the
 * same address is then not enough.
 */
#ifndef MAILSEAL_PRELOAD_HINTS_H
#define MAILSEAL_PRELOAD_HINTS_H

#include <stdbool.h>

#include "shim/handoff/handoff.h"

#define HINTS_MOST 2048 /* pairs of name and address: a message to some 500 domains */
#define HINTS_ANSWER                                                                               \
	1024 /* most that one answer may bring, so that it cannot push out all others */

/*
 * Remembers that `name` (not a numeric literal) led to this address: family, and 4 or 16 bytes.
 * Case and a dot at the end make no other name. An empty name, or one that is too long: there was a
 * name, but it cannot be said. `nth`: how many addresses of the same answer went before; from
 * HINTS_ANSWER on, all that is kept is that there was a name.
 */
void hints_remember(const char *name, int family, const void *address, unsigned nth);

/* Remembers that MX or SRV records of `domain` name the host `target`. The newest domain counts. */
void hints_remember_domain(const char *target, const char *domain);

/* An answer may have brought more than was read: for the next HINTS_MOST look-ups, any address may
 * have a name that is not known. */
void hints_doubt(void);

struct hints {
	char bytes[HANDOFF_NAMES][HANDOFF_NAME_SIZE];
	const char *names[HANDOFF_NAMES];
	unsigned count;
	bool torn;			   /* a name may be missing */
	char mx_domain[HANDOFF_NAME_SIZE]; /* of the first name; empty: not known */
};

/* All the remembered names of an address, the one that was looked up last first; v4-mapped and IPv4
 * are the same. */
void hints_find(const struct handoff_addr *peer, struct hints *out);

/* Is this an address in the forms that getaddrinfo() and inet_aton() take (127.1, 0x7f.1, ::1,
 * fe80::1%eth0)? */
bool hints_numeric(const char *name);

#endif
