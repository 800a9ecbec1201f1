/*
 * server: plays one connection of a scenario.
 */
#ifndef TESTS_HOSTILE_SERVER_H
#define TESTS_HOSTILE_SERVER_H

#include "tests/hostile/script.h"

struct server_options {
	const char *pki;  /* directory of certificates */
	const char *data; /* directory for the content of messages; NULL: not stored */
	int limit;	  /* seconds a read may take */
};

/* Plays connection `number` on `fd`, and closes it. */
void server_play(const struct script *s, int number, int fd, const struct server_options *o);

#endif
