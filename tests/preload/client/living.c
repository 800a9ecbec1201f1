/*
 * living: living with the socket that took the TCP socket's place.
 */
#include "tests/preload/client/client.h"

const struct client_case living_cases[] = {
	{NULL, NULL},
};
