#include "tools/report/intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define BLOCK_SIZE (256 * 1024)
#define INTERNED_MOST (1u << 18)
#define OCTETS_MOST (48u * 1024 * 1024)
#define ROOM_FIRST 4096

struct intern_block {
	struct intern_block *next;
	size_t used;
	_Alignas(16) char bytes[BLOCK_SIZE];
};

int intern_init(struct intern *p)
{
	*p = (struct intern){.room = ROOM_FIRST};
	if (getrandom(&p->seed, sizeof(p->seed), GRND_NONBLOCK) < 0)
		p->seed = (uint32_t)getpid();
	p->slots = calloc(p->room, sizeof(*p->slots));
	return p->slots ? 0 : -ENOMEM;
}

void intern_clear(struct intern *p)
{
	struct intern_block *next;

	for (struct intern_block *b = p->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	free(p->slots);
	*p = (struct intern){0};
}

/* FNV-1a, eight octets at a time. */
static uint32_t hash_of(const struct intern *p, const char *text, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325u ^ length ^ (uint64_t)p->seed << 20, part;

	for (; length >= 8; text += 8, length -= 8) {
		memcpy(&part, text, 8);
		hash = (hash ^ part) * 0x100000001b3u;
		hash ^= hash >> 29;
	}
	for (; length; text++, length--)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return (uint32_t)(hash ^ hash >> 32);
}

static struct interned **find(struct intern *p, const char *text, size_t length, uint32_t hash)
{
	size_t i = hash & (p->room - 1);

	while (p->slots[i] && (p->slots[i]->hash != hash || p->slots[i]->length != length ||
				      memcmp(p->slots[i]->text, text, length) != 0))
		i = (i + 1) & (p->room - 1);
	return &p->slots[i];
}

static bool grow(struct intern *p)
{
	struct intern bigger = {.room = p->room * 2};

	bigger.slots = calloc(bigger.room, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < p->room; i++) {
		struct interned *t = p->slots[i];

		if (t)
			*find(&bigger, t->text, t->length, t->hash) = t;
	}
	free(p->slots);
	p->slots = bigger.slots;
	p->room = bigger.room;
	return true;
}

static struct interned *allocate(struct intern *p, size_t size)
{
	struct intern_block *b = p->blocks;
	struct interned *t;

	size = (size + 15) & ~(size_t)15;
	if (size > BLOCK_SIZE)
		return NULL;
	if (!b || b->used + size > BLOCK_SIZE) {
		b = malloc(sizeof(*b));
		if (!b)
			return NULL;
		b->next = p->blocks;
		b->used = 0;
		p->blocks = b;
	}
	t = (struct interned *)(void *)(b->bytes + b->used);
	b->used += size;
	return t;
}

struct interned *intern_put(struct intern *p, const char *text, size_t length)
{
	uint32_t hash = hash_of(p, text, length);
	struct interned **slot = find(p, text, length, hash), *t;

	if (*slot)
		return *slot;
	if (p->count == INTERNED_MOST || p->bytes + length > OCTETS_MOST)
		return NULL;
	if (p->count * 2 >= p->room) {
		if (!grow(p))
			return NULL;
		slot = find(p, text, length, hash);
	}
	t = allocate(p, sizeof(*t) + length + 1);
	if (!t)
		return NULL;
	*t = (struct interned){.hash = hash, .length = (uint32_t)length};
	memcpy(t->text, text, length);
	t->text[length] = '\0';
	p->count++;
	p->bytes += length;
	*slot = t;
	return t;
}
