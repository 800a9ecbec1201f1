/*
 * next: the definitions behind our own, as the dynamic linker finds them (libc's, or those of
 * another preload). Looked up once, in the constructor: dlsym() takes locks and may allocate, so
 * never in a call of the application's that does not (see next_late()). What is not there stays
 * NULL; where a system call does the same, the callers below make it.
 */
#ifndef MAILSEAL_PRELOAD_NEXT_H
#define MAILSEAL_PRELOAD_NEXT_H

#include <sys/socket.h>

#define MAILSEAL_EXPORT __attribute__((visibility("default")))

/* What is written at the start of every process stands together: each page costs. */
#define MAILSEAL_AT_START __attribute__((section(".data.start")))

struct next {
	int (*connect)(int, const struct sockaddr *, socklen_t);
	ssize_t (*sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	ssize_t (*sendmsg)(int, const struct msghdr *, int);
	int (*sendmmsg)(int, struct mmsghdr *, unsigned, int);
	ssize_t (*recvfrom)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
	ssize_t (*recvfrom_chk)(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
	ssize_t (*recvmsg)(int, struct msghdr *, int);
	ssize_t (*recvmsg64)(int, struct msghdr *, int);
	int (*recvmmsg)(int, struct mmsghdr *, unsigned, int, struct timespec *);
	int (*recvmmsg64)(int, struct mmsghdr *, unsigned, int, struct timespec *);
	int (*getpeername)(int, struct sockaddr *, socklen_t *);
	int (*getsockname)(int, struct sockaddr *, socklen_t *);
	int (*getsockopt)(int, int, int, void *, socklen_t *);
	int (*setsockopt)(int, int, int, const void *, socklen_t);
	int (*dup)(int);
	int (*dup2)(int, int);
	int (*dup3)(int, int, int);
	long (*syscall)(long, ...);
	int (*epoll_create)(int);
	int (*epoll_create1)(int);
	int (*plain_fcntl)(int, int, ...);
	int (*wide_fcntl)(int, int, ...);
	int (*old_fcntl)(int, int, ...);
	int (*time64_fcntl)(int, int, ...);
};

extern struct next next;

/* Functions that take locks and memory themselves: they are looked up when they are called. */
enum next_late {
	NEXT_GETADDRINFO,
	NEXT_GETHOSTBYNAME,
	NEXT_GETHOSTBYNAME2,
	NEXT_GETHOSTBYNAME_R,
	NEXT_GETHOSTBYNAME2_R,
	NEXT_RES_QUERY,
	NEXT_RES_SEARCH,
	NEXT_RES_QUERYDOMAIN,
	NEXT_RES_SEND,
	NEXT_RES_NQUERY,
	NEXT_RES_NSEARCH,
	NEXT_RES_NQUERYDOMAIN,
	NEXT_RES_NSEND,
};

/*
 * NULL if it is nowhere (musl has not all of them). With older glibc those of libresolv are in a
 * library that may be loaded later, so that what was not found before is looked for again.
 */
void *next_late(enum next_late which);

void next_resolve(void);

/* As the functions of the same name, errno included. */
int next_connect(int fd, const struct sockaddr *address, socklen_t length);
ssize_t next_sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to,
	socklen_t length);
ssize_t next_sendmsg(int fd, const struct msghdr *message, int flags);
int next_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
ssize_t next_recvfrom(
	int fd, void *bytes, size_t size, int flags, struct sockaddr *address, socklen_t *length);
/* `definition`: one of the two above, or NULL; as with fcntl below. */
ssize_t next_recvmsg(ssize_t (*definition)(int, struct msghdr *, int), int fd,
	struct msghdr *message, int flags);
int next_recvmmsg(int (*definition)(int, struct mmsghdr *, unsigned, int, struct timespec *),
	int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout);
int next_getpeername(int fd, struct sockaddr *address, socklen_t *length);
int next_getsockname(int fd, struct sockaddr *address, socklen_t *length);
int next_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int next_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int next_dup(int fd);
int next_dup2(int fd, int to);
int next_dup3(int fd, int to, int flags);
long next_syscall(long number, const long arguments[6]);
int next_epoll_create(int size);
int next_epoll_create1(int flags);
/* `definition`: one of the four above, or NULL. */
int next_fcntl(int (*definition)(int, int, ...), int fd, int command, void *argument);

#endif
