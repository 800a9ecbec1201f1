#include "tests/preload/client/client.h"

int main(int argc, char **argv)
{
	const struct client_case *all[] = {connecting_cases, ways_cases, living_cases, asking_cases,
		kinds_cases, failing_cases};

	for (size_t i = 0; argc > 1 && i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct client_case *c = all[i]; c->name; c++)
			if (strcmp(c->name, argv[1]) == 0) {
				c->run();
				return 0;
			}
	return 64;
}
