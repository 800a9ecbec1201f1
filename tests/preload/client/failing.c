/*
 * failing: connections that are refused after connect() said EINPROGRESS. However the application
 * learns that it is over, the reason is the true one, as from TCP.
 */
#include "tests/preload/client/client.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_MS 5000

static int begin(void)
{
	int fd;

	aim("127.0.0.1", CLOSED_PORT);
	fd = tcp(SOCK_NONBLOCK);
	check(dial(fd) == -1 && errno == EINPROGRESS);
	return fd;
}

/* Told once, and never connected. */
static void end(int fd)
{
	char byte;

	check(socket_error(fd) == ECONNREFUSED);
	check(socket_error(fd) == 0);
	check(dial(fd) == -1 && errno == ECONNABORTED);
	check(read(fd, &byte, 1) <= 0);
	check(send(fd, "x", 1, MSG_NOSIGNAL) == -1);
	close(fd);
}

static void by_poll(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	check(poll(&p, 1, WAIT_MS) == 1 && p.revents & (POLLHUP | POLLERR));
}

static void by_select(int fd)
{
	struct timeval limit = {.tv_sec = WAIT_MS / 1000};
	fd_set readable, writable;

	FD_ZERO(&readable);
	FD_ZERO(&writable);
	FD_SET(fd, &readable);
	FD_SET(fd, &writable);
	check(select(fd + 1, &readable, &writable, NULL, &limit) >= 1);
}

static void by_epoll(int fd, uint32_t how)
{
	struct epoll_event event = {.events = EPOLLOUT | how}, got;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	check(epoll_wait(epoll, &got, 1, WAIT_MS) == 1);
	check(got.events & (EPOLLHUP | EPOLLERR));
	close(epoll);
}

static void by_level(int fd)
{
	by_epoll(fd, 0);
}

static void by_edge(int fd)
{
	by_epoll(fd, EPOLLET);
}

static void by_asking_again(int fd)
{
	while (dial(fd) == -1 && errno == EALREADY)
		usleep(1000);
	check(errno == ECONNREFUSED);
	check(socket_error(fd) == 0);
	close(fd);
}

/* A blocking connect() that a signal interrupts, or SO_SNDTIMEO, goes on as the others do. */
static int left_early(bool by_signal)
{
	struct timeval timeout = {.tv_usec = 50000};
	int fd;

	aim("127.0.0.1", CLOSED_PORT);
	fd = tcp(0);
	if (by_signal) {
		handle(SIGALRM, 0);
		alarm_in(50);
		check(dial(fd) == -1 && errno == EINTR);
	} else {
		check(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0);
		check(dial(fd) == -1 && errno == EINPROGRESS);
	}
	return fd;
}

static void blocking(void)
{
	int fd;

	aim("127.0.0.1", CLOSED_PORT);
	fd = tcp(0);
	check(dial(fd) == -1 && errno == ECONNREFUSED);
	check(is_unconnected_tcp(fd));
	close(fd);
}

static void (*const ways[])(int) = {by_poll, by_select, by_level, by_edge};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* For "two-steps 150": between the end of both directions and the close. */
static void refused_in_two_steps(void)
{
	for (size_t i = 0; i < WAYS; i++) {
		int fd = begin();

		ways[i](fd);
		end(fd);
	}
	by_asking_again(begin());
	for (int i = 0; i < 2; i++) {
		int fd = left_early(i);

		by_poll(fd);
		end(fd);
	}
	blocking();
}

/* For "two-steps 0", as the agent does it: whenever the two come. */
static void refused_many_times(void)
{
	for (size_t i = 0; i < 400; i++) {
		int fd = begin();

		ways[i % WAYS](fd);
		end(fd);
	}
	for (int i = 0; i < 50; i++) {
		by_asking_again(begin());
		blocking();
	}
}

#ifdef SECCOMP_IOCTL_NOTIF_RECV
/* Lets the outcome come first, then the call go on. */
static void *hold_up(void *listener)
{
	struct seccomp_notif call;
	struct seccomp_notif_resp go;

	for (;;) {
		memset(&call, 0, sizeof(call));
		if (ioctl(*(int *)listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
			continue;
		usleep(600000);
		go = (struct seccomp_notif_resp){
			.id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
		ioctl(*(int *)listener, SECCOMP_IOCTL_NOTIF_SEND, &go);
	}
	return NULL;
}

#ifdef SYS_ppoll_time64
#define OTHER_PPOLL SYS_ppoll_time64
#else
#define OTHER_PPOLL SYS_ppoll
#endif

/* From now on each ppoll() of this thread takes its time. */
static void hold_polls_up(void)
{
	static int listener = -1;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ppoll, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OTHER_PPOLL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
	pthread_t thread;

	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	listener = (int)syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (listener < 0)
		exit(77);
	check(pthread_create(&thread, NULL, hold_up, &listener) == 0);
}

/* For "late-error 113": the reason comes between two questions of the preload. */
static void reason_comes_between(void)
{
	int fd = begin();

	hold_polls_up();
	check(dial(fd) == -1 && errno == EHOSTUNREACH);
}
#else
static void reason_comes_between(void)
{
	exit(77);
}
#endif

const struct client_case failing_cases[] = {
	{"refused_in_two_steps", refused_in_two_steps},
	{"refused_many_times", refused_many_times},
	{"reason_comes_between", reason_comes_between},
	{NULL, NULL},
};
