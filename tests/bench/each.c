/*
 * each: runs a program again and again, one process for each message, and tells what that takes.
 *
 *   each [--times N] [--at-once N] [--input FILE] [--set NAME=VALUE]... -- PROGRAM [ARGUMENT]...
 *
 * Latency is from before the fork to the reaped end. CPU time is the children's, of whatever they
 * waited for too. A child that fails ends the run with status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct child {
	pid_t pid;
	double start;
};

static unsigned long times = 1, at_once = 1;
static const char *input = "/dev/null";

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "each: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct child start(const posix_spawn_file_actions_t *files, char **argv)
{
	struct child c = {.start = now()};

	errno = posix_spawnp(&c.pid, argv[0], files, NULL, argv, environ);
	if (errno)
		die(argv[0]);
	return c;
}

/* Waits for one of them, gives its place in the table. */
static unsigned long reap(const struct child *children, const char *program)
{
	int status;
	pid_t pid = wait(&status);

	if (pid < 0)
		die("wait");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "each: %s ended with status %#x\n", program, (unsigned)status);
		exit(1);
	}
	for (unsigned long i = 0; i < at_once; i++)
		if (children[i].pid == pid)
			return i;
	errno = ECHILD;
	die("a child of nobody");
}

static int by_number(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {{"times", 1, NULL, 't'}, {"at-once", 1, NULL, 'a'},
		{"input", 1, NULL, 'i'}, {"set", 1, NULL, 's'}, {0}};
	int o;

	while ((o = getopt_long(argc, argv, "+", names, NULL)) >= 0) {
		switch (o) {
		case 't':
			times = strtoul(optarg, NULL, 10);
			break;
		case 'a':
			at_once = strtoul(optarg, NULL, 10);
			break;
		case 'i':
			input = optarg;
			break;
		case 's':
			putenv(optarg);
			break; /* LD_PRELOAD: for the children, not for us */
		default:
			exit(64);
		}
	}
	if (at_once > times)
		at_once = times;
	errno = EINVAL;
	if (optind == argc || times < 1 || at_once < 1)
		die("usage: each [--times N] [--at-once N] [--input FILE] [--set NAME=VALUE] -- "
		    "PROGRAM ...");
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t files;
	struct child *children;
	struct rusage r;
	double *latency, begin = now();
	unsigned long started = 0;

	parse(argc, argv);
	argv += optind;
	children = calloc(at_once, sizeof *children);
	latency = calloc(times, sizeof *latency);
	if (!children || !latency || posix_spawn_file_actions_init(&files) != 0 ||
		posix_spawn_file_actions_addopen(&files, STDIN_FILENO, input, O_RDONLY, 0) != 0 ||
		posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) !=
			0)
		die("memory");
	while (started < at_once)
		children[started++] = start(&files, argv);
	for (unsigned long ended = 0; ended < times; ended++) {
		unsigned long i = reap(children, argv[0]);
		latency[ended] = now() - children[i].start;
		children[i].pid = 0;
		if (started++ < times)
			children[i] = start(&files, argv);
	}
	getrusage(RUSAGE_CHILDREN, &r);
	qsort(latency, times, sizeof *latency, by_number);
	printf("{\"messages\": %lu, \"seconds\": %.6f, \"p50_us\": %.0f, \"p99_us\": %.0f, "
	       "\"cpu\": %.6f}\n",
		times, now() - begin, latency[times / 2] * 1e6, latency[times * 99 / 100] * 1e6,
		(double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
			(double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6);
	return 0;
}
