/*
 * kept: the little that a swapped socket remembers of the TCP socket whose place it took, so that
 * an application reads back what it set. It stands in the socket itself, in options that mean
 * nothing to a stream of AF_UNIX, so that it survives fork, exec and dup. Display only.
 */
#ifndef MAILSEAL_PRELOAD_KEPT_H
#define MAILSEAL_PRELOAD_KEPT_H

#include <stdbool.h>
#include <stdint.h>

struct kept {
	bool told;	 /* a connect() has said 0: the next one says EISCONN */
	bool error_told; /* SO_ERROR, or a connect(), has said why it failed: it is over */
	bool no_delay;	 /* TCP_NODELAY */
	bool cork;	 /* TCP_CORK */
	bool v6_only;	 /* IPV6_V6ONLY */
	bool multipath;	 /* MPTCP */
	uint8_t service; /* IP_TOS or IPV6_TCLASS */
};

/* All zero where nothing was kept. */
struct kept kept_read(int fd);
void kept_write(int fd, struct kept kept);

/* The numbers of other options, the usual one where nothing was told. False if this option is none
 * of those that are kept. */
bool kept_number(int fd, int level, int name, int *value);
void kept_set_number(int fd, int level, int name, int value);

/* Copies what the TCP socket, of that family, was told before it is swapped. */
void kept_copy(int tcp, int fd, int family);

#endif
