/*
 * kept: the little that a swapped socket remembers of the TCP socket whose place it took. The bits
 * stand in SO_MAX_PACING_RATE, the numbers in a filter.
 */
#include "shim/preload/kept.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "shim/preload/sys.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef TCP_NOTSENT_LOWAT
#define TCP_NOTSENT_LOWAT 25
#endif

/* An application's own rate is told from ours by the first byte. */
#define MARK 0x6d000000u
#define MARK_MASK 0xff000000u
#define TOLD 0x1u
#define NO_DELAY 0x2u
#define CORK 0x4u
#define V6_ONLY 0x8u
#define ERROR_TOLD 0x10u
#define MULTIPATH 0x20u
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
	kept.error_told = value & ERROR_TOLD;
	kept.multipath = value & MULTIPATH;
	kept.service = (uint8_t)(value >> SERVICE_SHIFT);
	return kept;
}

void kept_write(int fd, struct kept kept)
{
	uint32_t value = MARK | (uint32_t)kept.service << SERVICE_SHIFT;

	value |= kept.told ? TOLD : 0;
	value |= kept.no_delay ? NO_DELAY : 0;
	value |= kept.cork ? CORK : 0;
	value |= kept.v6_only ? V6_ONLY : 0;
	value |= kept.error_told ? ERROR_TOLD : 0;
	value |= kept.multipath ? MULTIPATH : 0;
	sys(SYS_setsockopt, fd, SOL_SOCKET, SO_MAX_PACING_RATE, &value, sizeof(value));
}

/*
 * Further numbers stand in a socket filter that passes everything: one instruction each that loads
 * it. Filters are for datagrams; a stream of AF_UNIX never runs one.
 */
static const struct {
	int level, name;
	uint32_t usual; /* where nothing was told (tcp(7), ip(7), ipv6(7)) */
} numbers[] = {
	{IPPROTO_IP, IP_TTL, 64},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64},
	{IPPROTO_TCP, TCP_KEEPIDLE, 7200},
	{IPPROTO_TCP, TCP_KEEPINTVL, 75},
	{IPPROTO_TCP, TCP_KEEPCNT, 9},
	{IPPROTO_TCP, TCP_USER_TIMEOUT, 0},
	{IPPROTO_TCP, TCP_SYNCNT, 6},
	{IPPROTO_TCP, TCP_LINGER2, 60},
	{IPPROTO_TCP, TCP_DEFER_ACCEPT, 0},
	{IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0},
};

#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))
#define LOAD (BPF_LD | BPF_IMM)
#define PASS (BPF_RET | BPF_K)

static int place_of(int level, int name)
{
	for (size_t i = 0; i < NUMBERS; i++)
		if (numbers[i].level == level && numbers[i].name == name)
			return (int)i;
	return -1;
}

/* A filter that is not ours holds nothing. */
static void read_numbers(int fd, uint32_t values[NUMBERS])
{
	struct sock_filter filter[NUMBERS + 2];
	socklen_t count = NUMBERS + 2; /* of instructions, here alone */
	bool ours = sys(SYS_getsockopt, fd, SOL_SOCKET, SO_GET_FILTER, filter, &count) == 0 &&
		    count == NUMBERS + 2 && filter[0].code == LOAD && filter[0].k == MARK;

	for (size_t i = 0; i < NUMBERS; i++)
		values[i] = ours ? filter[1 + i].k : numbers[i].usual;
}

static void write_numbers(int fd, const uint32_t values[NUMBERS])
{
	struct sock_filter filter[NUMBERS + 2] = {{.code = LOAD, .k = MARK}};
	struct sock_fprog program = {NUMBERS + 2, filter};

	for (size_t i = 0; i < NUMBERS; i++)
		filter[1 + i] = (struct sock_filter){.code = LOAD, .k = values[i]};
	filter[1 + NUMBERS] = (struct sock_filter){.code = PASS, .k = ~0u};
	sys(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

bool kept_number(int fd, int level, int name, int *value)
{
	uint32_t values[NUMBERS];
	int place = place_of(level, name);

	if (place < 0)
		return false;
	read_numbers(fd, values);
	*value = (int)values[place];
	return true;
}

void kept_set_number(int fd, int level, int name, int value)
{
	uint32_t values[NUMBERS];
	int place = place_of(level, name);

	if (place < 0)
		return;
	read_numbers(fd, values);
	values[place] = (uint32_t)value;
	write_numbers(fd, values);
}

static int option(int fd, int level, int name)
{
	int value = 0;
	socklen_t length = sizeof(value);

	sys(SYS_getsockopt, fd, level, name, &value, &length);
	return value;
}

static struct kept bits_of(int tcp, int family)
{
	struct kept kept = {0};

	kept.no_delay = option(tcp, IPPROTO_TCP, TCP_NODELAY) != 0;
	kept.cork = option(tcp, IPPROTO_TCP, TCP_CORK) != 0;
	kept.multipath = option(tcp, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_MPTCP;
	if (family == AF_INET6) {
		kept.v6_only = option(tcp, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
		kept.service = (uint8_t)option(tcp, IPPROTO_IPV6, IPV6_TCLASS);
	} else {
		kept.service = (uint8_t)option(tcp, IPPROTO_IP, IP_TOS);
	}
	return kept;
}

/* As a rule all are the usual ones, and nothing is kept. */
static void copy_numbers(int tcp, int fd, int family)
{
	uint32_t values[NUMBERS];
	bool told = false;

	for (size_t i = 0; i < NUMBERS; i++) {
		uint32_t value = 0;
		socklen_t length = sizeof(value);
		bool known = (numbers[i].level != IPPROTO_IPV6 || family == AF_INET6) &&
			     sys(SYS_getsockopt, tcp, numbers[i].level, numbers[i].name, &value,
				     &length) == 0;

		values[i] = known ? value : numbers[i].usual;
		told = told || values[i] != numbers[i].usual;
	}
	if (told)
		write_numbers(fd, values);
}

/* Those of the socket itself, which AF_UNIX has as well, mean what they are. */
static void copy_generic(int tcp, int fd)
{
	static const struct {
		int name, fresh; /* as the new socket has it */
	} options[] = {{SO_KEEPALIVE, 0}, {SO_REUSEADDR, 0}, {SO_OOBINLINE, 0}, {SO_BROADCAST, 0},
		{SO_PRIORITY, 0}, {SO_DONTROUTE, 0}, {SO_RCVLOWAT, 1}};
	struct linger linger = {0, 0};
	socklen_t length = sizeof(linger);
	char device[16] = ""; /* IFNAMSIZ */

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		int value = option(tcp, SOL_SOCKET, options[i].name);

		if (value != options[i].fresh)
			sys(SYS_setsockopt, fd, SOL_SOCKET, options[i].name, &value, sizeof(value));
	}
	if (sys(SYS_getsockopt, tcp, SOL_SOCKET, SO_LINGER, &linger, &length) == 0 &&
		linger.l_onoff)
		sys(SYS_setsockopt, fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	length = sizeof(device);
	if (sys(SYS_getsockopt, tcp, SOL_SOCKET, SO_BINDTODEVICE, device, &length) == 0 &&
		device[0])
		sys(SYS_setsockopt, fd, SOL_SOCKET, SO_BINDTODEVICE, device, length);
}

void kept_copy(int tcp, int fd, int family)
{
	copy_generic(tcp, fd);
	kept_write(fd, bits_of(tcp, family));
	copy_numbers(tcp, fd, family);
}
