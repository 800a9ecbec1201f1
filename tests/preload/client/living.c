/*
 * living: with the socket that took the TCP socket's place.
 */
#include "tests/preload/client/client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/handoff/handoff.h"
#include "shim/preload/sys.h"

static int connected(void)
{
	int fd;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(dial(fd) == 0 && !is_tcp(fd));
	return fd;
}

static void hear(int fd, const char *text)
{
	char line[64];

	for (size_t n = 0, size = strlen(text); n < size;) {
		ssize_t got = read(fd, line, size - n);

		check(got > 0 && memcmp(line, text + n, (size_t)got) == 0);
		n += (size_t)got;
	}
}

static int get(int fd, int level, int name)
{
	int value = -77;
	socklen_t length = sizeof(value);

	check(getsockopt(fd, level, name, &value, &length) == 0 && length == sizeof(value));
	return value;
}

static void set(int fd, int level, int name, int value)
{
	check(setsockopt(fd, level, name, &value, sizeof(value)) == 0);
}

/* What was set is read back, before and after connect(); the rest is what a TCP socket says. */
static void options(void)
{
	struct linger linger = {1, 5}, got;
	struct tcp_info info;
	socklen_t length;
	char bytes[64];
	int fd, fresh[2];

	aim("127.0.0.1", 25);
	fd = tcp(0);
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, IPPROTO_IP, IP_TOS, 0x10);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	set(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 33);
	check(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
	check(dial(fd) == 0);
	check(get(fd, SOL_SOCKET, SO_KEEPALIVE) == 1 && get(fd, SOL_SOCKET, SO_REUSEADDR) == 1);
	check(get(fd, SOL_SOCKET, SO_OOBINLINE) == 1 && get(fd, IPPROTO_TCP, TCP_KEEPINTVL) == 33);
	length = sizeof(got);
	check(getsockopt(fd, SOL_SOCKET, SO_LINGER, &got, &length) == 0 && got.l_linger == 5);
	check(get(fd, IPPROTO_TCP, TCP_NODELAY) == 1 && get(fd, IPPROTO_IP, IP_TOS) == 0x10);
	set(fd, IPPROTO_TCP, TCP_NODELAY, 0);
	set(fd, IPPROTO_TCP, TCP_CORK, 1);
	check(get(fd, IPPROTO_TCP, TCP_NODELAY) == 0 && get(fd, IPPROTO_TCP, TCP_CORK) == 1);
	check(get(fd, IPPROTO_IP, IP_TOS) == 0x10);
	check(get(fd, IPPROTO_TCP, TCP_MAXSEG) > 500 && get(fd, IPPROTO_IP, IP_TTL) == 64);
	check(get(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 7200);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 77);
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
	set(fd, IPPROTO_IP, IP_TTL, 12);
	check(get(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 77 && get(fd, IPPROTO_IP, IP_TTL) == 12);
	check(get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 5000);
	check(get(fd, IPPROTO_TCP, TCP_KEEPINTVL) == 33);
	check(get(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM && get(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0);
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == 0);
	check(get(fd, SOL_SOCKET, SO_SNDBUF) == get(fresh[0], SOL_SOCKET, SO_SNDBUF));
	close(fresh[0]);
	close(fresh[1]);
	set(fd, SOL_SOCKET, SO_SNDBUF, 100000);
	set(fd, SOL_SOCKET, SO_RCVBUF, 100000);
	check(get(fd, SOL_SOCKET, SO_SNDBUF) > 0 && get(fd, SOL_SOCKET, SO_RCVBUF) > 0);
	length = sizeof(info);
	check(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0);
	check(info.tcpi_state == TCP_ESTABLISHED);
	length = sizeof(bytes);
	check(getsockopt(fd, IPPROTO_IP, IP_OPTIONS, bytes, &length) == 0 && length == 0);
	check(setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 4) == -1);
	check(dial(fd) == -1 && errno == EISCONN);
	talk(fd);
}

static void flags_of_recv(void)
{
	int fd = connected(), n = 0;
	char line[32];

	check(recv(fd, line, 4, MSG_PEEK) == 4 && memcmp(line, "220 ", 4) == 0);
	while (n < 10)
		check(ioctl(fd, FIONREAD, &n) == 0);
	check(n == 10);
	hear(fd, "220 echo\r\n");
	check(recv(fd, line, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
	check(ioctl(fd, SIOCOUTQ, &n) == 0 && n == 0);
	check(send(fd, "hel", 3, MSG_MORE) == 3 && send(fd, "lo", 2, 0) == 2);
	check(recv(fd, line, 5, MSG_WAITALL) == 5 && memcmp(line, "hello", 5) == 0);
	n = 1;
	check(ioctl(fd, FIONBIO, &n) == 0 && read(fd, line, 1) == -1 && errno == EAGAIN);
	check(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
}

static void timeouts(void)
{
	struct timeval little = {.tv_usec = 100000};
	char byte;
	int fd;

	aim("127.0.0.1", 25);
	fd = tcp(0);
	check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &little, sizeof(little)) == 0);
	check(dial(fd) == 0);
	hear(fd, "220 echo\r\n");
	check(read(fd, &byte, 1) == -1 && errno == EAGAIN);
}

/* Our end first: what the server still says is heard, and then its end. */
static void half_closed(void)
{
	int fd = connected();
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	char byte;

	check(write(fd, "hello", 5) == 5 && shutdown(fd, SHUT_WR) == 0);
	check(getpeername(fd, (void *)&peer, &length) == 0 && peer.ss_family == AF_INET);
	hear(fd, "220 echo\r\nhello");
	check(read(fd, &byte, 1) == 0);
	length = sizeof(peer);
	check(getsockname(fd, (void *)&peer, &length) == 0 && peer.ss_family == AF_INET);
	close(fd);
	fd = connected();
	hear(fd, "220 echo\r\n");
	check(shutdown(fd, SHUT_RD) == 0 && read(fd, &byte, 1) == 0);
	check(write(fd, "x", 1) == 1 && shutdown(fd, SHUT_RDWR) == 0);
	fd = tcp(0);
	check(shutdown(fd, SHUT_RDWR) == -1 && errno == ENOTCONN);
}

static void broken_pipe(void)
{
	int fd = connected();
	char byte;

	hear(fd, "220 echo\r\n");
	check(shutdown(fd, SHUT_WR) == 0 && read(fd, &byte, 1) == 0);
	handle(SIGPIPE, 0);
	check(send(fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE && signals == 0);
	check(write(fd, "x", 1) == -1 && errno == EPIPE && signals == 1);
}

static volatile sig_atomic_t told_fd;

static void note_fd(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	told_fd = info->si_fd;
}

/* SIGIO and its kin were asked for before connect(). */
static void signal_driven(void)
{
	struct sigaction action = {.sa_sigaction = note_fd, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct pollfd p = {.events = POLLIN};
	int fd;

	check(sigaction(SIGRTMIN + 1, &action, NULL) == 0);
	aim("127.0.0.1", 25);
	fd = p.fd = tcp(0);
	check(fcntl(fd, F_SETOWN, getpid()) == 0 && fcntl(fd, F_SETSIG, SIGRTMIN + 1) == 0);
	check(fcntl(fd, F_SETFL, O_ASYNC) == 0 && dial(fd) == 0);
	check(fcntl(fd, F_GETOWN) == getpid() && fcntl(fd, F_GETSIG) == SIGRTMIN + 1);
	check(fcntl(fd, F_GETFL) == (O_RDWR | O_ASYNC));
	while (poll(&p, 1, 3000) < 0)
		check(errno == EINTR);
	hear(fd, "220 echo\r\n");
	told_fd = -1;
	check(write(fd, "hello", 5) == 5);
	hear(fd, "hello");
	check(told_fd == fd);
}

/* Parent and child both speak and hear. */
static void forked(void)
{
	int fd = connected(), status;
	pid_t pid;

	hear(fd, "220 echo\r\n");
	pid = fork();
	if (pid == 0) {
		looks_like_tcp(fd);
		check(write(fd, "from the child", 14) == 14);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0);
	hear(fd, "from the child");
	check(write(fd, "from the parent", 15) == 15);
	pid = fork();
	if (pid == 0) {
		hear(fd, "from the parent");
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0);
	looks_like_tcp(fd);
	check(dial(fd) == -1 && errno == EISCONN);
}

/* As daemons do at the start, and some between any two mails. */
static void everything_closed(void)
{
	int fd = connected(), again;

	check(sys(SYS_close_range, 3, ~0u, 0) == 0);
	again = connected();
	check(again == fd);
	looks_like_tcp(again);
	talk(again);
}

static void numbers_reused(void)
{
	char line[8] = "";
	int fd = connected(), file;

	close(fd);
	file = open("reused", O_RDWR | O_CREAT | O_TRUNC, 0600);
	check(file == fd && write(file, "hello", 5) == 5 && pread(file, line, 5, 0) == 5);
	close(file);
	aim("127.0.0.1", OTHER_PORT);
	file = tcp(0);
	check(file == fd && dial(file) == 0 && is_tcp(file));
	talk(file);
	close(file);
	check(connected() == fd);
	talk(fd);
	check(dup2(0, fd) == fd && close(fd) == 0);
}

/* Each way to put bytes in. */
static void ways_to_write(void)
{
	struct iovec pieces[] = {{"one ", 4}, {"two ", 4}};
	int fd = connected(), file = open("text", O_RDWR | O_CREAT | O_TRUNC, 0600), ends[2];
	off_t at = 0;

	hear(fd, "220 echo\r\n");
	check(writev(fd, pieces, 2) == 8);
	check(write(file, "three ", 6) == 6 && sendfile(fd, file, &at, 6) == 6);
	check(pipe(ends) == 0 && write(ends[1], "four ", 5) == 5);
	check(splice(ends[0], NULL, fd, NULL, 5, 0) == 5);
	check(send(fd, "five", 4, MSG_NOSIGNAL) == 4);
	hear(fd, "one two three four five");
}

/* TCP tells no sender, and heeds no address once it is connected. */
static void addresses_of_messages(void)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	char line[32];
	struct iovec piece = {line, sizeof(line)};
	struct msghdr message = {.msg_name = &from, .msg_iov = &piece, .msg_iovlen = 1};
	struct mmsghdr several = {.msg_hdr = message};
	int fd = connected();

	check(recvfrom(fd, line, 10, 0, (void *)&from, &length) == 10 && length == 0);
	errno = 77;
	check(sendto(fd, "hello", 5, 0, (void *)&address, address_length) == 5 && errno == 77);
	message.msg_namelen = sizeof(from);
	check(recvmsg(fd, &message, 0) == 5 && message.msg_namelen == 0);
	piece.iov_len = 5;
	message.msg_namelen = address_length;
	message.msg_name = &address;
	check(sendmsg(fd, &message, MSG_NOSIGNAL) == 5);
	several.msg_hdr.msg_namelen = sizeof(from);
	check(recvmmsg(fd, &several, 1, 0, NULL) == 1 && several.msg_hdr.msg_namelen == 0);
	several.msg_hdr.msg_name = &address;
	several.msg_hdr.msg_namelen = address_length;
	check(sendmmsg(fd, &several, 1, 0) == 1);
	length = sizeof(from);
	check(sys(SYS_recvfrom, fd, line, 5, MSG_PEEK, &from, &length) == 5 && length != 0);
	length = sizeof(from);
#ifdef SYS_recvfrom
	check(syscall(SYS_recvfrom, fd, line, 5, 0, &from, &length) == 5 && length == 0);
#endif
}

static socklen_t forge(struct sockaddr_un *sun, enum handoff_face face)
{
	struct handoff_name name = {.face = face, .peer = {.family = AF_INET, .port = 25}};

	memset(name.nonce, 7, sizeof(name.nonce));
	return handoff_name_encode(&name, sun);
}

/* A stranger calls himself as our sockets are called: he is shown as what he is. */
static void forged_name(void)
{
	struct sockaddr_un own = {.sun_family = AF_UNIX, .sun_path = "./listener"}, forged, seen;
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), stranger = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t length = forge(&forged, HANDOFF_FACE_PEER), got = sizeof(seen);
	int fd, value;

	check(bind(listener, (void *)&own, sizeof(own)) == 0 && listen(listener, 1) == 0);
	check(bind(stranger, (void *)&forged, length) == 0);
	check(connect(stranger, (void *)&own, sizeof(own)) == 0);
	fd = accept(listener, NULL, NULL);
	check(getpeername(fd, (void *)&seen, &got) == 0 && got == length);
	check(memcmp(&seen, &forged, length) == 0);
	got = sizeof(value);
	check(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &got) == 0 && value == AF_UNIX);
	check(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &got) == -1 && errno == EOPNOTSUPP);
	/* His own end alone tells nothing either. */
	close(stranger);
	stranger = socket(AF_UNIX, SOCK_STREAM, 0);
	length = forge(&forged, HANDOFF_FACE_APPLICATION);
	check(bind(stranger, (void *)&forged, length) == 0);
	check(connect(stranger, (void *)&own, sizeof(own)) == 0);
	got = sizeof(seen);
	check(getpeername(stranger, (void *)&seen, &got) == 0 && seen.sun_family == AF_UNIX);
	aim("127.0.0.1", 25);
	check(dial(stranger) == -1 && errno == EINVAL);
}

const struct client_case living_cases[] = {
	{"options", options},
	{"flags_of_recv", flags_of_recv},
	{"timeouts", timeouts},
	{"half_closed", half_closed},
	{"broken_pipe", broken_pipe},
	{"signal_driven", signal_driven},
	{"forked", forked},
	{"everything_closed", everything_closed},
	{"numbers_reused", numbers_reused},
	{"ways_to_write", ways_to_write},
	{"addresses_of_messages", addresses_of_messages},
	{"forged_name", forged_name},
	{NULL, NULL},
};
