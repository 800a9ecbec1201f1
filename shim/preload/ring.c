/*
 * ring: slots that the newest take from the oldest.
 * A slot's state is its version (changed by each writer), or BUSY and the writer's process while it
 * is being written: a slot that stays busy under another process was left so by a fork and says
 * nothing in this one. Keys lie close together, apart from the texts, because all are looked at for
 * each connect().
 */
#include "shim/preload/ring.h"

#include <string.h>

#include "shim/preload/sys.h"

#define BUSY 0x80000000u
#define READ_TRIES 8

static bool left_by_fork(uint32_t state)
{
	return (state & BUSY) && (state & ~BUSY) != (uint32_t)sys(SYS_getpid);
}

enum ring_slot ring_look(
	const struct ring *ring, uint32_t i, const uint8_t key[RING_KEY], char *text)
{
	const struct ring_head *head = &ring->heads[i];
	uint32_t before = __atomic_load_n(&head->state, __ATOMIC_ACQUIRE);
	bool found;

	if (!before || left_by_fork(before))
		return RING_OTHER;
	for (int try = 0; try < READ_TRIES; try++) {
		found = memcmp(head->key, key, RING_KEY) == 0;
		if (found)
			memcpy(text, ring->texts + (size_t)i * ring->text_size, ring->text_size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(before & BUSY) && __atomic_load_n(&head->state, __ATOMIC_RELAXED) == before)
			return found ? RING_FOUND : RING_OTHER;
		before = __atomic_load_n(&head->state, __ATOMIC_ACQUIRE);
	}
	return RING_TORN;
}

uint32_t ring_end(const struct ring *ring)
{
	return __atomic_load_n(&ring->begun, __ATOMIC_ACQUIRE);
}

static void begin(struct ring *ring, uint32_t i)
{
	uint32_t begun = __atomic_load_n(&ring->begun, __ATOMIC_RELAXED);

	while (begun <= i && !__atomic_compare_exchange_n(&ring->begun, &begun, i + 1, true,
				     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
}

void ring_use(struct ring *ring, uint32_t i)
{
	uint32_t now = __atomic_add_fetch(&ring->clock, 1, __ATOMIC_RELAXED);

	__atomic_store_n(&ring->heads[i].used, now, __ATOMIC_RELAXED);
}

uint32_t ring_unused(const struct ring *ring, uint32_t i)
{
	return __atomic_load_n(&ring->clock, __ATOMIC_RELAXED) -
	       __atomic_load_n(&ring->heads[i].used, __ATOMIC_RELAXED);
}

uint32_t ring_age_left(const struct ring *ring, uint32_t i)
{
	return (i - __atomic_load_n(&ring->next, __ATOMIC_RELAXED)) % ring->slots;
}

/* Makes the slot busy. False if somebody else is writing it. `whole`: it held something. */
static bool take(struct ring_head *head, bool *whole)
{
	uint32_t busy = BUSY | (uint32_t)sys(SYS_getpid);
	uint32_t state = __atomic_load_n(&head->state, __ATOMIC_RELAXED);

	if ((state & BUSY) && !left_by_fork(state))
		return false;
	*whole = state && !(state & BUSY);
	return __atomic_compare_exchange_n(
		&head->state, &state, busy, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

void ring_add(struct ring *ring, const uint8_t key[RING_KEY], const char *text, uint32_t size)
{
	for (uint32_t try = 0; try < ring->slots; try++) {
		uint32_t i = __atomic_fetch_add(&ring->next, 1, __ATOMIC_RELAXED) % ring->slots;
		struct ring_head *head = &ring->heads[i];
		char *place = ring->texts + (size_t)i * ring->text_size;
		uint32_t version;
		bool whole;

		begin(ring, i);
		if (!take(head, &whole))
			continue;
		if (whole && ring->forget)
			ring->forget(head->key, place);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		memcpy(head->key, key, RING_KEY);
		memcpy(place, text, size);
		version = __atomic_add_fetch(&ring->version, 1, __ATOMIC_RELAXED) & ~BUSY;
		__atomic_store_n(&head->state, version ? version : 1, __ATOMIC_RELEASE);
		ring_use(ring, i);
		return;
	}
}
