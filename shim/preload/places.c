/*
 * places: the descriptors of this process that lead to one socket.
 */
#include "shim/preload/places.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "shim/preload/sys.h"

#define FAR_LEAST 65536u
#define FAR_MOST (1u << 20)

struct entry { /* the kernel's linux_dirent64 */
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

struct search {
	struct places *found;
	struct stat socket;
	int fd, except;
	bool doubt; /* some other TCP socket may have a duplicate, and be connected later */
};

/* Counts the reasons for a walk; `settled` is what it was before the last walk that met nothing. */
static uint32_t doubts = 1, settled;

void places_doubt(void)
{
	__atomic_fetch_add(&doubts, 1, __ATOMIC_RELAXED);
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
	return state == TCP_CLOSE || state == TCP_SYN_SENT;
}

static int look_at(struct search *s, int fd)
{
	long flags = sys(SYS_FCNTL, fd, F_GETFD);
	struct stat st;

	if (flags < 0 || fd == s->fd || fd == s->except || sys_fstat(fd, &st) != 0)
		return 0;
	if (st.st_ino == s->socket.st_ino && st.st_dev == s->socket.st_dev)
		return add(s->found, fd, flags);
	if (fd >= PLACES_NEAR && S_ISSOCK(st.st_mode) && may_be_connected(fd))
		s->doubt = true;
	return 0;
}

/* -1 for "." and "..". */
static int number(const char *name)
{
	int n = *name >= '0' && *name <= '9' ? 0 : -1;

	for (; *name >= '0' && *name <= '9'; name++)
		n = n * 10 + (*name - '0');
	return n;
}

static int look_at_entries(struct search *s, const char *bytes, long size)
{
	int error = 0;

	for (long at = 0; !error && at < size;) {
		const struct entry *e = (const void *)(bytes + at);
		int fd = number(e->name);

		if (fd >= 0)
			error = look_at(s, fd);
		at += e->length;
	}
	return error;
}

/* By what /proc lists. `settled` is not touched. */
static int walk_proc(struct search *s)
{
	int dir = (int)sys(
		SYS_openat, AT_FDCWD, "/proc/thread-self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(8) char bytes[1024];
	long n = dir, error = 0;

	if (dir < 0)
		return dir;
	while (!error && (n = sys(SYS_getdents64, dir, bytes, sizeof(bytes))) > 0)
		error = look_at_entries(s, bytes, n);
	sys_close(&dir);
	return (int)(error ? error : n);
}

/* PLACES_NEAR numbers from `first` on. One call tells which of them are closed; where it fails
 * (fewer are allowed), each is asked. */
static int look_from(struct search *s, int first)
{
	struct pollfd p[PLACES_NEAR];
	struct sys_time now = {0, 0};
	int error = 0;
	long n;

	for (int i = 0; i < PLACES_NEAR; i++)
		p[i] = (struct pollfd){.fd = first + i};
	n = sys_poll(p, PLACES_NEAR, &now);
	for (int i = 0; !error && i < PLACES_NEAR; i++)
		if (n < 0 || !(p[i].revents & POLLNVAL))
			error = look_at(s, first + i);
	return error;
}

/* Number for number, where there is no /proc (in a chroot): all that may be in use, and those that
 * may have been before the limit was lowered. */
static int look_at_all(struct search *s)
{
	uint64_t limit[2] = {0, 0};
	int error = 0;

	sys(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, limit);
	if (limit[1] < FAR_LEAST)
		limit[1] = FAR_LEAST;
	if (limit[1] > FAR_MOST)
		limit[1] = FAR_MOST;
	for (int i = 0; !error && i < (int)limit[1]; i += PLACES_NEAR)
		error = look_from(s, i);
	return error;
}

/* All of them. */
static int walk(struct search *s)
{
	uint32_t before = __atomic_load_n(&doubts, __ATOMIC_RELAXED);
	int error = walk_proc(s);

	if (error && error != -EMFILE) {
		s->found->count = 1;
		error = look_at_all(s);
	}
	if (!error && !s->doubt)
		__atomic_store_n(&settled, before, __ATOMIC_RELAXED);
	return error;
}

int places_find(struct places *p, int fd, int except)
{
	struct search s = {.found = p, .fd = fd, .except = except};
	long flags = sys(SYS_FCNTL, fd, F_GETFD);
	int error = flags < 0 ? (int)flags : sys_fstat(fd, &s.socket);

	p->count = 0;
	if (error)
		return error;
	add(p, fd, flags);
	if (__atomic_load_n(&doubts, __ATOMIC_RELAXED) !=
		__atomic_load_n(&settled, __ATOMIC_RELAXED))
		return walk(&s);
	return look_from(&s, 0);
}
