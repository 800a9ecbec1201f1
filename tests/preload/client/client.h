/*
 * client: small programs in one, each an application that knows nothing of the preload. `client
 * CASE` runs one and exits 0 if everything was as a TCP connection would have been, 77 where the
 * machine cannot show it.
 */
#ifndef MAILSEAL_TESTS_CLIENT_H
#define MAILSEAL_TESTS_CLIENT_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define check(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s (errno %d %s)\n", __FILE__, __LINE__,           \
				#condition, errno, strerror(errno));                               \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

#define CLOSED_PORT 587 /* a mail port where nobody listens */
#define OTHER_PORT 2600

struct client_case {
	const char *name;
	void (*run)(void);
};

/* The last row of each has no name. */
extern const struct client_case connecting_cases[], ways_cases[], living_cases[], asking_cases[],
	kinds_cases[], failing_cases[];

/* Where dial() goes, see aim(). */
extern struct sockaddr_storage address;
extern socklen_t address_length;

/* Counted by the handler of handle(). */
extern volatile sig_atomic_t signals;

void aim(const char *text, unsigned short port);
int tcp(int flags);
int dial(int fd);
bool is_tcp(int fd);
bool is_unconnected_tcp(int fd);
int descriptors(void);
long now_ms(void);
int socket_error(int fd);
void talk(int fd);
void looks_like_tcp(int fd);
void count_signal(int number);
void handle(int number, int flags);
void alarm_in(int ms);
void forbid(unsigned number, int first, int error);
int requests_logged(void);
int agents_logged(void);

#endif
