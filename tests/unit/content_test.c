/*
 * content: long runs of octets pass in one piece, and nothing else changes by that: compared with
 * a machine that looks at each octet by itself, over random content in random pieces.
 */
#include "shim/smtp/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ROUNDS 30000
#define CONTENT_MOST 6000

static uint64_t random_state = 5;

/* splitmix64 */
static unsigned below(unsigned n)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)(((z ^ (z >> 31)) >> 16) % n);
}

/* --- the machine of single octets --- */

struct model {
	bool line_start; /* behind CRLF, or at the very start */
	bool loose;	 /* behind a bare CR or LF */
	bool dot, cr;	 /* held back, in this order */
	bool lf_client;
	char out[2 * CONTENT_MOST];
	size_t length;
};

static void put(struct model *m, const char *bytes, size_t n)
{
	memcpy(m->out + m->length, bytes, n);
	m->length += n;
}

static void put_held(struct model *m)
{
	if (m->dot)
		put(m, ".", 1);
	if (m->cr)
		put(m, "\r", 1);
	m->dot = m->cr = false;
}

/* A line end, and what it means behind a dot that stands alone in its line. */
static enum content_state end_line(struct model *m, bool good)
{
	bool lone = m->dot, loose = m->loose;

	if (lone && (loose || !good))
		return CONTENT_SMUGGLING;
	if (lone) {
		put(m, ".\r\n", 3);
		return CONTENT_END;
	}
	if (good) {
		m->cr = false;
		put(m, "\r\n", 2);
	} else {
		put_held(m);
		put(m, "\n", 1);
	}
	m->line_start = good;
	m->loose = !good;
	return CONTENT_MORE;
}

static enum content_state model_octet(struct model *m, char c)
{
	if (c == '\n')
		return end_line(m, m->cr || m->lf_client);
	if (m->cr) { /* a bare one */
		if (m->dot)
			return CONTENT_SMUGGLING;
		put_held(m);
		m->line_start = false;
		m->loose = true;
	}
	if (c == '\r') {
		m->cr = true;
		return CONTENT_MORE;
	}
	if (c == '.' && (m->line_start || m->loose) && !m->dot) {
		m->dot = true;
		return CONTENT_MORE;
	}
	put_held(m);
	put(m, &c, 1);
	m->line_start = m->loose = false;
	return CONTENT_MORE;
}

/* --- content --- */

/* Mostly lines as they should be, with now and then what is none. */
static size_t make_content(char *out)
{
	static const char *const odd[] = {"\r", "\n", ".", "\r\r\n", "\n.\n", "\r\n.\n", "\r\n.\r",
		"\n.\r\n", "\r.\r\n", "\r\n..\r\n", "\r\n\r\n", "\r\n.x\r\n", "\r\n.\r\n", "\n\r\n",
		"\r.", "\n."};
	unsigned strange = below(4) == 0 ? 3 : 40, most = below(3) == 0 ? 3000 : 90;
	size_t n = 0, limit = 1 + below(below(2) ? 200 : CONTENT_MOST - 4000);

	while (n < limit) {
		unsigned length = below(most);
		const char *end = below(strange) ? "\r\n" : odd[below(sizeof(odd) / sizeof(*odd))];

		memset(out + n, below(50) ? 'x' : 0, length);
		n += length;
		memcpy(out + n, end, strlen(end));
		n += strlen(end);
	}
	return n;
}

static size_t piece(size_t left)
{
	unsigned most = below(3) == 0 ? 3 : below(2) ? 50 : 4000, n = 1 + below(most);

	return n < left ? n : left;
}

/* Passes as much as goes in random pieces into a buffer of random room; returns the octets taken.
 */
static size_t pass(struct content *content, const char *bytes, size_t n, enum content_state *state,
	char *out, size_t *length)
{
	size_t taken, total = 0;
	struct buf b;

	*length = 0;
	for (*state = CONTENT_MORE; total < n && *state == CONTENT_MORE;) {
		size_t offered = piece(n - total);

		if (below(4) == 0) {
			taken = content_run(content, bytes + total, offered);
			memcpy(out + *length, bytes + total, taken);
			*length += taken;
			total += taken;
			continue;
		}
		buf_init(&b, below(2) ? 5 + below(20) : 65536);
		*state = content_pass(content, bytes + total, offered, &taken, &b);
		total += taken;
		assert_true(taken > 0 || *state != CONTENT_MORE);
		memcpy(out + *length, buf_bytes(&b), buf_length(&b));
		*length += buf_length(&b);
		buf_clear(&b);
	}
	return total;
}

static void runs_change_nothing(void **state)
{
	static char bytes[CONTENT_MOST + 4096], out[2 * sizeof(bytes)];
	static struct model m;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		bool lf_client = below(3) == 0;
		size_t n = make_content(bytes), at = 0, length, taken;
		enum content_state expected = CONTENT_MORE, got;
		struct content content;

		m = (struct model){.line_start = true, .lf_client = lf_client};
		while (at < n && expected == CONTENT_MORE)
			expected = model_octet(&m, bytes[at++]);
		if (expected == CONTENT_SMUGGLING)
			at--;
		content_begin(&content, lf_client);
		taken = pass(&content, bytes, n, &got, out, &length);
		assert_int_equal(got, expected);
		assert_int_equal(taken, at);
		assert_int_equal(length, m.length);
		assert_memory_equal(out, m.out, length);
	}
}

static void lines_pass_in_one_piece(void **state)
{
	static const char lines[] = "one\r\ntwo\r\n\r\nthree";
	struct content content;

	(void)state;
	content_begin(&content, false);
	assert_int_equal(content_run(&content, lines, sizeof(lines) - 1), sizeof(lines) - 1);
	assert_int_equal(content.at, CONTENT_IN_LINE);
	content_begin(&content, false);
	assert_int_equal(content_run(&content, "a\r\n.\r\n", 6), 3);
	assert_int_equal(content_run(&content, ".\r\n", 3), 0);
	content_begin(&content, false);
	assert_int_equal(content_run(&content, "a\r", 2), 1);
	assert_int_equal(content_run(&content, "\r\n.", 3), 2);
	assert_int_equal(content.at, CONTENT_LINE_START);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_pass_in_one_piece),
		cmocka_unit_test(runs_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
