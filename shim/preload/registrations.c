/*
 * registrations: what epoll knows about a socket that is about to be swapped.
 * kcmp() says without side effects whether a socket is registered; where it does not (old kernels,
 * seccomp), fdinfo is read in any case. (epoll_ctl(ADD) would say so too, but where there was none
 * it wakes whoever waits, with an event that means nothing.)
 */
#include "shim/preload/registrations.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "shim/handoff/text.h"
#include "shim/preload/next.h"
#include "shim/preload/sys.h"

#define EPOLLS 64	    /* that are remembered; of more, the newest */
#define KCMP_EPOLL_TARGET 7 /* linux/kcmp.h: KCMP_EPOLL_TFD */
#define SAME_NUMBER_MAX 64  /* files registered under one number: ghosts of others */

struct slot { /* linux/kcmp.h: struct kcmp_epoll_slot */
	uint32_t epoll, fd, nth;
};

static int epolls[EPOLLS]; /* number + 1; 0: none */
static uint32_t epoll_count;

void registrations_note_epoll(int epoll)
{
	uint32_t place;

	for (unsigned i = 0; i < EPOLLS; i++)
		if (__atomic_load_n(&epolls[i], __ATOMIC_RELAXED) == epoll + 1)
			return;
	place = __atomic_fetch_add(&epoll_count, 1, __ATOMIC_RELAXED) % EPOLLS;
	__atomic_store_n(&epolls[place], epoll + 1, __ATOMIC_RELAXED);
}

/* Is what stands at fd registered under that number? Also where it is not known. */
static bool may_be_registered(int epoll, int fd)
{
	struct slot slot = {(uint32_t)epoll, (uint32_t)fd, 0};
	long self = sys(SYS_gettid), n;

	for (; slot.nth < SAME_NUMBER_MAX; slot.nth++) {
		n = sys(SYS_kcmp, self, self, KCMP_EPOLL_TARGET, fd, &slot);
		if (n == 0)
			return true;
		if (n < 0) /* no more of them, no epoll descriptor any more, or no kcmp() */
			return n != -ENOENT && n != -EBADF && n != -EINVAL;
	}
	return true;
}

/* The number after `key`; false if it is not in the line. */
static bool field(const char *line, const char *key, unsigned base, uint64_t *out)
{
	const char *at = strstr(line, key);
	uint64_t n = 0;

	if (!at)
		return false;
	for (at += strlen(key); *at == ' ';)
		at++;
	for (;; at++) {
		unsigned digit = *at >= 'a' ? (unsigned)(*at - 'a') + 10 : (unsigned)(*at - '0');

		if (digit >= base)
			break;
		n = n * base + digit;
	}
	*out = n;
	return true;
}

/* Takes one line of fdinfo: "tfd: 5 events: 1d data: 5 pos:0 ino:1f2a sdev:9". True if it is
 * meant; its place is then filled. */
static bool take_line(struct registrations *r, const char *line, int fd, ino_t inode)
{
	uint64_t number, events, data, ino;

	if (!field(line, "tfd:", 10, &number) || number != (uint64_t)fd ||
		!field(line, "events:", 16, &events) || !field(line, "data:", 16, &data))
		return false;
	if (field(line, "ino:", 16, &ino) && ino != inode)
		return false;
	r->at[r->count].events = (uint32_t)events;
	r->at[r->count].data = data;
	return true;
}

/* The lines that are whole are looked at and taken off the text. */
static bool take_lines(struct registrations *r, size_t *length, int fd, ino_t inode)
{
	char *line = r->text, *end;

	while ((end = memchr(line, '\n', *length))) {
		*end = '\0';
		if (take_line(r, line, fd, inode))
			return true;
		*length -= (size_t)(end + 1 - line);
		line = end + 1;
	}
	memmove(r->text, line, *length);
	return false;
}

/* 1: found; 0: there is none; -errno: fdinfo cannot be read (there is no /proc in a chroot). */
static int read_registration(struct registrations *r, int epoll, int fd)
{
	char path[64];
	size_t length = 0;
	bool found = false;
	struct stat st;
	struct text t;
	int file, error;
	long n;

	text_init(&t, path, sizeof(path));
	text_add(&t, "/proc/thread-self/fdinfo/");
	text_add_number(&t, (uint64_t)epoll);
	file = (int)sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	error = file < 0 ? file : sys_fstat(fd, &st);
	if (error) {
		sys_close(&file);
		return error == -EBADF ? 0 : error; /* closed meanwhile */
	}
	do {
		n = sys(SYS_read, file, r->text + length, sizeof(r->text) - length);
		length += n > 0 ? (size_t)n : 0;
		found = n > 0 && take_lines(r, &length, fd, st.st_ino);
	} while (n > 0 && !found);
	sys_close(&file);
	return n < 0 ? (int)n : found;
}

static int take_one(struct registrations *r, int epoll, int fd)
{
	struct epoll_event none = {.events = 0};
	int found;

	if (r->count == REGISTRATIONS_MAX || !may_be_registered(epoll, fd))
		return 0;
	found = read_registration(r, epoll, fd);
	if (found <= 0)
		return found;
	if (sys(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, fd, &none) != 0)
		return 0;
	r->at[r->count].epoll = epoll;
	r->at[r->count].fd = fd;
	r->count++;
	return 0;
}

int registrations_take(struct registrations *r, const struct places *places)
{
	int error = 0;

	r->count = 0;
	if (!__atomic_load_n(&epoll_count, __ATOMIC_RELAXED))
		return 0;
	for (unsigned i = 0; !error && i < EPOLLS; i++) {
		int epoll = __atomic_load_n(&epolls[i], __ATOMIC_RELAXED) - 1;

		for (unsigned j = 0; !error && epoll >= 0 && j < places->count; j++)
			error = take_one(r, epoll, places->at[j].fd);
	}
	return error;
}

void registrations_put(struct registrations *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct epoll_event event = {.events = r->at[i].events};

		event.data.u64 = r->at[i].data;
		sys(SYS_epoll_ctl, r->at[i].epoll, EPOLL_CTL_ADD, r->at[i].fd, &event);
	}
	r->count = 0;
}

static int noted(int epoll)
{
	if (epoll >= 0)
		registrations_note_epoll(epoll);
	return epoll;
}

MAILSEAL_EXPORT int epoll_create(int size)
{
	return noted(next_epoll_create(size));
}

MAILSEAL_EXPORT int epoll_create1(int flags)
{
	return noted(next_epoll_create1(flags));
}
