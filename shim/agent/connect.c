/*
 * connect: the application's socket is shared with it until the swap, so what is changed on it is
 * undone on failure.
 */
#include "shim/agent/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif

static int option(int fd, int level, int name)
{
	int value = 0;
	socklen_t n = sizeof(value);

	return getsockopt(fd, level, name, &value, &n) < 0 ? -errno : value;
}

static void set_option(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value));
}

int connect_check(int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	int domain = option(fd, SOL_SOCKET, SO_DOMAIN),
	    protocol = option(fd, SOL_SOCKET, SO_PROTOCOL);
	unsigned char state;
	socklen_t m = sizeof(state);

	if (domain < 0)
		return domain;
	if (domain != AF_INET && domain != AF_INET6)
		return -EPROTOTYPE;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
		return -EPROTOTYPE;
	if (protocol == IPPROTO_TCP && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &m) == 0 &&
		state == TCP_CLOSE) /* tcpi_state, the first octet */
		return 0;
	if (getpeername(fd, (struct sockaddr *)&ss, &n) == 0)
		return -EISCONN;
	if (errno != ENOTCONN)
		return -errno;
	return protocol == IPPROTO_TCP ? -EALREADY : 0;
}

void connect_let_close(int fd)
{
	const struct linger none = {0, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

/* What an application may have set and what would make a relay wait, reset or signal. */
static void calm(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0);
	set_option(fd, IPPROTO_TCP, TCP_CORK, 0);
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, SOL_SOCKET, SO_RCVLOWAT, 1);
	connect_let_close(fd);
}

/* The flags belong to the application's descriptor as well: non-blocking only for this one call,
 * since all else is MSG_DONTWAIT. */
int connect_begin(int fd, const struct endpoint *to, int *flags)
{
	int error = EINPROGRESS;

	*flags = fcntl(fd, F_GETFL);
	if (*flags < 0 || fcntl(fd, F_SETFL, (*flags | O_NONBLOCK) & ~O_ASYNC) < 0)
		return -errno;
	calm(fd);
	if (connect(fd, (const struct sockaddr *)&to->ss, to->length) < 0)
		error = errno;
	fcntl(fd, F_SETFL, *flags & ~O_ASYNC);
	return -error;
}

static bool is_loopback(const void *addr, bool v6)
{
	const uint8_t *a = addr;

	return v6 ? IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)addr) ||
			       (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)addr) && a[12] == 127)
		  : a[0] == 127;
}

/* Connecting to "any" means this machine: the local address, or loopback. */
static bool same_address(const void *wanted, const void *got, const void *local, bool v6)
{
	static const uint8_t zero[16], mapped_zero[16] = {[10] = 0xff, [11] = 0xff};
	size_t n = v6 ? 16 : 4;

	if (memcmp(wanted, got, n) == 0)
		return true;
	if (memcmp(wanted, zero, n) != 0 && !(v6 && memcmp(wanted, mapped_zero, n) == 0))
		return false;
	return is_loopback(got, v6) || memcmp(got, local, n) == 0;
}

static bool same_peer(const struct sockaddr_storage *wanted, const struct sockaddr_storage *got,
	const struct sockaddr_storage *local)
{
	const struct sockaddr_in *w4 = (const void *)wanted, *g4 = (const void *)got,
				 *l4 = (const void *)local;
	const struct sockaddr_in6 *w6 = (const void *)wanted, *g6 = (const void *)got,
				  *l6 = (const void *)local;

	if (wanted->ss_family != got->ss_family)
		return false;
	if (wanted->ss_family == AF_INET)
		return w4->sin_port == g4->sin_port &&
		       same_address(&w4->sin_addr, &g4->sin_addr, &l4->sin_addr, false);
	return wanted->ss_family == AF_INET6 && w6->sin6_port == g6->sin6_port &&
	       (!w6->sin6_scope_id || !g6->sin6_scope_id ||
		       w6->sin6_scope_id == g6->sin6_scope_id) &&
	       same_address(&w6->sin6_addr, &g6->sin6_addr, &l6->sin6_addr, true);
}

int connect_finish(int fd, const struct endpoint *to, struct endpoint *peer)
{
	struct sockaddr_storage local = {0};
	socklen_t n = sizeof(local);
	struct endpoint got = {.length = sizeof(got.ss)};
	int error = option(fd, SOL_SOCKET, SO_ERROR);

	if (error)
		return error > 0 ? -error : error;
	if (getpeername(fd, (struct sockaddr *)&got.ss, &got.length) < 0 ||
		getsockname(fd, (struct sockaddr *)&local, &n) < 0)
		return -errno;
	if (!same_peer(&to->ss, &got.ss, &local))
		return -ECONNABORTED;
	*peer = got;
	return 0;
}

void connect_undo(int fd, int flags)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};

	connect(fd, &none, sizeof(none));
	option(fd, SOL_SOCKET, SO_ERROR);
	connect_let_close(fd);
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags);
}

/* Two sockets of one network namespace have the same cookie (since Linux 5.14). Unknown means
 * different. */
static bool same_namespace(int a, int b)
{
	uint64_t one = 0, other = 0;
	socklen_t n = sizeof(one), m = sizeof(other);

	return getsockopt(a, SOL_SOCKET, SO_NETNS_COOKIE, &one, &n) == 0 &&
	       getsockopt(b, SOL_SOCKET, SO_NETNS_COOKIE, &other, &m) == 0 && one == other;
}

int connect_route(int fd, struct connect_route *route)
{
	struct connect_route r = {0};
	socklen_t n = sizeof(r.network), m = sizeof(r.device), k = sizeof(r.mark);

	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &r.network, &n) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, r.device, &m) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_MARK, &r.mark, &k) < 0)
		return -errno;
	*route = r;
	return 0;
}

static int copy_option(int from, int to, int level, int name)
{
	int value = option(from, level, name);

	if (value <= 0)
		return 0;
	return setsockopt(to, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int copy_device(int from, int to)
{
	char device[IFNAMSIZ] = "";
	socklen_t n = sizeof(device);

	if (getsockopt(from, SOL_SOCKET, SO_BINDTODEVICE, device, &n) < 0 || !*device)
		return 0;
	return setsockopt(to, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) <
			       0
		       ? -errno
		       : 0;
}

/* Those that decide the route, and those that the network sees. */
static int copy_options(int from, int to, int domain)
{
	int rc = copy_option(from, to, SOL_SOCKET, SO_MARK);

	if (rc == 0)
		rc = copy_device(from, to);
	if (rc < 0)
		return rc;
	if (domain == AF_INET6)
		copy_option(from, to, IPPROTO_IPV6, IPV6_TCLASS);
	copy_option(from, to, IPPROTO_IP, IP_TOS);
	copy_option(from, to, SOL_SOCKET, SO_PRIORITY);
	copy_option(from, to, SOL_SOCKET, SO_KEEPALIVE);
	copy_option(from, to, IPPROTO_TCP, TCP_USER_TIMEOUT);
	return 0;
}

static int bind_like(int from, int to)
{
	struct sockaddr_storage local = {0};
	socklen_t n = sizeof(local);

	if (getsockname(from, (struct sockaddr *)&local, &n) < 0)
		return -errno;
	if (local.ss_family == AF_INET)
		((struct sockaddr_in *)&local)->sin_port = 0;
	else
		((struct sockaddr_in6 *)&local)->sin6_port = 0;
	set_option(to, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return bind(to, (const struct sockaddr *)&local, n) < 0 ? -errno : 0;
}

int connect_sibling(int fd, struct err *err)
{
	int domain = option(fd, SOL_SOCKET, SO_DOMAIN),
	    protocol = option(fd, SOL_SOCKET, SO_PROTOCOL);
	int rc, fresh = socket(domain, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fresh < 0)
		return err_fail(err, errno, "fresh connection: %s", strerror(errno));
	if (!same_namespace(fd, fresh)) {
		close(fresh);
		return err_fail(
			err, ENOTSUP, "fresh connection: the application's network is another one");
	}
	rc = copy_options(fd, fresh, domain);
	if (rc == 0)
		rc = bind_like(fd, fresh);
	if (rc < 0) {
		close(fresh);
		return err_fail(err, -rc, "fresh connection: %s", strerror(-rc));
	}
	return fresh;
}
