/*
 * By what a kept connection is found again: each thing that differs alone makes another key.
 */
#include "shim/agent/key.h"

#include <arpa/inet.h>
#include <linux/in6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static char first[] = "mx.b.example", second[] = "other.example";
static char *both[] = {first, second};

struct side {
	int family, protocol;
	struct handoff_request head;
	char *const *names;
	unsigned name_count;
	struct ucred who;
	bool by_cgroup;
	int level, name, value;	    /* an option of the socket; name 0: none */
	const char *text;	    /* or its text */
	const char *source;	    /* bound to it */
	bool takes_port, other_net; /* bind() chooses one; made in another network */
};

static const struct side usual = {
	.family = AF_INET,
	.head.peer = {.family = AF_INET, .port = 25, .addr = {192, 0, 2, 25}},
	.names = both,
	.name_count = 1,
	.who = {.uid = 5, .gid = 6},
};

static int socket_of(const struct side *s)
{
	int fd, one = 1;

	if (s->other_net && unshare(CLONE_NEWNET) < 0)
		return -1;
	fd = socket(s->family, SOCK_STREAM | SOCK_CLOEXEC, s->protocol);
	if (fd >= 0 && s->name &&
		setsockopt(fd, s->level, s->name, s->text ? (const void *)s->text : &s->value,
			s->text ? (socklen_t)strlen(s->text) : sizeof(s->value)) < 0) {
		close(fd);
		return -1;
	}
	if (fd >= 0 && s->source) {
		struct sockaddr_in in = {.sin_family = AF_INET};

		inet_pton(AF_INET, s->source, &in.sin_addr);
		if (!s->takes_port)
			setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	}
	return fd;
}

/* *made: whether the kernel lets us have such a socket here. */
static struct key *key_of(const struct side *s, bool *made)
{
	int fd = socket_of(s);
	const struct key_parts parts = {
		.tcp = fd,
		.channel = -1,
		.head = &s->head,
		.names = s->names,
		.name_count = s->name_count,
		.who = s->who,
		.by_cgroup = s->by_cgroup,
	};
	struct key *key;

	*made = fd >= 0;
	if (fd < 0)
		return NULL;
	key = key_new(&parts);
	close(fd);
	return key;
}

static void same_parts_make_the_same_key(void **state)
{
	bool made;
	struct key *a = key_of(&usual, &made), *b = key_of(&usual, &made);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_true(key_equal(a, b));
	key_free(a);
	key_free(b);
}

/* Whatever this one is like, it is not taken for the usual one. */
static void differs(const char *what, const struct side *s)
{
	bool made;
	struct key *a = key_of(&usual, &made), *b = key_of(s, &made);

	if (!made)
		print_message("not to be had here: %s\n", what);
	else if (!b || key_equal(a, b))
		fail_msg("%s makes no difference", what);
	key_free(a);
	key_free(b);
}

#define DIFFERS(...)                                                                               \
	do {                                                                                       \
		struct side s = usual;                                                             \
		__VA_ARGS__;                                                                       \
		differs(#__VA_ARGS__, &s);                                                         \
	} while (0)
#define OPTION(l, n, v) DIFFERS(s.level = (l), s.name = (n), s.value = (v))

static void each_difference_makes_another_key(void **state)
{
	(void)state;
	DIFFERS(s.head.peer.addr[3] = 26);
	DIFFERS(s.head.peer.port = 26);
	DIFFERS(s.head.peer.scope_id = 1);
	DIFFERS(s.names = both + 1);
	DIFFERS(s.name_count = 2);
	DIFFERS(s.name_count = 0);
	DIFFERS(s.who.uid = 6);
	DIFFERS(s.who.gid = 5);
	DIFFERS(s.family = AF_INET6);
	DIFFERS(s.protocol = IPPROTO_MPTCP);
	DIFFERS(s.source = "127.0.0.1");
	DIFFERS(s.by_cgroup = true, s.who.pid = getpid());
	DIFFERS(s.level = SOL_SOCKET, s.name = SO_BINDTODEVICE, s.text = "lo");
	DIFFERS(s.level = IPPROTO_TCP, s.name = TCP_CONGESTION, s.text = "reno");
	OPTION(SOL_SOCKET, SO_MARK, 7);
	OPTION(SOL_SOCKET, SO_PRIORITY, 3);
	OPTION(SOL_SOCKET, SO_DONTROUTE, 1);
	OPTION(IPPROTO_IP, IP_TOS, 0x10);
	OPTION(IPPROTO_IP, IP_TTL, 9);
	OPTION(IPPROTO_IP, IP_FREEBIND, 1);
	OPTION(IPPROTO_IP, IP_TRANSPARENT, 1);
	OPTION(IPPROTO_IP, 50 /* IP_UNICAST_IF */, (int)htonl(1));
	OPTION(IPPROTO_IP, 51 /* IP_LOCAL_PORT_RANGE */, (int)(50000u << 16 | 40000));
	OPTION(IPPROTO_TCP, TCP_MAXSEG, 1000);
}

/* What is as IPv6 is compared with its own kind. */
static void each_difference_of_ipv6_makes_another_key(void **state)
{
	static const struct {
		int name, value;
	} options[] = {
		{IPV6_TCLASS, 0x10},
		{IPV6_UNICAST_HOPS, 9},
		{76 /* IPV6_UNICAST_IF */, 0x01000000},
		{75 /* IPV6_TRANSPARENT */, 1},
		{78 /* IPV6_FREEBIND */, 1},
		{72 /* IPV6_ADDR_PREFERENCES */, 1 /* temporary */},
		{33 /* IPV6_FLOWINFO_SEND */, 1},
	};
	struct side one = usual;
	size_t i;

	(void)state;
	one.family = AF_INET6;
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct side other = one;
		bool made, made_one;
		struct key *a = key_of(&one, &made_one), *b;

		other.level = IPPROTO_IPV6;
		other.name = options[i].name;
		other.value = options[i].value;
		b = key_of(&other, &made);
		if (!made || !made_one)
			print_message("not to be had here: option %d\n", other.name);
		else if (!b || key_equal(a, b))
			fail_msg("option %d makes no difference", other.name);
		key_free(a);
		key_free(b);
	}
}

static void what_cannot_be_told_has_no_key(void **state)
{
	struct side sides[6];
	bool made;
	size_t i;

	(void)state;
	for (i = 0; i < 6; i++)
		sides[i] = usual;
	sides[0].head.flags = HANDOFF_NAMES_TORN;
	memset(sides[1].head.peer.addr, 0, 4);
	sides[2].head.peer = (struct handoff_addr){.family = AF_INET6, .port = 25};
	sides[3].head.peer = (struct handoff_addr){
		.family = AF_INET6, .port = 25, .addr = {[10] = 0xff, [11] = 0xff}};
	sides[4].source = "127.0.0.1";
	sides[4].takes_port = true;
	sides[5].by_cgroup = true;
	sides[5].who.pid = 0;
	for (i = 0; i < 6; i++) {
		assert_null(key_of(&sides[i], &made));
		assert_true(made);
	}
}

/* In a child, for the network that is left is not come back to. */
static void another_network_makes_another_key(void **state)
{
	bool made;
	struct key *here = key_of(&usual, &made), *there;
	struct side s = usual;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		s.other_net = true;
		there = key_of(&s, &made);
		_exit(!made ? 77 : there && !key_equal(here, there) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	key_free(here);
	if (WEXITSTATUS(status) == 77)
		skip(); /* that takes root */
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_parts_make_the_same_key),
		cmocka_unit_test(each_difference_makes_another_key),
		cmocka_unit_test(each_difference_of_ipv6_makes_another_key),
		cmocka_unit_test(what_cannot_be_told_has_no_key),
		cmocka_unit_test(another_network_makes_another_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
