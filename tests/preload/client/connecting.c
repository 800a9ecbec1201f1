/*
 * connecting: what becomes of the socket at connect(), and where the agent comes from.
 */
#include "tests/preload/client/client.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim/preload/sys.h"

static void blocking(void)
{
	int before, fd;

	before = descriptors();
	fd = tcp(0);
	errno = 77;
	check(dial(fd) == 0);
	check(errno == 77);
	check(!is_tcp(fd));
	looks_like_tcp(fd);
	talk(fd);
	check(dial(fd) == -1 && errno == EISCONN);
	check(fcntl(fd, F_GETFL) == O_RDWR && fcntl(fd, F_GETFD) == 0);
	check(descriptors() == before + 1);
	close(fd);
}

static void blocking4(void)
{
	aim("127.0.0.1", 25);
	blocking();
}

static void blocking6(void)
{
	aim("::1", 25);
	blocking();
}

static void mapped(void)
{
	aim("::ffff:127.0.0.1", 25);
	blocking();
}

/* For "slow 300": not writable before the connection is up. */
static void nonblocking(void)
{
	int before = descriptors(), fd, epoll = epoll_create1(EPOLL_CLOEXEC);
	struct pollfd p = {.events = POLLOUT};
	struct epoll_event event = {.events = EPOLLOUT};
	long begin = now_ms();
	socklen_t length = sizeof(address);

	aim("127.0.0.1", 25);
	p.fd = fd = tcp(SOCK_NONBLOCK | SOCK_CLOEXEC);
	check(dial(fd) == -1 && errno == EINPROGRESS);
	check(now_ms() - begin < 250);
	check(!is_tcp(fd));
	check(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK) && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	check(dial(fd) == -1 && errno == EALREADY);
	check(getpeername(fd, (void *)&address, &length) == -1 && errno == ENOTCONN);
	check(socket_error(fd) == 0);
	check(poll(&p, 1, 50) == 0);
	check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	check(epoll_wait(epoll, &event, 1, 3000) == 1 && event.events == EPOLLOUT);
	check(now_ms() - begin >= 290);
	check(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	aim("127.0.0.1", 25);
	looks_like_tcp(fd);
	check(dial(fd) == 0);
	check(dial(fd) == -1 && errno == EISCONN);
	check(fcntl(fd, F_SETFL, O_RDWR) == 0);
	talk(fd);
	check(descriptors() == before + 2);
}

static void refused(void)
{
	int before = descriptors(), fd;

	aim("127.0.0.1", CLOSED_PORT);
	fd = tcp(SOCK_CLOEXEC);
	check(dial(fd) == -1 && errno == ECONNREFUSED);
	check(is_unconnected_tcp(fd));
	check(fcntl(fd, F_GETFL) == O_RDWR && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	check(socket_error(fd) == 0);
	check(descriptors() == before + 1);
	aim("127.0.0.1", 25);
	check(dial(fd) == 0);
	check(!is_tcp(fd));
	talk(fd);
	check(descriptors() == before + 1);
}

/* For "slow 300": a socket that epoll knew before connect(), level (0) and edge (EPOLLET). */
static void registered(uint32_t how)
{
	int epolls[2] = {epoll_create1(EPOLL_CLOEXEC), epoll_create(1)}, fd, copy;
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | how}, got[4];
	char line[32];
	long begin;

	aim("127.0.0.1", 25);
	fd = tcp(SOCK_NONBLOCK);
	copy = dup(fd);
	event.data.u64 = 0x123456789abcdef0;
	check(epoll_ctl(epolls[0], EPOLL_CTL_ADD, fd, &event) == 0);
	event.data.u64 = 7;
	check(epoll_ctl(epolls[1], EPOLL_CTL_ADD, copy, &event) == 0);
	check(epoll_wait(epolls[0], got, 4, 0) == 1); /* as TCP: EPOLLHUP */
	begin = now_ms();
	check(dial(fd) == -1 && errno == EINPROGRESS);
	check(epoll_wait(epolls[0], got, 4, 100) == 0);
	for (int i = 0; i < 2; i++) {
		check(epoll_wait(epolls[i], got, 4, 3000) == 1);
		check(now_ms() - begin >= 290 && (got[0].events & ~(uint32_t)EPOLLIN) == EPOLLOUT);
		check(got[0].data.u64 == (i ? 7 : 0x123456789abcdef0));
	}
	event.events = EPOLLIN | how;
	check(epoll_ctl(epolls[0], EPOLL_CTL_MOD, fd, &event) == 0);
	check(epoll_wait(epolls[0], got, 4, 3000) == 1 && got[0].events == EPOLLIN);
	check(read(fd, line, sizeof(line)) == 10);
	check(epoll_wait(epolls[0], got, 4, 0) == 0);
	check(write(fd, "hello", 5) == 5);
	check(epoll_wait(epolls[0], got, 4, 3000) == 1 && got[0].events == EPOLLIN);
	check(epoll_ctl(epolls[0], EPOLL_CTL_DEL, fd, &event) == 0);
	check(epoll_wait(epolls[0], got, 4, 50) == 0);
}

static void epoll_level(void)
{
	registered(0);
}

static void epoll_edge(void)
{
	registered(EPOLLET);
}

/* The refusal comes at once: TCP is back, and epoll knows it. */
static void epoll_refused(void)
{
	struct epoll_event event = {.events = EPOLLOUT, .data.u64 = 5}, got[2];
	int epoll = epoll_create1(0), fd;

	aim("127.0.0.1", 25);
	fd = tcp(SOCK_NONBLOCK);
	check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	check(dial(fd) == -1 && errno == EHOSTUNREACH && is_unconnected_tcp(fd));
	check(epoll_wait(epoll, got, 2, 0) == 1 && got[0].data.u64 == 5);
	check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1 && errno == EEXIST);
	check(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event) == 0);
	check(epoll_wait(epoll, got, 2, 0) == 0);
}

/* Among many others, which keep theirs. */
static void epoll_among_many(void)
{
	struct epoll_event event = {.events = EPOLLIN}, got[2];
	int epoll = epoll_create1(0), fd, other;

	for (int i = 0; i < 700; i++) {
		other = socket(AF_INET, SOCK_DGRAM, 0);
		event.data.fd = other;
		check(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event) == 0);
	}
	aim("127.0.0.1", 25);
	fd = tcp(SOCK_NONBLOCK);
	event.events = EPOLLOUT | EPOLLONESHOT;
	event.data.fd = fd;
	check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	check(dial(fd) == -1 && errno == EINPROGRESS);
	check(epoll_wait(epoll, got, 2, 3000) == 1 && got[0].data.fd == fd);
	check(got[0].events == EPOLLOUT);
	check(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0);
	check(epoll_ctl(epoll, EPOLL_CTL_DEL, other, &event) == 0);
}

/* For "slow 200": the refusal comes after the wait. */
static void refused_later(void)
{
	int fd;
	struct pollfd p = {.events = POLLOUT};
	socklen_t length = sizeof(address);

	aim("127.0.0.1", CLOSED_PORT);
	p.fd = fd = tcp(SOCK_NONBLOCK);
	check(dial(fd) == -1 && errno == EINPROGRESS);
	check(poll(&p, 1, 100) == 0);
	check(poll(&p, 1, 3000) == 1 && (p.revents & POLLERR) && (p.revents & POLLHUP));
	check(socket_error(fd) == ECONNREFUSED);
	check(getpeername(fd, (void *)&address, &length) == -1 && errno == ENOTCONN);
	aim("127.0.0.1", CLOSED_PORT);
	check(socket_error(fd) == 0); /* told once, as by TCP */
	check(dial(fd) == -1 && errno == ECONNABORTED);
	check(!is_tcp(fd));
}

/* For "slow 500". */
static void eintr(void)
{
	int before = descriptors(), fd;
	long begin;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	handle(SIGALRM, 0);
	alarm_in(200);
	begin = now_ms();
	check(dial(fd) == -1 && errno == EINTR && signals == 1);
	check(now_ms() - begin < 400);
	check(!is_tcp(fd));
	check(descriptors() == before + 1);
	check(dial(fd) == 0); /* as Linux does: waits, and says 0 */
	check(dial(fd) == -1 && errno == EISCONN);
	talk(fd);
	fd = tcp(0);
	handle(SIGALRM, SA_RESTART);
	alarm_in(200);
	begin = now_ms();
	check(dial(fd) == 0 && signals == 2);
	check(now_ms() - begin >= 490);
	talk(fd);
}

/* For "slow-ack 300": the signal comes while none is let in. */
static void eintr_early(void)
{
	int fd;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	handle(SIGALRM, 0);
	alarm_in(100);
	check(dial(fd) == -1 && errno == EINTR && signals == 1);
	check(!is_tcp(fd));
	check(dial(fd) == 0);
	talk(fd);
	handle(SIGALRM, SA_RESTART);
	alarm_in(100);
	fd = tcp(0);
	check(dial(fd) == 0 && signals == 2);
	talk(fd);
}

/* For "slow 500". */
static void send_timeout(void)
{
	struct timeval timeout = {.tv_usec = 200000}, got;
	socklen_t length = sizeof(got);
	struct pollfd p = {.events = POLLOUT};
	long begin = now_ms();
	int fd;

	aim("127.0.0.1", 25);
	p.fd = fd = tcp(0);
	check(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0);
	check(dial(fd) == -1 && errno == EINPROGRESS);
	check(now_ms() - begin >= 190 && now_ms() - begin < 450);
	check(!is_tcp(fd));
	check(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &got, &length) == 0 &&
		got.tv_usec / 10000 == 20);
	check(poll(&p, 1, 0) == 0);
	check(poll(&p, 1, 2000) == 1 && p.revents == POLLOUT);
	check(dial(fd) == 0);
	talk(fd);
}

static void no_children(void)
{
	int fd;

	handle(SIGCHLD, 0);
	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(dial(fd) == 0);
	check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	check(signals == 0);
	talk(fd);
}

static void inherited(void)
{
	char number[16];
	int fd, status, out[2];
	char line[16] = "";

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(dial(fd) == 0 && pipe(out) == 0);
	snprintf(number, sizeof(number), "%d", fd);
	if (fork() == 0) {
		dup2(fd, 0);
		dup2(out[1], 1);
		execl("/proc/self/exe", "client", "child", number, NULL);
		_exit(127);
	}
	close(fd);
	check(wait(&status) > 0 && status == 0);
	check(read(out[0], line, sizeof(line)) == 2 && memcmp(line, "ok", 2) == 0);
}

/* After exec: the names still tell what the socket is. */
static void child(void)
{
	aim("127.0.0.1", 25);
	looks_like_tcp(0);
	talk(0);
	check(write(1, "ok", 2) == 2);
}

static void many(void)
{
	int before = descriptors();
	long begin = now_ms();

	aim("127.0.0.1", 25);
	for (int i = 0; i < 1000; i++) {
		int fd = tcp(0);

		check(dial(fd) == 0);
		close(fd);
	}
	check(descriptors() == before);
	fprintf(stderr, "1000 connects: %ld ms\n", now_ms() - begin);
}

static void *thread(void *unused)
{
	for (int i = 0; i < 50; i++) {
		int fd = tcp(0);

		check(dial(fd) == 0);
		talk(fd);
		close(fd);
	}
	return unused;
}

static void threads(void)
{
	pthread_t ids[8];
	pthread_attr_t small;

	aim("127.0.0.1", 25);
	pthread_attr_init(&small);
	check(pthread_attr_setstacksize(&small, 16384) == 0);
	for (int i = 0; i < 8; i++)
		check(pthread_create(&ids[i], &small, thread, NULL) == 0);
	for (int i = 0; i < 8; i++)
		pthread_join(ids[i], NULL);
}

static void in_handler(int number)
{
	int fd = tcp(0);

	(void)number;
	check(dial(fd) == 0);
	talk(fd);
	close(fd);
}

static void signal_handler(void)
{
	static char memory[8192];
	stack_t small = {.ss_sp = memory, .ss_size = sizeof(memory)};
	struct sigaction action = {.sa_handler = in_handler, .sa_flags = SA_ONSTACK};

	aim("127.0.0.1", 25);
	signal(SIGUSR1, in_handler);
	raise(SIGUSR1);
	check(sigaltstack(&small, NULL) == 0 && sigaction(SIGUSR2, &action, NULL) == 0);
	raise(SIGUSR2);
}

/* From no free descriptor to enough: an error each time, nothing lost, and TCP stays. */
static void no_descriptors(void)
{
	struct rlimit limit;
	int before, fd, next, spare = 0, failed = 0;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	getrlimit(RLIMIT_NOFILE, &limit);
	before = descriptors();
	next = dup(0);
	close(next);
	for (;; spare++, failed++) {
		limit.rlim_cur = (rlim_t)(next + spare);
		check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
		if (dial(fd) == 0)
			break;
		check(errno == EMFILE);
		check(is_unconnected_tcp(fd));
	}
	limit.rlim_cur = limit.rlim_max;
	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	check(failed >= 3 && failed < 8 && descriptors() == before);
	talk(fd);
}

static void fails_leaving_tcp(void)
{
	int before = descriptors(), fd;
	long begin = now_ms();

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(dial(fd) == -1 && errno == ECONNREFUSED);
	check(now_ms() - begin < 6000);
	check(is_unconnected_tcp(fd) && fcntl(fd, F_GETFL) == O_RDWR);
	check(descriptors() == before + 1);
}

/* The agent had the TCP socket and is gone: what is left can never be connected again. */
static void fails_leaving_nothing(void)
{
	int before = descriptors(), fd;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(dial(fd) == -1 && errno == ECONNREFUSED);
	check(!is_tcp(fd));
	check(send(fd, "x", 1, MSG_NOSIGNAL) == -1);
	check(descriptors() == before + 1);
}

static void nonblocking_fails_leaving_tcp(void)
{
	int fd;

	aim("127.0.0.1", 25);
	fd = tcp(SOCK_NONBLOCK);
	check(dial(fd) == -1 && errno == ECONNREFUSED);
	check(is_unconnected_tcp(fd) && fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
}

/* The agent died after the acknowledgement. */
static void nonblocking_lost(void)
{
	struct pollfd p = {.events = POLLOUT};
	int fd;

	aim("127.0.0.1", 25);
	p.fd = fd = tcp(SOCK_NONBLOCK);
	check(dial(fd) == -1 && errno == EINPROGRESS);
	check(poll(&p, 1, 3000) == 1 && (p.revents & POLLHUP));
	check(socket_error(fd) != 0);
	check(!is_tcp(fd));
	check(dial(fd) == -1 && errno == ECONNABORTED);
}

static void fails_leaving_dead_pair(void)
{
	int before = descriptors(), fd;
	long begin = now_ms();
	char byte;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(dial(fd) == -1 && (errno == ETIMEDOUT || errno == ECONNREFUSED));
	check(now_ms() - begin < 6000);
	check(!is_tcp(fd));
	check(read(fd, &byte, 1) <= 0);
	check(dial(fd) == -1 && errno == ECONNREFUSED);
	check(descriptors() == before + 1);
}

static void hostunreach(void)
{
	int fd;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(dial(fd) == -1 && errno == EHOSTUNREACH);
	check(is_unconnected_tcp(fd));
}

static void duplicates(void)
{
	int fd, other, far;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	other = fcntl(fd, F_DUPFD_CLOEXEC, 40);
	far = dup2(fd, 63);
	check(other == 40 && far == 63 && dial(fd) == 0);
	check(!is_tcp(other) && !is_tcp(far));
	check(fcntl(other, F_GETFD) == FD_CLOEXEC && fcntl(far, F_GETFD) == 0);
	talk(far);
	aim("127.0.0.1", CLOSED_PORT);
	fd = tcp(0);
	other = dup(fd);
	check(dial(fd) == -1 && errno == ECONNREFUSED);
	check(is_unconnected_tcp(fd) && is_unconnected_tcp(other));
}

/* Whoever finds the socket under any of its numbers finds the pair. */
static void all_swapped(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		check(!is_tcp(fds[i]));
	talk(fds[count - 1]);
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

/* Fewer descriptors are allowed than are looked at, and one stands beyond the limit. */
static void duplicates_and_few_allowed(void)
{
	struct rlimit limit = {20, 20};
	int fds[3];

	aim("127.0.0.1", 25);
	fds[0] = tcp(0);
	fds[1] = dup2(fds[0], 63);
	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	check(dial(tcp(0)) == 0); /* the first one looks at all */
	/* What stands beyond the limit cannot be replaced any more. */
	check(dial(fds[0]) == -1 && errno == ECONNREFUSED);
	check(is_unconnected_tcp(fds[0]) && is_unconnected_tcp(fds[1]));
	fds[0] = tcp(0);
	fds[1] = dup(fds[0]);
	fds[2] = fcntl(fds[0], F_DUPFD, 15);
	check(dial(fds[0]) == 0);
	all_swapped(fds, 3);
}

static void far_duplicates(void)
{
	struct rlimit limit = {2000, 2000};
	int fds[6];

	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	aim("127.0.0.1", 25);
	for (int round = 0; round < 4; round++) {
		fds[0] = tcp(0);
		fds[1] = dup(fds[0]);
		fds[2] = dup2(fds[0], 100);
		fds[3] = dup3(fds[0], 1900, O_CLOEXEC);
		fds[4] = fcntl(fds[0], F_DUPFD, 300);
		fds[5] = fcntl(fds[0], F_DUPFD_CLOEXEC, 400);
		check(fds[2] == 100 && fds[3] == 1900 && fds[4] == 300 && fds[5] == 400);
		check(dial(fds[round]) == 0);
		check(fcntl(1900, F_GETFD) == FD_CLOEXEC && fcntl(300, F_GETFD) == 0);
		all_swapped(fds, 6);
	}
	fds[0] = tcp(0);
	for (int i = 200; i < 240; i++)
		check(dup2(fds[0], i) == i);
	check(dial(fds[0]) == -1 && errno == EMFILE);
	check(is_unconnected_tcp(fds[0]) && is_unconnected_tcp(220));
}

/* Sends a descriptor to itself, and gets it under a high number. */
static int received(int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	char byte = 'x';
	struct iovec piece = {&byte, 1};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control};
	int ends[2], got = -1;

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	message.msg_controllen = CMSG_SPACE(sizeof(int));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	check(sendmsg(ends[0], &message, 0) == 1);
	message.msg_controllen = CMSG_SPACE(sizeof(int));
	check(recvmsg(ends[1], &message, 0) == 1);
	memcpy(&got, CMSG_DATA(&control.head), sizeof(got));
	close(ends[0]);
	close(ends[1]);
	return got;
}

static void far_received(void)
{
	int fds[2];

	aim("127.0.0.1", 25);
	check(dial(tcp(0)) == 0); /* settles what may stand beyond the low numbers */
	while (dup(0) < 70)
		;
	fds[0] = tcp(0);
	fds[1] = received(fds[0]);
	check(fds[1] > 70 && dial(fds[0]) == 0);
	all_swapped(fds, 2);
#ifdef SYS_pidfd_getfd
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0);

	fds[0] = tcp(0);
	fds[1] = (int)syscall(SYS_pidfd_getfd, self, fds[0], 0);
	if (fds[1] < 0)
		return;
	check(fds[1] > 70 && dial(fds[0]) == 0);
	all_swapped(fds, 2);
#endif
}

/* A listener may be connected after all. */
static void far_listener(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fds[2];

	aim("127.0.0.1", 25);
	fds[0] = tcp(0);
	check(bind(fds[0], (void *)&any, sizeof(any)) == 0 && listen(fds[0], 1) == 0);
	fds[1] = dup2(fds[0], 101);
	check(dial(tcp(0)) == 0);
	check(shutdown(fds[0], SHUT_RD) == 0 && dial(fds[0]) == 0);
	all_swapped(fds, 2);
}

static int ahead; /* the socket that another thread duplicates far away */
static volatile bool enough;

static void *duplicate_far(void *unused)
{
	while (!enough) {
		check(dup2(ahead, 100) == 100);
		close(100);
	}
	return unused;
}

/* A duplicate far away may be on its way while the socket is swapped. */
static void far_meanwhile(void)
{
	struct stat st, own;
	pthread_t thread;

	aim("127.0.0.1", 25);
	check(dial(tcp(0)) == 0);
	ahead = tcp(0);
	check(pthread_create(&thread, NULL, duplicate_far, NULL) == 0);
	for (int i = 0; i < 300; i++) {
		int next = tcp(0);

		check(fstat(next, &own) == 0 && dup2(next, ahead) == ahead && close(next) == 0);
		if (dial(ahead) != 0)
			check(errno == ECONNREFUSED);
		else
			check(fstat(100, &st) != 0 || st.st_ino != own.st_ino);
	}
	enough = true;
	pthread_join(thread, NULL);
}

/* fcntl() does what it did, whatever its argument is. */
static void fcntl_as_ever(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	struct f_owner_ex owner = {F_OWNER_PID, getpid()}, got = {F_OWNER_TID, 0};
	int fd = open("locked", O_RDWR | O_CREAT, 0600), status;

	check(fcntl(fd, F_SETLK, &lock) == 0);
	if (fork() == 0)
		_exit(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK &&
				      lock.l_pid == getppid()
			      ? 0
			      : 1);
	check(wait(&status) > 0 && status == 0);
	check(fcntl(fd, F_SETOWN_EX, &owner) == 0 && fcntl(fd, F_GETOWN_EX, &got) == 0);
	check(got.type == F_OWNER_PID && got.pid == getpid());
	check(fcntl(fd, F_GETFD) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
	check(fcntl(fd, F_GETFD) == FD_CLOEXEC && fcntl(fd, F_SETFL, O_APPEND) == 0);
	check((fcntl(fd, F_GETFL) & O_APPEND) != 0);
	errno = 0;
	check(fcntl(-1, F_GETFL) == -1 && errno == EBADF);
	check(dup(-1) == -1 && errno == EBADF && dup2(-1, 5) == -1 && dup2(fd, fd) == fd);
	check(dup3(fd, fd, 0) == -1 && errno == EINVAL);
}

/* Two sockets, each twice, beyond the low numbers. */
static void far_inherited(void)
{
	aim("127.0.0.1", 25);
	for (int i = 0; i < 2; i++) {
		int fd = tcp(0);

		check(sys(SYS_dup3, fd, 200 + i, 0) == 200 + i);
		check(sys(SYS_dup3, fd, 500 + i, 0) == 500 + i);
		close(fd);
	}
	execl("/proc/self/exe", "client", "far_inheritor", NULL);
}

static void far_inheritor(void)
{
	aim("127.0.0.1", 25);
	check(dial(tcp(0)) == 0);
	for (int i = 0; i < 2; i++) {
		int fds[] = {200 + i, 500 + i};

		check(dial(fds[i]) == 0);
		all_swapped(fds, 2);
	}
}

/* Among many files of other kinds. */
static void many_descriptors(void)
{
	struct rlimit limit = {11000, 11000};

	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		exit(77);
	for (int i = 0; i < 10000; i++)
		check(open("/dev/null", O_RDONLY) >= 0);
	aim("127.0.0.1", 25);
	for (int i = 0; i < 100; i++)
		check(dial(tcp(0)) == 0);
}

static void untouched(void)
{
	int fd;

	aim("127.0.0.1", OTHER_PORT);
	fd = tcp(0);
	check(dial(fd) == 0 && is_tcp(fd));
	talk(fd);
	aim("127.0.0.1", 25);
	check(dial(fd) == -1 && errno == EISCONN && is_tcp(fd));
	looks_like_tcp((aim("127.0.0.1", OTHER_PORT), fd));
	aim("127.0.0.1", 25);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	check(dial(fd) == 0 && is_tcp(fd));
	check(connect(-1, (void *)&address, address_length) == -1 && errno == EBADF);
	check(connect(0, (void *)&address, address_length) == -1 && errno == ENOTSOCK);
	fd = tcp(0);
	check(connect(fd, (void *)&address, 4) == -1 && errno == EINVAL);
	aim("::1", 25);
	check(dial(fd) == -1 && errno == EAFNOSUPPORT && is_unconnected_tcp(fd));
}

static void fastopen(void)
{
	struct iovec piece = {"hello", 5};
	struct msghdr message = {.msg_name = &address, .msg_iov = &piece, .msg_iovlen = 1};
	char line[32];
	int fd;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(sendto(fd, "hello", 5, MSG_FASTOPEN, (void *)&address, address_length) == 5);
	check(!is_tcp(fd));
	check(read(fd, line, 10) == 10 && read(fd, line, 5) == 5 && memcmp(line, "hello", 5) == 0);
	fd = tcp(SOCK_NONBLOCK);
	check(sendto(fd, NULL, 0, MSG_FASTOPEN, (void *)&address, address_length) == -1 &&
		errno == EINPROGRESS);
	check(!is_tcp(fd));
	fd = tcp(0);
	message.msg_namelen = address_length;
	check(sendmsg(fd, &message, MSG_FASTOPEN) == 5);
	check(!is_tcp(fd));
}

static void mptcp(void)
{
	int fd;

	aim("127.0.0.1", 25);
	fd = socket(AF_INET, SOCK_STREAM, 262);
	if (fd < 0)
		exit(77);
	check(dial(fd) == 0 && !is_tcp(fd));
	talk(fd);
	/* One that is connected elsewhere stays so. */
	aim("127.0.0.1", OTHER_PORT);
	fd = socket(AF_INET, SOCK_STREAM, 262);
	check(dial(fd) == 0 && is_tcp(fd));
	aim("127.0.0.1", 25);
	check(dial(fd) == -1 && errno == EISCONN && is_tcp(fd));
	talk(fd);
}

/* The names are in the private /etc/hosts that the driver made. */
static void names(void)
{
	struct addrinfo wish = {.ai_socktype = SOCK_STREAM}, *result;
	struct hostent host, *found;
	char buffer[1024];
	int error, fd;

	check(getaddrinfo("mx.first.test", "25", &wish, &result) == 0);
	check(getaddrinfo("127.0.0.9", "25", &wish, &result) == 0);
	check(getaddrinfo("127.9", "25", &wish, &result) == 0);
	check(gethostbyname("mx.second.test") != NULL);
	check(gethostbyname2("mx.third.test", AF_INET) != NULL);
	check(gethostbyname_r("mx.fourth.test", &host, buffer, sizeof(buffer), &found, &error) ==
			0 &&
		found);
	check(gethostbyname2_r("mx.fifth.test", AF_INET, &host, buffer, sizeof(buffer), &found,
		      &error) == 0);
	check(gethostbyname("mx.other.test") != NULL);
	aim("127.0.0.9", 25);
	fd = tcp(0);
	check(dial(fd) == 0);
	talk(fd);
}

static void no_names(void)
{
	int fd;

	aim("127.0.0.9", 25);
	fd = tcp(0);
	check(dial(fd) == 0);
}

static void root_changed(void)
{
	int fd;

	aim("127.0.0.1", 25);
	check(chroot("/proc/self/cwd/root") == 0);
	fd = tcp(0);
	check(dial(fd) == -1 && errno == ECONNREFUSED && is_unconnected_tcp(fd));
}

/* The process that served the first request, by its log. */
static pid_t agent_pid(void)
{
	FILE *f = fopen(getenv("MAILSEAL_LOG"), "r");
	int pid = 0;

	check(f && fscanf(f, "request pid=%d", &pid) == 1);
	fclose(f);
	return pid;
}

static bool listens(pid_t pid, const struct sockaddr_un *sun, socklen_t length)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	if (connect(fd, (const void *)sun, length) == 0)
		check(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0);
	close(fd);
	return peer.pid == pid;
}

/* The abstract name where a process listens. */
static socklen_t agent_name(pid_t pid, struct sockaddr_un *sun)
{
	FILE *f = fopen("/proc/net/unix", "r");
	socklen_t length;
	char line[512], *at;

	check(f);
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, "@mailseal/1/");
		if (!at)
			continue;
		at[strcspn(at, "\n")] = '\0';
		memset(sun, 0, sizeof(*sun));
		sun->sun_family = AF_UNIX;
		memcpy(sun->sun_path + 1, at + 1, strlen(at + 1));
		length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(at));
		if (listens(pid, sun, length)) {
			fclose(f);
			return length;
		}
	}
	check(!"the agent listens");
	return 0;
}

/* Listens on the agent's name as `uid`; exits 0 if callers came and not one sent a byte. */
static void squat(const struct sockaddr_un *sun, socklen_t length, uid_t uid, int ready)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), caller, callers = 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char bytes[16384];

	check(setuid(uid) == 0);
	while (bind(fd, (const void *)sun, length) != 0)
		usleep(1000);
	check(listen(fd, 16) == 0 && write(ready, "x", 1) == 1);
	for (; poll(&p, 1, callers ? 500 : 5000) > 0; callers++) {
		caller = accept(fd, NULL, NULL);
		check(recv(caller, bytes, sizeof(bytes), 0) <= 0);
		close(caller);
	}
	_exit(callers ? 0 : 1);
}

static void with_squatter(uid_t uid)
{
	struct sockaddr_un sun;
	int ready[2], status, fd, before;
	socklen_t length;
	pid_t pid;
	char byte;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(dial(fd) == 0);
	close(fd);
	pid = agent_pid();
	length = agent_name(pid, &sun);
	kill(pid, SIGKILL);
	check(pipe(ready) == 0);
	pid = fork();
	if (pid == 0)
		squat(&sun, length, uid, ready[1]);
	check(read(ready[0], &byte, 1) == 1);
	before = descriptors();
	fd = tcp(0);
	check(dial(fd) == 0);
	talk(fd);
	check(descriptors() == before + 1);
	check(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Somebody holds the name, and neither listens nor goes away. */
static void squatted_without_listening(void)
{
	struct sockaddr_un sun;
	int squatter = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), fd;
	socklen_t length;
	pid_t pid;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(dial(fd) == 0);
	close(fd);
	pid = agent_pid();
	length = agent_name(pid, &sun);
	kill(pid, SIGKILL);
	while (bind(squatter, (const void *)&sun, length) != 0)
		usleep(1000);
	fd = tcp(0);
	check(dial(fd) == 0);
	talk(fd);
}

static void squatted_by_other_user(void)
{
	with_squatter(1234);
}

static void as_other_user(void)
{
	check(setuid(1234) == 0);
}

/* Root of another container, which shares the network. */
static void in_other_container(void)
{
	check(unshare(CLONE_NEWNS) == 0);
}

/* Who went into a chroot would read the configuration that he finds there. */
static void in_other_root(void)
{
	check(chroot("/proc/self/cwd/root") == 0 && chdir("/") == 0);
}

/* The agent's own program, but run by somebody else, with a configuration of his. */
static void squat_with_agent(
	const struct sockaddr_un *sun, socklen_t length, void (*become)(void), int ready)
{
	int program = open(getenv("MAILSEAL_AGENT"), O_RDONLY | O_CLOEXEC), fd;
	char *argv[] = {(char *)"mailseal-agent", NULL}, *envp[] = {NULL};

	check(program >= 0);
	become();
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	while (bind(fd, (const void *)sun, length) != 0)
		usleep(1000);
	check(listen(fd, 16) == 0 && fcntl(ready, F_SETFD, FD_CLOEXEC) == 0);
	program = fcntl(program, F_DUPFD_CLOEXEC, 10);
	ready = fcntl(ready, F_DUPFD_CLOEXEC, 10);
	check(dup2(fd, 3) == 3);
	for (int i = 4; i < 10; i++)
		close(i);
	fexecve(program, argv, envp);
	_exit(127);
}

static void with_foreign_agent(void (*become)(void))
{
	struct sockaddr_un sun;
	int ready[2], fd;
	socklen_t length;
	pid_t pid;
	char byte;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(dial(fd) == 0);
	close(fd);
	pid = agent_pid();
	length = agent_name(pid, &sun);
	kill(pid, SIGKILL);
	check(pipe(ready) == 0);
	pid = fork();
	if (pid == 0)
		squat_with_agent(&sun, length, become, ready[1]);
	close(ready[1]);
	check(read(ready[0], &byte, 1) == 0); /* it runs */
	fd = tcp(0);
	check(dial(fd) == 0);
	talk(fd);
	check(requests_logged() == 2);
	kill(pid, SIGKILL);
}

static void squatted_by_other_users_agent(void)
{
	with_foreign_agent(as_other_user);
}

static void squatted_by_other_container(void)
{
	with_foreign_agent(in_other_container);
}

static void squatted_in_other_root(void)
{
	with_foreign_agent(in_other_root);
}

/* A user namespace that maps nobody: there we are the one whom the kernel cannot name. */
static void unmapped(void)
{
	int fd;

	aim("127.0.0.1", 25);
	if (unshare(CLONE_NEWUSER) != 0)
		exit(77);
	fd = tcp(0);
	check(dial(fd) == 0);
	talk(fd);
}

static void squatted_by_other_program(void)
{
	with_squatter(0);
}

/* Programs of one service, each with limits of its own: the last one is as the first, but for a
 * soft limit, which an agent does not take over. */
static void limited(void)
{
	static const struct {
		int name;
		struct rlimit limit;
	} rows[] = {
		{RLIMIT_FSIZE, {1000000, RLIM_INFINITY}},
		{RLIMIT_NOFILE, {30, 30}},
		{RLIMIT_AS, {1 << 30, 1 << 30}},
		{RLIMIT_DATA, {1 << 30, 1 << 30}},
		{RLIMIT_CPU, {50, 50}},
		{RLIMIT_FSIZE, {1000000, 1000000}},
		{RLIMIT_NPROC, {5000, 5000}},
		{RLIMIT_STACK, {65536, 1 << 20}},
		{RLIMIT_FSIZE, {500000, RLIM_INFINITY}},
	};
	int count = sizeof(rows) / sizeof(rows[0]), status;

	aim("127.0.0.1", 25);
	for (int i = 0; i < count; i++) {
		if (fork() == 0) {
			check(setrlimit(rows[i].name, &rows[i].limit) == 0);
			check(dial(tcp(0)) == 0);
			exit(0);
		}
		check(wait(&status) > 0 && status == 0);
	}
	check(requests_logged() == count && agents_logged() == count);
	check(dial(tcp(0)) == 0);
	check(agents_logged() == count);
}

static void chdir_first(void)
{
	check(chdir("/") == 0);
	blocking4();
}

/* Starts itself again from a directory that has no name any more. */
static void no_directory(void)
{
	check(mkdir("gone", 0700) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0);
	execl("/proc/self/exe", "client", "fails_leaving_tcp", NULL);
}

static int processes_of(uid_t uid)
{
	DIR *d = opendir("/proc");
	struct dirent *entry;
	struct stat st;
	int n = 0;

	check(d);
	while ((entry = readdir(d)))
		n += entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		     fstatat(dirfd(d), entry->d_name, &st, 0) == 0 && st.st_uid == uid;
	closedir(d);
	return n;
}

/* `nobody`: the kernel's word for whom it cannot name, so no listener could prove to be his. */
static void overflow_uid(void)
{
	long begin;
	int fd;

	aim("127.0.0.1", 25);
	check(setgid(65534) == 0 && setuid(65534) == 0);
	fd = tcp(0);
	begin = now_ms();
	check(dial(fd) == 0);
	check(now_ms() - begin < 1000);
	talk(fd);
	check(requests_logged() == 1);
	/* This one and the agent, and none that listens in vain. */
	for (int i = 0; processes_of(65534) != 2; i++)
		check(i < 100 && usleep(10000) == 0);
}

static void no_unix_sockets(void)
{
	int before, fd;

	aim("127.0.0.1", 25);
	fd = tcp(0); /* AF_INET is 2, AF_UNIX 1 */
	before = descriptors();
	forbid(SYS_socket, 1, EAFNOSUPPORT);
	check(dial(fd) == 0);
	looks_like_tcp(fd);
	talk(fd);
	check(descriptors() == before);
}

/* Where the descriptors cannot be listed, each number is asked. One above a limit that came later
 * cannot be swapped, and must not be left behind. */
static void no_walk(void)
{
	struct rlimit limit = {2000, 2000}, lowered = {1000, 1000};
	int fds[4];

	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	forbid(SYS_getdents64, -1, EPERM);
	aim("127.0.0.1", 25);
	for (int round = 0; round < 2; round++) {
		fds[0] = tcp(0);
		fds[1] = dup(fds[0]);
		fds[2] = fcntl(fds[0], F_DUPFD, 300);
		fds[3] = dup3(fds[0], 1900, O_CLOEXEC);
		if (round) {
			check(setrlimit(RLIMIT_NOFILE, &lowered) == 0);
			check(dial(fds[0]) == -1 && errno == ECONNREFUSED);
			check(is_unconnected_tcp(fds[0]) && is_unconnected_tcp(fds[2]) && is_unconnected_tcp(1900));
			return;
		}
		check(dial(fds[0]) == 0);
		check(fcntl(1900, F_GETFD) == FD_CLOEXEC && fcntl(300, F_GETFD) == 0);
		all_swapped(fds, 4);
	}
}

/* A socket that cannot be looked at might be one for mail. */
static void no_look(void)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	int fd;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	forbid(SYS_getsockopt, -1, EPERM);
	check(dial(fd) == -1 && errno == ECONNREFUSED);
	check(sys(SYS_getpeername, fd, &peer, &length) == -ENOTCONN);
}

static bool is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static sigjmp_buf out_of_connect;

static void jump(int number)
{
	siglongjmp(out_of_connect, number);
}

/* For "slow 1500": whoever jumps out of connect() is left with no TCP socket, now or when it is connected. */
static void jumps_out(void)
{
	struct itimerval soon = {.it_value = {.tv_usec = 300000}};
	volatile int fd;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	signal(SIGALRM, jump);
	if (sigsetjmp(out_of_connect, 1) == 0) {
		setitimer(ITIMER_REAL, &soon, NULL);
		dial(fd);
		check(false);
	}
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 64; i++)
			check(!is_socket(i) || !is_tcp(i));
		usleep(1500000);
	}
}

/* Whoever jumps out of dup2() again and again can connect all the same. */
static void jumps_out_of_dup(void)
{
	struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
	volatile int jumps = 0;
	int fd;

	aim("127.0.0.1", 25);
	check(dial(tcp(0)) == 0);
	signal(SIGALRM, jump);
	setitimer(ITIMER_REAL, &often, NULL);
	sigsetjmp(out_of_connect, 1);
	if (jumps++ < 3000)
		for (;;)
			check(dup2(0, 100) == 100);
	setitimer(ITIMER_REAL, &never, NULL);
	fd = tcp(0);
	check(dial(fd) == 0 && !is_tcp(fd));
	talk(fd);
}

static volatile int reused = -1, reusable = -1;

static void *reuse(void *nothing)
{
	usleep(200000);
	close(reusable);
	reused = open("/dev/null", O_WRONLY);
	return nothing;
}

/* For "slow 800", and a port that refuses: what another thread opened under a duplicate's number meanwhile stays. */
static void duplicate_reused(void)
{
	pthread_t thread;
	struct stat null, now;
	int fd;

	aim("127.0.0.1", 587);
	fd = tcp(0);
	reusable = dup(fd);
	check(pthread_create(&thread, NULL, reuse, NULL) == 0);
	check(dial(fd) == -1 && errno == ECONNREFUSED);
	pthread_join(thread, NULL);
	check(reused == reusable && stat("/dev/null", &null) == 0 && fstat(reused, &now) == 0);
	check(now.st_rdev == null.st_rdev && S_ISCHR(now.st_mode));
	check(is_unconnected_tcp(fd));
}

static volatile bool connecting_over;

/* Keeps some for as long as a connection takes to come up, then looks at them. */
static void *duplicate_all_the_time(void *fd)
{
	int copies[24], n = 0;

	memset(copies, -1, sizeof(copies));
	for (; !connecting_over; n = (n + 1) % 24) {
		struct sockaddr_storage peer;
		socklen_t length = sizeof(peer);

		if (copies[n] >= 0) {
			check(sys(SYS_getpeername, copies[n], &peer, &length) < 0 ||
				peer.ss_family == AF_UNIX);
			close(copies[n]);
		}
		copies[n] = dup(*(int *)fd);
		usleep(50);
	}
	return NULL;
}

/* Another thread duplicates the descriptor while it is being connected. */
static void duplicated_meanwhile(void)
{
	static int fd;
	pthread_t thread;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(pthread_create(&thread, NULL, duplicate_all_the_time, &fd) == 0);
	for (int i = 0; i < 600; i++) {
		int next = tcp(0);

		check(dup2(next, fd) == fd);
		close(next);
		check(dial(fd) == 0);
	}
	connecting_over = true;
	pthread_join(thread, NULL);
}

static void epoll_no_kcmp(void)
{
	forbid(SYS_kcmp, -1, EPERM);
	epoll_among_many();
}

static void no_clone(void)
{
	aim("127.0.0.1", 25);
	forbid(SYS_clone, -1, EPERM);
	fails_leaving_tcp();
}

const struct client_case connecting_cases[] = {
	{"blocking4", blocking4},
	{"blocking6", blocking6},
	{"mapped", mapped},
	{"nonblocking", nonblocking},
	{"refused", refused},
	{"refused_later", refused_later},
	{"eintr", eintr},
	{"eintr_early", eintr_early},
	{"send_timeout", send_timeout},
	{"no_children", no_children},
	{"inherited", inherited},
	{"child", child},
	{"many", many},
	{"threads", threads},
	{"signal_handler", signal_handler},
	{"no_descriptors", no_descriptors},
	{"fails_leaving_tcp", fails_leaving_tcp},
	{"fails_leaving_nothing", fails_leaving_nothing},
	{"nonblocking_fails_leaving_tcp", nonblocking_fails_leaving_tcp},
	{"nonblocking_lost", nonblocking_lost},
	{"fails_leaving_dead_pair", fails_leaving_dead_pair},
	{"hostunreach", hostunreach},
	{"duplicates", duplicates},
	{"duplicates_and_few_allowed", duplicates_and_few_allowed},
	{"far_duplicates", far_duplicates},
	{"far_inherited", far_inherited},
	{"far_inheritor", far_inheritor},
	{"far_received", far_received},
	{"far_listener", far_listener},
	{"far_meanwhile", far_meanwhile},
	{"fcntl_as_ever", fcntl_as_ever},
	{"many_descriptors", many_descriptors},
	{"no_walk", no_walk},
	{"no_look", no_look},
	{"jumps_out", jumps_out},
	{"jumps_out_of_dup", jumps_out_of_dup},
	{"duplicate_reused", duplicate_reused},
	{"duplicated_meanwhile", duplicated_meanwhile},
	{"epoll_level", epoll_level},
	{"epoll_edge", epoll_edge},
	{"epoll_refused", epoll_refused},
	{"epoll_among_many", epoll_among_many},
	{"epoll_no_kcmp", epoll_no_kcmp},
	{"untouched", untouched},
	{"fastopen", fastopen},
	{"mptcp", mptcp},
	{"names", names},
	{"no_names", no_names},
	{"root_changed", root_changed},
	{"overflow_uid", overflow_uid},
	{"limited", limited},
	{"chdir_first", chdir_first},
	{"no_directory", no_directory},
	{"no_unix_sockets", no_unix_sockets},
	{"no_clone", no_clone},
	{"squatted_without_listening", squatted_without_listening},
	{"squatted_by_other_user", squatted_by_other_user},
	{"squatted_by_other_users_agent", squatted_by_other_users_agent},
	{"squatted_by_other_container", squatted_by_other_container},
	{"squatted_in_other_root", squatted_in_other_root},
	{"unmapped", unmapped},
	{"squatted_by_other_program", squatted_by_other_program},
	{NULL, NULL},
};
