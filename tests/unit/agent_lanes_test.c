/*
 * An agent on several threads: sessions spread over them when there are many, stay on one where
 * there are few, and end in good order wherever they are.
 */
#include "tests/unit/agent_harness.h"

#include "shim/agent/loop.h"

#include <dirent.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define LANES 4
#define CALLS 24

/* --- the inbox --- */

#define POSTERS 4
#define POSTS 20000

struct letter {
	struct task task;
	unsigned poster, number;
};

static struct loop *loop;
static struct letter letters[POSTERS][POSTS];
static unsigned heard[POSTERS], heard_in_all;

static void hear_letter(void *context)
{
	const struct letter *l = context;

	assert_int_equal(l->number, heard[l->poster]);
	heard[l->poster]++;
	if (++heard_in_all == POSTERS * POSTS)
		loop_stop(loop);
}

static void *post_letters(void *context)
{
	struct letter *l = context;
	unsigned i;

	for (i = 0; i < POSTS; i++)
		loop_post(loop, &l[i].task);
	return NULL;
}

static void what_threads_post_arrives_once_and_in_order(void **state)
{
	pthread_t threads[POSTERS];
	unsigned i, j;

	(void)state;
	loop = loop_new();
	assert_non_null(loop);
	assert_int_equal(loop_open(loop), 0);
	for (i = 0; i < POSTERS; i++) {
		for (j = 0; j < POSTS; j++)
			letters[i][j] = (struct letter){
				{.run = hear_letter, .context = &letters[i][j]}, i, j};
		assert_int_equal(pthread_create(&threads[i], NULL, post_letters, letters[i]), 0);
	}
	assert_int_equal(loop_run(loop), 0);
	for (i = 0; i < POSTERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(heard[i], POSTS);
	}
	loop_free(loop);
}

/* --- the guard --- */

static int pipe_ends[2];
static atomic_int interrupted; /* 1: the call that waited was interrupted */

static void wait_in_vain(void *context)
{
	char byte;

	interrupted = read(pipe_ends[0], &byte, 1) < 0 && errno == EINTR;
	loop_stop(context);
}

static void *run_guarded(void *context)
{
	struct loop *own = loop_new();
	struct task task = {.run = wait_in_vain, .context = own};

	(void)context;
	if (own && loop_guard(own) == 0) {
		loop_defer(own, &task);
		loop_run(own);
	}
	loop_free(own);
	return NULL;
}

/* The thread that waits, not any that takes the signal. */
static void each_thread_is_guarded_by_itself(void **state)
{
	struct timespec end;
	pthread_t thread;

	(void)state;
	assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_guarded, NULL), 0);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += SECONDS;
	assert_int_equal(pthread_timedjoin_np(thread, NULL, &end), 0);
	assert_int_equal(interrupted, 1);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

/* --- sessions --- */

static struct call calls[CALLS];
static int servers[CALLS], listener;

static bool is_lane(const char *thread)
{
	char path[64], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/comm", agent, thread);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	fclose(f);
	return strcmp(comm, "seal-lane\n") == 0;
}

/* The first one included. */
static unsigned lanes_of_agent(void)
{
	char path[64];
	unsigned count = 1;
	const struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", agent);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)))
		count += is_lane(e->d_name);
	closedir(d);
	return count;
}

/* Up to where the server has said 220 and the application has it. */
static void open_calls(unsigned count)
{
	unsigned i;

	listener = listen_on(PORT, CALLS);
	for (i = 0; i < count; i++) {
		open_call(&calls[i], listener, &servers[i]);
		say(servers[i], "220 mx.b.example ESMTP\r\n");
		expect_text(calls[i].app, "220 mx.b.example ESMTP\r\n");
	}
}

static void hang_all_up(unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		hang_up(&calls[i]);
		close(servers[i]);
	}
	close(listener);
}

static void expect_line(int fd, const char *beginning)
{
	char line[512] = "";
	size_t n = 0;

	while (n < sizeof(line) - 1 && (!n || line[n - 1] != '\n'))
		assert_int_equal(recv(fd, &line[n++], 1, 0), 1);
	assert_memory_equal(line, beginning, strlen(beginning));
}

/* Up to where the server owes the reply to the end of data. The header is read before anything of
 * the message goes on, so the agent says 354. */
static void send_message(const struct call *c, int server)
{
	static const char *const steps[][2] = {
		{"EHLO client\r\n", "250 mx.b.example\r\n"},
		{"MAIL FROM:<a@a.example>\r\n", "250 2.1.0 ok\r\n"},
		{"RCPT TO:<b@b.example>\r\n", "250 2.1.5 ok\r\n"},
	};
	unsigned i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		say(c->app, steps[i][0]);
		expect_text(server, steps[i][0]);
		say(server, steps[i][1]);
		expect_text(c->app, steps[i][1]);
	}
	say(c->app, "DATA\r\n");
	expect_line(c->app, "354 ");
	say(c->app, "Subject: x\r\n\r\ny\r\n.\r\n");
	expect_text(server, "DATA\r\n");
	say(server, "354 go on\r\n");
	expect_text(server, "Subject: x\r\n\r\ny\r\n.\r\n");
}

static void few_sessions_stay_on_one_thread(void **state)
{
	NEEDS_NETWORK();
	lanes = LANES;
	start_shared();
	open_calls(2);
	assert_int_equal(lanes_of_agent(), 1);
	hang_all_up(2);
}

static void many_sessions_spread_over_the_threads(void **state)
{
	unsigned i;

	NEEDS_NETWORK();
	lanes = LANES;
	start_shared();
	open_calls(CALLS);
	assert_int_equal(lanes_of_agent(), LANES);
	for (i = 0; i < CALLS; i++)
		send_message(&calls[i], servers[i]);
	for (i = 0; i < CALLS; i++) {
		say(servers[i], "250 2.0.0 kept\r\n");
		expect_text(calls[i].app, "250 2.0.0 kept\r\n");
	}
	hang_all_up(CALLS);
}

/* The last session to end is on another thread than the one that waits for that. */
static void told_to_stop_all_threads_finish_what_is_outstanding(void **state)
{
	unsigned i;
	int status;

	NEEDS_NETWORK();
	lanes = LANES;
	start_shared();
	open_calls(CALLS);
	for (i = 0; i < CALLS; i += 2)
		send_message(&calls[i], servers[i]);
	assert_int_equal(lanes_of_agent(), LANES);
	assert_int_equal(kill(agent, SIGTERM), 0);
	for (i = 1; i < CALLS; i += 2)
		expect_line(calls[i].app, "421 ");
	for (i = 0; i < CALLS; i += 2) {
		say(servers[i], "250 2.0.0 kept\r\n");
		expect_text(calls[i].app, "250 2.0.0 kept\r\n");
		expect_line(calls[i].app, "421 ");
	}
	hang_all_up(CALLS);
	assert_true(ended_within(SECONDS * 1000, &status));
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* As a hardened unit may have it. */
static void forbid_threads(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void where_no_thread_can_be_made_one_serves_all(void **state)
{
	unsigned i;

	NEEDS_NETWORK();
	lanes = LANES;
	before_agent = forbid_threads;
	start_shared();
	before_agent = NULL;
	open_calls(CALLS);
	assert_int_equal(lanes_of_agent(), 1);
	for (i = 0; i < CALLS; i++)
		send_message(&calls[i], servers[i]);
	hang_all_up(CALLS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_threads_post_arrives_once_and_in_order),
		cmocka_unit_test(each_thread_is_guarded_by_itself),
		TEST(few_sessions_stay_on_one_thread),
		TEST(many_sessions_spread_over_the_threads),
		TEST(told_to_stop_all_threads_finish_what_is_outstanding),
		TEST(where_no_thread_can_be_made_one_serves_all),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
