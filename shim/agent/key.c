/*
 * key: one string of octets, each part with its length, so that no two sets of parts look alike.
 * Options of the socket go in as the kernel gives them, or as the error that it gives.
 */
#include "shim/agent/key.h"

#include "shim/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef IP_UNICAST_IF
#define IP_UNICAST_IF 50
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
/* <netinet/in.h> lacks these, and <linux/in6.h> does not go with it */
#define V6_FLOWINFO_SEND 33
#define V6_AUTOFLOWLABEL 70
#define V6_ADDR_PREFERENCES 72
#define V6_TRANSPARENT 75
#define V6_UNICAST_IF 76
#define V6_FREEBIND 78

#define KEY_MAX (HANDOFF_NAMES * (HANDOFF_NAME_SIZE + 8) + 16384)
#define LABEL_MAX 1024
#define CGROUP_MAX 4096

struct key {
	unsigned users;
	size_t length;
	unsigned char bytes[];
};

/* All that decides the way of a packet, or that the network or a filter on its way may see. */
static const struct {
	int level, name;
} options[] = {
	{SOL_SOCKET, SO_PROTOCOL},
	{SOL_SOCKET, SO_MARK},
	{SOL_SOCKET, SO_PRIORITY},
	{SOL_SOCKET, SO_BINDTODEVICE},
	{SOL_SOCKET, SO_BINDTOIFINDEX},
	{SOL_SOCKET, SO_DONTROUTE},
	{IPPROTO_IP, IP_TOS},
	{IPPROTO_IP, IP_TTL},
	{IPPROTO_IP, IP_OPTIONS},
	{IPPROTO_IP, IP_MTU_DISCOVER},
	{IPPROTO_IP, IP_TRANSPARENT},
	{IPPROTO_IP, IP_FREEBIND},
	{IPPROTO_IP, IP_UNICAST_IF},
	{IPPROTO_IP, IP_LOCAL_PORT_RANGE},
	{IPPROTO_IPV6, IPV6_TCLASS},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS},
	{IPPROTO_IPV6, IPV6_MTU_DISCOVER},
	{IPPROTO_IPV6, IPV6_RTHDR},
	{IPPROTO_IPV6, IPV6_HOPOPTS},
	{IPPROTO_IPV6, IPV6_DSTOPTS},
	{IPPROTO_IPV6, V6_FLOWINFO_SEND},
	{IPPROTO_IPV6, V6_AUTOFLOWLABEL},
	{IPPROTO_IPV6, V6_ADDR_PREFERENCES},
	{IPPROTO_IPV6, V6_TRANSPARENT},
	{IPPROTO_IPV6, V6_UNICAST_IF},
	{IPPROTO_IPV6, V6_FREEBIND},
	{IPPROTO_TCP, TCP_CONGESTION},
	{IPPROTO_TCP, TCP_MAXSEG},
};

static int add(struct buf *b, const void *bytes, size_t n)
{
	uint32_t length = (uint32_t)n;
	int rc = buf_append(b, &length, sizeof(length));

	return rc < 0 ? rc : buf_append(b, bytes, n);
}

static int add_option(struct buf *b, int fd, int level, int name)
{
	unsigned char value[LABEL_MAX];
	socklen_t n = sizeof(value);
	int error;

	if (getsockopt(fd, level, name, value, &n) == 0)
		return add(b, value, n);
	error = -errno; /* a number below zero is no length */
	return buf_append(b, &error, sizeof(error));
}

/* A socket of the one family has no options of the other, and the family is in the key. */
static int add_options(struct buf *b, int fd)
{
	socklen_t n = sizeof(int);
	int family, rc;
	size_t i;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &n) < 0)
		return -errno;
	rc = add(b, &family, sizeof(family));
	for (i = 0; i < sizeof(options) / sizeof(options[0]) && rc == 0; i++)
		if (family != AF_INET || options[i].level != IPPROTO_IPV6)
			rc = add_option(b, fd, options[i].level, options[i].name);
	return rc;
}

static int add_network(struct buf *b, int fd)
{
	uint64_t cookie = 0;
	socklen_t n = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &n) < 0)
		return -errno;
	return add(b, &cookie, sizeof(cookie));
}

/* What it is bound to. A port of one's own cannot be had twice at a time. */
static int add_source(struct buf *b, int fd)
{
	struct sockaddr_storage ss = {0};
	const struct sockaddr_in *in = (const void *)&ss;
	const struct sockaddr_in6 *in6 = (const void *)&ss;
	socklen_t n = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &n) < 0)
		return -errno;
	if (ss.ss_family == AF_INET)
		return in->sin_port ? -EADDRINUSE : add(b, &in->sin_addr, sizeof(in->sin_addr));
	if (ss.ss_family != AF_INET6 || in6->sin6_port)
		return -EADDRINUSE;
	if (add(b, &in6->sin6_addr, sizeof(in6->sin6_addr)) < 0)
		return -ENOMEM;
	return add(b, &in6->sin6_scope_id, sizeof(in6->sin6_scope_id));
}

/* "Any" is a machine that depends on who asks. */
static bool is_any(const struct handoff_addr *peer)
{
	static const uint8_t zero[16], mapped_zero[16] = {[10] = 0xff, [11] = 0xff};
	size_t n = peer->family == AF_INET6 ? 16 : 4;

	return memcmp(peer->addr, zero, n) == 0 ||
	       (n == 16 && memcmp(peer->addr, mapped_zero, n) == 0);
}

static int add_peer(struct buf *b, const struct handoff_request *head)
{
	if (is_any(&head->peer) || head->flags & HANDOFF_NAMES_TORN)
		return -EINVAL;
	return add(b, &head->peer, sizeof(head->peer));
}

static int add_names(struct buf *b, char *const *names, unsigned count)
{
	int rc = add(b, &count, sizeof(count));
	unsigned i;

	for (i = 0; i < count && rc == 0; i++)
		rc = add(b, names[i], strlen(names[i]));
	return rc;
}

static int add_cgroup(struct buf *b, pid_t pid)
{
	char path[48], text[CGROUP_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/cgroup", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n <= 0 || (size_t)n == sizeof(text))
		return -EINVAL;
	return add(b, text, (size_t)n);
}

static int add_caller(struct buf *b, const struct key_parts *p)
{
	int rc = add(b, &p->who.uid, sizeof(p->who.uid));

	if (rc == 0)
		rc = add(b, &p->who.gid, sizeof(p->who.gid));
	if (rc == 0 && p->channel >= 0)
		rc = add_option(b, p->channel, SOL_SOCKET, SO_PEERSEC);
	if (rc == 0 && p->by_cgroup)
		rc = add_cgroup(b, p->who.pid);
	return rc;
}

static struct key *finish(const struct buf *b)
{
	struct key *key = malloc(sizeof(*key) + buf_length(b));

	if (!key)
		return NULL;
	key->users = 1;
	key->length = buf_length(b);
	memcpy(key->bytes, buf_bytes(b), key->length);
	return key;
}

struct key *key_new(const struct key_parts *p)
{
	struct key *key = NULL;
	struct buf b;
	int rc;

	buf_init(&b, KEY_MAX);
	rc = add_peer(&b, p->head);
	if (rc == 0)
		rc = add_network(&b, p->tcp);
	if (rc == 0)
		rc = add_source(&b, p->tcp);
	if (rc == 0)
		rc = add_options(&b, p->tcp);
	if (rc == 0)
		rc = add_caller(&b, p);
	if (rc == 0)
		rc = add_names(&b, p->names, p->name_count);
	if (rc == 0)
		key = finish(&b);
	buf_clear(&b);
	return key;
}

struct key *key_hold(struct key *key)
{
	key->users++;
	return key;
}

void key_free(struct key *key)
{
	if (key && --key->users == 0)
		free(key);
}

bool key_equal(const struct key *a, const struct key *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}
