/*
 * resolve: getaddrinfo() and the gethostbyname family, passed on untouched; what they answer is
 * remembered, so that a later connect() knows the name that was meant.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>

#include "shim/preload/hints.h"
#include "shim/preload/next.h"

static void remember_hostent(const char *name, const struct hostent *host)
{
	if (!name || !host || hints_numeric(name) ||
		(host->h_addrtype != AF_INET && host->h_addrtype != AF_INET6))
		return;
	for (unsigned i = 0; host->h_addr_list && host->h_addr_list[i]; i++)
		hints_remember(name, host->h_addrtype, host->h_addr_list[i], i);
}

static void remember_addrinfo(const char *name, const struct addrinfo *a)
{
	for (unsigned i = 0; a; a = a->ai_next, i++) {
		if (a->ai_family == AF_INET)
			hints_remember(name, AF_INET,
				&((struct sockaddr_in *)(void *)a->ai_addr)->sin_addr, i);
		else if (a->ai_family == AF_INET6)
			hints_remember(name, AF_INET6,
				&((struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_addr, i);
	}
}

MAILSEAL_EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *wish,
	struct addrinfo **result)
{
	int (*definition)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		next_late(NEXT_GETADDRINFO);
	int error = definition ? definition(node, service, wish, result) : EAI_FAIL;

	if (!error && node && !hints_numeric(node))
		remember_addrinfo(node, *result);
	return error;
}

MAILSEAL_EXPORT struct hostent *gethostbyname(const char *name)
{
	struct hostent *(*definition)(const char *) = next_late(NEXT_GETHOSTBYNAME);
	struct hostent *host = definition ? definition(name) : NULL;

	remember_hostent(name, host);
	return host;
}

MAILSEAL_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
	struct hostent *(*definition)(const char *, int) = next_late(NEXT_GETHOSTBYNAME2);
	struct hostent *host = definition ? definition(name, family) : NULL;

	remember_hostent(name, host);
	return host;
}

MAILSEAL_EXPORT int gethostbyname_r(const char *name, struct hostent *host, char *buffer,
	size_t size, struct hostent **result, int *host_error)
{
	int (*definition)(const char *, struct hostent *, char *, size_t, struct hostent **,
		int *) = next_late(NEXT_GETHOSTBYNAME_R);
	int error = definition ? definition(name, host, buffer, size, result, host_error) : ENOSYS;

	if (!error)
		remember_hostent(name, *result);
	return error;
}

MAILSEAL_EXPORT int gethostbyname2_r(const char *name, int family, struct hostent *host,
	char *buffer, size_t size, struct hostent **result, int *host_error)
{
	int (*definition)(const char *, int, struct hostent *, char *, size_t, struct hostent **,
		int *) = next_late(NEXT_GETHOSTBYNAME2_R);
	int error = definition ? definition(name, family, host, buffer, size, result, host_error)
			       : ENOSYS;

	if (!error)
		remember_hostent(name, *result);
	return error;
}
