/*
 * ways: the ways a program has to connect.
 */
#include "tests/preload/client/client.h"

const struct client_case ways_cases[] = {
	{NULL, NULL},
};
