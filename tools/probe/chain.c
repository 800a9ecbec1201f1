/*
 * chain: the server's certificates for a person.
 */
#include "tools/probe/probe.h"

#include <stdio.h>
#include <string.h>

#define CERTIFICATES_SHOWN 5
#define NAMES_SHOWN 8

static void dates(const struct tls_certificate *c, char *out, size_t size)
{
	if (!*c->until || !*c->from)
		snprintf(out, size, "its dates cannot be read");
	else if (c->days_left < 0)
		snprintf(out, size, "expired %.10s", c->until);
	else if (!c->started)
		snprintf(out, size, "not valid before %.10s", c->from);
	else
		snprintf(out, size, "%d day%s left, until %.10s", c->days_left,
			c->days_left == 1 ? "" : "s", c->until);
}

static void names(const struct tls_certificate *c)
{
	char line[2400] = "";
	size_t at = 0;
	unsigned i;

	for (i = 0; i < c->name_count && i < NAMES_SHOWN; i++)
		at += (size_t)snprintf(
			line + at, sizeof(line) - at, "%s%s", i ? ", " : "", c->names[i]);
	if (c->names_in_total > i)
		snprintf(line + at, sizeof(line) - at, " and %u more (--json)",
			c->names_in_total - i);
	probe_line("names", i ? line : "none (a common name does not count)");
}

static void certificate(const struct tls_certificate *c, const char *name)
{
	char line[1400], when[80];

	dates(c, when, sizeof(when));
	snprintf(line, sizeof(line), "%s; %s; %s, %s%s", c->subject, when, c->key, c->signature,
		c->sent ? "" : "; of the authorities here");
	probe_line(name, line);
}

void chain_in_words(const struct talk *talk)
{
	const struct tls_peer *peer = &talk->peer;
	char line[400];
	unsigned i;

	if (peer->count == 0)
		return;
	names(&peer->chain[0]);
	for (i = 0; i < peer->count && i < CERTIFICATES_SHOWN; i++)
		certificate(&peer->chain[i], i ? "" : "chain");
	if (i < peer->count) {
		snprintf(line, sizeof(line), "and %u more (--json)", peer->count - i);
		probe_line("", line);
	}
	snprintf(line, sizeof(line), "%.380s", peer->chain[i - 1].issuer);
	if (strcmp(peer->chain[i - 1].issuer, peer->chain[i - 1].subject) != 0)
		probe_line("issued by", line);
	snprintf(line, sizeof(line), "sha256:%s", peer->chain[0].public_key);
	probe_line("public key", line);
}
