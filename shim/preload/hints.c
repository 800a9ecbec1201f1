/*
 * hints: the names that the application looked up, by address; and the domains, by host.
 */
#include "shim/preload/hints.h"

#include <netinet/in.h>
#include <string.h>

#include "shim/preload/faint.h"
#include "shim/preload/ring.h"

#define DOMAINS 64

RING(names, HINTS_MOST, HANDOFF_NAME_SIZE, faint_remember);
RING(domains, DOMAINS, 2 * HANDOFF_NAME_SIZE, NULL); /* host and domain, each with its NUL */

static uint32_t doubt; /* look-ups to come until every address has its names again */

static void make_key(uint8_t key[RING_KEY], int family, const void *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};

	if (family == AF_INET6) {
		memcpy(key, address, RING_KEY);
		return;
	}
	memcpy(key, mapped, sizeof(mapped));
	memcpy(key + sizeof(mapped), address, RING_KEY - sizeof(mapped));
}

/* The name as it is compared: small letters, no dot at the end. Returns its size with the NUL, 1
 * for one that is too long. */
static uint32_t canonical(char out[HANDOFF_NAME_SIZE], const char *name)
{
	size_t length = strnlen(name, HANDOFF_NAME_SIZE + 1);

	if (length && length <= HANDOFF_NAME_SIZE && name[length - 1] == '.')
		length--;
	if (length >= HANDOFF_NAME_SIZE)
		length = 0;
	for (size_t i = 0; i < length; i++)
		out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
	out[length] = '\0';
	return (uint32_t)length + 1;
}

/* Is it remembered, in a slot that will not be pushed out soon? Then it is the newest again. */
static bool known(const uint8_t key[RING_KEY], const char *name)
{
	char text[HANDOFF_NAME_SIZE];

	for (uint32_t i = 0, end = ring_end(&names); i < end; i++) {
		if (ring_look(&names, i, key, text) != RING_FOUND || strcmp(text, name) != 0 ||
			ring_age_left(&names, i) < HINTS_MOST / 2)
			continue;
		ring_use(&names, i);
		return true;
	}
	return false;
}

static void look_up_counts(void)
{
	uint32_t left = __atomic_load_n(&doubt, __ATOMIC_RELAXED);

	while (left && !__atomic_compare_exchange_n(
			       &doubt, &left, left - 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void hints_remember(const char *name, int family, const void *address, unsigned nth)
{
	char text[HANDOFF_NAME_SIZE];
	uint32_t size = canonical(text, name);
	uint8_t key[RING_KEY];

	make_key(key, family, address);
	look_up_counts();
	if (nth >= HINTS_ANSWER)
		faint_remember(key, text);
	else if (!known(key, text))
		ring_add(&names, key, text, size);
}

void hints_doubt(void)
{
	__atomic_store_n(&doubt, HINTS_MOST, __ATOMIC_RELAXED);
}

/* Hosts are told apart by their first letters, and then by the text. */
static void host_key(uint8_t key[RING_KEY], const char *host)
{
	memset(key, 0, RING_KEY);
	memcpy(key, host, strnlen(host, RING_KEY));
}

void hints_remember_domain(const char *target, const char *domain)
{
	char text[2 * HANDOFF_NAME_SIZE];
	uint32_t size = canonical(text, target), more = canonical(text + size, domain);
	uint8_t key[RING_KEY];

	if (size == 1 || more == 1)
		return;
	host_key(key, text);
	ring_add(&domains, key, text, size + more);
}

static void find_domain(const char *host, char out[HANDOFF_NAME_SIZE])
{
	char text[2 * HANDOFF_NAME_SIZE];
	uint8_t key[RING_KEY];
	uint32_t newest = 0;

	out[0] = '\0';
	host_key(key, host);
	for (uint32_t i = 0, end = ring_end(&domains); i < end; i++) {
		uint32_t left = ring_age_left(&domains, i);

		if (left < newest || ring_look(&domains, i, key, text) != RING_FOUND ||
			strcmp(text, host) != 0)
			continue;
		newest = left;
		memcpy(out, text + strlen(text) + 1, strlen(text + strlen(text) + 1) + 1);
	}
}

/* Where the name stands in the list now, or -1. */
static int add_name(struct hints *out, const char *name)
{
	for (unsigned i = 0; i < out->count; i++)
		if (strcmp(out->names[i], name) == 0)
			return (int)i;
	if (!*name || out->count == HANDOFF_NAMES) {
		out->torn = true;
		return -1;
	}
	memcpy(out->bytes[out->count], name, strlen(name) + 1);
	out->names[out->count] = out->bytes[out->count];
	return (int)out->count++;
}

static void put_first(struct hints *out, unsigned which)
{
	const char *name = out->names[which];

	out->names[which] = out->names[0];
	out->names[0] = name;
}

void hints_find(const struct handoff_addr *peer, struct hints *out)
{
	char text[HANDOFF_NAME_SIZE];
	uint8_t key[RING_KEY];
	uint32_t least = UINT32_MAX;
	int newest = 0;

	make_key(key, peer->family, peer->addr);
	out->count = 0;
	out->torn = __atomic_load_n(&doubt, __ATOMIC_RELAXED) != 0;
	out->mx_domain[0] = '\0';
	for (uint32_t i = 0, end = ring_end(&names); i < end; i++) {
		enum ring_slot slot = ring_look(&names, i, key, text);

		if (slot == RING_TORN)
			out->torn = true;
		if (slot == RING_FOUND) {
			uint32_t unused = ring_unused(&names, i);
			int at = add_name(out, text);

			if (at >= 0 && unused < least) {
				least = unused;
				newest = at;
			}
		}
	}
	if (faint_other(key, out->names, out->count))
		out->torn = true;
	if (!out->count)
		return;
	put_first(out, (unsigned)newest);
	find_domain(out->names[0], out->mx_domain);
}

/* One part of inet_aton's number forms: decimal, 0octal or 0xhex. NULL if it is none. */
static const char *skip_number(const char *at)
{
	const char *digits = "0123456789";
	size_t length;

	if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
		digits = "0123456789abcdefABCDEF";
		at += 2;
	}
	length = strspn(at, digits);
	return length ? at + length : NULL;
}

bool hints_numeric(const char *name)
{
	int parts = 0;

	if (strchr(name, ':'))
		return true;
	do {
		name = skip_number(name);
		parts++;
	} while (name && *name == '.' && *++name);
	return name && !*name && parts <= 4;
}
