/*
 * A system agent, asked by hand: whom it serves, and that nobody holds it up.
 */
#include "shim/handoff/system.h"
#include "tests/unit/agent_harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

/* `activated`: the sockets are somebody else's, here ours, and stay open with us. */
static void start_system(int fd, bool activated, rlim_t descriptors)
{
	static struct system_sockets sockets;
	struct agent_options o = {
		.fd = -1,
		.system = &sockets,
		.config = config,
		.config_named = true,
		.log = log_path,
		.ports = {PORT},
		.port_count = 1,
		.identity = "",
	};

	sockets = (struct system_sockets){.fds = {fd}, .count = 1, .activated = activated};
	agent = fork();
	assert_true(agent >= 0);
	if (agent == 0) {
		struct rlimit limit = {descriptors, descriptors};

		alarm(60);
		close_range(3, (unsigned)fd - 1, 0);
		close_range((unsigned)fd + 1, ~0u, 0);
		if (descriptors)
			setrlimit(RLIMIT_NOFILE, &limit);
		_exit(agent_run(&o));
	}
	if (!activated)
		close(fd);
}

static void ask_as(struct call *c, const char *identity)
{
	ask_over(c, call_channel(), socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), PORT, 30000,
		identity);
}

static void request_names_the_configuration_or_none(void **state)
{
	char text[128], other[128];
	int listener;
	struct call c;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	start_system(listen_by_name(), false, 0);
	ask_as(&c, "system\n");
	expect_reply(&c, HANDOFF_ACK, 0);
	hang_up(&c);
	assert_true(system_text(text, sizeof(text), config) > 0);
	ask_as(&c, text);
	expect_reply(&c, HANDOFF_ACK, 0);
	hang_up(&c);
	snprintf(other, sizeof(other), "%sx", config);
	assert_true(system_text(text, sizeof(text), other) > 0);
	ask_as(&c, text);
	expect_reply(&c, HANDOFF_ACK, ECONNREFUSED);
	hang_up(&c);
	expect_logged("take MAILSEAL_CONFIG away");
	close(listener);
}

static void request_for_another_agent_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "version=x\n", "system", "system\nconfig=", "system\nx", "system\n\n"};
	struct call c;

	NEEDS_NETWORK();
	start_system(listen_by_name(), false, 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ask_as(&c, texts[i]);
		expect_reply(&c, HANDOFF_ACK, ECONNREFUSED);
		hang_up(&c);
	}
	expect_logged("for another agent than the system agent");
}

/* And the other way round: an agent of one service has nothing to say to such a request. */
static void request_for_the_system_agent_is_for_no_other(void **state)
{
	struct call c;

	NEEDS_NETWORK();
	start_shared();
	ask_as(&c, "system\n");
	expect_reply(&c, HANDOFF_STALE, 0);
	hang_up(&c);
}

static void edited_configuration_holds_for_the_next_request(void **state)
{
	struct call c;
	int listener;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	start_system(listen_by_name(), false, 0);
	ask_as(&c, "system\n");
	expect_reply(&c, HANDOFF_ACK, 0);
	hang_up(&c);
	write_config("default { require_tls = perhaps }\n");
	ask_as(&c, "system\n");
	expect_reply(&c, HANDOFF_ACK, ECONNREFUSED);
	hang_up(&c);
	write_config("default { require_tls = true }\n");
	ask_as(&c, "system\n");
	expect_reply(&c, HANDOFF_ACK, 0);
	hang_up(&c);
	close(listener);
}

/* A service manager's socket is not shut down: who calls later finds it as it was. */
static void passed_socket_outlives_the_agent(void **state)
{
	struct call c;
	int listener, fd, status;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	fd = listen_by_name();
	for (int round = 0; round < 3; round++) {
		start_system(fd, true, 0);
		ask_as(&c, "system\n");
		expect_reply(&c, HANDOFF_ACK, 0);
		hang_up(&c);
		assert_int_equal(kill(agent, SIGTERM), 0);
		assert_true(ended_within(SECONDS * 1000, &status));
		assert_int_equal(status, 0);
	}
	/* One that waits in the queue meanwhile is the next agent's. */
	ask_as(&c, "system\n");
	start_system(fd, true, 0);
	expect_reply(&c, HANDOFF_ACK, 0);
	hang_up(&c);
	close(fd);
	close(listener);
}

static void one_user_gets_what_his_process_can_hold(void **state)
{
	struct call calls[8];
	int listener, servers[8];
	struct call c;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 20);
	start_system(listen_by_name(), false, 64); /* room for eight */
	for (int i = 0; i < 8; i++) {
		ask_as(&calls[i], "system\n");
		expect_reply(&calls[i], HANDOFF_ACK, 0);
		expect_reply(&calls[i], HANDOFF_OUTCOME, 0);
		servers[i] = accept_one(listener);
	}
	for (int i = 0; i < 20; i++) {
		char bytes[64];
		struct handoff_reply reply;
		int channel = call_channel();
		ssize_t n = recv(channel, bytes, sizeof(bytes), 0);

		assert_int_equal(handoff_reply_decode(bytes, (size_t)n, &reply), 0);
		assert_int_equal(reply.stage, HANDOFF_ACK);
		assert_int_equal(reply.error, ENFILE);
		close(channel);
	}
	expect_logged("event=overload");
	say(servers[0], "220 mx\r\n");
	expect_text(calls[0].app, "220 mx\r\n");
	hang_up(&calls[0]);
	expect_end(servers[0]);
	close(servers[0]);
	usleep(100000);
	ask_as(&c, "system\n");
	expect_reply(&c, HANDOFF_ACK, 0);
	hang_up(&c);
	for (int i = 1; i < 8; i++) {
		hang_up(&calls[i]);
		close(servers[i]);
	}
	close(listener);
}

/* One request that may be turned away before it was sent. The error that is the answer, -1 without
 * one. */
static int ask_carelessly(int tcp)
{
	static char bytes[HANDOFF_REQUEST_MAX];
	struct handoff_request head = {
		.peer = {.family = AF_INET, .port = PORT, .addr = {127, 0, 0, 1}}};
	struct handoff_reply reply;
	char control[CMSG_SPACE(2 * sizeof(int))] = "", answer[64];
	long n = handoff_request_encode(bytes, &head, &(struct handoff_names){0}, "system\n", 7);
	struct iovec iov = {bytes, (size_t)n};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *part = CMSG_FIRSTHDR(&m);
	int channel = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), pair[2];

	set_wait(channel);
	if (connect(channel, (struct sockaddr *)&name, name_length) < 0 ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		_exit(1);
	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(part), (int[]){tcp, pair[1]}, 2 * sizeof(int));
	sendmsg(channel, &m, MSG_NOSIGNAL);
	n = recv(channel, answer, sizeof(answer), 0);
	close(channel);
	close(pair[0]);
	close(pair[1]);
	return n > 0 && handoff_reply_decode(answer, (size_t)n, &reply) == 0 ? reply.error : -1;
}

/* --- one process for each user --- */

static void become(uid_t uid)
{
	assert_int_equal(syscall(SYS_setresuid, -1, uid, -1), 0);
}

/* The process that serves a user, 0 if there is none. */
static pid_t worker_of(uid_t uid)
{
	char path[64], children[4096] = "", comm[32], wanted[32], *at = children, *end;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", agent, agent);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && read(fd, children, sizeof(children) - 1) >= 0);
	close(fd);
	snprintf(wanted, sizeof(wanted), "seal-%u\n", (unsigned)uid);
	for (long pid; (pid = strtol(at, &end, 10)) > 0; at = end) {
		memset(comm, 0, sizeof(comm));
		snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, comm, sizeof(comm) - 1) > 0 && strcmp(comm, wanted) == 0) {
			close(fd);
			return (pid_t)pid;
		}
		if (fd >= 0)
			close(fd);
	}
	return 0;
}

static void ask_as_user(struct call *c, uid_t uid, int error)
{
	become(uid);
	ask_as(c, "system\n");
	become(0);
	expect_reply(c, HANDOFF_ACK, error);
}

/* One that does not move is not waited for, and his callers hear of it, once he has had his part.
 */
static void worker_that_is_stuck_is_his_users_alone(void **state)
{
	enum { CALLS = 100 };
	int listener, channels[CALLS], refused = 0;
	struct call c;
	pid_t stuck;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 200);
	start_system(listen_by_name(), false, 0);
	ask_as_user(&c, 1001, 0);
	hang_up(&c);
	stuck = worker_of(1001);
	assert_true(stuck > 0);
	assert_int_equal(kill(stuck, SIGSTOP), 0);
	become(1001);
	channels[0] = call_channel();
	become(0);
	sleep(3);
	become(1001);
	for (int i = 1; i < CALLS; i++)
		channels[i] = call_channel();
	become(0);
	for (int i = 0; i < 20; i++) {
		ask_as_user(&c, i % 2 ? 1002 : 0, 0);
		hang_up(&c);
	}
	for (int tries = 0; tries < 500 && refused < CALLS - 64; tries++) {
		for (int i = 0; i < CALLS; i++) {
			struct handoff_reply reply;
			char bytes[64];
			ssize_t n = recv(channels[i], bytes, sizeof(bytes), MSG_DONTWAIT);

			if (n > 0 && handoff_reply_decode(bytes, (size_t)n, &reply) == 0)
				refused += reply.error == ENFILE;
		}
		usleep(10000);
	}
	assert_int_equal(refused, CALLS - 64);
	expect_logged("user 1001 cannot be served");
	/* Who waited is served when it moves on. */
	assert_int_equal(kill(stuck, SIGCONT), 0);
	ask_over(&c, channels[0], socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), PORT, 30000,
		"system\n");
	expect_reply(&c, HANDOFF_ACK, 0);
	hang_up(&c);
	for (int i = 1; i < CALLS; i++)
		close(channels[i]);
	close(listener);
}

static void killed_worker_takes_no_others_along(void **state)
{
	struct call a, b, c;
	int listener, servers[2];

	NEEDS_NETWORK();
	listener = listen_on(PORT, 20);
	start_system(listen_by_name(), false, 0);
	ask_as_user(&a, 1001, 0);
	expect_reply(&a, HANDOFF_OUTCOME, 0);
	servers[0] = accept_one(listener);
	ask_as_user(&b, 1002, 0);
	expect_reply(&b, HANDOFF_OUTCOME, 0);
	servers[1] = accept_one(listener);
	assert_int_not_equal(worker_of(1001), worker_of(1002));
	assert_int_equal(kill(worker_of(1001), SIGKILL), 0);
	expect_logged("the process that served user 1001 was ended by signal 9");
	assert_int_equal(worker_of(1001), 0);
	say(servers[1], "220 mx\r\n");
	expect_text(b.app, "220 mx\r\n");
	ask_as_user(&c, 1001, 0);
	hang_up(&a);
	hang_up(&b);
	hang_up(&c);
	close(servers[0]);
	close(servers[1]);
	close(listener);
}

static int answer_to_user(uid_t uid)
{
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	become(uid);
	error = ask_carelessly(tcp);
	become(0);
	close(tcp);
	return error;
}

/* The others' places are safe from one user with many uids, and so are root's from all. */
static void places_are_kept_for_root_and_the_system(void **state)
{
	int listener;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 100);
	start_system(listen_by_name(), false, 64); /* 24 places */
	for (uid_t i = 0; i < 40; i++)
		assert_int_equal(answer_to_user(100000 + i), i < 12 ? 0 : ENFILE);
	for (uid_t i = 0; i < 10; i++)
		assert_int_equal(answer_to_user(1000 + i), i < 6 ? 0 : ENFILE);
	for (uid_t i = 0; i < 10; i++)
		assert_int_equal(answer_to_user(1 + i), i < 5 ? 0 : ENFILE);
	assert_int_equal(answer_to_user(0), 0);
	close(listener);
}

static bool gone_within(pid_t pid, int milliseconds)
{
	for (; milliseconds > 0; milliseconds -= 10) {
		if (kill(pid, 0) < 0)
			return true;
		usleep(10000);
	}
	return false;
}

static void workers_outlive_their_dispatcher_for_what_they_have(void **state)
{
	struct call c;
	int listener, server, status;
	pid_t worker;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 20);
	start_system(listen_by_name(), false, 0);
	ask_as_user(&c, 1001, 0);
	expect_reply(&c, HANDOFF_OUTCOME, 0);
	server = accept_one(listener);
	worker = worker_of(1001);
	assert_int_equal(kill(agent, SIGKILL), 0);
	assert_true(ended_within(SECONDS * 1000, &status));
	say(server, "220 mx\r\n");
	expect_text(c.app, "220 mx\r\n");
	assert_int_equal(kill(worker, 0), 0);
	hang_up(&c);
	close(server);
	assert_true(gone_within(worker, SECONDS * 1000));
	close(listener);
}

/* A socket whose close() waits for a reader who does not read. */
static int lingering(int sink, int *unread)
{
	const struct linger long_one = {1, 30000};
	static char space[65536];
	struct sockaddr_in in;
	socklen_t length = sizeof(in);
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(getsockname(sink, (struct sockaddr *)&in, &length), 0);
	assert_int_equal(connect(tcp, (struct sockaddr *)&in, length), 0);
	*unread = accept_one(sink);
	while (send(tcp, space, sizeof(space), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	assert_int_equal(setsockopt(tcp, SOL_SOCKET, SO_LINGER, &long_one, sizeof(long_one)), 0);
	return tcp;
}

/* A message with descriptors, or without; false if nobody can get it any more. */
static bool send_two(int channel, const int fds[2])
{
	char control[CMSG_SPACE(2 * sizeof(int))] = "";
	struct iovec iov = {"x", 1};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *part = CMSG_FIRSTHDR(&m);

	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(part), fds, 2 * sizeof(int));
	if (fds[0] < 0)
		m.msg_controllen = 0;
	return sendmsg(channel, &m, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is still in a channel is not closed by the dispatcher, whatever becomes of the channel. */
static void descriptors_that_linger_hold_up_nobody_else(void **state)
{
	enum { CALLS = 120 };
	const struct linger none = {0, 0};
	int listener, sink, channels[CALLS], unread[CALLS];
	struct call c;
	pid_t stuck;
	long begun;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 200);
	sink = listen_on(PORT + 1, 200);
	start_system(listen_by_name(), false, 0);
	ask_as_user(&c, 1001, 0);
	hang_up(&c);
	stuck = worker_of(1001);
	assert_int_equal(kill(stuck, SIGSTOP), 0);
	for (int i = 0; i < CALLS; i++) {
		int tcp = lingering(sink, &unread[i]);

		become(1001);
		channels[i] = call_channel();
		become(0);
		if (i % 2) /* more than one message */
			send_two(channels[i], (int[]){-1, -1});
		if (!send_two(channels[i], (int[]){tcp, tcp}))
			setsockopt(tcp, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		close(tcp);
	}
	begun = milliseconds();
	for (int i = 0; i < 20; i++) {
		ask_as_user(&c, i % 2 ? 1002 : 0, 0);
		hang_up(&c);
	}
	print_message("20 calls of others took %ld ms\n", milliseconds() - begun);
	assert_in_range(milliseconds() - begun, 0, 5000); /* each would linger for hours */
	assert_int_equal(kill(stuck, SIGCONT), 0);
	ask_as_user(&c, 1002, 0);
	hang_up(&c);
	for (int i = 0; i < CALLS; i++) {
		close(channels[i]);
		close(unread[i]);
	}
	close(sink);
	close(listener);
}

/* --- somebody who keeps a copy of the socket, and uses it --- */

static atomic_int meddled_with; /* -1: enough */

static void *let_it_wait(void *unused)
{
	int fd;

	(void)unused;
	while ((fd = atomic_load(&meddled_with)) >= 0)
		if (fd)
			fcntl(fd, F_SETFL, 0);
	return NULL;
}

/* Nobody answers at this address: the queue of its listener is full. */
static int deaf_listener(int queued[], int count)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = listen_on(PORT, 0);

	for (int i = 0; i < count; i++) {
		queued[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect(queued[i], (struct sockaddr *)&in, sizeof(in));
	}
	return listener;
}

/* In a process of its own, each time as another user. */
static void meddle(int times)
{
	pthread_t thread;

	atomic_store(&meddled_with, 0);
	if (pthread_create(&thread, NULL, let_it_wait, NULL) != 0)
		_exit(1);
	for (int i = 0; i < times; i++) {
		int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		atomic_store(&meddled_with, tcp);
		if (syscall(SYS_setresuid, -1, 2000 + i, -1) != 0)
			_exit(1);
		ask_carelessly(tcp);
		atomic_store(&meddled_with, 0);
		close(tcp);
		if (syscall(SYS_setresuid, -1, 0, -1) != 0)
			_exit(1);
	}
	_exit(0);
}

static int times_logged(const char *text)
{
	FILE *f = fopen(log_path, "r");
	char line[4096];
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, text) != NULL;
	if (f)
		fclose(f);
	return n;
}

static void nobody_makes_the_agent_wait(void **state)
{
	int queued[4], listener, status = -1;
	struct call c;
	pid_t child;

	NEEDS_NETWORK();
	listener = deaf_listener(queued, 4);
	start_system(listen_by_name(), false, 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		meddle(400);
	while (waitpid(child, &status, WNOHANG) == 0) {
		ask_as(&c, "system\n");
		expect_reply(&c, HANDOFF_ACK, 0);
		hang_up(&c);
		usleep(20000);
	}
	assert_int_equal(status, 0);
	print_message("%d of 400 made it wait, for a moment\n",
		times_logged("the socket was changed while"));
	for (int i = 0; i < 4; i++)
		close(queued[i]);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			request_names_the_configuration_or_none, setup, teardown),
		cmocka_unit_test_setup_teardown(
			request_for_another_agent_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			request_for_the_system_agent_is_for_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(
			edited_configuration_holds_for_the_next_request, setup, teardown),
		cmocka_unit_test_setup_teardown(passed_socket_outlives_the_agent, setup, teardown),
		cmocka_unit_test_setup_teardown(
			one_user_gets_what_his_process_can_hold, setup, teardown),
		cmocka_unit_test_setup_teardown(
			worker_that_is_stuck_is_his_users_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
			killed_worker_takes_no_others_along, setup, teardown),
		cmocka_unit_test_setup_teardown(
			places_are_kept_for_root_and_the_system, setup, teardown),
		cmocka_unit_test_setup_teardown(
			workers_outlive_their_dispatcher_for_what_they_have, setup, teardown),
		cmocka_unit_test_setup_teardown(
			descriptors_that_linger_hold_up_nobody_else, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_makes_the_agent_wait, setup, teardown),
	};

	srandom((unsigned)getpid());
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
