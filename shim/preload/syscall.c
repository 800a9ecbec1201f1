/*
 * syscall: libc's own door to the kernel. Those calls that connect, that ask or tell something
 * about a socket, or that make descriptors are led to the hooks of the same name; all else passes
 * on untouched.
 *
 * io_uring could connect behind our back, so it is not to be had by this door (ENOSYS, as on
 * kernels and in containers that do not allow it, which its users are prepared for).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/preload/next.h"
#include "shim/preload/places.h"
#include "shim/preload/received.h"
#include "shim/preload/registrations.h"
#include "shim/preload/sys.h"

#define ARGUMENTS 6

static bool duplicates(long number, const long a[ARGUMENTS])
{
	switch (number) {
#ifdef SYS_dup2
	case SYS_dup2:
#endif
	case SYS_dup:
	case SYS_dup3:
#ifdef SYS_pidfd_getfd
	case SYS_pidfd_getfd:
#endif
		return true;
	case SYS_fcntl:
#ifdef SYS_fcntl64
	case SYS_fcntl64:
#endif
		return a[1] == F_DUPFD || a[1] == F_DUPFD_CLOEXEC;
	}
	return false;
}

static long duplicate(long number, const long a[ARGUMENTS])
{
	struct places_call call = places_begin();
	long result = next_syscall(number, a);

	places_got((int)result);
	places_end(&call);
	return result;
}

/* The caller's own call, as it is; only what it made is noted. */
static long pass_on(long number, const long a[ARGUMENTS])
{
	long result;

	if (duplicates(number, a))
		return duplicate(number, a);
	result = next_syscall(number, a);
	switch (result < 0 ? -1 : number) {
#ifdef SYS_epoll_create
	case SYS_epoll_create:
#endif
	case SYS_epoll_create1:
		registrations_note_epoll((int)result);
		break;
#ifdef SYS_recvfrom
	case SYS_recvfrom:
		received_address((int)a[0], (const void *)a[4], (void *)a[5]);
		break;
	case SYS_recvmsg:
		received_message((int)a[0], (void *)a[1]);
		break;
	case SYS_recvmmsg:
#ifdef SYS_recvmmsg_time64
	case SYS_recvmmsg_time64:
#endif
		received_messages((int)a[0], (void *)a[1], (int)result);
		break;
#endif
	}
	return result;
}

#ifdef SYS_socketcall
/* linux/net.h */
enum {
	CALL_CONNECT = 3,
	CALL_GETSOCKNAME = 6,
	CALL_GETPEERNAME = 7,
	CALL_SENDTO = 11,
	CALL_RECVFROM = 12,
	CALL_SETSOCKOPT = 14,
	CALL_GETSOCKOPT = 15,
	CALL_SENDMSG = 16,
	CALL_RECVMSG = 17,
	CALL_RECVMMSG = 19,
	CALL_SENDMMSG = 20,
};

/* One system call for all of them, where the machine has that; its arguments stand in memory. */
static long socketcall(long which, const long *a)
{
	switch (a ? which : 0) {
	case CALL_CONNECT:
		return connect((int)a[0], (const void *)a[1], (socklen_t)a[2]);
	case CALL_GETSOCKNAME:
		return getsockname((int)a[0], (void *)a[1], (void *)a[2]);
	case CALL_GETPEERNAME:
		return getpeername((int)a[0], (void *)a[1], (void *)a[2]);
	case CALL_SENDTO:
		return sendto((int)a[0], (const void *)a[1], (size_t)a[2], (int)a[3],
			(const void *)a[4], (socklen_t)a[5]);
	case CALL_RECVFROM:
		return recvfrom((int)a[0], (void *)a[1], (size_t)a[2], (int)a[3], (void *)a[4],
			(void *)a[5]);
	case CALL_RECVMSG:
		return recvmsg((int)a[0], (void *)a[1], (int)a[2]);
	case CALL_RECVMMSG:
		return recvmmsg((int)a[0], (void *)a[1], (unsigned)a[2], (int)a[3], (void *)a[4]);
	case CALL_SETSOCKOPT:
		return setsockopt(
			(int)a[0], (int)a[1], (int)a[2], (const void *)a[3], (socklen_t)a[4]);
	case CALL_GETSOCKOPT:
		return getsockopt((int)a[0], (int)a[1], (int)a[2], (void *)a[3], (void *)a[4]);
	case CALL_SENDMSG:
		return sendmsg((int)a[0], (const void *)a[1], (int)a[2]);
	case CALL_SENDMMSG:
		return sendmmsg((int)a[0], (void *)a[1], (unsigned)a[2], (int)a[3]);
	}
	return pass_on(SYS_socketcall, (const long[ARGUMENTS]){which, (long)a});
}
#endif

static long dispatch(long number, const long a[ARGUMENTS])
{
	switch (number) {
#ifdef SYS_connect
	case SYS_connect:
		return connect((int)a[0], (const void *)a[1], (socklen_t)a[2]);
	case SYS_sendto:
		return sendto((int)a[0], (const void *)a[1], (size_t)a[2], (int)a[3],
			(const void *)a[4], (socklen_t)a[5]);
	case SYS_sendmsg:
		return sendmsg((int)a[0], (const void *)a[1], (int)a[2]);
	case SYS_sendmmsg:
		return sendmmsg((int)a[0], (void *)a[1], (unsigned)a[2], (int)a[3]);
	case SYS_getsockname:
		return getsockname((int)a[0], (void *)a[1], (void *)a[2]);
	case SYS_getpeername:
		return getpeername((int)a[0], (void *)a[1], (void *)a[2]);
	case SYS_getsockopt:
		return getsockopt((int)a[0], (int)a[1], (int)a[2], (void *)a[3], (void *)a[4]);
	case SYS_setsockopt:
		return setsockopt(
			(int)a[0], (int)a[1], (int)a[2], (const void *)a[3], (socklen_t)a[4]);
#endif
#ifdef SYS_socketcall
	case SYS_socketcall:
		return socketcall(a[0], (const long *)a[1]);
#endif
#ifdef SYS_io_uring_setup
	case SYS_io_uring_setup:
		errno = ENOSYS;
		return -1;
#endif
	}
	return pass_on(number, a);
}

/* As libc itself, it takes six arguments whatever was passed. */
MAILSEAL_EXPORT long syscall(long number, ...)
{
	long a[ARGUMENTS];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < ARGUMENTS; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	return dispatch(number, a);
}
