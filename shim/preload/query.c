/*
 * query: the functions by which programs ask the DNS themselves, as mail servers do for MX hosts
 * and their addresses. They are passed on untouched; the answer is read for names on its way back.
 * Programs that were linked with an older or newer glibc know them with or without "__".
 */
#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <string.h>

#include "shim/preload/dns.h"
#include "shim/preload/hints.h"
#include "shim/preload/next.h"

static void take_address(void *context, const char *name, int family, const void *address)
{
	unsigned *count = context;

	/* A number for a name, of all things: the certificate would be held against it. */
	hints_remember(hints_numeric(name) ? "" : name, family, address, (*count)++);
}

static void take_target(void *context, const char *target, const char *domain)
{
	(void)context;
	hints_remember_domain(target, domain);
}

static void take_fault(void *context)
{
	(void)context;
	hints_doubt();
}

/* `length`: what the function returned, which may be more than the buffer holds. */
static int remember(int length, const unsigned char *answer, int size)
{
	unsigned count = 0;
	const struct dns_finder finder = {take_address, take_target, take_fault, &count};

	if (length > 0 && size > 0)
		dns_read(answer, (size_t)(length < size ? length : size), &finder);
	return length;
}

static int missing(void)
{
	h_errno = NO_RECOVERY;
	errno = ENOSYS;
	return -1;
}

/* Each with its parameters, their names, and "__" before it as another name. */
#define WATCH(name, which, parameters, arguments)                                                  \
	MAILSEAL_EXPORT int name parameters;                                                       \
	MAILSEAL_EXPORT int __##name parameters __attribute__((alias(#name)));                     \
	int name parameters                                                                        \
	{                                                                                          \
		int(*next_definition) parameters;                                                  \
		void *definition = next_late(which);                                               \
                                                                                                   \
		if (!definition)                                                                   \
			return missing();                                                          \
		memcpy(&next_definition, &definition, sizeof(definition));                         \
		return remember(next_definition arguments, answer, size);                          \
	}

typedef unsigned char bytes;

WATCH(res_query, NEXT_RES_QUERY, (const char *name, int class, int type, bytes *answer, int size),
	(name, class, type, answer, size))
WATCH(res_search, NEXT_RES_SEARCH, (const char *name, int class, int type, bytes *answer, int size),
	(name, class, type, answer, size))
WATCH(res_querydomain, NEXT_RES_QUERYDOMAIN,
	(const char *name, const char *domain, int class, int type, bytes *answer, int size),
	(name, domain, class, type, answer, size))
WATCH(res_send, NEXT_RES_SEND, (const bytes *query, int length, bytes *answer, int size),
	(query, length, answer, size))
WATCH(res_nquery, NEXT_RES_NQUERY,
	(void *state, const char *name, int class, int type, bytes *answer, int size),
	(state, name, class, type, answer, size))
WATCH(res_nsearch, NEXT_RES_NSEARCH,
	(void *state, const char *name, int class, int type, bytes *answer, int size),
	(state, name, class, type, answer, size))
WATCH(res_nquerydomain, NEXT_RES_NQUERYDOMAIN,
	(void *state, const char *name, const char *domain, int class, int type, bytes *answer,
		int size),
	(state, name, domain, class, type, answer, size))
WATCH(res_nsend, NEXT_RES_NSEND,
	(void *state, const bytes *query, int length, bytes *answer, int size),
	(state, query, length, answer, size))
