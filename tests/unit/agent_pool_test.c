/*
 * Connections between two sessions: a pool on a loop of its own, and their servers' ends by hand.
 */
#include "shim/agent/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct loop *loop;
static struct pool *pool;
static struct rules *rules;
static char config[] = "/tmp/agent_pool_XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(config);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "\n", 1), 1);
	close(fd);
	rules = rules_new(config, true);
	assert_null(rules_error(rules));
	loop = loop_new();
	pool = pool_new(loop);
	return pool ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	pool_free(pool);
	rules_free(rules);
	loop_free(loop);
	unlink(config);
	memset(config + strlen(config) - 6, 'X', 6);
	return 0;
}

static void stop(void *context)
{
	(void)context;
	loop_stop(loop);
}

static void run_for(uint64_t ms)
{
	struct timer timer = {.expired = stop};

	assert_int_equal(loop_timer_set(loop, &timer, loop_now(loop) + ms), 0);
	assert_int_equal(loop_run(loop), 0);
}

static struct key *key_named(const char *name)
{
	char *names[] = {(char *)(uintptr_t)name};
	const struct handoff_request head = {
		.peer = {.family = AF_INET, .port = 25, .addr = {192, 0, 2, 25}}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct key_parts parts = {
		.tcp = fd, .channel = -1, .head = &head, .names = names, .name_count = 1};
	struct key *key = key_new(&parts);

	close(fd);
	assert_non_null(key);
	return key;
}

static void nobody_is_told(void *context, uint32_t events)
{
	(void)context;
	(void)events;
}

static int put_used(const char *name, unsigned ms, struct warm how, uint64_t since, int *server)
{
	struct kept kept = {.key = key_named(name),
		.edition = rules_edition(rules),
		.warm = warm_new(),
		.since = since};
	struct stream stream;
	int pair[2], rc;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	stream_init(&stream, loop, nobody_is_told, NULL);
	assert_int_equal(stream_open(&stream, pair[0]), 0);
	*kept.warm = how;
	rc = pool_put(pool, &stream, &kept, loop_now(loop) + ms);
	if (rc < 0) {
		stream_close(&stream);
		pool_kept_clear(&kept);
	}
	*server = pair[1];
	return rc;
}

/* The server's end of a connection that is kept, and has not answered RSET. */
static int put(const char *name, unsigned seconds)
{
	int server;

	assert_int_equal(put_used(name, seconds * 1000, (struct warm){.messages = 1},
				 loop_now(loop), &server),
		0);
	return server;
}

static bool (*suits)(const struct dialogue *dialogue, const struct warm *warm); /* or NULL */

static struct parked *take(const char *name)
{
	struct key *key = key_named(name);
	struct edition *edition = rules_edition(rules);
	struct parked *p = pool_take(pool, key, edition, NULL, suits, NULL);

	edition_release(edition);
	key_free(key);
	return p;
}

static bool pool_holds_named(const char *name)
{
	struct key *key = key_named(name);
	bool holds = pool_holds(pool, key);

	key_free(key);
	return holds;
}

static bool is_there(const char *name)
{
	struct parked *p = take(name);

	if (p)
		parked_free(p);
	return p != NULL;
}

static void hear(int server, const char *text)
{
	char bytes[64] = "";

	assert_int_equal(recv(server, bytes, sizeof(bytes) - 1, 0), strlen(text));
	assert_string_equal(bytes, text);
}

static void say(int server, const char *text)
{
	assert_int_equal(send(server, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void hear_end(int server)
{
	char byte;

	assert_int_equal(recv(server, &byte, 1, 0), 0);
}

static int put_ready(const char *name, unsigned seconds)
{
	int server = put(name, seconds);

	hear(server, "RSET\r\n");
	say(server, "250 flushed\r\n");
	run_for(10);
	return server;
}

static void one_is_taken_once_and_as_it_was(void **state)
{
	int server = put_ready("a", 9);
	struct parked *p = take("a");

	(void)state;
	assert_non_null(p);
	assert_false(p->reset_due);
	assert_int_equal(p->kept.warm->messages, 1);
	assert_int_equal(send(p->stream.fd, "NOOP\r\n", 6, 0), 6);
	hear(server, "NOOP\r\n");
	assert_null(take("a"));
	parked_free(p);
	hear_end(server);
	close(server);
}

static int closed_when_freed(struct parked *p, int server)
{
	char byte;

	assert_non_null(p);
	parked_free(p);
	return (int)recv(server, &byte, 1, MSG_DONTWAIT);
}

static bool took_two(const struct dialogue *dialogue, const struct warm *warm)
{
	(void)dialogue;
	return warm->messages == 2;
}

static void one_that_suits_is_found_behind_others(void **state)
{
	int two, newer = -1;

	(void)state;
	assert_int_equal(put_used("a", 9000, (struct warm){.messages = 2, .reset = true},
				 loop_now(loop), &two),
		0);
	newer = put_ready("a", 9);
	suits = took_two;
	assert_int_equal(closed_when_freed(take("a"), two), 0);
	assert_null(take("a"));
	suits = NULL;
	assert_int_equal(closed_when_freed(take("a"), newer), 0);
	close(two);
	close(newer);
}

static void one_that_was_of_no_use_is_the_last_to_be_taken(void **state)
{
	int good = put_ready("a", 9), useless;

	(void)state;
	assert_int_equal(
		put_used("a", 9000, (struct warm){.messages = 1, .untouched = true, .reset = true},
			loop_now(loop), &useless),
		0);
	assert_int_equal(closed_when_freed(take("a"), good), 0);
	assert_int_equal(closed_when_freed(take("a"), useless), 0);
	close(good);
	close(useless);
}

static void another_key_finds_nothing(void **state)
{
	int server = put_ready("a", 9);

	(void)state;
	assert_false(is_there("b"));
	assert_true(pool_holds_named("a"));
	assert_false(pool_holds_named("b"));
	assert_true(is_there("a"));
	assert_false(pool_holds_named("a"));
	close(server);
}

static void reply_to_reset_may_still_be_due(void **state)
{
	int server = put("a", 9);
	struct parked *p;

	(void)state;
	hear(server, "RSET\r\n");
	say(server, "250 fl");
	run_for(10);
	p = take("a");
	assert_non_null(p);
	assert_true(p->reset_due);
	assert_int_equal(buf_length(&p->in), 6);
	parked_free(p);
	close(server);
}

/* Whether the loop has noticed, or not yet. */
static void nothing_but_250_is_good(void **state)
{
	static const char *const replies[] = {"250 a\r\n250 b\r\n", "250-a\r\n251 b\r\n",
		"500 what\r\n", "220 again\r\n", "251 a\r\n", "421 idle\r\n", "what\r\n",
		"250 a\r\n2", ""};
	size_t i;
	int noticed;

	(void)state;
	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		for (noticed = 0; noticed < 2; noticed++) {
			int server = put("a", 9);

			hear(server, "RSET\r\n");
			say(server, replies[i]);
			if (!*replies[i])
				shutdown(server, SHUT_WR);
			if (noticed)
				run_for(5);
			if (is_there("a"))
				fail_msg("kept after \"%s\"", replies[i]);
			hear_end(server);
			close(server);
		}
	}
}

static void an_octet_or_the_end_while_idle_is_its_end(void **state)
{
	int noticed, ends;

	(void)state;
	for (ends = 0; ends < 2; ends++) {
		for (noticed = 0; noticed < 2; noticed++) {
			int server = put_ready("a", 9);

			if (ends)
				shutdown(server, SHUT_WR);
			else
				say(server, "4");
			if (noticed)
				run_for(5);
			assert_false(is_there("a"));
			hear_end(server);
			close(server);
		}
	}
}

static void when_its_time_is_over_it_says_quit(void **state)
{
	int server = put_ready("a", 1), silent = put("b", 1);

	(void)state;
	run_for(1100);
	assert_false(is_there("a"));
	hear(server, "QUIT\r\n");
	hear_end(server);
	hear(silent, "RSET\r\n");
	hear_end(silent);
	say(server, "221 bye\r\n");
	close(server);
	close(silent);
	run_for(10);
}

static void at_the_end_all_are_told(void **state)
{
	int one = put_ready("a", 9), other = put_ready("b", 9);

	(void)state;
	pool_clear(pool);
	hear(one, "QUIT\r\n");
	hear_end(one);
	hear(other, "QUIT\r\n");
	hear_end(other);
	assert_false(is_there("a"));
	close(one);
	close(other);
}

static void messages_age_and_time_are_bounded(void **state)
{
	const struct warm one = {.messages = 1}, full = {.messages = POOL_MESSAGES_MAX},
			  nearly = {.messages = POOL_MESSAGES_MAX - 1};
	uint64_t now;
	int server;

	(void)state;
	run_for(1);
	now = loop_now(loop);
	assert_int_equal(put_used("a", 9000, full, now, &server), -ESTALE);
	hear_end(server);
	close(server);
	assert_int_equal(put_used("a", 9000, one, now - POOL_AGE_MS, &server), -ESTALE);
	close(server);
	assert_int_equal(put_used("a", 0, one, now, &server), -ESTALE);
	close(server);
	assert_int_equal(put_used("a", 9000, nearly, now - POOL_AGE_MS + 1000, &server), 0);
	close(server);
}

/* It was taken by somebody who said nothing on it. */
static void reset_is_not_said_again(void **state)
{
	const struct warm done = {.messages = 1, .reset = true};
	struct parked *p;
	int server;

	(void)state;
	assert_int_equal(put_used("a", 9000, done, loop_now(loop), &server), 0);
	p = take("a");
	assert_non_null(p);
	assert_false(p->reset_due);
	parked_free(p);
	hear_end(server);
	close(server);
	assert_int_equal(put_used("a", 9000, done, loop_now(loop), &server), 0);
	say(server, "250 flushed\r\n");
	assert_false(is_there("a"));
	close(server);
}

static void one_that_is_left_hears_quit(void **state)
{
	struct stream stream;
	int pair[2];

	(void)state;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	stream_init(&stream, loop, nobody_is_told, NULL);
	assert_int_equal(stream_open(&stream, pair[0]), 0);
	pool_leave(pool, &stream);
	assert_int_equal(stream.fd, -1);
	hear(pair[1], "QUIT\r\n");
	hear_end(pair[1]);
	say(pair[1], "221 bye\r\n");
	close(pair[1]);
	run_for(10);
}

static void the_oldest_make_room(void **state)
{
	int servers[POOL_MAX_ALIKE + 1], many[POOL_MAX + 1], i;
	char name[16];

	(void)state;
	for (i = 0; i <= POOL_MAX_ALIKE; i++)
		servers[i] = put_ready("a", 9);
	hear(servers[0], "QUIT\r\n");
	for (i = POOL_MAX_ALIKE; i > 0; i--) {
		struct parked *p = take("a");

		/* the newest comes first */
		assert_non_null(p);
		assert_int_equal(send(p->stream.fd, "NOOP\r\n", 6, 0), 6);
		hear(servers[i], "NOOP\r\n");
		parked_free(p);
	}
	assert_false(is_there("a"));
	for (i = 0; i <= POOL_MAX_ALIKE; i++)
		close(servers[i]);
	run_for(10);
	for (i = 0; i <= POOL_MAX; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		many[i] = put(name, 9);
	}
	assert_false(is_there("m0"));
	assert_true(is_there("m1"));
	for (i = 0; i <= POOL_MAX; i++)
		close(many[i]);
}

static void another_configuration_ends_them(void **state)
{
	int fd = open(config, O_WRONLY | O_APPEND | O_CLOEXEC), server = put_ready("a", 9);

	(void)state;
	assert_int_equal(write(fd, "# changed\n", 10), 10);
	close(fd);
	assert_true(rules_refresh(rules, true));
	assert_false(is_there("a"));
	hear(server, "QUIT\r\n");
	close(server);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_is_taken_once_and_as_it_was),
		TEST(one_that_suits_is_found_behind_others),
		TEST(one_that_was_of_no_use_is_the_last_to_be_taken),
		TEST(another_key_finds_nothing),
		TEST(reply_to_reset_may_still_be_due),
		TEST(nothing_but_250_is_good),
		TEST(an_octet_or_the_end_while_idle_is_its_end),
		TEST(when_its_time_is_over_it_says_quit),
		TEST(at_the_end_all_are_told),
		TEST(messages_age_and_time_are_bounded),
		TEST(reset_is_not_said_again),
		TEST(one_that_is_left_hears_quit),
		TEST(the_oldest_make_room),
		TEST(another_configuration_ends_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
