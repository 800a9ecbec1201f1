/*
 * next: the definitions behind our own, as the dynamic linker finds them.
 */
#include "shim/preload/next.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/preload/sys.h"

struct next next MAILSEAL_AT_START;

static void find(void *out, const char *name)
{
	void *definition = dlsym(RTLD_NEXT, name);

	memcpy(out, &definition, sizeof(definition));
}

/* Two names each, the old one empty where there is none. No pointers: those would cost a relocation
 * each at every start. */
static const char late[][2][20] = {
	[NEXT_GETADDRINFO] = {"getaddrinfo"},
	[NEXT_GETHOSTBYNAME] = {"gethostbyname"},
	[NEXT_GETHOSTBYNAME2] = {"gethostbyname2"},
	[NEXT_GETHOSTBYNAME_R] = {"gethostbyname_r"},
	[NEXT_GETHOSTBYNAME2_R] = {"gethostbyname2_r"},
	[NEXT_RES_QUERY] = {"res_query", "__res_query"},
	[NEXT_RES_SEARCH] = {"res_search", "__res_search"},
	[NEXT_RES_QUERYDOMAIN] = {"res_querydomain", "__res_querydomain"},
	[NEXT_RES_SEND] = {"res_send", "__res_send"},
	[NEXT_RES_NQUERY] = {"res_nquery", "__res_nquery"},
	[NEXT_RES_NSEARCH] = {"res_nsearch", "__res_nsearch"},
	[NEXT_RES_NQUERYDOMAIN] = {"res_nquerydomain", "__res_nquerydomain"},
	[NEXT_RES_NSEND] = {"res_nsend", "__res_nsend"},
};

static void *found[sizeof(late) / sizeof(late[0])];

/* `from`: RTLD_NEXT or a library. */
static void *find_late(enum next_late which, void *from)
{
	void *definition = dlsym(from, late[which][0]);

	if (!definition && *late[which][1])
		definition = dlsym(from, late[which][1]);
	if (definition)
		__atomic_store_n(&found[which], definition, __ATOMIC_RELEASE);
	return definition;
}

void *next_late(enum next_late which)
{
	void *definition = __atomic_load_n(&found[which], __ATOMIC_ACQUIRE), *library;

	if (definition)
		return definition;
	definition = find_late(which, RTLD_NEXT);
	/* Loaded by a library that the program loaded for itself. The handle is kept: so is what it
	 * leads to. */
	if (!definition && *late[which][1] &&
		(library = dlopen("libresolv.so.2", RTLD_LAZY | RTLD_NOLOAD)))
		definition = find_late(which, library);
	dlerror(); /* the application asks for its own errors */
	return definition;
}

void next_resolve(void)
{
	find(&next.connect, "connect");
	find(&next.sendto, "sendto");
	find(&next.sendmsg, "sendmsg");
	find(&next.sendmmsg, "sendmmsg");
	find(&next.recvfrom, "recvfrom");
	find(&next.recvfrom_chk, "__recvfrom_chk");
	find(&next.recvmsg, "recvmsg");
	find(&next.recvmmsg, "recvmmsg");
	if (sizeof(long) == 4) {
		find(&next.recvmsg64, "__recvmsg64");
		find(&next.recvmmsg64, "__recvmmsg64");
	}
	find(&next.getpeername, "getpeername");
	find(&next.getsockname, "getsockname");
	find(&next.getsockopt, "getsockopt");
	find(&next.setsockopt, "setsockopt");
	find(&next.dup, "dup");
	find(&next.dup2, "dup2");
	find(&next.dup3, "dup3");
	find(&next.syscall, "syscall");
	find(&next.epoll_create, "epoll_create");
	find(&next.epoll_create1, "epoll_create1");
	find(&next.plain_fcntl, "fcntl");
	find(&next.wide_fcntl, "fcntl64");
	find(&next.old_fcntl, "__fcntl");
	if (sizeof(long) == 4)
		find(&next.time64_fcntl, "__fcntl_time64");
}

static long as_libc(long result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

int next_connect(int fd, const struct sockaddr *address, socklen_t length)
{
	if (next.connect)
		return next.connect(fd, address, length);
	return (int)as_libc(sys(SYS_connect, fd, address, length));
}

ssize_t next_sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to,
	socklen_t length)
{
	if (next.sendto)
		return next.sendto(fd, bytes, size, flags, to, length);
	return as_libc(sys(SYS_sendto, fd, bytes, size, flags, to, length));
}

ssize_t next_sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (next.sendmsg)
		return next.sendmsg(fd, message, flags);
	return as_libc(sys(SYS_sendmsg, fd, message, flags));
}

int next_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	if (next.sendmmsg)
		return next.sendmmsg(fd, messages, count, flags);
	return (int)as_libc(sys(SYS_sendmmsg, fd, messages, count, flags));
}

ssize_t next_recvfrom(
	int fd, void *bytes, size_t size, int flags, struct sockaddr *address, socklen_t *length)
{
	if (next.recvfrom)
		return next.recvfrom(fd, bytes, size, flags, address, length);
	return as_libc(sys(SYS_recvfrom, fd, bytes, size, flags, address, length));
}

ssize_t next_recvmsg(
	ssize_t (*definition)(int, struct msghdr *, int), int fd, struct msghdr *message, int flags)
{
	if (definition)
		return definition(fd, message, flags);
	return as_libc(sys(SYS_recvmsg, fd, message, flags));
}

int next_recvmmsg(int (*definition)(int, struct mmsghdr *, unsigned, int, struct timespec *),
	int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
	if (definition)
		return definition(fd, messages, count, flags, timeout);
	errno = ENOSYS;
	return -1;
}

int next_getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
	if (next.getpeername)
		return next.getpeername(fd, address, length);
	return (int)as_libc(sys(SYS_getpeername, fd, address, length));
}

int next_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	if (next.getsockname)
		return next.getsockname(fd, address, length);
	return (int)as_libc(sys(SYS_getsockname, fd, address, length));
}

int next_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	if (next.getsockopt)
		return next.getsockopt(fd, level, name, value, length);
	return (int)as_libc(sys(SYS_getsockopt, fd, level, name, value, length));
}

int next_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	if (next.setsockopt)
		return next.setsockopt(fd, level, name, value, length);
	return (int)as_libc(sys(SYS_setsockopt, fd, level, name, value, length));
}

int next_dup(int fd)
{
	if (next.dup)
		return next.dup(fd);
	return (int)as_libc(sys(SYS_dup, fd));
}

int next_dup3(int fd, int to, int flags)
{
	if (next.dup3)
		return next.dup3(fd, to, flags);
	return (int)as_libc(sys(SYS_dup3, fd, to, flags));
}

int next_dup2(int fd, int to)
{
	long flags;

	if (next.dup2)
		return next.dup2(fd, to);
	if (fd != to)
		return next_dup3(fd, to, 0);
	flags = sys(SYS_FCNTL, fd, F_GETFD);
	return (int)as_libc(flags < 0 ? flags : fd);
}

int next_fcntl(int (*definition)(int, int, ...), int fd, int command, void *argument)
{
	if (definition)
		return definition(fd, command, argument);
	return (int)as_libc(sys(SYS_FCNTL, fd, command, argument));
}

long next_syscall(long number, const long a[6])
{
	if (next.syscall)
		return next.syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	return as_libc(sys_call6(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

int next_epoll_create1(int flags)
{
	if (next.epoll_create1)
		return next.epoll_create1(flags);
	return (int)as_libc(sys(SYS_epoll_create1, flags));
}

int next_epoll_create(int size)
{
	if (next.epoll_create)
		return next.epoll_create(size);
	return size > 0 ? next_epoll_create1(0) : (int)as_libc(-EINVAL);
}
