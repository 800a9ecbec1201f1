/* libresolv's functions pass untouched, and their answers are read for names, as far as they are whole. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shim/preload/dns.c"
#include "shim/preload/query.c"

static unsigned remembered, doubts;
static char last[DNS_NAME_SIZE];
static bool there;

static uint8_t message[65535];
static int whole; /* of it */

void hints_remember(const char *name, int family, const void *address, unsigned nth)
{
	(void)family, (void)address;
	assert_int_equal(nth, remembered);
	remembered++;
	snprintf(last, sizeof(last), "%s", name);
}

void hints_remember_domain(const char *target, const char *domain)
{
	(void)target, (void)domain;
}

void hints_doubt(void)
{
	doubts++;
}

bool hints_numeric(const char *name)
{
	return name[0] >= '0' && name[0] <= '9';
}

/* Says how long the answer is, also where it does not fit, as libc's may. */
static int fake_search(const char *name, int class, int type, unsigned char *answer, int size)
{
	(void)name, (void)class, (void)type;
	memcpy(answer, message, (size_t)(whole < size ? whole : size));
	errno = ENOTTY;
	h_errno = TRY_AGAIN;
	return whole;
}

static int fake_fail(const char *name, int class, int type, unsigned char *answer, int size)
{
	fake_search(name, class, type, answer, size);
	return -1;
}

static int (*definition)(const char *, int, int, unsigned char *, int) = fake_search;

void *next_late(enum next_late which)
{
	void *found;

	memcpy(&found, &definition, sizeof(found));
	return there && which == NEXT_RES_SEARCH ? found : NULL;
}

static void make_message(char first_letter, unsigned addresses)
{
	const uint8_t head[] = {0, 1, 0x81, 0x80, 0, 1, (uint8_t)(addresses >> 8), (uint8_t)addresses, 0,
		0, 0, 0, 1, (uint8_t)first_letter, 0, 0, 1, 0, 1};
	static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1};

	memcpy(message, head, sizeof(head));
	whole = sizeof(head);
	for (; addresses; addresses--, whole += (int)sizeof(record))
		memcpy(message + whole, record, sizeof(record));
	remembered = doubts = 0;
	there = true;
	definition = fake_search;
}

static void answers_pass_untouched_and_are_read(void **state)
{
	uint8_t answer[512];

	(void)state;
	make_message('a', 2);
	assert_int_equal(res_search("a", 1, 1, answer, sizeof(answer)), whole);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(h_errno, TRY_AGAIN);
	assert_memory_equal(answer, message, whole);
	assert_int_equal(remembered, 2);
	assert_string_equal(last, "a");
}

static void answer_longer_than_the_buffer_is_read_as_far_as_it_is_there(void **state)
{
	uint8_t *answer = malloc(19 + 20);

	(void)state;
	make_message('a', 2);
	assert_int_equal(res_search("a", 1, 1, answer, 19 + 20), whole);
	assert_int_equal(remembered, 1);
	make_message('a', 2);
	assert_int_equal(res_search("a", 1, 1, answer, 0), whole);
	assert_int_equal(remembered, 0);
	free(answer);
}

static void failure_is_not_read(void **state)
{
	uint8_t answer[512];

	(void)state;
	make_message('a', 2);
	definition = fake_fail;
	assert_int_equal(res_search("a", 1, 1, answer, sizeof(answer)), -1);
	assert_int_equal(remembered, 0);
}

static void numeric_name_cannot_be_said(void **state)
{
	uint8_t answer[512];

	(void)state;
	make_message('7', 1);
	res_search("7", 1, 1, answer, sizeof(answer));
	assert_int_equal(remembered, 1);
	assert_string_equal(last, "");
}

static void addresses_are_counted(void **state)
{
	static uint8_t answer[sizeof(message)];

	(void)state;
	make_message('a', 4000);
	res_search("a", 1, 1, answer, sizeof(answer));
	assert_int_equal(remembered, 4000);
	assert_int_equal(doubts, 0);
}

static void function_that_is_nowhere_fails(void **state)
{
	uint8_t answer[512];

	(void)state;
	there = false;
	h_errno = 0;
	assert_int_equal(res_search("a", 1, 1, answer, sizeof(answer)), -1);
	assert_int_equal(h_errno, NO_RECOVERY);
	there = true;
	assert_int_equal(res_query("a", 1, 1, answer, sizeof(answer)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_pass_untouched_and_are_read),
		cmocka_unit_test(answer_longer_than_the_buffer_is_read_as_far_as_it_is_there),
		cmocka_unit_test(failure_is_not_read),
		cmocka_unit_test(numeric_name_cannot_be_said),
		cmocka_unit_test(addresses_are_counted),
		cmocka_unit_test(function_that_is_nowhere_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
