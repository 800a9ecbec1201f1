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

/* After a successful kernel call: may this be a socket of ours? */
static bool unix_address(const struct sockaddr *address, socklen_t size)
{
	return size < sizeof(address->sa_family) || address->sa_family == AF_UNIX;
}

MAILSEAL_EXPORT int getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
	socklen_t size = length ? *length : 0;
	struct face face;
	int result = next_getpeername(fd, address, length);

	if (result != 0 || !unix_address(address, size) || face_read(fd, &face) == FACE_NONE)
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

	if (result != 0 || !unix_address(address, size) || face_read(fd, &face) == FACE_NONE)
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

/* SOL_SOCKET: the kernel has answered for AF_UNIX. */
static int socket_option(int fd, int name, void *value, socklen_t *length)
{
	struct face face;

	if (face_read(fd, &face) == FACE_NONE)
		return 0;
	if (name == SO_DOMAIN)
		return give_int(face.peer.family, value, length);
	if (name == SO_PROTOCOL)
		return give_int(IPPROTO_TCP, value, length);
	if (face.state == FACE_FAILED)
		return give_int(face.error, value, length);
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

/* What Linux says of a TCP socket to which nothing was told (tcp(7), ip(7), ipv6(7)). What is not
 * here is 0. */
static const struct {
	int level, name, value;
} defaults[] = {
	{IPPROTO_TCP, TCP_MAXSEG, SEGMENT_SIZE},
	{IPPROTO_TCP, TCP_KEEPIDLE, 7200},
	{IPPROTO_TCP, TCP_KEEPINTVL, 75},
	{IPPROTO_TCP, TCP_KEEPCNT, 9},
	{IPPROTO_TCP, TCP_SYNCNT, 6},
	{IPPROTO_TCP, TCP_LINGER2, 60},
	{IPPROTO_TCP, TCP_QUICKACK, 1},
	{IPPROTO_IP, IP_TTL, 64},
	{IPPROTO_IP, IP_MTU, MTU},
	{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT},
	{IPPROTO_IP, IP_MULTICAST_TTL, 1},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64},
	{IPPROTO_IPV6, IPV6_MTU, MTU},
	{IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT},
};

static int number_of(const struct kept *kept, int level, int name)
{
	if (level == IPPROTO_TCP && name == TCP_NODELAY)
		return kept->no_delay;
	if (level == IPPROTO_TCP && name == TCP_CORK)
		return kept->cork;
	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY)
		return kept->v6_only;
	if ((level == IPPROTO_IP && name == IP_TOS) ||
		(level == IPPROTO_IPV6 && name == IPV6_TCLASS))
		return kept->service;
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (defaults[i].level == level && defaults[i].name == name)
			return defaults[i].value;
	return 0;
}

MAILSEAL_EXPORT int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	int saved = errno, result = next_getsockopt(fd, level, name, value, length);
	struct face face;
	struct kept kept;

	if (result == 0 && level == SOL_SOCKET &&
		(name == SO_ERROR || name == SO_DOMAIN || name == SO_PROTOCOL))
		return socket_option(fd, name, value, length);
	if (result == 0 || errno != EOPNOTSUPP || !harmless_level(level) || !value || !length)
		return result;
	if (face_read(fd, &face) == FACE_NONE)
		return fail(EOPNOTSUPP);
	errno = saved;
	if (level == IPPROTO_TCP && name == TCP_INFO)
		return tcp_info(&face, value, length);
	if (level == IPPROTO_IP && name == IP_OPTIONS)
		*length = 0; /* there are none */
	kept = kept_read(fd);
	return give_int(number_of(&kept, level, name), value, length);
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
	else
		return;
	kept_write(fd, kept);
}

MAILSEAL_EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	int saved = errno, result = next_setsockopt(fd, level, name, value, length), number = 0;
	struct face face;

	if (result == 0 || errno != EOPNOTSUPP || !harmless_level(level))
		return result;
	/* What would change the protocol underneath is not harmless. */
	if ((level == IPPROTO_TCP && (name == TCP_ULP || name == TCP_REPAIR)) ||
		face_read(fd, &face) == FACE_NONE)
		return fail(EOPNOTSUPP);
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
