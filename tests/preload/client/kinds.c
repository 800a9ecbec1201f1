/*
 * kinds: programs of several kinds on one machine: 64-bit and 32-bit, glibc and musl.
 */
#include "tests/preload/client/client.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* One program starts another of another kind, CLIENT_OTHER, which inherits a connection and makes one
 * of its own: one agent serves both. */
static void starts_other(void)
{
	const char *other = getenv("CLIENT_OTHER");
	int fd, status;

	check(other != NULL);
	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(dial(fd) == 0);
	if (fork() == 0) {
		dup2(fd, 0);
		execl(other, "client", "started_by_other", NULL);
		_exit(127);
	}
	check(wait(&status) > 0 && status == 0);
	check(requests_logged() == 2 && agents_logged() == 1);
	looks_like_tcp(fd);
}

static void started_by_other(void)
{
	int fd;

	aim("127.0.0.1", 25);
	check(!is_tcp(0));
	looks_like_tcp(0);
	check(dial(0) == -1 && errno == EISCONN);
	talk(0);
	fd = tcp(0);
	check(dial(fd) == 0 && !is_tcp(fd));
	looks_like_tcp(fd);
	talk(fd);
}

/* An old kernel, or a sandbox of its days, where there was one kind of time alone; then CLIENT_CASE. */
static void before_wide_time(void)
{
#ifdef SYS_clock_gettime64
	static const int calls[] = {SYS_clock_gettime64, SYS_ppoll_time64, SYS_clock_nanosleep_time64,
		SYS_rt_sigtimedwait_time64};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		forbid((unsigned)calls[i], -1, i % 2 ? EPERM : ENOSYS);
	execl("/proc/self/exe", "client", getenv("CLIENT_CASE"), NULL);
	check(false);
#else
	exit(77);
#endif
}

const struct client_case kinds_cases[] = {
	{"starts_other", starts_other},
	{"started_by_other", started_by_other},
	{"before_wide_time", before_wide_time},
	{NULL, NULL},
};
