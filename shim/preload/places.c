/*
 * places: the descriptors of this process that lead to one socket.
 */
#include "shim/preload/places.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "shim/preload/sys.h"

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

#define FAR_LEAST 65536u
#define FAR_MOST (1u << 20)

struct search {
	struct places *found;
	struct stat socket;
	uint64_t cookie; /* the socket's, 0 where the kernel knows none (before Linux 4.12) */
	int fd, except;
	int64_t left; /* open descriptors that were not met yet; negative: not known */
	bool doubt;   /* some other TCP socket may have a duplicate, and be connected later */
};

/* Counts the reasons for a walk; `settled` is what it was before the last walk that met nothing. */
static uint32_t doubts = 1, settled;

void places_doubt(void)
{
	__atomic_fetch_add(&doubts, 1, __ATOMIC_RELAXED);
}

/* glibc's, since 2.32. */
extern char __libc_single_threaded __attribute__((weak));

bool places_alone(void)
{
	return &__libc_single_threaded && __libc_single_threaded;
}

/* Calls that duplicate and have not ended yet: process and number. */
static uint64_t duplicating;

#define CALLS(state) ((uint32_t)(state))
#define PROCESS(state) ((uint32_t)((state) >> 32))

/* Those of a parent process before fork(), or while vfork() lends us its memory, are not ours: they
 * are left as they are. */
static bool count_call(void)
{
	uint64_t own = (uint64_t)(uint32_t)sys(SYS_getpid) << 32;
	uint64_t seen = __atomic_load_n(&duplicating, __ATOMIC_SEQ_CST), next;

	do {
		if (CALLS(seen) && PROCESS(seen) != PROCESS(own))
			return false;
		next = own | (CALLS(seen) + 1);
	} while (!__atomic_compare_exchange_n(
		&duplicating, &seen, next, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	return true;
}

struct places_call places_begin(void)
{
	struct places_call call = {.mask = sys_signals_block()};

	call.counted = !places_alone() && count_call();
	return call;
}

void places_end(const struct places_call *call)
{
	if (call->counted)
		__atomic_fetch_sub(&duplicating, 1, __ATOMIC_SEQ_CST);
	sys_signals_restore(call->mask);
}

bool places_busy(void)
{
	uint64_t seen = __atomic_load_n(&duplicating, __ATOMIC_SEQ_CST);

	return CALLS(seen) && PROCESS(seen) == (uint32_t)sys(SYS_getpid);
}

/* The number of open descriptors, which Linux tells since 6.2 as the size of their directory; -1 if
 * it is not known, or may change at any moment. */
static int64_t count_open(void)
{
	struct stat st;

	if (!places_alone() || sys_stat("/proc/self/fd", &st) != 0 || st.st_size <= 0)
		return -1;
	return st.st_size;
}

static int add(struct places *p, int fd, long flags)
{
	if (p->count == PLACES_MAX)
		return -EMFILE;
	p->at[p->count].fd = fd;
	p->at[p->count++].cloexec = flags & FD_CLOEXEC;
	return 0;
}

static bool may_be_connected(int fd)
{
	unsigned char state = TCP_CLOSE; /* tcpi_state, the first byte */
	socklen_t length = sizeof(state);
	long error = sys(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, &state, &length);

	if (error) /* of another protocol, unless it is something unheard of */
		return error != -EOPNOTSUPP && error != -ENOPROTOOPT && error != -EBADF &&
		       error != -ENOTSOCK;
	return state == TCP_CLOSE || state == TCP_SYN_SENT || state == TCP_LISTEN;
}

void places_got(int fd)
{
	if (fd >= PLACES_NEAR && may_be_connected(fd))
		places_doubt();
}

static long cookie_of(int fd, uint64_t *cookie)
{
	socklen_t length = sizeof(*cookie);

	return sys(SYS_getsockopt, fd, SOL_SOCKET, SO_COOKIE, cookie, &length);
}

/* One quick question of each number: two cookies are two sockets. One cookie is not always one
 * socket: old kernels count them in each network namespace anew. */
static bool may_be_it(struct search *s, int fd)
{
	uint64_t cookie = 0;
	long error = cookie_of(fd, &cookie);

	if (!error || error == -ENOTSOCK)
		s->left--;
	if (error == -EBADF || error == -ENOTSOCK)
		return false;
	if (error || !s->cookie || cookie == s->cookie)
		return true;
	if (fd >= PLACES_NEAR && may_be_connected(fd))
		s->doubt = true;
	return false;
}

static int look_at(struct search *s, int fd)
{
	struct stat st;
	long flags;

	if (!may_be_it(s, fd) || fd == s->fd || fd == s->except || sys_fstat(fd, &st) != 0)
		return 0;
	flags = sys(SYS_FCNTL, fd, F_GETFD);
	if (flags < 0)
		return 0;
	if (st.st_ino == s->socket.st_ino && st.st_dev == s->socket.st_dev)
		return add(s->found, fd, flags);
	if (fd >= PLACES_NEAR && may_be_connected(fd))
		s->doubt = true;
	return 0;
}

static int look(struct search *s, int from, int limit)
{
	int error = 0;

	for (int i = from; !error && i < limit && s->left; i++)
		error = look_at(s, i);
	return error;
}

/* How many descriptors this process has room for just now, by /proc; 0 if it does not tell. */
static int table_size(void)
{
	static const char key[] = "\nFDSize:\t";
	int fd = (int)sys(SYS_openat, AT_FDCWD, "/proc/thread-self/status", O_RDONLY | O_CLOEXEC),
	    size = 0;
	char text[512];
	const char *at;
	long n = fd < 0 ? fd : sys(SYS_read, fd, text, sizeof(text) - 1);

	sys_close(&fd);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, key);
	if (!at)
		return 0;
	for (at += sizeof(key) - 1; *at >= '0' && *at <= '9' && size < (int)FAR_MOST; at++)
		size = size * 10 + (*at - '0');
	return *at == '\n' ? size : 0; /* a number that is cut off is none */
}

/* Where there is no /proc (in a chroot): all that may be in use, and those that may have been
 * before the limit was lowered. */
static int most_allowed(void)
{
	uint64_t limit[2] = {0, 0};

	sys(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, limit);
	if (limit[1] < FAR_LEAST)
		return FAR_LEAST;
	return (int)(limit[1] < FAR_MOST ? limit[1] : FAR_MOST);
}

/* All of them. */
static int walk(struct search *s)
{
	uint32_t before = __atomic_load_n(&doubts, __ATOMIC_RELAXED);
	bool busy = places_busy();
	int size, error = look(s, 0, PLACES_NEAR);

	if (!error && s->left) {
		size = table_size();
		error = look(s, PLACES_NEAR, size ? size : most_allowed());
	}
	if (!error && !s->doubt && !busy)
		__atomic_store_n(&settled, before, __ATOMIC_RELAXED);
	return error;
}

int places_find(struct places *p, int fd, int except)
{
	struct search s = {.found = p, .fd = fd, .except = except, .left = count_open()};
	long flags = sys(SYS_FCNTL, fd, F_GETFD);
	int error = flags < 0 ? (int)flags : sys_fstat(fd, &s.socket);

	p->count = 0;
	if (error)
		return error;
	if (cookie_of(fd, &s.cookie) != 0)
		s.cookie = 0;
	add(p, fd, flags);
	if (places_busy() || __atomic_load_n(&doubts, __ATOMIC_RELAXED) !=
				     __atomic_load_n(&settled, __ATOMIC_RELAXED))
		return walk(&s);
	return look(&s, 0, PLACES_NEAR);
}
