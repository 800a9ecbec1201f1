#include "tools/report/index.h"

#include <stdlib.h>
#include <string.h>

/* Texts of one tally are equal where their addresses are. */
static size_t hash_of(const void *const *keys, size_t count)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < count; i++) {
		hash = (hash ^ (uintptr_t)keys[i] >> 4) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	return (size_t)hash;
}

static size_t row_hash(const struct tally_row *r)
{
	return hash_of((const void *const *)r->key, TALLY_KEYS);
}

static bool same_row(const struct tally_row *a, const struct tally_row *b)
{
	return memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

static size_t reason_hash(const struct tally_reason *r)
{
	const void *keys[] = {
		(const void *)(uintptr_t)(16u * r->outcome), r->host, r->reason, r->rule};

	return hash_of(keys, 4);
}

static bool same_reason(const struct tally_reason *a, const struct tally_reason *b)
{
	return a->outcome == b->outcome && a->host == b->host && a->reason == b->reason &&
	       a->rule == b->rule;
}

/* The place in the index of what is there under this key, or of where it belongs: 0 then. An index
 * has twice as many places as the array has elements. */
static uint32_t *row_place(struct tally *t, const struct tally_row *key)
{
	size_t mask = 2 * t->row_room - 1, i = row_hash(key) & mask;

	while (t->row_index[i] && !same_row(&t->rows[t->row_index[i] - 1], key))
		i = (i + 1) & mask;
	return &t->row_index[i];
}

static uint32_t *reason_place(struct tally *t, const struct tally_reason *key)
{
	size_t mask = 2 * t->reason_room - 1, i = reason_hash(key) & mask;

	while (t->reason_index[i] && !same_reason(&t->reasons[t->reason_index[i] - 1], key))
		i = (i + 1) & mask;
	return &t->reason_index[i];
}

/* Twice the room for elements and for places, which are empty then. */
static bool grow(void *array, uint32_t **index, size_t *room, size_t size)
{
	void **elements = array;
	void *more = realloc(*elements, 2 * *room * size);
	uint32_t *places;

	if (!more)
		return false;
	*elements = more;
	places = calloc(4 * *room, sizeof(*places));
	if (!places)
		return false;
	free(*index);
	*index = places;
	*room *= 2;
	return true;
}

static bool rows_grow(struct tally *t)
{
	if (!grow(&t->rows, &t->row_index, &t->row_room, sizeof(*t->rows)))
		return false;
	for (size_t i = 0; i < t->row_count; i++)
		*row_place(t, &t->rows[i]) = (uint32_t)i + 1;
	return true;
}

static bool reasons_grow(struct tally *t)
{
	if (!grow(&t->reasons, &t->reason_index, &t->reason_room, sizeof(*t->reasons)))
		return false;
	for (size_t i = 0; i < t->reason_count; i++)
		*reason_place(t, &t->reasons[i]) = (uint32_t)i + 1;
	return true;
}

struct tally_row *index_row(struct tally *t, const struct tally_row *key, size_t most)
{
	uint32_t *place = row_place(t, key);

	if (*place)
		return &t->rows[*place - 1];
	if (t->row_count >= most)
		return NULL;
	if (t->row_count == t->row_room) {
		if (!rows_grow(t)) {
			t->no_memory = true;
			return NULL;
		}
		place = row_place(t, key);
	}
	t->rows[t->row_count] = (struct tally_row){0};
	memcpy(t->rows[t->row_count].key, key->key, sizeof(key->key));
	*place = (uint32_t)++t->row_count;
	return &t->rows[t->row_count - 1];
}

struct tally_reason *index_reason(struct tally *t, const struct tally_reason *key, size_t most)
{
	uint32_t *place = reason_place(t, key);

	if (*place)
		return &t->reasons[*place - 1];
	if (t->reason_count >= most)
		return NULL;
	if (t->reason_count == t->reason_room) {
		if (!reasons_grow(t)) {
			t->no_memory = true;
			return NULL;
		}
		place = reason_place(t, key);
	}
	t->reasons[t->reason_count] = *key;
	*place = (uint32_t)++t->reason_count;
	return &t->reasons[t->reason_count - 1];
}
