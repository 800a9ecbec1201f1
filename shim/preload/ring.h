/*
 * ring: a fixed number of slots, of which the newest push out the oldest. Each slot holds a key of
 * 16 bytes and a text. Safe from any thread and from signal handlers, without locks: each slot is a
 * seqlock. A ring is static memory, and costs pages only as far as it is used.
 */
#ifndef MAILSEAL_PRELOAD_RING_H
#define MAILSEAL_PRELOAD_RING_H

#include <stdbool.h>
#include <stdint.h>

#define RING_KEY 16

struct ring_head {
	uint32_t state; /* 0: never used */
	uint32_t used;	/* the clock's time then; a guess where others write */
	uint8_t key[RING_KEY];
};

struct ring {
	struct ring_head *heads;
	char *texts;
	uint32_t slots; /* a power of two */
	uint32_t text_size;
	uint32_t next, version, clock;
	uint32_t begun; /* slots that were ever written to, or are being: the first ones */
	void (*forget)(const uint8_t *key, const char *text); /* told what is pushed out; or NULL */
};

#define RING(name, count, size, told)                                                              \
	static struct ring_head name##_heads[count];                                               \
	static char name##_texts[count][size];                                                     \
	static struct ring name = {.heads = name##_heads,                                          \
		.texts = name##_texts[0],                                                          \
		.slots = count,                                                                    \
		.text_size = size,                                                                 \
		.forget = told}

enum ring_slot {
	RING_OTHER, /* not this key */
	RING_FOUND,
	RING_TORN, /* it could not be read whole */
};

/* Nothing stands in slots from this one on. */
uint32_t ring_end(const struct ring *ring);

/* Copies the text of slot i into `text` (text_size bytes) if it holds the key. */
enum ring_slot ring_look(
	const struct ring *ring, uint32_t i, const uint8_t key[RING_KEY], char *text);

/* Says that what slot i holds is meant again; and how many times that was said of others since. */
void ring_use(struct ring *ring, uint32_t i);
uint32_t ring_unused(const struct ring *ring, uint32_t i);

/* How many slots will be pushed out before slot i is: 0 for the next one. */
uint32_t ring_age_left(const struct ring *ring, uint32_t i);

/* Takes the first `size` bytes of `text`, at most text_size. */
void ring_add(struct ring *ring, const uint8_t key[RING_KEY], const char *text, uint32_t size);

#endif
