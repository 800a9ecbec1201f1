#include "tools/doctor/ld_cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_MOST (16u << 20)

static const char magic[] = "glibc-ld.so.cache1.1"; /* in use since glibc 2.2 */

struct header {
	char magic[20];
	uint32_t count, strings;
	uint32_t unused[5];
};

struct entry { /* places count from the header */
	int32_t flags;
	uint32_t name, path, system;
	uint64_t hwcap;
};

void ld_cache_parse(struct ld_cache *cache, char *bytes, size_t length)
{
	struct header h;
	char *at;

	*cache = (struct ld_cache){.bytes = bytes, .length = length};
	/* an old table may stand before it */
	at = bytes ? memmem(bytes, length, magic, sizeof(magic) - 1) : NULL;
	if (!at || length - (size_t)(at - bytes) < sizeof(h))
		return;
	memcpy(&h, at, sizeof(h));
	cache->header = (size_t)(at - bytes);
	if (h.count <= (length - cache->header - sizeof(h)) / sizeof(struct entry))
		cache->count = h.count;
}

void ld_cache_load(struct ld_cache *cache, const struct patient *p)
{
	size_t length = 0;
	char *bytes = patient_read(p, "/etc/ld.so.cache", CACHE_MOST, &length);

	ld_cache_parse(cache, bytes, length);
}

void ld_cache_clear(struct ld_cache *cache)
{
	free(cache->bytes);
	*cache = (struct ld_cache){0};
}

/* What was read ends with \0. */
static const char *text_at(const struct ld_cache *cache, uint32_t place)
{
	size_t room = cache->length - cache->header;

	return place < room ? cache->bytes + cache->header + place : "";
}

const char *ld_cache_find(const struct ld_cache *cache, const char *name, unsigned n)
{
	for (unsigned i = 0; i < cache->count; i++) {
		struct entry e;

		memcpy(&e, cache->bytes + cache->header + sizeof(struct header) + i * sizeof(e),
			sizeof(e));
		if (strcmp(text_at(cache, e.name), name) == 0 && n-- == 0)
			return text_at(cache, e.path);
	}
	return NULL;
}
