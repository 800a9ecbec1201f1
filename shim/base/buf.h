/*
 * buf: a bounded first-in first-out byte buffer.
 * It never holds more than its limit, takes memory only while it holds something,
 * and wipes nothing: what must be wiped is the owner's business.
 */
#ifndef MAILSEAL_BASE_BUF_H
#define MAILSEAL_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;    /* allocated block, or NULL */
	size_t start;  /* offset of the first byte */
	size_t length; /* bytes held */
	size_t size;   /* bytes allocated */
	size_t limit;  /* most bytes that it may hold */
	uint64_t gone; /* bytes consumed or cleared since buf_init() */
};

/* Makes an empty buffer that holds up to `limit` bytes. Allocates nothing. */
void buf_init(struct buf *b, size_t limit);

/* Frees the memory; the buffer is empty and usable again. */
void buf_clear(struct buf *b);

/* The first byte; valid until the next call that changes the buffer. */
const char *buf_bytes(const struct buf *b);
size_t buf_length(const struct buf *b);

/* Where the next byte to be appended stands in all that ever passed through. */
uint64_t buf_position(const struct buf *b);

/* Bytes that may still be appended. */
size_t buf_room(const struct buf *b);

/* Appends all `n` bytes or none. 0, -ENOBUFS (beyond the limit) or -ENOMEM. */
int buf_append(struct buf *b, const void *bytes, size_t n);
int buf_append_text(struct buf *b, const char *text);

/*
 * Moves the first `n` bytes of `from` (n <= its length) to the end of `to`, all or none; many of
 * them by handing the memory over. 0, -ENOBUFS or -ENOMEM.
 */
int buf_move(struct buf *from, struct buf *to, size_t n);

/*
 * Room for at least one and at most `want` bytes at the end, for reading straight into it:
 * returns the place and sets *room. NULL if full or without memory. buf_commit() then keeps `n` of
 * them.
 */
char *buf_reserve(struct buf *b, size_t want, size_t *room);
void buf_commit(struct buf *b, size_t n);

/* Drops the first `n` bytes (n <= length). Frees the memory when nothing is left. */
void buf_consume(struct buf *b, size_t n);

/* Drops all but the first `n` bytes (n <= length), as if the others had never come. */
void buf_truncate(struct buf *b, size_t n);

#endif
