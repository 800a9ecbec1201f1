/*
 * buf: bounds, order, and memory that goes when nothing is held.
 */
#include "shim/base/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void bytes_leave_in_the_order_they_came(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	assert_int_equal(buf_append_text(&b, "hello "), 0);
	assert_int_equal(buf_append(&b, "world", 5), 0);
	buf_consume(&b, 6);
	assert_int_equal(buf_length(&b), 5);
	assert_memory_equal(buf_bytes(&b), "world", 5);
	buf_clear(&b);
	assert_int_equal(buf_length(&b), 0);
}

static void append_beyond_the_limit_changes_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	assert_int_equal(buf_append(&b, "12345", 5), 0);
	assert_int_equal(buf_append(&b, "6789", 4), -ENOBUFS);
	assert_int_equal(buf_length(&b), 5);
	assert_int_equal(buf_room(&b), 3);
	assert_int_equal(buf_append(&b, "678", 3), 0);
	assert_int_equal(buf_room(&b), 0);
	buf_clear(&b);
}

static void empty_buffer_holds_no_memory(void **state)
{
	struct buf b;
	size_t room;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(buf_append(&b, "x", 1), 0);
	buf_consume(&b, 1);
	assert_null(b.data);
	assert_non_null(buf_reserve(&b, 100, &room));
	buf_commit(&b, 0);
	assert_null(b.data);
}

static void reserve_gives_at_most_the_room(void **state)
{
	struct buf b;
	size_t room;
	char *p;

	(void)state;
	buf_init(&b, 10);
	assert_int_equal(buf_append(&b, "abcd", 4), 0);
	p = buf_reserve(&b, 100, &room);
	assert_non_null(p);
	assert_int_equal(room, 6);
	memcpy(p, "efghij", 6);
	buf_commit(&b, 6);
	assert_memory_equal(buf_bytes(&b), "abcdefghij", 10);
	assert_null(buf_reserve(&b, 1, &room));
	buf_clear(&b);
}

static void moving_keeps_bytes_and_positions(void **state)
{
	static char bytes[6000];
	struct buf from, to;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	for (size_t rest = 0; rest <= sizeof(bytes); rest += 100) {
		buf_init(&from, 8192);
		buf_init(&to, 8192);
		assert_int_equal(buf_append(&to, "gone", 4), 0);
		buf_consume(&to, 4);
		assert_int_equal(buf_append(&from, "x", 1), 0);
		assert_int_equal(buf_append(&from, bytes, sizeof(bytes)), 0);
		buf_consume(&from, 1);
		assert_int_equal(buf_move(&from, &to, sizeof(bytes) - rest), 0);
		assert_int_equal(buf_length(&from), rest);
		assert_memory_equal(buf_bytes(&from), bytes + sizeof(bytes) - rest, rest);
		assert_int_equal(buf_position(&from), 1 + sizeof(bytes));
		assert_int_equal(buf_move(&from, &to, rest), 0);
		assert_int_equal(buf_length(&to), sizeof(bytes));
		assert_memory_equal(buf_bytes(&to), bytes, sizeof(bytes));
		assert_int_equal(buf_position(&to), 4 + sizeof(bytes));
		assert_null(from.data);
		assert_int_equal(from.gone, 1 + sizeof(bytes));
		buf_clear(&to);
	}
}

static void moving_beyond_the_limit_changes_nothing(void **state)
{
	static const char bytes[3000];
	struct buf from, to;

	(void)state;
	buf_init(&from, 4000);
	buf_init(&to, 1000);
	assert_int_equal(buf_append(&from, bytes, sizeof(bytes)), 0);
	assert_int_equal(buf_move(&from, &to, sizeof(bytes)), -ENOBUFS);
	assert_int_equal(buf_length(&from), sizeof(bytes));
	assert_int_equal(buf_length(&to), 0);
	assert_int_equal(buf_move(&from, &to, 1000), 0);
	assert_int_equal(buf_length(&from), 2000);
	assert_int_equal(buf_room(&to), 0);
	buf_clear(&from);
	buf_clear(&to);
}

static void long_traffic_stays_within_the_limit(void **state)
{
	struct buf b;
	unsigned i, in = 0, out = 0;

	(void)state;
	buf_init(&b, 1500);
	for (i = 0; i < 100000; i++) {
		uint8_t c = (uint8_t)(in % 251);
		if (buf_append(&b, &c, 1) == 0)
			in++;
		if (i % 3 == 2 || buf_room(&b) == 0) {
			size_t n = 1 + i % 5;
			if (n > buf_length(&b))
				n = buf_length(&b);
			for (size_t k = 0; k < n; k++, out++)
				assert_int_equal((uint8_t)buf_bytes(&b)[k], out % 251);
			buf_consume(&b, n);
		}
		assert_true(b.size <= 1500);
	}
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_leave_in_the_order_they_came),
		cmocka_unit_test(append_beyond_the_limit_changes_nothing),
		cmocka_unit_test(empty_buffer_holds_no_memory),
		cmocka_unit_test(reserve_gives_at_most_the_room),
		cmocka_unit_test(moving_keeps_bytes_and_positions),
		cmocka_unit_test(moving_beyond_the_limit_changes_nothing),
		cmocka_unit_test(long_traffic_stays_within_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
