/*
 * ways: the ways a program has to connect.
 */
#include "tests/preload/client/client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/preload/sys.h"

#ifdef SYS_socketcall
static void by_socketcall(void)
{
	long arguments[3];
	int fd = tcp(0);

	arguments[0] = fd;
	arguments[1] = (long)&address;
	arguments[2] = (long)address_length;
	check(syscall(SYS_socketcall, 3, arguments) == 0 && !is_tcp(fd));
	talk(fd);
}
#endif

/* libc's own door to the kernel is none that leads past the library. */
static void syscall_connect(void)
{
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);
	int fd, value = 0;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(syscall(SYS_connect, fd, &address, address_length) == 0);
	check(!is_tcp(fd));
	check(syscall(SYS_connect, fd, &address, address_length) == -1 && errno == EISCONN);
	check(syscall(SYS_getpeername, fd, &own, &length) == 0 && own.ss_family == AF_INET);
	length = sizeof(value);
	check(syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &value, &length) == 0);
	check(value == AF_INET);
	talk(fd);
#ifdef SYS_socketcall
	by_socketcall();
#endif
	aim("127.0.0.1", CLOSED_PORT);
	errno = 0;
	check(syscall(SYS_connect, tcp(0), &address, address_length) == -1);
	check(errno == ECONNREFUSED);
}

static void syscall_sends(void)
{
	struct iovec piece = {"hello", 5};
	struct msghdr message = {.msg_name = &address, .msg_iov = &piece, .msg_iovlen = 1};
	struct mmsghdr several = {.msg_hdr = message};
	int fd;

	aim("127.0.0.1", 25);
	message.msg_namelen = several.msg_hdr.msg_namelen = address_length;
	fd = tcp(0);
	check(syscall(SYS_sendto, fd, "hello", 5, MSG_FASTOPEN, &address, address_length) == 5);
	check(!is_tcp(fd));
	fd = tcp(0);
	check(syscall(SYS_sendmsg, fd, &message, MSG_FASTOPEN) == 5 && !is_tcp(fd));
	fd = tcp(0);
	check(syscall(SYS_sendmmsg, fd, &several, 1, MSG_FASTOPEN) == 1 && !is_tcp(fd));
	check(several.msg_len == 5);
}

/* What is not of interest passes, with six arguments and libc's errno. */
static void syscall_as_ever(void)
{
	struct rlimit limit = {1000, 1000};
	struct epoll_event event = {.events = EPOLLOUT, .data.u64 = 7}, got;
	int fd, far, epoll;

	check(syscall(SYS_getpid) == getpid());
	errno = 0;
	check(syscall(SYS_close, -1) == -1 && errno == EBADF);
	check(syscall(-1) == -1 && errno == ENOSYS);
#ifdef SYS_io_uring_setup
	check(syscall(SYS_io_uring_setup, 8, &limit) == -1 && errno == ENOSYS);
#endif
	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	aim("127.0.0.1", 25);
	check(dial(tcp(0)) == 0); /* settles what may stand beyond the low numbers */
	fd = tcp(SOCK_NONBLOCK);
	far = (int)syscall(SYS_FCNTL, fd, F_DUPFD, 500);
	check(far == 500 && syscall(SYS_dup3, fd, 600, O_CLOEXEC) == 600);
	epoll = (int)syscall(SYS_epoll_create1, 0);
	check(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	check(dial(fd) == -1 && errno == EINPROGRESS);
	check(!is_tcp(fd) && !is_tcp(500) && !is_tcp(600));
	check(epoll_wait(epoll, &got, 1, 3000) == 1 && got.events == EPOLLOUT);
}

/* For "slow 300". */
static void select_waits(void)
{
	struct timeval little = {.tv_usec = 100000}, enough = {.tv_sec = 3};
	fd_set readers, writers;
	long begin = now_ms();
	int fd;

	aim("127.0.0.1", 25);
	fd = tcp(SOCK_NONBLOCK);
	check(dial(fd) == -1 && errno == EINPROGRESS);
	FD_ZERO(&readers);
	FD_ZERO(&writers);
	FD_SET(fd, &readers);
	FD_SET(fd, &writers);
	check(select(fd + 1, &readers, &writers, NULL, &little) == 0);
	FD_SET(fd, &writers);
	check(select(fd + 1, NULL, &writers, NULL, &enough) == 1 && FD_ISSET(fd, &writers));
	check(now_ms() - begin >= 290 && socket_error(fd) == 0);
	check(fcntl(fd, F_SETFL, 0) == 0);
	talk(fd);
}

/* For "slow 300": each way epoll can be told to wake, while the connection is being made. */
static void epoll_after(void)
{
	static const uint32_t ways[] = {0, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT};

	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | ways[i]}, got;
		int epoll = epoll_create1(0), fd;

		aim("127.0.0.1", 25);
		fd = tcp(SOCK_NONBLOCK);
		check(dial(fd) == -1 && errno == EINPROGRESS);
		check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
		check(epoll_wait(epoll, &got, 1, 100) == 0);
		check(epoll_wait(epoll, &got, 1, 3000) == 1 && (got.events & EPOLLOUT));
		check(!(got.events & (EPOLLERR | EPOLLHUP)) && dial(fd) == 0);
		usleep(100000);
		if (!(ways[i] & EPOLLET) || ways[i] & EPOLLONESHOT) /* the greeting is an edge, or came before */
			check(epoll_wait(epoll, &got, 1, 0) == !(ways[i] & EPOLLONESHOT));
		check(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0);
		check(epoll_wait(epoll, &got, 1, 3000) == 1);
		check(got.events == (EPOLLIN | EPOLLOUT));
		close(fd);
		close(epoll);
	}
}

/* For "slow 300": as a mail server does it, on a blocking socket that shall not wait. */
static void fastopen_without_waiting(void)
{
	struct pollfd p = {.events = POLLOUT};
	long begin = now_ms();
	int fd;

	aim("127.0.0.1", 25);
	p.fd = fd = tcp(0);
	check(sendto(fd, NULL, 0, MSG_DONTWAIT | MSG_FASTOPEN, (void *)&address, address_length) ==
			-1 &&
		errno == EINPROGRESS);
	check(now_ms() - begin < 250 && !is_tcp(fd));
	check(sendto(fd, "x", 1, MSG_DONTWAIT | MSG_FASTOPEN, (void *)&address, address_length) ==
			-1 &&
		errno == EALREADY);
	check(poll(&p, 1, 3000) == 1 && p.revents == POLLOUT && socket_error(fd) == 0);
	talk(fd);
}

static void bound(void)
{
	struct sockaddr_in source = {.sin_family = AF_INET, .sin_port = htons(4567)}, own;
	socklen_t length = sizeof(own);
	int fd;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	inet_pton(AF_INET, "127.0.0.77", &source.sin_addr);
	check(bind(fd, (void *)&source, sizeof(source)) == 0);
	check(dial(fd) == 0);
	check(getsockname(fd, (void *)&own, &length) == 0 && length == sizeof(own));
	check(own.sin_port == source.sin_port && own.sin_addr.s_addr == source.sin_addr.s_addr);
	talk(fd);
}

/* The driver gave the loopback device fe80::25. */
static void scoped(void)
{
	struct sockaddr_in6 *in6 = (void *)&address;
	int fd;

	aim("fe80::25", 25);
	in6->sin6_scope_id = if_nametoindex("lo");
	fd = tcp(0);
	check(dial(fd) == 0 && !is_tcp(fd));
	looks_like_tcp(fd);
	talk(fd);
	in6->sin6_scope_id = 0;
	check(dial(tcp(0)) == -1 && errno == EINVAL);
}

static int shared;

static void *connect_shared(void *result)
{
	*(int *)result = dial(shared) == 0 ? 0 : errno;
	return NULL;
}

/* For "slow 200": one socket, several threads; whoever comes late hears what TCP says. */
static void threads_on_one_socket(void)
{
	pthread_t ids[6];
	int results[6], connected = 0;

	aim("127.0.0.1", 25);
	for (int round = 0; round < 20; round++) {
		shared = tcp(0);
		for (int i = 0; i < 6; i++)
			check(pthread_create(&ids[i], NULL, connect_shared, &results[i]) == 0);
		for (int i = 0; i < 6; i++) {
			pthread_join(ids[i], NULL);
			connected += results[i] == 0;
			if (results[i] && results[i] != EISCONN && results[i] != EALREADY)
				fprintf(stderr, "errno %d; ", results[i]);
			check(results[i] == 0 || results[i] == EISCONN || results[i] == EALREADY);
		}
		check(!is_tcp(shared));
		talk(shared);
		close(shared);
	}
	check(connected >= 20);
}

/* Its memory is the parent's, its descriptors are not: connects, and runs another program. */
static void vfork_child(void)
{
	int status, out[2], before = descriptors();
	char line[16] = "";
	pid_t pid;

	aim("127.0.0.1", 25);
	check(pipe(out) == 0);
	pid = vfork();
	if (pid == 0) {
		int fd = tcp(0);

		if (dial(fd) != 0)
			_exit(1);
		dup2(fd, 0);
		dup2(out[1], 1);
		execl("/proc/self/exe", "client", "child", NULL);
		_exit(127);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0);
	check(read(out[0], line, sizeof(line)) == 2 && memcmp(line, "ok", 2) == 0);
	check(descriptors() == before + 2);
	check(dial(tcp(0)) == 0); /* and the parent connects as ever */
}

/* Between fork() and exec() of a program with threads: no lock of libc's may be needed. */
static void *forks(void *unused)
{
	for (int i = 0; i < 20; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			int fd = tcp(0);

			if (dial(fd) != 0 || dup2(fd, 0) != 0)
				_exit(1);
			close(1);
			check(open("/dev/null", O_WRONLY) == 1);
			execl("/proc/self/exe", "client", "child_quietly", NULL);
			_exit(127);
		}
		check(waitpid(pid, &status, 0) == pid && status == 0);
	}
	return unused;
}

static void between_fork_and_exec(void)
{
	pthread_t ids[4];

	aim("127.0.0.1", 25);
	for (int i = 0; i < 4; i++)
		check(pthread_create(&ids[i], NULL, forks, NULL) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
}

static void child_quietly(void)
{
	aim("127.0.0.1", 25);
	looks_like_tcp(0);
	talk(0);
}

const struct client_case ways_cases[] = {
	{"syscall_connect", syscall_connect},
	{"syscall_sends", syscall_sends},
	{"syscall_as_ever", syscall_as_ever},
	{"select_waits", select_waits},
	{"epoll_after", epoll_after},
	{"fastopen_without_waiting", fastopen_without_waiting},
	{"bound", bound},
	{"scoped", scoped},
	{"threads_on_one_socket", threads_on_one_socket},
	{"vfork_child", vfork_child},
	{"between_fork_and_exec", between_fork_and_exec},
	{"child_quietly", child_quietly},
	{NULL, NULL},
};
