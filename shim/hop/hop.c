#include "shim/hop/hop.h"

#include "config/host.h"

#include <stdio.h>
#include <string.h>

/*
 * The handshake is tried from TLS 1.2 on where a newer version is demanded: what it yields is
 * judged afterwards, and TLS 1.2 to a server that is not required to do better beats a fall back to
 * cleartext.
 */
static int handshake_floor(enum tls_version min_tls)
{
	return min_tls < TLS_VERSION_1_2 ? (int)min_tls : TLS_VERSION_1_2;
}

void hop_tls_settings(const struct policy *policy, struct tls_settings *settings)
{
	const struct connection_settings *c = &policy->connection;

	*settings = (struct tls_settings){
		.ca_file = c->ca_file,
		.min_version = handshake_floor(policy->demands.min_tls),
		.client_certificate = c->client_certificate,
		.client_key = c->client_key,
		.ciphers = c->ciphers,
		.ciphersuites = c->ciphersuites,
	};
}

void hop_identity(const struct policy *policy, const char *const *names, unsigned name_count,
	const struct sockaddr *address, struct tls_identity *id)
{
	const struct connection_settings *c = &policy->connection;

	*id = (struct tls_identity){
		.servername = c->servername ? c->servername
			      : name_count  ? names[0]
					    : NULL,
		.names = names,
		.name_count = name_count,
		.address = address,
		.fingerprints = c->fingerprints,
	};
	if (!c->match)
		return;
	id->names = c->match;
	id->any_name = true;
	for (id->name_count = 0; c->match[id->name_count];)
		id->name_count++;
}

void hop_facts(const struct tls_facts *seen, struct facts *facts)
{
	*facts = (struct facts){.tls = TLS_FACT_ON,
		.version = (enum tls_version)seen->version,
		.verified = seen->verified};
	snprintf(facts->reason, sizeof(facts->reason), "%s", seen->reason);
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text > 0x7e)
			return false;
	return true;
}

char *hop_name(const char *looked_up)
{
	char name[NAME_SIZE];

	if (!is_ascii(looked_up) && host_name_parse(looked_up, name, NULL) == 0)
		return strdup(name);
	return strdup(looked_up);
}
