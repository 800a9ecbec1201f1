/* What the preload remembers of names: by address, bounded, and never less strictly for being full. */
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "shim/preload/faint.c"
#include "shim/preload/hints.c"
#include "shim/preload/ring.c"
#include "shim/preload/siphash.c"
#include "shim/preload/sys.c"

static struct handoff_addr peer = {.family = AF_INET, .port = 25, .addr = {192, 0, 2, 1}};
static struct hints hints;

static void remember(const char *name, unsigned address)
{
	uint8_t bytes[4] = {(uint8_t)(address >> 24), (uint8_t)(address >> 16),
		(uint8_t)(address >> 8), (uint8_t)address};

	hints_remember(name, AF_INET, bytes, 0);
}

static void find(unsigned address)
{
	peer.addr[0] = (uint8_t)(address >> 24);
	peer.addr[1] = (uint8_t)(address >> 16);
	peer.addr[2] = (uint8_t)(address >> 8);
	peer.addr[3] = (uint8_t)address;
	hints_find(&peer, &hints);
}

/* A test begins with nothing remembered. */
static int forget(void **state)
{
	(void)state;
	memset(names_heads, 0, sizeof(names_heads));
	memset(domains_heads, 0, sizeof(domains_heads));
	memset(pairs, 0, sizeof(pairs));
	names.next = domains.next = doubt = next_pair = used = 0;
	return 0;
}

static void case_and_dot_make_no_second_name(void **state)
{
	(void)state;
	remember("MX.b.Example", 1);
	remember("mx.b.example.", 1);
	find(1);
	assert_int_equal(hints.count, 1);
	assert_string_equal(hints.names[0], "mx.b.example");
	assert_false(hints.torn);
	find(2);
	assert_int_equal(hints.count, 0);
}

static void name_that_cannot_be_said_is_missing(void **state)
{
	char name[300];

	(void)state;
	remember("", 1);
	remember("a", 1);
	find(1);
	assert_int_equal(hints.count, 1);
	assert_true(hints.torn);
	memset(name, 'a', sizeof(name));
	name[256] = '\0';
	remember(name, 2);
	find(2);
	assert_true(hints.torn && hints.count == 0);
	name[255] = '.';
	remember(name, 3);
	find(3);
	assert_true(!hints.torn && hints.count == 1);
}

static void more_names_than_can_be_told_are_missing(void **state)
{
	char name[24];

	(void)state;
	for (int i = 0; i <= HANDOFF_NAMES; i++) {
		find(1);
		assert_false(hints.torn);
		snprintf(name, sizeof(name), "mx%d", i);
		remember(name, 1);
	}
	find(1);
	assert_int_equal(hints.count, HANDOFF_NAMES);
	assert_true(hints.torn);
}

/* A queue run: every host is looked up and connected to, thousands of them. */
static void each_of_thousands_is_known_when_its_turn_comes(void **state)
{
	char name[40];

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "mx.d%u.example", i);
		remember(name, 1000 + i);
		remember("smarthost.example", 1);
		find(1000 + i);
		assert_int_equal(hints.count, 1);
		assert_string_equal(hints.names[0], name);
		find(1);
		assert_string_equal(hints.names[0], "smarthost.example");
	}
	find(1000);
	assert_int_equal(hints.count, 0);
}

static void all_that_one_message_looks_up_is_known_afterwards(void **state)
{
	char name[40];

	(void)state;
	for (unsigned i = 0; i < HINTS_MOST; i++) {
		snprintf(name, sizeof(name), "mx.d%u.example", i);
		remember(name, 1000 + i);
	}
	for (unsigned i = 0; i < HINTS_MOST; i++) {
		find(1000 + i);
		assert_int_equal(hints.count, 1);
	}
}

static void name_looked_up_last_comes_first(void **state)
{
	(void)state;
	remember("a", 1);
	remember("b", 1);
	hints_remember_domain("a", "a.example");
	hints_remember_domain("b", "b.example");
	find(1);
	assert_string_equal(hints.names[0], "b");
	assert_string_equal(hints.mx_domain, "b.example");
	remember("a", 1);
	find(1);
	assert_int_equal(hints.count, 2);
	assert_string_equal(hints.names[0], "a");
	assert_string_equal(hints.names[1], "b");
	assert_string_equal(hints.mx_domain, "a.example");
}

/* An address whose other name was pushed out is not known by the one that is left. */
static void forgotten_name_is_a_missing_one(void **state)
{
	char name[40];

	(void)state;
	remember("victim.example", 1);
	for (unsigned i = 0; i < HINTS_MOST; i++) {
		snprintf(name, sizeof(name), "mx.d%u.example", i);
		remember(name, 1000 + i);
	}
	find(1);
	assert_true(hints.count == 0 && hints.torn);
	remember("other.example", 1);
	find(1);
	assert_true(hints.count == 1 && hints.torn);
	find(1000 + HINTS_MOST - 1);
	assert_true(hints.count == 1 && !hints.torn);
	for (unsigned i = 0; i < FAINT_MOST; i++) /* an hour later */
		pairs[i].minute -= MINUTES + 1;
	find(1);
	assert_true(hints.count == 1 && !hints.torn);
}

/* The same name looked up again is the one that was pushed out. */
static void forgotten_name_may_come_back(void **state)
{
	char name[40];

	(void)state;
	for (unsigned i = 0; i < 3 * HINTS_MOST; i++) {
		snprintf(name, sizeof(name), "mx.d%u.example", i % (HINTS_MOST + 100));
		remember(name, 1000 + i % (HINTS_MOST + 100));
		find(1000 + i % (HINTS_MOST + 100));
		assert_true(hints.count == 1 && !hints.torn);
	}
}

static void end_of_a_long_answer_has_a_name_all_the_same(void **state)
{
	static const uint8_t address[4] = {192, 0, 2, 9};

	(void)state;
	hints_remember("many.example", AF_INET, address, HINTS_ANSWER);
	memcpy(peer.addr, address, sizeof(address));
	hints_find(&peer, &hints);
	assert_true(hints.count == 0 && hints.torn);
	remember("other.example", 0xc0000209);
	hints_find(&peer, &hints);
	assert_true(hints.count == 1 && hints.torn);
}

static void doubt_ends_when_all_was_looked_up_anew(void **state)
{
	(void)state;
	remember("a", 1);
	hints_doubt();
	for (int i = 0; i < HINTS_MOST; i++) {
		find(1);
		assert_true(hints.torn);
		remember("a", 1);
	}
	find(1);
	assert_false(hints.torn);
}

static void newest_domain_of_a_host_counts(void **state)
{
	char name[40];

	(void)state;
	remember("mx.host.example", 1);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "d%u.example", i);
		hints_remember_domain("MX.host.example.", name);
		hints_remember_domain("mx.host.example.of.another", "wrong.example");
		find(1);
		assert_string_equal(hints.mx_domain, name);
	}
	forget(NULL);
	remember("mx.host.example", 1);
	find(1);
	assert_string_equal(hints.mx_domain, "");
}

#define CROWD 4000

static void remember_numbered(unsigned i)
{
	char name[60];

	snprintf(name, sizeof(name), "a-name-that-tells-its-number-%u.example", i);
	remember(name, i);
}

static void *writer(void *context)
{
	unsigned i = *(unsigned *)context;

	for (int k = 0; k < 10000; k++, i += 7)
		remember_numbered(i % CROWD);
	return NULL;
}

/* Readers among writers see a name and its own address, or nothing. */
static void names_and_addresses_are_not_mixed_up(void **state)
{
	unsigned starts[3] = {1, 2, 3};
	struct handoff_addr asked = {.family = AF_INET};
	char name[60];
	pthread_t threads[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, writer, &starts[i]), 0);
	for (unsigned k = 0; k < 30000; k++) {
		unsigned i = k * 13 % CROWD;

		asked.addr[2] = (uint8_t)(i >> 8);
		asked.addr[3] = (uint8_t)i;
		hints_find(&asked, &hints);
		snprintf(name, sizeof(name), "a-name-that-tells-its-number-%u.example", i);
		assert_true(hints.count <= 1);
		if (hints.count)
			assert_string_equal(hints.names[0], name);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	remember_numbered(5);
	find(5);
	assert_true(hints.count == 1 && !hints.torn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(case_and_dot_make_no_second_name, forget),
		cmocka_unit_test_setup(name_that_cannot_be_said_is_missing, forget),
		cmocka_unit_test_setup(more_names_than_can_be_told_are_missing, forget),
		cmocka_unit_test_setup(each_of_thousands_is_known_when_its_turn_comes, forget),
		cmocka_unit_test_setup(all_that_one_message_looks_up_is_known_afterwards, forget),
		cmocka_unit_test_setup(name_looked_up_last_comes_first, forget),
		cmocka_unit_test_setup(forgotten_name_is_a_missing_one, forget),
		cmocka_unit_test_setup(forgotten_name_may_come_back, forget),
		cmocka_unit_test_setup(end_of_a_long_answer_has_a_name_all_the_same, forget),
		cmocka_unit_test_setup(doubt_ends_when_all_was_looked_up_anew, forget),
		cmocka_unit_test_setup(newest_domain_of_a_host_counts, forget),
		cmocka_unit_test_setup(names_and_addresses_are_not_mixed_up, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
