/*
 * siphash: SipHash-2-4 with a result of 128 bits.
 */
#include "shim/preload/siphash.h"

struct state {
	uint64_t a, b, c, d;
};

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static uint64_t load(const uint8_t *p, size_t length)
{
	uint64_t x = 0;

	for (size_t i = 0; i < length; i++)
		x |= (uint64_t)p[i] << 8 * i;
	return x;
}

static void store(uint8_t *p, uint64_t x)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(x >> 8 * i);
}

static void rounds(struct state *s, int n)
{
	while (n--) {
		s->a += s->b;
		s->c += s->d;
		s->b = rotate(s->b, 13) ^ s->a;
		s->d = rotate(s->d, 16) ^ s->c;
		s->a = rotate(s->a, 32);
		s->c += s->b;
		s->a += s->d;
		s->b = rotate(s->b, 17) ^ s->c;
		s->d = rotate(s->d, 21) ^ s->a;
		s->c = rotate(s->c, 32);
	}
}

static void word(struct state *s, uint64_t m)
{
	s->d ^= m;
	rounds(s, 2);
	s->a ^= m;
}

void siphash(uint8_t out[16], const uint8_t key[16], const void *bytes, size_t length)
{
	const uint8_t *p = bytes;
	uint64_t k0 = load(key, 8), k1 = load(key + 8, 8);
	struct state s = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
		k1 ^ 0x7465646279746573};

	s.b ^= 0xee;
	for (size_t left = length; left >= 8; left -= 8, p += 8)
		word(&s, load(p, 8));
	word(&s, load(p, length % 8) | (uint64_t)length << 56);
	s.c ^= 0xee;
	rounds(&s, 4);
	store(out, s.a ^ s.b ^ s.c ^ s.d);
	s.b ^= 0xdd;
	rounds(&s, 4);
	store(out + 8, s.a ^ s.b ^ s.c ^ s.d);
}
