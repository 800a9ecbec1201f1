/*
 * options: the questions that a program asks about a socket, answered for a swapped one as TCP
 * would. The kernel is always asked first; only what it says about an AF_UNIX socket is looked at
 * again.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "shim/preload/face.h"
#include "shim/preload/kept.h"
#include "shim/preload/next.h"
#include "shim/preload/sys.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define SEGMENT_SIZE 1448
#define MTU 1500

static int fail(int error)
{
	errno = error;
	return -1;
}

/* As the kernel hands out an address: as much as fits, the true length. */
static void give_address(const struct handoff_addr *from, struct sockaddr *address,
	socklen_t *length, socklen_t size)
{
	struct sockaddr_storage ss;
	socklen_t full = handoff_addr_to_sockaddr(from, &ss);

	memcpy(address, &ss, size < full ? size : full);
	*length = full;
}

/* After a successful kernel call with room for `size` octets: may this be a name of ours? */
static bool may_be_ours(const struct sockaddr *address, socklen_t size, socklen_t length)
{
	return handoff_name_may_be(length) &&
	       (size < sizeof(address->sa_family) || address->sa_family == AF_UNIX);
}

MAILSEAL_EXPORT int getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
	socklen_t size = length ? *length : 0;
	struct face face;
	int result = next_getpeername(fd, address, length);

	if (result != 0)
		return result;
	/* The agent's end has no name while it connects. */
	if (*length != sizeof(sa_family_t) && !may_be_ours(address, size, *length))
		return result;
	if (face_read(fd, &face) == FACE_NONE)
		return result;
	if (face.state != FACE_CONNECTED)
		return fail(ENOTCONN);
	give_address(&face.peer, address, length, size);
	return 0;
}

MAILSEAL_EXPORT int getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	socklen_t size = length ? *length : 0;
	struct face face;
	int result = next_getsockname(fd, address, length);

	if (result != 0 || !may_be_ours(address, size, *length) ||
		face_read(fd, &face) == FACE_NONE)
		return result;
	give_address(face.local.family ? &face.local
				       : &(struct handoff_addr){.family = face.peer.family},
		address, length, size);
	return 0;
}

static int give_int(int value, void *out, socklen_t *length)
{
	if (*length > sizeof(value))
		*length = sizeof(value);
	memcpy(out, &value, *length);
	return 0;
}

/*
 * What the kernel does not say of a swapped socket: spares most sockets a second question. Not so
 * SO_ERROR: an attempt that failed hangs up before the kernel has an error for it, and has none
 * while somebody else still holds the agent's end.
 */
static bool same_for_tcp(int name, const void *value, socklen_t length)
{
	int number;

	if (name == SO_ERROR || length < sizeof(number))
		return false;
	memcpy(&number, value, sizeof(number));
	return name == SO_DOMAIN ? number != AF_UNIX : number != 0;
}

/* SOL_SOCKET: the kernel has answered for AF_UNIX. */
static int socket_option(int fd, int name, void *value, socklen_t *length)
{
	struct face face;

	if (same_for_tcp(name, value, *length) || face_read(fd, &face) == FACE_NONE)
		return 0;
	if (name == SO_DOMAIN)
		return give_int(face.peer.family, value, length);
	if (name == SO_PROTOCOL)
		return give_int(
			kept_read(fd).multipath ? IPPROTO_MPTCP : IPPROTO_TCP, value, length);
	if (face.state == FACE_FAILED)
		return give_int(face_tell_error(fd) ? face.error : 0, value, length);
	return 0;
}

static int tcp_info(const struct face *face, void *value, socklen_t *length)
{
	struct tcp_info info = {.tcpi_state = TCP_CLOSE,
		.tcpi_snd_mss = SEGMENT_SIZE,
		.tcpi_rcv_mss = SEGMENT_SIZE,
		.tcpi_pmtu = MTU};

	if (face->state == FACE_CONNECTED)
		info.tcpi_state = TCP_ESTABLISHED;
	if (face->state == FACE_CONNECTING)
		info.tcpi_state = TCP_SYN_SENT;
	if (*length > sizeof(info))
		*length = sizeof(info);
	memcpy(value, &info, *length);
	return 0;
}

static bool harmless_level(int level)
{
	return level == IPPROTO_TCP || level == IPPROTO_IP || level == IPPROTO_IPV6;
}

/* What only a connected socket has. What others say a fresh one says too. */
static const struct {
	int level, name, value;
} connected_only[] = {
	{IPPROTO_TCP, TCP_MAXSEG, SEGMENT_SIZE},
	{IPPROTO_IP, IP_MTU, MTU},
	{IPPROTO_IPV6, IPV6_MTU, MTU},
};

/* The kernel's verdict about an option of TCP, with the help of a socket that is none of the
 * application's: 0 or -errno. `length` NULL: set it, size octets. */
static long try_on_tcp(const struct face *face, int level, int name, void *value, socklen_t *length,
	socklen_t size)
{
	int fd = (int)sys(SYS_socket, face->peer.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long error = 0;

	if (fd < 0) /* no room for one: it is as well as it can be */
		return length ? give_int(0, value, length) : 0;
	if (length)
		error = sys(SYS_getsockopt, fd, level, name, value, length);
	else
		error = sys(SYS_setsockopt, fd, level, name, value, size);
	sys_close(&fd);
	return error;
}

/* The kernel's verdict about an option that takes any number: SO_TYPE cannot be set, but the number
 * is read before. */
static long try_number(int fd, const void *value, socklen_t size)
{
	long error = sys(SYS_setsockopt, fd, SOL_SOCKET, SO_TYPE, value, size);

	return error == -ENOPROTOOPT ? 0 : error;
}

/* What was kept of this option, or is known of it. False: nothing. */
static bool number_of(int fd, int level, int name, int *value)
{
	struct kept kept = kept_read(fd);

	if (level == IPPROTO_TCP && name == TCP_NODELAY)
		return *value = kept.no_delay, true;
	if (level == IPPROTO_TCP && name == TCP_CORK)
		return *value = kept.cork, true;
	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY)
		return *value = kept.v6_only, true;
	if ((level == IPPROTO_IP && name == IP_TOS) ||
		(level == IPPROTO_IPV6 && name == IPV6_TCLASS))
		return *value = kept.service, true;
	for (size_t i = 0; i < sizeof(connected_only) / sizeof(connected_only[0]); i++)
		if (connected_only[i].level == level && connected_only[i].name == name)
			return *value = connected_only[i].value, true;
	return kept_number(fd, level, name, value);
}

static int tcp_option(
	int fd, const struct face *face, int level, int name, void *value, socklen_t *length)
{
	int number;
	long error;

	if (level == IPPROTO_TCP && name == TCP_INFO)
		return tcp_info(face, value, length);
	if ((level != IPPROTO_IPV6 || face->peer.family == AF_INET6) &&
		number_of(fd, level, name, &number))
		return give_int(number, value, length);
	error = try_on_tcp(face, level, name, value, length, 0);
	return error ? fail((int)-error) : 0;
}

MAILSEAL_EXPORT int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	int saved = errno, result = next_getsockopt(fd, level, name, value, length);
	struct face face;

	if (result == 0 && level == SOL_SOCKET &&
		(name == SO_ERROR || name == SO_DOMAIN || name == SO_PROTOCOL))
		return socket_option(fd, name, value, length);
	if (result == 0 || errno != EOPNOTSUPP || !harmless_level(level) || !value || !length)
		return result;
	if (face_read(fd, &face) == FACE_NONE)
		return fail(EOPNOTSUPP);
	errno = saved;
	return tcp_option(fd, &face, level, name, value, length);
}

/* Only what number_of() tells again is kept. */
static void keep(int fd, int level, int name, int value)
{
	struct kept kept = kept_read(fd);

	if (level == IPPROTO_TCP && name == TCP_NODELAY)
		kept.no_delay = value != 0;
	else if (level == IPPROTO_TCP && name == TCP_CORK)
		kept.cork = value != 0;
	else if ((level == IPPROTO_IP && name == IP_TOS) ||
		 (level == IPPROTO_IPV6 && name == IPV6_TCLASS))
		kept.service = (uint8_t)value;
	else {
		kept_set_number(fd, level, name, value);
		return;
	}
	kept_write(fd, kept);
}

MAILSEAL_EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	int saved = errno, result = next_setsockopt(fd, level, name, value, length), number = 0;
	struct face face;
	long error;

	if (result == 0 || errno != EOPNOTSUPP || !harmless_level(level))
		return result;
	/* What would change the protocol underneath is not harmless. */
	if ((level == IPPROTO_TCP && (name == TCP_ULP || name == TCP_REPAIR)) ||
		face_read(fd, &face) == FACE_NONE)
		return fail(EOPNOTSUPP);
	if (level == IPPROTO_TCP && (name == TCP_NODELAY || name == TCP_CORK))
		error = try_number(fd, value, length);
	else
		error = try_on_tcp(&face, level, name, (void *)value, NULL, length);
	if (error)
		return fail((int)-error);
	errno = saved;
	if (value && length >= sizeof(number)) {
		memcpy(&number, value, sizeof(number));
		keep(fd, level, name, number);
	}
	return 0;
}

#if defined(__GLIBC__) && __SIZEOF_POINTER__ == 4
/* What 32-bit programs with a 64-bit time_t call. */
MAILSEAL_EXPORT int __getsockopt64(int, int, int, void *, socklen_t *)
	__attribute__((alias("getsockopt"), nothrow, leaf));
MAILSEAL_EXPORT int __setsockopt64(int, int, int, const void *, socklen_t)
	__attribute__((alias("setsockopt"), nothrow, leaf));
#endif
