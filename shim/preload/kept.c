/*
 * kept: the little that a swapped socket remembers of the TCP socket whose place it took.
 */
#include "shim/preload/kept.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "shim/preload/sys.h"

/* An application's own rate is told from ours by the first byte. */
#define MARK 0x6d000000u
#define MARK_MASK 0xff000000u
#define TOLD 0x1u
#define NO_DELAY 0x2u
#define CORK 0x4u
#define V6_ONLY 0x8u
#define SERVICE_SHIFT 8

struct kept kept_read(int fd)
{
	struct kept kept = {0};
	uint32_t value = 0;
	socklen_t length = sizeof(value);

	if (sys(SYS_getsockopt, fd, SOL_SOCKET, SO_MAX_PACING_RATE, &value, &length) != 0 ||
		(value & MARK_MASK) != MARK)
		return kept;
	kept.told = value & TOLD;
	kept.no_delay = value & NO_DELAY;
	kept.cork = value & CORK;
	kept.v6_only = value & V6_ONLY;
	kept.service = (uint8_t)(value >> SERVICE_SHIFT);
	return kept;
}

void kept_write(int fd, struct kept kept)
{
	uint32_t value = MARK | (uint32_t)kept.service << SERVICE_SHIFT | (kept.told ? TOLD : 0) |
			 (kept.no_delay ? NO_DELAY : 0) | (kept.cork ? CORK : 0) |
			 (kept.v6_only ? V6_ONLY : 0);

	sys(SYS_setsockopt, fd, SOL_SOCKET, SO_MAX_PACING_RATE, &value, sizeof(value));
}

static int option(int fd, int level, int name)
{
	int value = 0;
	socklen_t length = sizeof(value);

	sys(SYS_getsockopt, fd, level, name, &value, &length);
	return value;
}

struct kept kept_of_tcp(int tcp, int family)
{
	struct kept kept = {0};

	kept.no_delay = option(tcp, IPPROTO_TCP, TCP_NODELAY) != 0;
	kept.cork = option(tcp, IPPROTO_TCP, TCP_CORK) != 0;
	if (family == AF_INET6) {
		kept.v6_only = option(tcp, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
		kept.service = (uint8_t)option(tcp, IPPROTO_IPV6, IPV6_TCLASS);
	} else {
		kept.service = (uint8_t)option(tcp, IPPROTO_IP, IP_TOS);
	}
	return kept;
}
