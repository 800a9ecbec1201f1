/*
 * target: the host that is probed, as it was written and as the resolver finds it.
 */
#ifndef MAILSEAL_TOOLS_PROBE_TARGET_H
#define MAILSEAL_TOOLS_PROBE_TARGET_H

#include "shim/base/err.h"

#include <netdb.h>
#include <stdint.h>
#include <sys/socket.h>

struct address_of {
	const struct sockaddr *address;
	socklen_t length;
	char text[64]; /* "192.0.2.1", "2001:db8::1" */
};

/* Zeroed before the first use. */
struct target {
	char *host;	       /* as written, without port and brackets; owned */
	char *name;	       /* as a program looks it up; NULL: an address, no name is known */
	char port[8];	       /* in digits */
	struct addrinfo *list; /* what target_find() found */
};

/* HOST[:PORT], [ADDRESS]:PORT, or an IPv6 address. 0 or -EINVAL, -ENOMEM with err. */
int target_read(struct target *target, const char *text, struct err *err);

/* The same of a name that a look-up found. The host is set in any case. */
int target_take(struct target *target, const char *name, const char *port, struct err *err);

/* Asks the resolver, for at most `ms` milliseconds. 0 or -errno with err. */
int target_find(struct target *target, int family, long long ms, struct err *err);

/* The address of an entry of the list. */
void target_address(const struct addrinfo *entry, struct address_of *out);

void target_clear(struct target *target);

#endif
