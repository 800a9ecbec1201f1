/*
 * trace: whether a connection is among those that `trace` names.
 */
#include "config/set.h"

static bool names_one(const struct host *host, const char *const *names, unsigned count)
{
	char name[NAME_SIZE];

	for (unsigned i = 0; i < count; i++)
		if (host_name_normalise(names[i], name) && host_matches_name(host, name))
			return true;
	return false;
}

bool policy_set_traces(const struct policy_set *set, const char *const *names, unsigned count,
	const struct sockaddr *peer)
{
	const struct section *s = set->by_default;
	struct address address;
	struct host host;

	if (!s || !s->trace)
		return false;
	address_from_sockaddr(peer, &address);
	for (char **label = s->trace; *label; label++) {
		if (host_parse(*label, &host, NULL))
			continue;
		if (host.form == HOST_ADDRESS ? host_matches_address(&host, &address)
					      : names_one(&host, names, count))
			return true;
	}
	return false;
}
