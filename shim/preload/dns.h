/*
 * dns: reads an answer of the DNS (RFC 1035 4.1) as resolvers hand it to applications, for the
 * names that its addresses belong to. The bytes come from the network: every step is bounded by
 * them, names are followed backwards only, nothing is believed but their lengths.
 *
 * An address in the answer section belongs to the name that was asked, whatever its owner is called
 * (aliases lead there, and applications rarely look). One whose owner is the target of an MX or SRV
 * record belongs to that target, wherever it stands. All others are not answers. What an
 * application could read of a message that breaks off is read too: an address of which it knows the
 * name and we do not would pass for another's.
 */
#ifndef MAILSEAL_PRELOAD_DNS_H
#define MAILSEAL_PRELOAD_DNS_H

#include <stddef.h>

#define DNS_NAME_SIZE 256 /* as text, with NUL */
#define DNS_TARGETS 64

/* Names are letters, digits, '-' and '_' between dots; empty: one that cannot be said so. */
struct dns_finder {
	void (*address)(void *context, const char *name, int family, const void *address);
	void (*target)(void *context, const char *target, const char *domain);
	void (*too_many)(void *context); /* for us: addresses may have been passed over */
	void *context;
};

void dns_read(const void *answer, size_t length, const struct dns_finder *finder);

#endif
