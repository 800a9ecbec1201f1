/*
 * handover: one message in, one or two out. Descriptors that came with a refused message are closed
 * at once.
 */
#include "shim/agent/handover.h"

#include "shim/agent/ancillary.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define DESCRIPTORS 2
#define JUNK_MAX (64u << 20)
#define FORGOTTEN_AT_ONCE 16 /* pages */

union control {
	char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
	struct cmsghdr align;
};

static void keep_first_two(struct request *r, const int *fds, size_t count)
{
	r->tcp = count > 0 ? fds[0] : -1;
	r->plain = count > 1 ? fds[1] : -1;
}

static void take_descriptors(struct msghdr *m, struct request *r)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int fds[DESCRIPTORS];
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(fds, CMSG_DATA(c), bytes < sizeof(fds) ? bytes : sizeof(fds));
		keep_first_two(r, fds, bytes / sizeof(int));
	}
}

void request_clear(struct request *r)
{
	if (r->tcp >= 0)
		close(r->tcp);
	if (r->plain >= 0)
		close(r->plain);
	r->tcp = r->plain = -1;
}

static bool is_stream_pair(int fd)
{
	int domain = 0, type = 0;
	socklen_t n = sizeof(int), m = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &m) == 0 && type == SOCK_STREAM;
}

/* Two descriptors and more that did not fit: malformed. Fewer than two: the agent has no room for
 * them. */
static int examine(const struct msghdr *m, size_t length, struct request *r)
{
	if (m->msg_flags & MSG_CTRUNC)
		return r->plain >= 0 ? -EPROTO : -EMFILE;
	if (m->msg_flags & MSG_TRUNC || length > HANDOFF_REQUEST_MAX)
		return -EMSGSIZE;
	if (r->tcp < 0 || r->plain < 0 || !is_stream_pair(r->plain))
		return -EPROTO;
	return handoff_request_decode(r->bytes, length, &r->view);
}

int request_receive(int channel, struct request *r)
{
	union control control;
	struct iovec iov = {r->bytes, sizeof(r->bytes)};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n;
	int rc;

	r->tcp = r->plain = -1;
	do
		n = recvmsg(channel, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? -EAGAIN : -EPIPE;
	take_descriptors(&m, r);
	if (n == 0 && r->tcp < 0)
		return -EPIPE;
	rc = examine(&m, (size_t)n, r);
	if (rc < 0)
		request_clear(r);
	return rc;
}

static int send_reply(
	int channel, enum handoff_stage stage, int error, const struct handoff_addr *local, int fd)
{
	struct handoff_reply reply = {.magic = HANDOFF_MAGIC,
		.version = HANDOFF_VERSION,
		.stage = (uint16_t)stage,
		.error = error};

	if (local)
		reply.local = *local;
	return ancillary_send(channel, &reply, sizeof(reply), fd);
}

int handover_reply(
	int channel, enum handoff_stage stage, int error, const struct handoff_addr *local)
{
	return send_reply(channel, stage, error, local, -1);
}

int handover_return(int channel, int error, int tcp)
{
	return send_reply(channel, HANDOFF_OUTCOME, error, NULL, tcp);
}

static int take_name(int plain, const struct handoff_name *name)
{
	struct sockaddr_un sun;
	socklen_t n = handoff_name_encode(name, &sun);

	return bind(plain, (const struct sockaddr *)&sun, n) < 0 ? -errno : 0;
}

/* Up to `left` bytes, over and over into the same few, which stay in the processor's cache. */
static ssize_t forget(int plain, uint64_t left)
{
	char bytes[4096];
	struct iovec iov[FORGOTTEN_AT_ONCE];
	struct msghdr m = {.msg_iov = iov};

	for (; left && m.msg_iovlen < FORGOTTEN_AT_ONCE; m.msg_iovlen++) {
		size_t n = left < sizeof(bytes) ? left : sizeof(bytes);

		iov[m.msg_iovlen] = (struct iovec){bytes, n};
		left -= n;
	}
	return recvmsg(plain, &m, MSG_DONTWAIT);
}

static int discard(int plain, uint64_t left)
{
	ssize_t n;

	if (left > JUNK_MAX)
		return -EPROTO;
	while (left) {
		n = forget(plain, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPROTO;
		left -= (uint64_t)n;
	}
	return 0;
}

int handover_connected(int plain, const struct handoff_request *head)
{
	struct handoff_name name = {.face = HANDOFF_FACE_PEER, .peer = head->peer};
	int rc;

	memcpy(name.nonce, head->nonce, sizeof(name.nonce));
	rc = take_name(plain, &name);
	return rc < 0 ? rc : discard(plain, head->junk);
}

void handover_failed(int plain, const struct handoff_request *head, int error)
{
	struct handoff_name name = {.face = HANDOFF_FACE_ERROR, .error = error};

	memcpy(name.nonce, head->nonce, sizeof(name.nonce));
	take_name(plain, &name);
	shutdown(plain, SHUT_RDWR);
	close(plain);
}
