/*
 * implicit: the calls that connect and send at once. With MSG_FASTOPEN and the address of a mail
 * port they become a connect() and a plain send; everything else passes untouched. (Without that
 * flag TCP ignores the address.)
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "shim/preload/connect.h"
#include "shim/preload/face.h"
#include "shim/preload/next.h"
#include "shim/preload/settings.h"

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

static bool connects(int flags, const struct sockaddr *to, socklen_t length)
{
	return (flags & MSG_FASTOPEN) && settings_mail_address(to, length);
}

/* 0: go on without address and flag; CONNECT_PASS; -1 with errno. */
static int connect_first(int fd, const struct sockaddr *to, socklen_t length, int flags)
{
	int result = connect_mail(fd, to, length, !(flags & MSG_DONTWAIT));

	if (result == -EISCONN) /* TCP then sends */
		return 0;
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

/* The kernel said EISCONN to an address: TCP, once connected, does not look at it. */
static bool is_ours(int fd, int saved)
{
	struct face face;

	if (errno != EISCONN || face_read(fd, &face) == FACE_NONE)
		return false;
	errno = saved; /* as it was before the call that shall not count */
	return true;
}

MAILSEAL_EXPORT ssize_t sendto(int fd, const void *bytes, size_t size, int flags,
	const struct sockaddr *to, socklen_t length)
{
	int saved = errno;
	ssize_t n;

	if (connects(flags, to, length)) {
		int result = connect_first(fd, to, length, flags);

		if (result < 0)
			return -1;
		if (result == 0)
			return next_sendto(fd, bytes, size, flags & ~MSG_FASTOPEN, NULL, 0);
	}
	n = next_sendto(fd, bytes, size, flags, to, length);
	return n < 0 && to && is_ours(fd, saved) ? next_sendto(fd, bytes, size, flags, NULL, 0) : n;
}

MAILSEAL_EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	int saved = errno;
	struct msghdr plain;
	ssize_t n;

	if (flags & MSG_FASTOPEN && message &&
		connects(flags, message->msg_name, message->msg_namelen)) {
		int result = connect_first(fd, message->msg_name, message->msg_namelen, flags);

		plain = *message;
		plain.msg_name = NULL;
		plain.msg_namelen = 0;
		if (result < 0)
			return -1;
		if (result == 0)
			return next_sendmsg(fd, &plain, flags & ~MSG_FASTOPEN);
	}
	n = next_sendmsg(fd, message, flags);
	if (n >= 0 || !message || !message->msg_name || !is_ours(fd, saved))
		return n;
	plain = *message;
	plain.msg_name = NULL;
	plain.msg_namelen = 0;
	return next_sendmsg(fd, &plain, flags);
}

MAILSEAL_EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	unsigned sent = 0;
	int saved = errno, n;

	if (!(flags & MSG_FASTOPEN)) {
		n = next_sendmmsg(fd, messages, count, flags);
		if (n >= 0 || !is_ours(fd, saved))
			return n;
	}
	for (; sent < count; sent++) {
		ssize_t size = sendmsg(fd, &messages[sent].msg_hdr, flags);

		if (size < 0)
			return sent ? (int)sent : -1;
		messages[sent].msg_len = (unsigned)size;
	}
	return (int)sent;
}

#if defined(__GLIBC__) && __SIZEOF_POINTER__ == 4
/* What 32-bit programs with a 64-bit time_t call. */
MAILSEAL_EXPORT ssize_t __sendmsg64(int, const struct msghdr *, int)
	__attribute__((alias("sendmsg")));
MAILSEAL_EXPORT int __sendmmsg64(int, struct mmsghdr *, unsigned, int)
	__attribute__((alias("sendmmsg")));
#endif
