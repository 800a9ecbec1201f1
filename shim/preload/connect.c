/*
 * connect: the hook itself. What does not go to a mail port passes after one compare of address
 * family and port.
 */
#include "shim/preload/connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "shim/preload/face.h"
#include "shim/preload/handover.h"
#include "shim/preload/log.h"
#include "shim/preload/next.h"
#include "shim/preload/places.h"
#include "shim/preload/settings.h"
#include "shim/preload/sys.h"

#ifndef AF_SMC
#define AF_SMC 43
#endif
#ifndef IPPROTO_SMC
#define IPPROTO_SMC 256
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define IN6_LENGTH_LEAST 24 /* RFC 2133: without the scope */
#define RACE_MS 6000	    /* until another thread's attempt with the same socket has an answer */
#define RACE_STEP_MS 2

extern void pthread_testcancel(void) __attribute__((weak));

/* A socket's property, or -errno. */
static int option(int fd, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);
	long error = sys(SYS_getsockopt, fd, SOL_SOCKET, name, &value, &length);

	return error ? (int)error : value;
}

/* Connected, connecting or listening already: the kernel will say so, and connect nothing. */
static bool in_use(int fd)
{
	unsigned char state = TCP_CLOSE; /* tcpi_state, the first byte */
	socklen_t length = sizeof(state);

	return sys(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, &state, &length) == 0 &&
	       state != TCP_CLOSE;
}

/* A pair without names may be one that another thread just put in place. */
static int connect_swapped(int fd, bool wait)
{
	bool early = face_may_come(fd);
	struct face face;

	if (face_read(fd, &face) != FACE_NONE)
		return face_connect(fd, &face, wait);
	/* The kernel's word for it, without asking it: TCP may be back in place by then. */
	return early || option(fd, SO_DOMAIN) != AF_UNIX ? HANDOVER_RACED : -EINVAL;
}

static int connect_tcp(
	int fd, int domain, const struct sockaddr *address, socklen_t length, bool wait)
{
	struct handoff_addr peer;

	if (address->sa_family != domain) /* the kernel's own words for it */
		return domain == AF_INET6 && length < IN6_LENGTH_LEAST ? -EINVAL : -EAFNOSUPPORT;
	if (handoff_addr_from_sockaddr(&peer, address, length) != 0)
		return -EINVAL;
	return in_use(fd) ? CONNECT_PASS : handover(fd, &peer, wait);
}

/* What cannot be handed over, or not even be looked at, goes nowhere. */
static int refuse(const struct sockaddr *address, socklen_t length, const char *reason, int error)
{
	struct handoff_addr peer;

	if (handoff_addr_from_sockaddr(&peer, address, length) != 0)
		return -EINVAL;
	log_refused(&peer, NULL, reason, NULL, error);
	return -ECONNREFUSED;
}

static int connect_once(int fd, const struct sockaddr *address, socklen_t length, bool wait)
{
	int type = option(fd, SO_TYPE), domain, protocol;

	if (type == -ENOTSOCK || type == -EBADF || (type >= 0 && type != SOCK_STREAM))
		return CONNECT_PASS;
	domain = option(fd, SO_DOMAIN);
	protocol = option(fd, SO_PROTOCOL);
	if (type < 0 || domain < 0 || protocol < 0)
		return refuse(address, length, "cannot look at the socket",
			type < 0     ? -type
			: domain < 0 ? -domain
				     : -protocol);
	if (domain == AF_UNIX)
		return connect_swapped(fd, wait);
	if (domain == AF_SMC || protocol == IPPROTO_SMC)
		return refuse(address, length, "SMC sockets cannot be handed over", 0);
	if (domain != AF_INET && domain != AF_INET6)
		return CONNECT_PASS;
	if (!protocol) /* an AF_UNIX socket's: another thread swapped it between the two questions
			*/
		return HANDOVER_RACED;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
		return CONNECT_PASS;
	return connect_tcp(fd, domain, address, length, wait);
}

int connect_mail(int fd, const struct sockaddr *address, socklen_t length, bool wait)
{
	int result = connect_once(fd, address, length, wait);

	if (result != HANDOVER_RACED)
		return result;
	for (int64_t deadline = sys_now_ms() + RACE_MS; sys_now_ms() < deadline;) {
		sys_sleep_ms(RACE_STEP_MS);
		result = connect_once(fd, address, length, wait);
		if (result != HANDOVER_RACED)
			return result;
	}
	return -EALREADY;
}

/* Other ports: the kernel says EINVAL to an internet address on a socket that we swapped; TCP would
 * not. */
static int connect_other(int fd, const struct sockaddr *address, socklen_t length)
{
	int saved = errno, result = next_connect(fd, address, length);
	struct face face;

	/* A TCP socket that was taken for connected may be connected again. */
	if (result == 0 && address && address->sa_family == AF_UNSPEC)
		places_doubt();
	if (result == 0 || errno != EINVAL || !address || length < sizeof(struct sockaddr_in))
		return result;
	if ((address->sa_family != AF_INET && address->sa_family != AF_INET6) ||
		face_read(fd, &face) == FACE_NONE)
		return result;
	errno = saved;
	result = face_connect(fd, &face, true);
	if (!result)
		return 0;
	errno = -result;
	return -1;
}

MAILSEAL_EXPORT int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	int result;

	if (!settings_mail_address(address, length))
		return connect_other(fd, address, length);
	if (pthread_testcancel)
		pthread_testcancel();
	result = connect_mail(fd, address, length, true);
	if (result == CONNECT_PASS)
		return next_connect(fd, address, length);
	if (!result)
		return 0;
	errno = -result;
	return -1;
}

MAILSEAL_EXPORT int __connect(int, const struct sockaddr *, socklen_t)
	__attribute__((alias("connect")));
