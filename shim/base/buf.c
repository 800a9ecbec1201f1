#include "shim/base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST 512
#define REST_MOST 256 /* bytes that are copied to save the copy of all the others */

void buf_init(struct buf *b, size_t limit)
{
	*b = (struct buf){.limit = limit};
}

void buf_clear(struct buf *b)
{
	uint64_t gone = b->gone + b->length;

	free(b->data);
	buf_init(b, b->limit);
	b->gone = gone;
}

const char *buf_bytes(const struct buf *b)
{
	return b->data ? b->data + b->start : "";
}

size_t buf_length(const struct buf *b)
{
	return b->length;
}

uint64_t buf_position(const struct buf *b)
{
	return b->gone + b->length;
}

size_t buf_room(const struct buf *b)
{
	return b->limit - b->length;
}

static void move_to_front(struct buf *b)
{
	if (b->start && b->length)
		memmove(b->data, b->data + b->start, b->length);
	b->start = 0;
}

/* Sees to it that `n` bytes fit behind the last one. */
static int grow(struct buf *b, size_t n)
{
	size_t need, size;
	char *data;

	if (n > buf_room(b))
		return -ENOBUFS;
	if (b->start + b->length + n <= b->size)
		return 0;
	move_to_front(b);
	need = b->length + n;
	if (need <= b->size)
		return 0;
	size = b->size ? b->size : SMALLEST;
	while (size < need)
		size *= 2;
	if (size > b->limit && b->limit >= need)
		size = b->limit;
	data = realloc(b->data, size);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->size = size;
	return 0;
}

int buf_append(struct buf *b, const void *bytes, size_t n)
{
	int rc;

	if (n == 0)
		return 0;
	rc = grow(b, n);
	if (rc < 0)
		return rc;
	memcpy(b->data + b->start + b->length, bytes, n);
	b->length += n;
	return 0;
}

int buf_append_text(struct buf *b, const char *text)
{
	return buf_append(b, text, strlen(text));
}

/* `to` is empty: it gets the block, and `from` a new one for the rest. */
static int hand_over(struct buf *from, struct buf *to, size_t n)
{
	struct buf rest = {.limit = from->limit, .gone = from->gone + n};
	int rc = buf_append(&rest, from->data + from->start + n, from->length - n);

	if (rc < 0)
		return rc;
	free(to->data);
	to->data = from->data;
	to->start = from->start;
	to->length = n;
	to->size = from->size;
	*from = rest;
	return 0;
}

int buf_move(struct buf *from, struct buf *to, size_t n)
{
	int rc;

	if (n > REST_MOST && from->length - n <= REST_MOST && to->length == 0 &&
		from->size <= to->limit)
		return hand_over(from, to, n);
	rc = buf_append(to, buf_bytes(from), n);
	if (rc == 0)
		buf_consume(from, n);
	return rc;
}

char *buf_reserve(struct buf *b, size_t want, size_t *room)
{
	if (want > buf_room(b))
		want = buf_room(b);
	if (want == 0 || grow(b, want) < 0)
		return NULL;
	*room = want;
	return b->data + b->start + b->length;
}

void buf_commit(struct buf *b, size_t n)
{
	b->length += n;
	if (b->length == 0)
		buf_clear(b);
}

void buf_truncate(struct buf *b, size_t n)
{
	b->length = n;
	if (n == 0)
		buf_clear(b);
}

void buf_consume(struct buf *b, size_t n)
{
	b->start += n;
	b->length -= n;
	b->gone += n;
	if (b->length == 0)
		buf_clear(b);
}
