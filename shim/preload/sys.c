/*
 * sys: the few system calls that need more than one line.
 */
#include "shim/preload/sys.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#ifdef SYS_BY_LIBC
long sys_call6(long number, long a, long b, long c, long d, long e, long f)
{
	static long (*call)(long, ...);
	int saved = errno;
	long result;

	if (!call) {
		void *definition = dlsym(RTLD_NEXT, "syscall");

		memcpy(&call, &definition, sizeof(call));
	}
	result = call(number, a, b, c, d, e, f);
	if (result == -1)
		result = -errno;
	errno = saved;
	return result;
}
#endif

void *sys_memory(unsigned long size, bool shared)
{
#ifdef SYS_mmap2
	long number = SYS_mmap2;
#else
	long number = SYS_mmap;
#endif
	int flags = MAP_ANONYMOUS | (shared ? MAP_SHARED : MAP_PRIVATE);
	long p = sys(number, 0, size, PROT_READ | PROT_WRITE, flags, -1, 0);

	return p < 0 && p > -4096 ? NULL : (void *)p;
}

void sys_memory_free(void *memory, unsigned long size)
{
	if (memory)
		sys(SYS_munmap, memory, size);
}

void sys_close(int *fd)
{
	if (*fd >= 0)
		sys(SYS_close, *fd);
	*fd = -1;
}

int sys_above_stdio(int fd)
{
	long moved;

	if (fd < 0 || fd > 2)
		return fd;
	moved = sys(SYS_FCNTL, fd, F_DUPFD_CLOEXEC, 3);
	sys(SYS_close, fd);
	return (int)moved;
}

#ifdef SYS_clock_gettime64
#define WIDE(name, suffix) SYS_##name##suffix
#else
#define WIDE(name, suffix) SYS_##name
#endif

/* Kernels before 5.1 do not know the wide calls, and sandboxes of their days forbid them. */
#if defined(SYS_clock_gettime64) && defined(SYS_clock_gettime)
#define NARROW(name) SYS_##name
#else
#define NARROW(name) (-1)
#endif

static bool other_is_meant(long result, long other)
{
	return (result == -ENOSYS || result == -EPERM) && other >= 0;
}

/* A call with a time as its third argument. */
static long timed(
	long number, long narrow, long a, long b, const struct sys_time *t, long d, long e)
{
	struct sys_time copy = t ? *t : (struct sys_time){0}; /* the kernel may write to it */
	int32_t small[2] = {(int32_t)copy.seconds, (int32_t)copy.nanoseconds};
	long n = sys(number, a, b, t ? &copy : NULL, d, e);

	return other_is_meant(n, narrow) ? sys(narrow, a, b, t ? small : NULL, d, e) : n;
}

void sys_clock(int clock, struct sys_time *now)
{
	int32_t small[2] = {0, 0};

	if (!other_is_meant(sys(WIDE(clock_gettime, 64), clock, now), NARROW(clock_gettime)))
		return;
	sys(NARROW(clock_gettime), clock, small);
	*now = (struct sys_time){small[0], small[1]};
}

int64_t sys_now_ms(void)
{
	struct sys_time t = {0};

	sys_clock(CLOCK_MONOTONIC, &t);
	return t.seconds * 1000 + t.nanoseconds / 1000000;
}

void sys_sleep_ms(int64_t ms)
{
	struct sys_time t = {.seconds = ms / 1000, .nanoseconds = ms % 1000 * 1000000};

	timed(WIDE(clock_nanosleep, _time64), NARROW(clock_nanosleep), CLOCK_MONOTONIC, 0, &t, 0,
		0);
}

long sys_poll(struct pollfd *p, unsigned count, const struct sys_time *limit)
{
	return timed(WIDE(ppoll, _time64), NARROW(ppoll), (long)p, (long)count, limit, 0,
		SYS_SIGSET_BYTES);
}

int sys_wait(int fd, short events, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};
	struct sys_time t;
	int64_t left = deadline <= 0 ? 0 : deadline - sys_now_ms();
	long n;

	if (left < 0)
		left = 0;
	t = (struct sys_time){.seconds = left / 1000, .nanoseconds = left % 1000 * 1000000};
	n = sys_poll(&p, 1, deadline < 0 ? NULL : &t);
	return n < 0 ? (int)n : n > 0;
}

sys_sigset sys_signals_block(void)
{
	sys_sigset all = ~(sys_sigset)0, before = 0;

	sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, SYS_SIGSET_BYTES);
	return before;
}

void sys_signals_restore(sys_sigset before)
{
	sys(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SYS_SIGSET_BYTES);
}

void sys_signals_drop(sys_sigset which)
{
	struct sys_time now = {0, 0};

	timed(WIDE(rt_sigtimedwait, _time64), NARROW(rt_sigtimedwait), (long)&which, 0, &now,
		SYS_SIGSET_BYTES, 0);
}

long sys_read_file(const char *path, char *out, unsigned long size)
{
	int fd = (int)sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	unsigned long length = 0;
	long n = fd;

	if (fd < 0)
		return fd;
	do {
		n = sys(SYS_read, fd, out + length, size - 1 - length);
		length += n > 0 ? (unsigned long)n : 0;
	} while ((n > 0 && length < size - 1) || n == -EINTR);
	sys_close(&fd);
	if (n > 0)
		return -EFBIG;
	out[length] = '\0';
	return n < 0 ? n : (long)length;
}

/* st_dev as the kernel (and so every libc) packs it. */
static uint64_t device(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | ((uint64_t)major & 0xfff) << 8 | ((uint64_t)minor & ~0xffu) << 12;
}

static int stat_at(int fd, const char *path, int flags, struct stat *st)
{
	struct statx x;
	long n = sys(SYS_statx, fd, path, flags, STATX_BASIC_STATS, &x);

	if (n < 0)
		return (int)n;
	memset(st, 0, sizeof(*st));
	st->st_dev = device(x.stx_dev_major, x.stx_dev_minor);
	st->st_ino = x.stx_ino;
	st->st_mode = x.stx_mode;
	st->st_uid = x.stx_uid;
	st->st_size = (off_t)x.stx_size;
	st->st_ctim.tv_sec = (time_t)x.stx_ctime.tv_sec;
	st->st_ctim.tv_nsec = (long)x.stx_ctime.tv_nsec;
	return 0;
}

int sys_stat(const char *path, struct stat *st)
{
	return stat_at(AT_FDCWD, path, 0, st);
}

int sys_fstat(int fd, struct stat *st)
{
	return stat_at(fd, "", AT_EMPTY_PATH, st);
}
