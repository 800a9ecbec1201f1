#include "shim/agent/ancillary.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int ancillary_send(int to, const void *bytes, size_t size, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(fd))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {(void *)bytes, size};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.space);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	do
		n = sendmsg(to, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}
