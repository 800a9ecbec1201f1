/*
 * faint: three words a pair. The hashes are keyed by what the kernel gave this process, so that
 * nobody makes a name that passes for another. A pair that is read while it is written is none, or
 * one that was never there: then a certificate is not believed that could have been.
 */
#include "shim/preload/faint.h"

#include <string.h>
#include <sys/auxv.h>

#include "shim/preload/siphash.h"
#include "shim/preload/sys.h"

#define MINUTES 60

static struct {
	uint32_t address; /* 0: empty */
	uint32_t name;
	uint32_t minute;
} pairs[FAINT_MOST];

static uint32_t next_pair, used;

/* Never 0. */
static uint32_t hash(const void *bytes, size_t length)
{
	static const uint8_t no_key[16];
	const uint8_t *key = (const void *)getauxval(AT_RANDOM);
	uint8_t out[16];
	uint32_t word;

	siphash(out, key ? key : no_key, bytes, length);
	memcpy(&word, out, sizeof(word));
	return word ? word : 1;
}

static uint32_t now_minute(void)
{
	return (uint32_t)(sys_now_ms() / 60000);
}

void faint_remember(const uint8_t address[FAINT_KEY], const char *name)
{
	uint32_t i = __atomic_fetch_add(&next_pair, 1, __ATOMIC_RELAXED) % FAINT_MOST;

	__atomic_store_n(&pairs[i].address, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&pairs[i].name, hash(name, strlen(name)), __ATOMIC_RELEASE);
	__atomic_store_n(&pairs[i].minute, now_minute(), __ATOMIC_RELEASE);
	__atomic_store_n(&pairs[i].address, hash(address, FAINT_KEY), __ATOMIC_RELEASE);
	if (__atomic_load_n(&used, __ATOMIC_RELAXED) <= i)
		__atomic_store_n(&used, i + 1, __ATOMIC_RELEASE);
}

static bool among(uint32_t name, const char *const *names, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (hash(names[i], strlen(names[i])) == name)
			return true;
	return false;
}

bool faint_other(const uint8_t address[FAINT_KEY], const char *const *names, unsigned count)
{
	uint32_t end = __atomic_load_n(&used, __ATOMIC_ACQUIRE), wanted;

	if (!end)
		return false;
	wanted = hash(address, FAINT_KEY);
	for (uint32_t i = 0; i < end; i++)
		if (__atomic_load_n(&pairs[i].address, __ATOMIC_ACQUIRE) == wanted &&
			now_minute() - __atomic_load_n(&pairs[i].minute, __ATOMIC_RELAXED) <=
				MINUTES &&
			!among(__atomic_load_n(&pairs[i].name, __ATOMIC_RELAXED), names, count))
			return true;
	return false;
}
