/*
 * startup: how long a process takes from posix_spawn() to its end, for several programs and
 * preloads by turns.
 *
 *     startup ROUNDS NAME:PRELOAD:PROGRAM ...
 *
 * PRELOAD may be empty. Each round starts each of them once. Prints JSON: for each name its times
 * in microseconds, in the order of the rounds, so that what was measured side by side stays side by
 * side.
 */
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { VARIANTS_MAX = 16, ROUNDS_MAX = 100000, WARM_UP = 20 };

struct variant {
	char *name, *program;
	char *environment[3];
	float *times;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static double one(const struct variant *v)
{
	char *argv[] = {v->program, NULL};
	double start = now();
	int status;
	pid_t pid;

	if (posix_spawn(&pid, v->program, NULL, NULL, argv, (char **)v->environment) ||
		waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "startup: %s: %s does not run\n", v->name, v->program);
		exit(70);
	}
	return now() - start;
}

static struct variant parse(char *text, unsigned rounds)
{
	char *preload = strchr(text, ':'), *program = preload ? strchr(preload + 1, ':') : NULL;
	struct variant v = {.name = text, .environment = {"LC_ALL=C"}};

	if (!program) {
		fprintf(stderr, "startup: NAME:PRELOAD:PROGRAM expected: %s\n", text);
		exit(64);
	}
	*preload++ = *program++ = '\0';
	v.program = program;
	v.times = calloc(rounds, sizeof(*v.times));
	if (!v.times || (*preload && asprintf(&v.environment[1], "LD_PRELOAD=%s", preload) < 0))
		exit(71);
	return v;
}

static void print(const struct variant *v, unsigned rounds)
{
	printf("\"%s\": [", v->name);
	for (unsigned i = 0; i < rounds; i++)
		printf("%s%.1f", i ? ", " : "", v->times[i]);
	printf("]");
}

int main(int argc, char **argv)
{
	static struct variant variants[VARIANTS_MAX];
	unsigned count = argc > 2 ? argc - 2 : 0,
		 rounds = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;

	if (!count || count > VARIANTS_MAX || !rounds || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: startup ROUNDS NAME:PRELOAD:PROGRAM ...\n");
		return 64;
	}
	for (unsigned i = 0; i < count; i++)
		variants[i] = parse(argv[i + 2], rounds);
	for (unsigned r = 0; r < WARM_UP; r++)
		for (unsigned i = 0; i < count; i++)
			one(&variants[i]);
	for (unsigned r = 0; r < rounds; r++)
		for (unsigned i = 0; i < count; i++)
			variants[i].times[r] = one(&variants[i]);
	for (unsigned i = 0; i < count; i++) {
		printf(i ? ",\n" : "{\n");
		print(&variants[i], rounds);
	}
	puts("\n}");
	return 0;
}
