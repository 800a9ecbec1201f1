/*
 * Repeated lines: which are logged, which are counted, and that nothing is lost of the count.
 */
#include "shim/agent/agent.h"
#include "shim/agent/log.h"
#include "shim/agent/repeats.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char path[] = "/tmp/agent_repeats_XXXXXX";
static char logged[1 << 20];
static unsigned callings;

static void counting(void *context)
{
	(void)context;
	callings++;
}

static int set_up(void **state)
{
	int fd;

	(void)state;
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	callings = 0;
	repeats_init(counting, NULL);
	return log_open(path);
}

static int tear_down(void **state)
{
	(void)state;
	repeats_init(NULL, NULL);
	return unlink(path);
}

static void fail_to(const char *address, uint64_t now)
{
	const char *const kind[] = {address, NULL};
	struct log_line line;

	line_begin(&line, "connect-refused");
	line_word(&line, "addr", address);
	line_number(&line, "at", now);
	repeats_send(&line, "connect-refused", kind, REPEATS_USUAL, now);
}

static void read_log(void)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, logged, sizeof(logged) - 1);

	assert_true(n >= 0);
	logged[n] = '\0';
	close(fd);
}

static unsigned occurrences(const char *what)
{
	unsigned n = 0;

	for (const char *at = logged; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

/* What all lines together say. */
static uint64_t told(void)
{
	uint64_t sum = occurrences("event=connect-refused");

	for (const char *at = logged; (at = strstr(at, " suppressed=")); at++)
		sum += strtoull(at + 12, NULL, 10);
	return sum;
}

static void first_ones_are_logged_and_the_rest_in_one_line(void **state)
{
	uint64_t due;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		fail_to("192.0.2.1:25", 1000 + i);
	read_log();
	assert_int_equal(told(), REPEATS_USUAL);
	assert_int_equal(callings, 1);
	due = 1000 + REPEATS_SPAN_MS;
	assert_int_equal(repeats_tell(due - 1), due);
	assert_int_equal(repeats_tell(due), 0);
	read_log();
	assert_int_equal(occurrences("event="), REPEATS_USUAL + 1);
	assert_non_null(strstr(logged, " addr=192.0.2.1:25 at=1099 suppressed=94\n"));
	assert_int_equal(told(), 100);
}

static void after_its_span_a_kind_is_logged_anew(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 7; i++)
		fail_to("a:25", 1000);
	fail_to("a:25", 1000 + REPEATS_SPAN_MS);
	read_log();
	assert_int_equal(occurrences("event="), REPEATS_USUAL + 2);
	assert_non_null(strstr(logged, "at=1000 suppressed=1\n"));
	assert_int_equal(told(), 8);
}

static void one_more_is_told_as_it_is(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= REPEATS_USUAL; i++)
		fail_to("a:25", 1000);
	repeats_end();
	read_log();
	assert_null(strstr(logged, "suppressed"));
	assert_int_equal(told(), REPEATS_USUAL + 1);
}

static void kinds_do_not_hide_each_other(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++)
		fail_to("a:25", 1000);
	fail_to("b:25", 1000);
	repeats_event(1000, "overload", "x %d", 1);
	repeats_event(1000, "overload", "x %d", 2);
	repeats_event(1000, "overload", "x %d", 2);
	read_log();
	assert_non_null(strstr(logged, "addr=b:25"));
	assert_int_equal(occurrences("reason=\"x 1\""), 1);
	assert_int_equal(occurrences("reason=\"x 2\""), 1);
	repeats_end();
	read_log();
	assert_int_equal(occurrences("reason=\"x 2\""), 2);
}

static void many_kinds_are_bounded_and_none_is_lost(void **state)
{
	char address[32];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(address, sizeof(address), "192.0.%u.%u:25", i / 250, i % 250);
		fail_to(address, 1000 + i);
		fail_to(address, 1000 + i);
	}
	repeats_end();
	read_log();
	assert_true(occurrences("event=") <= REPEATS_LINES + REPEATS_KINDS + 1);
	assert_non_null(strstr(logged, "too many to tell one by one"));
	assert_int_equal(told(), 10000);
}

/* The text of a line that is counted may be as long as lines are. */
static void long_lines_keep_their_count(void **state)
{
	static char longest[LOG_LINE_MAX];
	const char *const kind[] = {"x", NULL};
	struct log_line line;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	line_begin(&line, "connect-refused");
	line_quoted(&line, "reason", longest, sizeof(longest));
	for (unsigned i = 0; i < 20; i++)
		repeats_send(&line, "connect-refused", kind, REPEATS_USUAL, 1000);
	repeats_end();
	read_log();
	assert_int_equal(told(), 20);
}

#define THREADS 4
#define EACH 2000

static void *fail_often(void *context)
{
	char address[16];

	for (unsigned i = 0; i < EACH; i++) {
		snprintf(address, sizeof(address), "%u:25", i % 7);
		fail_to(address, 1000 + i * 100);
	}
	return context;
}

static void threads_share_the_table(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, fail_often, NULL);
	for (unsigned i = 0; i < 50; i++)
		repeats_tell(1000 + i * 4000);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	repeats_end();
	read_log();
	assert_int_equal(told(), THREADS * EACH);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(first_ones_are_logged_and_the_rest_in_one_line),
		CASE(after_its_span_a_kind_is_logged_anew),
		CASE(one_more_is_told_as_it_is),
		CASE(kinds_do_not_hide_each_other),
		CASE(many_kinds_are_bounded_and_none_is_lost),
		CASE(long_lines_keep_their_count),
		CASE(threads_share_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
