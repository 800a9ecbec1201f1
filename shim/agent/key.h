/*
 * key: by what a connection that was kept is found again. Two applications have the same key only
 * if the network, the server and the kernel's filters could not tell their connections apart.
 */
#ifndef MAILSEAL_AGENT_KEY_H
#define MAILSEAL_AGENT_KEY_H

#include "shim/handoff/handoff.h"

#include <stdbool.h>
#include <sys/socket.h>

struct key;

struct key_parts {
	int tcp;     /* the application's socket, before connect() */
	int channel; /* for the security label of who calls; -1: none */
	const struct handoff_request *head;
	char *const *names;
	unsigned name_count;
	struct ucred who;
	bool by_cgroup; /* callers of several cgroups come here */
};

/*
 * NULL where such a connection must not be shared, or it cannot be told: its names are not certain,
 * the peer is "any", the socket has a port of its own, the kernel does not tell the network
 * namespace, or /proc the cgroup; or without memory.
 */
struct key *key_new(const struct key_parts *parts);
/* Once more, on the same thread: key_free() is then due once more. */
struct key *key_hold(struct key *key);
void key_free(struct key *key); /* NULL is fine */
bool key_equal(const struct key *a, const struct key *b);

#endif
