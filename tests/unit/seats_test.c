/*
 * Seats: no user takes the room of the others.
 */
#include "shim/agent/seats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <cmocka.h>

static unsigned take_all(struct seats *s, uid_t user)
{
	unsigned n = 0;

	while (seats_take(s, user, 1))
		n++;
	return n;
}

static void one_user_gets_half_and_two_a_third_each(void **state)
{
	struct seats *s = seats_new(90);

	(void)state;
	assert_int_equal(take_all(s, 1), 45);
	assert_int_equal(take_all(s, 2), 23);
	assert_int_equal(take_all(s, 3), 11);
	seats_free(s);
	s = seats_new(90);
	for (unsigned i = 0; i < 30; i++) {
		assert_true(seats_take(s, 1, 1));
		assert_true(seats_take(s, 2, 1));
	}
	assert_false(seats_take(s, 1, 1));
	assert_false(seats_take(s, 2, 1));
	seats_free(s);
}

static void who_comes_new_finds_a_seat_until_none_is_left(void **state)
{
	struct seats *s = seats_new(8);
	unsigned seated = 0;
	uid_t user;

	(void)state;
	assert_int_equal(take_all(s, 1000), 4);
	for (user = 0; user < 100; user++)
		seated += seats_take(s, user, 1);
	assert_int_equal(seated, 4);
	for (user = 0; user < 4; user++)
		seats_leave(s, user);
	assert_true(seats_take(s, 77, 1));
	seats_free(s);
}

/* Users of one bucket of the table do not disturb each other. */
static void seats_that_were_left_are_free_again(void **state)
{
	struct seats *s = seats_new(10);

	(void)state;
	for (int round = 0; round < 1000; round++) {
		assert_true(seats_take(s, 5, 1));
		assert_true(seats_take(s, 5 + 256, 1));
		assert_true(seats_take(s, 5 + 512, 1));
		seats_leave(s, 5 + 256);
		seats_leave(s, 5);
		seats_leave(s, 5 + 512);
		seats_leave(s, 4); /* who has none */
	}
	assert_int_equal(take_all(s, 5), 5);
	seats_free(s);
}

static void who_disturbs_waits(void **state)
{
	struct seats *s = seats_new(10);

	(void)state;
	assert_true(seats_take(s, 5, 100));
	seats_bar(s, 5, 100);
	assert_false(seats_take(s, 5, 100));
	assert_false(seats_take(s, 5, 10099));
	assert_true(seats_take(s, 6, 100));
	assert_true(seats_take(s, 5, 10100));
	seats_leave(s, 5);
	seats_free(s);
}

static void no_seats_mean_no_limit(void **state)
{
	(void)state;
	assert_true(seats_take(NULL, 1, 1));
	seats_bar(NULL, 1, 1);
	assert_true(seats_take(NULL, 1, 1));
	seats_leave(NULL, 1);
}

static void descriptors_bound_the_seats(void **state)
{
	struct rlimit limit, before;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(seats_for_descriptors(), 8);
	limit.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(seats_for_descriptors(), 2);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_user_gets_half_and_two_a_third_each),
		cmocka_unit_test(who_comes_new_finds_a_seat_until_none_is_left),
		cmocka_unit_test(seats_that_were_left_are_free_again),
		cmocka_unit_test(who_disturbs_waits),
		cmocka_unit_test(no_seats_mean_no_limit),
		cmocka_unit_test(descriptors_bound_the_seats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
