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
	ask_over(c, call_channel(), socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), PORT, 30000, identity);
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
	static const char *const texts[] = {"", "version=x\n", "system", "system\nconfig=", "system\nx", "system\n\n"};
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

static void part_of_the_table_is_kept_free(void **state)
{
	struct call calls[8];
	int listener, servers[8];
	struct call c;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 20);
	start_system(listen_by_name(), false, 64); /* eight seats */
	for (int i = 0; i < 4; i++) {
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
	for (int i = 1; i < 4; i++) {
		hang_up(&calls[i]);
		close(servers[i]);
	}
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

/* One request that does not care what becomes of it. */
static void ask_carelessly(int tcp)
{
	static char bytes[HANDOFF_REQUEST_MAX];
	struct handoff_request head = {.peer = {.family = AF_INET, .port = PORT, .addr = {127, 0, 0, 1}}};
	char control[CMSG_SPACE(2 * sizeof(int))] = "", answer[64];
	long n = handoff_request_encode(bytes, &head, &(struct handoff_names){0}, "system\n", 7);
	struct iovec iov = {bytes, (size_t)n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
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
	if (sendmsg(channel, &m, MSG_NOSIGNAL) > 0)
		recv(channel, answer, sizeof(answer), 0);
	close(channel);
	close(pair[0]);
	close(pair[1]);
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
	print_message("%d of 400 made it wait, for a moment\n", times_logged("the socket was changed while"));
	for (int i = 0; i < 4; i++)
		close(queued[i]);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(request_names_the_configuration_or_none, setup, teardown),
		cmocka_unit_test_setup_teardown(request_for_another_agent_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(request_for_the_system_agent_is_for_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(edited_configuration_holds_for_the_next_request, setup, teardown),
		cmocka_unit_test_setup_teardown(passed_socket_outlives_the_agent, setup, teardown),
		cmocka_unit_test_setup_teardown(part_of_the_table_is_kept_free, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_makes_the_agent_wait, setup, teardown),
	};

	srandom((unsigned)getpid());
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
