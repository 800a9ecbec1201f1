#include "shim/agent/caution.h"

#include <pthread.h>

/* Of a next hop its hash is enough: one that is taken for another only misses an early reply. */
static struct {
	uint64_t hop, until;
} places[CAUTION_PLACES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* FNV-1a; the end of a text counts too. */
static uint64_t hash(uint64_t sum, const char *text)
{
	do {
		sum = (sum ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	} while (*text++);
	return sum;
}

static uint64_t hop_of(const char *address, const char *name)
{
	return hash(hash(UINT64_C(0xcbf29ce484222325), address), name);
}

void caution_note(const char *address, const char *name, uint64_t until)
{
	uint64_t hop = hop_of(address, name);
	unsigned at = 0;

	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < CAUTION_PLACES; i++) {
		if (places[i].hop == hop) {
			at = i;
			break;
		}
		if (places[i].until < places[at].until)
			at = i;
	}
	places[at].hop = hop;
	places[at].until = until;
	pthread_mutex_unlock(&lock);
}

bool caution_stands(const char *address, const char *name, uint64_t now)
{
	uint64_t hop = hop_of(address, name);
	bool stands = false;

	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < CAUTION_PLACES; i++)
		stands |= places[i].hop == hop && places[i].until > now;
	pthread_mutex_unlock(&lock);
	return stands;
}
