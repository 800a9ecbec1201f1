/*
 * kept: the little that a swapped socket remembers of the TCP socket whose place it took. It stands
 * in the socket itself (SO_MAX_PACING_RATE, which means nothing to AF_UNIX), so that it survives
 * fork, exec and dup. Display only.
 */
#ifndef MAILSEAL_PRELOAD_KEPT_H
#define MAILSEAL_PRELOAD_KEPT_H

#include <stdbool.h>
#include <stdint.h>

struct kept {
	bool told;	 /* a connect() has said 0: the next one says EISCONN */
	bool no_delay;	 /* TCP_NODELAY */
	bool cork;	 /* TCP_CORK */
	bool v6_only;	 /* IPV6_V6ONLY */
	uint8_t service; /* IP_TOS or IPV6_TCLASS */
};

/* All zero where nothing was kept. */
struct kept kept_read(int fd);
void kept_write(int fd, struct kept kept);

/* What a TCP socket of that family was told, before it is swapped. */
struct kept kept_of_tcp(int tcp, int family);

#endif
