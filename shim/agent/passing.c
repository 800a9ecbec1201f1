/*
 * passing: messages of one octet.
 */
#include "shim/agent/passing.h"

#include "shim/agent/ancillary.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define QUEUE_BYTES (PASSING_QUEUE * 2 * 1024) /* the kernel counts its own part as well */

union control {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int passing_pair(int ends[2])
{
	int size = QUEUE_BYTES, i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	for (i = 0; i < 2; i++)
		setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

int passing_say(int to, enum passing what, int fd)
{
	const char octet = (char)what;

	return ancillary_send(to, &octet, 1, fd);
}

int passing_hear(int from, enum passing *what, int *fd)
{
	char octet = 0;
	union control control = {{0}};
	struct iovec iov = {&octet, 1};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	const struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	*what = (enum passing)octet;
	*fd = -1;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		c->cmsg_len == CMSG_LEN(sizeof(*fd)))
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return 1;
}
