/*
 * connect: TCP connections, begun without waiting. The application's own socket, or a fresh one
 * that resembles it.
 */
#ifndef MAILSEAL_AGENT_CONNECT_H
#define MAILSEAL_AGENT_CONNECT_H

#include "shim/base/err.h"

#include <stdint.h>
#include <sys/socket.h>

struct endpoint {
	struct sockaddr_storage ss;
	socklen_t length;
};

/* 0 if `fd` is an unconnected TCP (or MPTCP) socket; else -ENOTSOCK, -EPROTOTYPE, -EISCONN,
 * -EALREADY. */
int connect_check(int fd);

/*
 * Takes away options that would disturb the relay and begins to connect, without waiting. *flags:
 * those of F_GETFL before, for connect_undo(). -EINPROGRESS (also where it stands already), or
 * -errno; -EINTR: somebody made it wait all the same.
 */
int connect_begin(int fd, const struct endpoint *to, int *flags);

/* close() shall not wait, whatever SO_LINGER the application set meanwhile. */
void connect_let_close(int fd);

/* Once writable: 0 if the kernel's peer is the one asked for, filled into *peer; else -errno. */
int connect_finish(int fd, const struct endpoint *to, struct endpoint *peer);

/* What decides, beside its address, which machine a socket's peer is. No padding. */
struct connect_route {
	uint64_t network; /* namespace, by a number that no other had since the machine started */
	char device[16];  /* that it is bound to; the rest is zero */
	uint32_t mark;
	uint32_t unused;
};

/* 0, or -errno where the kernel does not tell. */
int connect_route(int fd, struct connect_route *route);

/* Disconnects: the application may still own the same socket, and finds it as it was. Does not
 * close. */
void connect_undo(int fd, int flags);

/*
 * A new unconnected socket of the same kind as `fd`, which is connected: same network namespace,
 * local address (another port), mark, device, type of service. The descriptor, or -errno with err.
 */
int connect_sibling(int fd, struct err *err);

#endif
