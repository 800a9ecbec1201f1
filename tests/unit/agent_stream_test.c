/*
 * A stream on a loop of its own, and the other end of its pair by hand.
 */
#include "shim/agent/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static struct loop *loop;
static struct stream stream;
static struct buf out;
static int other;
static unsigned told;

static void note(void *context, uint32_t events)
{
	stream_note(context, events);
	told++;
}

static int setup(void **state)
{
	int pair[2];

	(void)state;
	loop = loop_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	stream_init(&stream, loop, note, &stream);
	assert_int_equal(stream_open_pair(&stream, pair[0]), 0);
	other = pair[1];
	buf_init(&out, 1 << 20);
	told = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stream_close(&stream);
	buf_clear(&out);
	close(other);
	loop_free(loop);
	return 0;
}

static void stop(void *context)
{
	(void)context;
	loop_stop(loop);
}

/* What the kernel has to tell by now. */
static void settle(void)
{
	struct task last = {.run = stop};

	loop_defer(loop, &last);
	assert_int_equal(loop_run(loop), 0);
}

static size_t write_zeros(size_t n)
{
	static const char zeros[1 << 19];

	assert_int_equal(buf_append(&out, zeros, n), 0);
	return stream_write(&stream, &out);
}

static size_t read_at_most(size_t n)
{
	static char bytes[1 << 16];
	size_t total = 0;
	ssize_t got = 1;

	while (total < n && got > 0) {
		size_t want = n - total < sizeof(bytes) ? n - total : sizeof(bytes);

		got = recv(other, bytes, want, MSG_DONTWAIT);
		total += got > 0 ? (size_t)got : 0;
	}
	return total;
}

static void who_reads_what_was_written_wakes_nobody(void **state)
{
	(void)state;
	assert_int_equal(write_zeros(100), 100);
	settle();
	assert_int_equal(read_at_most(100), 100);
	settle();
	assert_int_equal(told, 0);
	assert_int_equal(write(other, "x", 1), 1);
	settle();
	assert_int_equal(told, 1);
	assert_true(stream.readable);
}

static void room_is_told_once_there_was_none(void **state)
{
	size_t n = 1 << 19, written = write_zeros(n), got = 0;

	(void)state;
	assert_true(written < n);
	assert_false(stream.writable);
	while (got < n) {
		size_t before = got;

		got += read_at_most(n);
		assert_true(got > before);
		settle();
		assert_true(stream.writable);
		written += stream_write(&stream, &out);
	}
	assert_int_equal(written, n);
}

static void room_that_came_before_it_was_asked_for_is_told(void **state)
{
	size_t n = 1 << 19, written = write_zeros(n);

	(void)state;
	assert_int_equal(read_at_most(n), written);
	settle();
	assert_true(stream.writable);
	assert_true(stream_write(&stream, &out) > 0);
}

static void end_of_the_other_side_is_told(void **state)
{
	(void)state;
	shutdown(other, SHUT_RDWR);
	settle();
	assert_true(stream.hung_up && stream.readable);
	assert_int_equal(write_zeros(10), 0);
	assert_true(stream.cut_off);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			who_reads_what_was_written_wakes_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(room_is_told_once_there_was_none, setup, teardown),
		cmocka_unit_test_setup_teardown(
			room_that_came_before_it_was_asked_for_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(end_of_the_other_side_is_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
