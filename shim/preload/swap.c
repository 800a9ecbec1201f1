/*
 * swap: the plaintext socketpair that takes the TCP socket's place.
 */
#include "shim/preload/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "shim/preload/kept.h"
#include "shim/preload/sys.h"

#define SEND_BUFFER                                                                                \
	212992 /* the kernel's default; a bigger one is made as small, for the junk's sake */
#define JUNK_PIECE 16384
#define BUSY_MS 1
#define SWAP_ROUNDS 64 /* of looking for descriptors that other threads duplicate meanwhile */

#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif

static const char junk[JUNK_PIECE]; /* zeros, no memory of their own */

/* More than a quarter of the send buffer in one write: the kernel then calls a stream socket not
 * writable. */
static int shut_gate(struct swap *s, bool narrow)
{
	struct iovec pieces[SEND_BUFFER / JUNK_PIECE + 1];
	struct msghdr message = {.msg_iov = pieces};
	int size = 0, half = SEND_BUFFER / 2, least = 1;
	socklen_t length = sizeof(size);
	uint64_t left;

	sys(SYS_getsockopt, s->application, SOL_SOCKET, SO_SNDBUF, &size, &length);
	if (size > SEND_BUFFER) {
		sys(SYS_setsockopt, s->application, SOL_SOCKET, SO_SNDBUF, &half, sizeof(half));
		sys(SYS_getsockopt, s->application, SOL_SOCKET, SO_SNDBUF, &size, &length);
	}
	if (size <= 0 || size > SEND_BUFFER)
		return -ENOBUFS;
	if (narrow) {
		s->send_buffer = size;
		sys(SYS_setsockopt, s->application, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
		sys(SYS_getsockopt, s->application, SOL_SOCKET, SO_SNDBUF, &size, &length);
	}
	s->junk = left = (uint64_t)size / 4 + 1;
	for (; left; message.msg_iovlen++) {
		uint64_t piece = left < JUNK_PIECE ? left : JUNK_PIECE;

		pieces[message.msg_iovlen].iov_base = (void *)junk;
		pieces[message.msg_iovlen].iov_len = piece;
		left -= piece;
	}
	if (sys(SYS_sendmsg, s->application, &message, MSG_DONTWAIT | MSG_NOSIGNAL) !=
		(long)s->junk)
		return -ENOBUFS;
	return sys_wait(s->application, POLLOUT, 0) == 0 ? 0 : -ENOBUFS;
}

static void copy_timeout(const struct swap *s, int fd, int name)
{
	int64_t value[2] = {0, 0}; /* the kernel's timeval of any width */
	socklen_t length = sizeof(value);

	if (sys(SYS_getsockopt, fd, SOL_SOCKET, name, value, &length) == 0 &&
		(value[0] || value[1]))
		sys(SYS_setsockopt, s->application, SOL_SOCKET, name, value, length);
}

/* Those that AF_UNIX has as well, and what is kept of the others for show. */
static void copy_properties(const struct swap *s, int fd)
{
	int domain = 0;
	socklen_t length = sizeof(domain);
	struct {
		int type, pid;
	} owner = {0, 0};
	long number;

	copy_timeout(s, fd, SO_RCVTIMEO);
	copy_timeout(s, fd, SO_SNDTIMEO);
	if (sys(SYS_FCNTL, fd, F_GETOWN_EX, &owner) == 0 && owner.pid)
		sys(SYS_FCNTL, s->application, F_SETOWN_EX, &owner);
	number = sys(SYS_FCNTL, fd, F_GETSIG);
	if (number > 0)
		sys(SYS_FCNTL, s->application, F_SETSIG, number);
	sys(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &length);
	kept_copy(fd, s->application, domain);
	if (s->flags & O_NONBLOCK)
		sys(SYS_FCNTL, s->application, F_SETFL, O_NONBLOCK);
}

int swap_prepare(struct swap *s, int fd, bool narrow)
{
	int ends[2], off = 0, error;
	long flags = sys(SYS_FCNTL, fd, F_GETFL);

	*s = (struct swap){.tcp = -1, .application = -1, .agent = -1};
	if (flags < 0)
		return (int)flags;
	s->flags = (int)flags;
	error = (int)sys(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
	if (error)
		return error;
	s->application = sys_above_stdio(ends[0]);
	s->agent = sys_above_stdio(ends[1]);
	if (s->application < 0 || s->agent < 0) {
		error = s->application < 0 ? s->application : s->agent;
		swap_clear(s);
		return error;
	}
	copy_properties(s, fd);
	/* A connect() that waits for the first write would wait for ever: the server speaks first.
	 */
	sys(SYS_setsockopt, fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &off, sizeof(off));
	error = shut_gate(s, narrow && !(s->flags & O_NONBLOCK));
	if (error)
		swap_clear(s);
	return error;
}

static int put(int from, int fd, bool cloexec)
{
	long n;

	do /* EBUSY: another thread is just opening a file under this number */
		n = sys(SYS_dup3, from, fd, cloexec ? O_CLOEXEC : 0);
	while (n == -EBUSY || n == -EINTR);
	return n < 0 ? (int)n : 0;
}

/* Does this descriptor still lead where `other` leads? Another thread may have closed it, and
 * opened something else. */
static bool same(int fd, const struct stat *other)
{
	struct stat st;

	return sys_fstat(fd, &st) == 0 && st.st_ino == other->st_ino && st.st_dev == other->st_dev;
}

/* In each place that still holds `instead`. All or nothing. */
static int put_everywhere(const struct swap *s, int from, const struct stat *instead, int back)
{
	const struct places *p = &s->places;

	for (unsigned i = 0; i < p->count; i++) {
		int error =
			same(p->at[i].fd, instead) ? put(from, p->at[i].fd, p->at[i].cloexec) : 0;

		if (!error)
			continue;
		while (i--)
			put(back, p->at[i].fd, p->at[i].cloexec);
		return error;
	}
	return 0;
}

/* What another thread duplicated while the swap was under way still leads to TCP: until nothing
 * does any more. The signals are blocked. */
static int put_at_stragglers(struct swap *s, const struct stat *tcp)
{
	if (places_alone() && !places_busy())
		return 0;
	for (int rounds = 0; rounds < SWAP_ROUNDS; rounds++) {
		struct places late;
		int error = places_find(&late, s->tcp, s->tcp);

		if (error)
			return error;
		if (late.count <= 1 && !places_busy()) /* ours alone */
			return 0;
		if (late.count <= 1)
			sys_sleep_ms(BUSY_MS);
		for (unsigned i = 1; i < late.count; i++) {
			if (!same(late.at[i].fd, tcp))
				continue;
			error = put(s->application, late.at[i].fd, late.at[i].cloexec);
			if (!error && s->places.count < PLACES_MAX)
				s->places.at[s->places.count++] = late.at[i];
			if (error)
				return error;
		}
	}
	return -EBUSY;
}

int swap_in(struct swap *s, int fd, const char **reason)
{
	struct stat tcp;
	int error;

	*reason = "cannot put the socketpair in place";
	s->tcp = (int)sys(SYS_FCNTL, fd, F_DUPFD_CLOEXEC, 3);
	if (s->tcp < 0)
		return s->tcp;
	error = sys_fstat(s->tcp, &tcp);
	if (!error)
		error = sys_fstat(s->application, &s->pair);
	if (!error)
		error = places_find(&s->places, fd, s->tcp);
	s->registrations.count = 0;
	if (!error && (error = registrations_take(&s->registrations, &s->places)))
		*reason =
			"the socket may be registered with epoll, and without /proc that cannot be "
			"read; let the program see /proc, or connect before it registers";
	if (!error)
		error = put_everywhere(s, s->application, &tcp, s->tcp);
	if (!error) {
		error = put_at_stragglers(s, &tcp);
		if (error)
			put_everywhere(s, s->tcp, &s->pair, s->application);
	}
	registrations_put(&s->registrations);
	if (error)
		sys_close(&s->tcp);
	/* Under the application's number, for that is what its signals tell (F_SETSIG in fcntl(2)).
	 */
	else if (s->flags & O_ASYNC)
		sys(SYS_FCNTL, fd, F_SETFL, s->flags & (O_NONBLOCK | O_ASYNC));
	s->swapped = !error;
	return error;
}

void swap_widen(const struct swap *s, int fd)
{
	int half = s->send_buffer / 2;

	if (half && same(fd, &s->pair))
		sys(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDBUF, &half, sizeof(half));
}

bool swap_reset(struct swap *s)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	int pending;

	sys(SYS_connect, s->tcp, &nowhere, sizeof(nowhere));
	if (sys(SYS_getpeername, s->tcp, &peer, &length) != -ENOTCONN)
		return false;
	length = sizeof(pending);
	sys(SYS_getsockopt, s->tcp, SOL_SOCKET, SO_ERROR, &pending, &length);
	sys(SYS_FCNTL, s->tcp, F_SETFL, s->flags);
	return true;
}

bool swap_back(struct swap *s)
{
	if (!s->swapped)
		return true;
	s->swapped = registrations_take(&s->registrations, &s->places) != 0 || !swap_reset(s) ||
		     put_everywhere(s, s->tcp, &s->pair, s->tcp) != 0;
	registrations_put(&s->registrations);
	if (s->swapped)
		swap_kill(s);
	return !s->swapped;
}

void swap_let_go(struct swap *s)
{
	sys_close(&s->tcp);
	sys_close(&s->application);
}

void swap_kill(struct swap *s)
{
	if (s->swapped)
		sys(SYS_shutdown, s->application, SHUT_RDWR);
}

void swap_clear(struct swap *s)
{
	sys_close(&s->tcp);
	sys_close(&s->application);
	sys_close(&s->agent);
}
