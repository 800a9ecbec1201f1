/*
 * received: the calls that hand out more than bytes. They pass on untouched; afterwards
 *
 *   - the sender's address, of which TCP tells none, is taken away again where a swapped socket
 * told the name of its other end;
 *   - descriptors that came in a message are noted, for one may be a duplicate (see places.h).
 *
 * recv() and read() do neither and are not our business.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "shim/preload/face.h"
#include "shim/preload/next.h"
#include "shim/preload/places.h"
#include "shim/preload/received.h"

/* What stands there is ours to take away only if the kernel wrote a name of AF_UNIX. */
static bool tells_a_pair(int fd, const void *address, socklen_t length)
{
	sa_family_t family;
	struct face face;

	if (!address || length < sizeof(family))
		return false;
	memcpy(&family, address, sizeof(family));
	return family == AF_UNIX && face_read(fd, &face) != FACE_NONE;
}

/* The control messages are the kernel's, whichever libc passes them on. */
static void note_descriptors(const struct msghdr *message)
{
	const char *at = message->msg_control;
	size_t left = at ? message->msg_controllen : 0, step;
	struct cmsghdr head;
	int fd;

	for (; left >= sizeof(head); at += step, left -= step) {
		memcpy(&head, at, sizeof(head));
		if (head.cmsg_len < sizeof(head) || head.cmsg_len > left)
			return;
		if (head.cmsg_level == SOL_SOCKET && head.cmsg_type == SCM_RIGHTS)
			for (size_t i = CMSG_LEN(0); i + sizeof(fd) <= head.cmsg_len;
				i += sizeof(fd)) {
				memcpy(&fd, at + i, sizeof(fd));
				places_got(fd);
			}
		step = CMSG_ALIGN(head.cmsg_len);
		if (step > left)
			return;
	}
}

void received_message(int fd, struct msghdr *message)
{
	int saved = errno;

	if (message->msg_controllen)
		note_descriptors(message);
	if (message->msg_namelen && tells_a_pair(fd, message->msg_name, message->msg_namelen))
		message->msg_namelen = 0;
	errno = saved;
}

void received_messages(int fd, struct mmsghdr *messages, int count)
{
	for (int i = 0; i < count; i++)
		received_message(fd, &messages[i].msg_hdr);
}

void received_address(int fd, const struct sockaddr *address, socklen_t *length)
{
	if (address && length && tells_a_pair(fd, address, *length))
		*length = 0;
}

MAILSEAL_EXPORT ssize_t recvfrom(
	int fd, void *bytes, size_t size, int flags, struct sockaddr *address, socklen_t *length)
{
	ssize_t n = next_recvfrom(fd, bytes, size, flags, address, length);

	if (n >= 0)
		received_address(fd, address, length);
	return n;
}

/* What programs built with _FORTIFY_SOURCE call; `room` is what the compiler knows of `bytes`. */
MAILSEAL_EXPORT ssize_t __recvfrom_chk(
	int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
ssize_t __recvfrom_chk(int fd, void *bytes, size_t size, size_t room, int flags,
	struct sockaddr *address, socklen_t *length)
{
	ssize_t n = next.recvfrom_chk
			    ? next.recvfrom_chk(fd, bytes, size, room, flags, address, length)
			    : next_recvfrom(
				      fd, bytes, size < room ? size : room, flags, address, length);

	if (n >= 0)
		received_address(fd, address, length);
	return n;
}

MAILSEAL_EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t n = next_recvmsg(next.recvmsg, fd, message, flags);

	if (n >= 0)
		received_message(fd, message);
	return n;
}

typedef int recvmmsg_function(int, struct mmsghdr *, unsigned, int, struct timespec *);

/* By its name for the linker: the libcs disagree about its parameters. */
#define WATCH_RECVMMSG(function, name, slot)                                                       \
	MAILSEAL_EXPORT recvmmsg_function function __asm__(name);                                  \
	int function(int fd, struct mmsghdr *messages, unsigned count, int flags,                  \
		struct timespec *timeout)                                                          \
	{                                                                                          \
		int n = next_recvmmsg(next.slot, fd, messages, count, flags, timeout);             \
                                                                                                   \
		received_messages(fd, messages, n);                                                \
		return n;                                                                          \
	}

WATCH_RECVMMSG(watch_recvmmsg, "recvmmsg", recvmmsg)

#if defined(__GLIBC__) && __SIZEOF_POINTER__ == 4
/* What 32-bit programs with a 64-bit time_t call. */
WATCH_RECVMMSG(watch_recvmmsg64, "__recvmmsg64", recvmmsg64)

MAILSEAL_EXPORT ssize_t __recvmsg64(int, struct msghdr *, int);
ssize_t __recvmsg64(int fd, struct msghdr *message, int flags)
{
	ssize_t n = next_recvmsg(next.recvmsg64, fd, message, flags);

	if (n >= 0)
		received_message(fd, message);
	return n;
}
#endif
