/*
 * The agent's small parts: timers and tasks, what a log line may hold, and the one message that
 * begins a connect().
 */
#include "shim/agent/caution.h"
#include "shim/agent/handover.h"
#include "shim/agent/log.h"
#include "shim/agent/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

/* --- loop --- */

#define TIMERS 500

static struct loop *loop;
static uint64_t last_due;
static unsigned expired;

struct probe {
	struct timer timer;
	uint64_t due;
};

static void note_expiry(void *context)
{
	struct probe *p = context;

	assert_true(p->due >= last_due);
	last_due = p->due;
	if (++expired == TIMERS / 2)
		loop_stop(loop);
}

static void timers_expire_in_order_and_stopped_ones_do_not(void **state)
{
	static struct probe probes[TIMERS];
	unsigned i;

	(void)state;
	loop = loop_new();
	srandom(7);
	for (i = 0; i < TIMERS; i++) {
		probes[i].timer = (struct timer){.expired = note_expiry, .context = &probes[i]};
		probes[i].due = loop_now(loop) + (uint64_t)random() % 40;
		assert_int_equal(loop_timer_set(loop, &probes[i].timer,
					 loop_now(loop) + (uint64_t)random() % 1000),
			0);
	}
	for (i = 0; i < TIMERS; i++)
		assert_int_equal(loop_timer_set(loop, &probes[i].timer, probes[i].due), 0);
	for (i = 0; i < TIMERS; i += 2)
		loop_timer_stop(loop, &probes[i].timer);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(expired, TIMERS / 2);
	loop_free(loop);
}

static char order[16];
static struct task a, b, c;

static void run_a(void *context)
{
	(void)context;
	strncat(order, "a", sizeof(order) - strlen(order) - 1);
	loop_defer(loop, &a);
	loop_undefer(loop, &b);
	if (strlen(order) > 4)
		loop_stop(loop);
}

static void run_other(void *context)
{
	strncat(order, context, sizeof(order) - strlen(order) - 1);
}

static void tasks_run_once_and_can_be_taken_back(void **state)
{
	(void)state;
	loop = loop_new();
	a = (struct task){.run = run_a};
	b = (struct task){.run = run_other, .context = "b"};
	c = (struct task){.run = run_other, .context = "c"};
	loop_defer(loop, &a);
	loop_defer(loop, &b);
	loop_defer(loop, &c);
	loop_defer(loop, &c);
	assert_int_equal(loop_run(loop), 0);
	assert_string_equal(order, "acaaa");
	loop_free(loop);
}

/* --- log --- */

static void values_are_escaped_and_bounded(void **state)
{
	struct log_line line;
	char longer[5000];

	(void)state;
	line_begin(&line, "test");
	line_quoted(&line, "a", "x\"y\\z\r\n\x01\xc3\xa4 =", 100);
	line_quoted(&line, "b", "123456", 3);
	line_number(&line, "c", 42);
	assert_string_equal(line.text,
		"event=test a=\"x\\\"y\\\\z\\x0d\\x0a\\x01\\xc3\\xa4 =\" b=\"123\" c=42");
	memset(longer, '\n', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	line_quoted(&line, "d", longer, sizeof(longer));
	assert_true(line.length < sizeof(line.text));
	assert_int_equal(line.text[line.length], '\0');
	line_word(&line, "e", "does not fit any more, but does no harm");
}

/* However much a value is longer when it is escaped. */
static void long_values_do_not_keep_out_what_counts(void **state)
{
	struct log_line line;
	char longer[5000];

	(void)state;
	memset(longer, '\xd0', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	line_begin(&line, "test");
	line_keep(&line, 60);
	for (unsigned i = 0; i < 3; i++)
		line_quoted(&line, "a", longer, sizeof(longer));
	line_keep(&line, 0);
	line_word(&line, "verdict", "cleartext");
	assert_non_null(strstr(line.text, "\\xd0...\" a=\"...\" a=\"...\" verdict=cleartext"));
	line_quoted(&line, "a", longer, sizeof(longer));
	line_word(&line, "b", "does not fit");
	assert_null(strstr(line.text, "b="));
	assert_int_equal(line.text[line.length - 1], '"');
}

static void log_file_is_followed_when_it_is_rotated(void **state)
{
	char path[] = "/tmp/agent_log_XXXXXX", old[64], text[200] = "";
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	snprintf(old, sizeof(old), "%s.1", path);
	assert_int_equal(log_open(path), 0);
	log_event("one", "x");
	assert_int_equal(rename(path, old), 0);
	log_event("two", "y");
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "event=two reason=\"y\"\n"));
	assert_null(strstr(text, "event=one"));
	close(fd);
	unlink(path);
	unlink(old);
}

/* --- request --- */

static int channel[2];

static int open_channel(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel);
}

static int close_channel(void **state)
{
	(void)state;
	close(channel[0]);
	close(channel[1]);
	return 0;
}

static void send_message(const void *bytes, size_t n, const int *fds, size_t count)
{
	char control[CMSG_SPACE(8 * sizeof(int))] = "";
	struct iovec iov = {(void *)(uintptr_t)bytes, n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *head;

	if (count) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(count * sizeof(int));
		head = CMSG_FIRSTHDR(&m);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(head), fds, count * sizeof(int));
	}
	assert_int_equal(sendmsg(channel[0], &m, 0), n);
}

static size_t good_request(void *bytes)
{
	static const char *const names[] = {"mx.b.example"};
	static const struct handoff_names looked_up = {names, 1, NULL};
	struct handoff_request head = {.peer = {.family = AF_INET, .port = 25}};

	return (size_t)handoff_request_encode(bytes, &head, &looked_up, "identity\n", 9);
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void expect_request(const void *bytes, size_t n, const int *fds, size_t count, int expected)
{
	struct request r;
	unsigned before = open_descriptors();

	send_message(bytes, n, fds, count);
	assert_int_equal(request_receive(channel[1], &r), expected);
	if (expected == 0)
		request_clear(&r);
	assert_int_equal(open_descriptors(), before);
}

static void whole_request_is_taken(void **state)
{
	char bytes[HANDOFF_REQUEST_MAX];
	size_t n = good_request(bytes);
	struct request r;
	int pair[2], tcp = socket(AF_INET, SOCK_STREAM, 0), fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fds[0] = tcp;
	fds[1] = pair[1];
	assert_int_equal(request_receive(channel[1], &r), -EAGAIN);
	send_message(bytes, n, fds, 2);
	assert_int_equal(request_receive(channel[1], &r), 0);
	assert_string_equal(r.view.names[0], "mx.b.example");
	assert_int_equal(r.view.identity_length, 9);
	assert_int_equal(fcntl(r.tcp, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(r.plain, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	request_clear(&r);
	shutdown(channel[0], SHUT_WR);
	assert_int_equal(request_receive(channel[1], &r), -EPIPE);
	close(tcp);
	close(pair[0]);
	close(pair[1]);
}

static void malformed_requests_are_refused_and_leak_nothing(void **state)
{
	static char huge[HANDOFF_REQUEST_MAX + 500];
	char bytes[HANDOFF_REQUEST_MAX + 100];
	size_t n = good_request(bytes), i;
	int pair[2], pipes[2], tcp = socket(AF_INET, SOCK_STREAM, 0), fds[4], wrong[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pipe(pipes), 0);
	fds[0] = tcp;
	fds[1] = pair[1];
	fds[2] = fds[3] = pipes[0];
	expect_request(bytes, n, fds, 2, 0);
	expect_request(bytes, n, NULL, 0, -EPROTO);
	expect_request(bytes, n, fds, 1, -EPROTO);
	expect_request(bytes, n, fds, 3, -EPROTO);
	expect_request(bytes, n, fds, 4, -EPROTO);
	for (i = 1; i < n; i++)
		expect_request(bytes, i, fds, 2, -EPROTO);
	expect_request(bytes, n + 1, fds, 2, -EPROTO);
	expect_request(huge, sizeof(huge), fds, 2, -EMSGSIZE);
	wrong[0] = tcp;
	wrong[1] = pipes[0];
	expect_request(bytes, n, wrong, 2, -EPROTO);
	wrong[1] = tcp;
	expect_request(bytes, n, wrong, 2, -EPROTO);
	((struct handoff_request *)(void *)bytes)->version++;
	expect_request(bytes, n, fds, 2, -EPROTONOSUPPORT);
	close(tcp);
	close(pair[0]);
	close(pair[1]);
	close(pipes[0]);
	close(pipes[1]);
}

static void without_descriptors_left_the_request_is_answered_so(void **state)
{
	char bytes[HANDOFF_REQUEST_MAX];
	size_t n = good_request(bytes);
	struct request r;
	struct rlimit old, none;
	int pair[2], tcp = socket(AF_INET, SOCK_STREAM, 0), fds[2], room;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fds[0] = tcp;
	fds[1] = pair[1];
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (room = 0; room < 2; room++) {
		send_message(bytes, n, fds, 2);
		none = old;
		none.rlim_cur = (rlim_t)(pair[1] + 1 + room);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
		assert_int_equal(request_receive(channel[1], &r), -EMFILE);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_int_equal(fcntl(pair[1] + 1, F_GETFD), -1);
	}
	close(tcp);
	close(pair[0]);
	close(pair[1]);
}

static void junk_is_discarded_to_the_byte(void **state)
{
	struct handoff_request head = {.junk = 70000, .peer = {.family = AF_INET, .port = 25}};
	struct sockaddr_un sun;
	struct handoff_name name;
	socklen_t n = sizeof(sun);
	char byte, *junk = calloc(1, 70000);
	int pair[2];

	(void)state;
	memset(head.nonce, 7, sizeof(head.nonce));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[0], junk, 70000), 70000);
	assert_int_equal(write(pair[0], "E", 1), 1);
	assert_int_equal(handover_connected(pair[1], &head), 0);
	assert_int_equal(read(pair[1], &byte, 1), 1);
	assert_int_equal(byte, 'E');
	assert_int_equal(getpeername(pair[0], (struct sockaddr *)&sun, &n), 0);
	assert_int_equal(handoff_name_decode(&sun, n, &name), 0);
	assert_int_equal(name.face, HANDOFF_FACE_PEER);
	assert_memory_equal(name.nonce, head.nonce, sizeof(head.nonce));
	free(junk);
	close(pair[0]);
	close(pair[1]);
}

static void missing_junk_is_an_error(void **state)
{
	struct handoff_request head = {.junk = 5, .peer = {.family = AF_INET, .port = 25}};
	int pair[2];

	(void)state;
	head.nonce[0] = 9;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[0], "abc", 3), 3);
	assert_int_equal(handover_connected(pair[1], &head), -EPROTO);
	close(pair[0]);
	close(pair[1]);
}

/* --- caution --- */

static void caution_is_for_one_next_hop_and_ends(void **state)
{
	(void)state;
	assert_false(caution_stands("192.0.2.1:25", "mx.b.example", 1000));
	caution_note("192.0.2.1:25", "mx.b.example", 2000);
	assert_true(caution_stands("192.0.2.1:25", "mx.b.example", 1999));
	assert_false(caution_stands("192.0.2.1:25", "mx.b.example", 2000));
	assert_false(caution_stands("192.0.2.1:25", "mx.c.example", 1000));
	assert_false(caution_stands("192.0.2.1:587", "mx.b.example", 1000));
	assert_false(caution_stands("192.0.2.1:2", "5mx.b.example", 1000));
	caution_note("192.0.2.1:25", "mx.b.example", 3000);
	assert_true(caution_stands("192.0.2.1:25", "mx.b.example", 2000));
}

static void caution_forgets_the_oldest(void **state)
{
	char name[16];

	(void)state;
	for (unsigned i = 0; i <= CAUTION_PLACES; i++) {
		snprintf(name, sizeof(name), "mx%u", i);
		caution_note("192.0.2.2:25", name, 5000 + i);
	}
	assert_false(caution_stands("192.0.2.2:25", "mx0", 4000));
	for (unsigned i = 1; i <= CAUTION_PLACES; i++) {
		snprintf(name, sizeof(name), "mx%u", i);
		assert_true(caution_stands("192.0.2.2:25", name, 4000));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_expire_in_order_and_stopped_ones_do_not),
		cmocka_unit_test(tasks_run_once_and_can_be_taken_back),
		cmocka_unit_test(values_are_escaped_and_bounded),
		cmocka_unit_test(long_values_do_not_keep_out_what_counts),
		cmocka_unit_test(log_file_is_followed_when_it_is_rotated),
		cmocka_unit_test_setup_teardown(
			whole_request_is_taken, open_channel, close_channel),
		cmocka_unit_test_setup_teardown(malformed_requests_are_refused_and_leak_nothing,
			open_channel, close_channel),
		cmocka_unit_test_setup_teardown(without_descriptors_left_the_request_is_answered_so,
			open_channel, close_channel),
		cmocka_unit_test(junk_is_discarded_to_the_byte),
		cmocka_unit_test(missing_junk_is_an_error),
		cmocka_unit_test(caution_is_for_one_next_hop_and_ends),
		cmocka_unit_test(caution_forgets_the_oldest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
