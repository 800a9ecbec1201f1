/*
 * duplicate: dup(), fcntl() and their kin, passed on untouched. They are watched only because a
 * duplicate of a socket must be found when the socket is swapped: one among the low numbers always
 * is; of any other, places is told.
 */
#include <fcntl.h>
#include <stdarg.h>

#include "shim/preload/next.h"
#include "shim/preload/places.h"

static int noted(struct places_call call, int fd)
{
	places_got(fd);
	places_end(&call);
	return fd;
}

/* Among the low numbers, where a socket is always looked for, and no other thread can look
 * meanwhile: there is nothing to note. */
static bool needs_no_note(int to)
{
	return to < PLACES_NEAR && places_alone();
}

MAILSEAL_EXPORT int dup(int);
MAILSEAL_EXPORT int dup2(int, int);
MAILSEAL_EXPORT int dup3(int, int, int);

int dup(int fd)
{
	struct places_call call = places_begin();

	return noted(call, next_dup(fd));
}

int dup2(int fd, int to)
{
	struct places_call call;

	if (needs_no_note(to))
		return next_dup2(fd, to);
	call = places_begin();
	return noted(call, next_dup2(fd, to));
}

int dup3(int fd, int to, int flags)
{
	struct places_call call;

	if (needs_no_note(to))
		return next_dup3(fd, to, flags);
	call = places_begin();
	return noted(call, next_dup3(fd, to, flags));
}

MAILSEAL_EXPORT int __dup2(int, int) __attribute__((alias("dup2")));

typedef int fcntl_function(int, int, ...);

/* By their names for the linker: the header makes one of two. The argument is a number or a
 * pointer, or not there; libc reads it in the same way. */
#define WATCH(function, name, slot)                                                                \
	MAILSEAL_EXPORT int function(int, int, ...) __asm__(name);                                 \
	int function(int fd, int command, ...)                                                     \
	{                                                                                          \
		va_list list;                                                                      \
		void *argument;                                                                    \
                                                                                                   \
		va_start(list, command);                                                           \
		argument = va_arg(list, void *);                                                   \
		va_end(list);                                                                      \
		return pass_on(next.slot, fd, command, argument);                                  \
	}

static int pass_on(fcntl_function *definition, int fd, int command, void *argument)
{
	struct places_call call;

	if (command != F_DUPFD && command != F_DUPFD_CLOEXEC)
		return next_fcntl(definition, fd, command, argument);
	call = places_begin();
	return noted(call, next_fcntl(definition, fd, command, argument));
}

WATCH(watch_fcntl, "fcntl", plain_fcntl)
WATCH(watch_fcntl64, "fcntl64", wide_fcntl)
WATCH(watch_old_fcntl, "__fcntl", old_fcntl)
#if defined(__GLIBC__) && __SIZEOF_POINTER__ == 4
WATCH(watch_fcntl_time64, "__fcntl_time64", time64_fcntl)
#endif
