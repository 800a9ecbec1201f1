/*
 * sys: system calls made directly. They return -errno, leave errno alone, are no cancellation
 * points, pass no other preload, and work in a child that shares the caller's memory. Architectures
 * without the few lines of assembly below go through libc's syscall(), with errno put back.
 */
#ifndef MAILSEAL_PRELOAD_SYS_H
#define MAILSEAL_PRELOAD_SYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__) && defined(__LP64__)
static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#elif defined(__i386__)
static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f)
{
	long last[2] = {a, f}; /* ebx and ebp cannot be named as operands */
	long result;

	__asm__ volatile("pushl %%ebx; pushl %%ebp; movl (%%eax), %%ebx; movl 4(%%eax), %%ebp;"
			 "movl 8(%%eax), %%eax; int $0x80; popl %%ebp; popl %%ebx"
			 : "=a"(result)
			 : "a"(&(long[]){last[0], last[1], number}), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return result;
}
#else
/* By the syscall() behind our own, with errno put back. */
long sys_call6(long number, long a, long b, long c, long d, long e, long f);
#define SYS_BY_LIBC
#endif

#define SYS_PICK(x1, x2, x3, x4, x5, x6, x7, name, ...) name
#define sys(...)                                                                                   \
	SYS_PICK(__VA_ARGS__, sys_c6, sys_c5, sys_c4, sys_c3, sys_c2, sys_c1, sys_c0, )(__VA_ARGS__)
#define sys_c0(n) sys_call6(n, 0, 0, 0, 0, 0, 0)
#define sys_c1(n, a) sys_call6(n, (long)(a), 0, 0, 0, 0, 0)
#define sys_c2(n, a, b) sys_call6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define sys_c3(n, a, b, c) sys_call6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define sys_c4(n, a, b, c, d) sys_call6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define sys_c5(n, a, b, c, d, e)                                                                   \
	sys_call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define sys_c6(n, a, b, c, d, e, f)                                                                \
	sys_call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* 32-bit machines have two of each; the wide ones are meant. */
#ifdef SYS_fcntl64
#define SYS_FCNTL SYS_fcntl64
#else
#define SYS_FCNTL SYS_fcntl
#endif
#ifdef SYS_setresuid32
#define SYS_SETRESUID SYS_setresuid32
#define SYS_SETRESGID SYS_setresgid32
#define SYS_GETRESUID SYS_getresuid32
#define SYS_GETRESGID SYS_getresgid32
#define SYS_GETEUID SYS_geteuid32
#define SYS_GETEGID SYS_getegid32
#else
#define SYS_SETRESUID SYS_setresuid
#define SYS_SETRESGID SYS_setresgid
#define SYS_GETRESUID SYS_getresuid
#define SYS_GETRESGID SYS_getresgid
#define SYS_GETEUID SYS_geteuid
#define SYS_GETEGID SYS_getegid
#endif

struct sys_time { /* the kernel's __kernel_timespec */
	int64_t seconds;
	int64_t nanoseconds;
};

#define SYS_SIGSET_BYTES 8
typedef uint64_t sys_sigset; /* the kernel's set of 64 signals */

/* Memory for the length of a call: thread stacks can be tiny. `shared`: also with a child that has
 * a copy of all other memory. NULL if there is none. */
void *sys_memory(unsigned long size, bool shared);
void sys_memory_free(void *memory, unsigned long size);

/*
 * A new descriptor of ours must not stand where the application believes its standard input, output
 * or error, which it may have closed: moves it (CLOEXEC). -errno, also as `fd`, comes back as it
 * is; on failure nothing is kept.
 */
int sys_above_stdio(int fd);
void sys_close(int *fd); /* -1 is fine, and stays */

/* Time. 32-bit machines have two of each of these calls, the wide one and that of old kernels and
 * sandboxes; both are tried. */
void sys_clock(int clock, struct sys_time *now); /* as clock_gettime() */
int64_t sys_now_ms(void);			 /* monotonic */
void sys_sleep_ms(int64_t ms);

/* As ppoll() with no mask; a `limit` of NULL: for ever. */
struct pollfd;
long sys_poll(struct pollfd *p, unsigned count, const struct sys_time *limit);

/* Waits for `events` on fd until `deadline` (sys_now_ms, negative: for ever). 1, 0 (deadline
 * passed) or -errno (EINTR too). */
int sys_wait(int fd, short events, int64_t deadline);

/* All signals of the thread blocked, also those that libc keeps for itself. */
sys_sigset sys_signals_block(void);
void sys_signals_restore(sys_sigset before);

/* Takes one pending signal of the set away, if there is any. */
void sys_signals_drop(sys_sigset which);

/* Reads a small file of /proc into `out`, with a NUL. Returns its length or -errno (-EFBIG if it
 * does not fit). */
long sys_read_file(const char *path, char *out, unsigned long size);

/* What the preload asks of a file (st_dev, st_ino, st_mode, st_uid, st_size, st_ctim); links are
 * followed. 0 or -errno. */
struct stat;
int sys_stat(const char *path, struct stat *st);
int sys_fstat(int fd, struct stat *st);

#endif
