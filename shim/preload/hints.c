/*
 * hints: the names that the application looked up, by address.
 * A slot's state is its version (changed by each writer), or BUSY and the writer's process while it
 * is being written: a slot that stays busy under another process was left so by a fork and says
 * nothing in this one.
 */
#include "shim/preload/hints.h"

#include <netinet/in.h>
#include <string.h>

#include "shim/preload/sys.h"

#define SLOTS 256
#define BUSY 0x80000000u
#define READ_TRIES 8

struct entry {
	uint8_t address[16];	      /* IPv4 as v4-mapped; all zero: empty */
	char name[HANDOFF_NAME_SIZE]; /* empty: there was one, but it was too long */
};

static struct {
	uint32_t state;
	struct entry entry;
} slots[SLOTS];

static uint32_t next_slot, next_version;

static void make_key(uint8_t key[16], int family, const void *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};

	if (family == AF_INET6) {
		memcpy(key, address, 16);
		return;
	}
	memcpy(key, mapped, sizeof(mapped));
	memcpy(key + 12, address, 4);
}

/* Copies a slot. False if it could not be read whole. */
static bool read_slot(unsigned i, struct entry *out)
{
	for (int try = 0; try < READ_TRIES; try++) {
		uint32_t before = __atomic_load_n(&slots[i].state, __ATOMIC_ACQUIRE);

		if (!before)
			memset(out, 0, sizeof(*out));
		if (!before)
			return true;
		if (before & BUSY)
			continue;
		memcpy(out, &slots[i].entry, sizeof(*out));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&slots[i].state, __ATOMIC_RELAXED) == before)
			return true;
	}
	return false;
}

static bool left_by_fork(uint32_t state)
{
	return (state & BUSY) && (state & ~BUSY) != (uint32_t)sys(SYS_getpid);
}

/* Is it remembered, in a slot that will not be pushed out soon? */
static bool known(const uint8_t key[16], const char *name)
{
	unsigned next = __atomic_load_n(&next_slot, __ATOMIC_RELAXED);
	struct entry e;

	for (unsigned i = 0; i < SLOTS; i++)
		if ((i - next) % SLOTS >= SLOTS / 2 &&
			__atomic_load_n(&slots[i].state, __ATOMIC_RELAXED) && read_slot(i, &e) &&
			memcmp(e.address, key, 16) == 0 && strcmp(e.name, name) == 0)
			return true;
	return false;
}

void hints_remember(const char *name, int family, const void *address)
{
	uint32_t busy = BUSY | (uint32_t)sys(SYS_getpid);
	size_t length = strnlen(name, HANDOFF_NAME_SIZE);
	uint8_t key[16];

	if (length == HANDOFF_NAME_SIZE)
		name = "", length = 0;
	make_key(key, family, address);
	if (known(key, name))
		return;
	for (int try = 0; try < SLOTS; try++) {
		unsigned i = __atomic_fetch_add(&next_slot, 1, __ATOMIC_RELAXED) % SLOTS;
		uint32_t state = __atomic_load_n(&slots[i].state, __ATOMIC_RELAXED), version;

		if ((state & BUSY) && !left_by_fork(state))
			continue;
		if (!__atomic_compare_exchange_n(&slots[i].state, &state, busy, false,
			    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		__atomic_thread_fence(__ATOMIC_RELEASE);
		memcpy(slots[i].entry.address, key, 16);
		memcpy(slots[i].entry.name, name, length);
		slots[i].entry.name[length] = '\0';
		version = __atomic_add_fetch(&next_version, 1, __ATOMIC_RELAXED) & ~BUSY;
		__atomic_store_n(&slots[i].state, version ? version : 1, __ATOMIC_RELEASE);
		return;
	}
}

static void add_name(struct hints *out, const char *name)
{
	for (unsigned i = 0; i < out->count; i++)
		if (strcmp(out->names[i], name) == 0)
			return;
	if (!*name || out->count == HANDOFF_NAMES) {
		out->torn = true;
		return;
	}
	memcpy(out->bytes[out->count], name, strlen(name) + 1);
	out->names[out->count] = out->bytes[out->count];
	out->count++;
}

void hints_find(const struct handoff_addr *peer, struct hints *out)
{
	struct entry e;
	uint8_t key[16];

	make_key(key, peer->family, peer->addr);
	out->count = 0;
	out->torn = false;
	for (unsigned i = 0; i < SLOTS; i++) {
		uint32_t state = __atomic_load_n(&slots[i].state, __ATOMIC_RELAXED);

		if (!state || left_by_fork(state))
			continue;
		if (!read_slot(i, &e))
			out->torn = true;
		else if (memcmp(e.address, key, 16) == 0)
			add_name(out, e.name);
	}
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
