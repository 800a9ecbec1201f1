/*
 * program: reads /proc.
 */
#include "shim/agent/program.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define CGROUP_MAX 8192 /* a dozen lines, each with a path */

static ssize_t read_start(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size);

	if (fd >= 0)
		close(fd);
	return n;
}

/* What a process calls itself is there for all to see; its executable is not, if it is another
 * user's. */
static ssize_t read_comm(pid_t pid, char *out, size_t size)
{
	char path[48];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	n = read_start(path, out, size);
	return n > 0 && out[n - 1] == '\n' ? n - 1 : n;
}

void program_exe(pid_t pid, char *exe, size_t size)
{
	char path[48];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ld/exe", (long)pid);
	n = readlink(path, exe, size - 1);
	if (n <= 0)
		n = read_comm(pid, exe, size - 1);
	exe[n > 0 ? n : 0] = '\0';
}

static void read_unit(const char *path, char unit[UNIT_NAME_SIZE])
{
	char text[CGROUP_MAX];
	ssize_t n = read_start(path, text, sizeof(text));

	unit_of_cgroup(text, n > 0 ? (size_t)n : 0, unit);
}

void program_unit(pid_t pid, char unit[UNIT_NAME_SIZE])
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%ld/cgroup", (long)pid);
	read_unit(path, unit);
}

static char own_unit[UNIT_NAME_SIZE];

static void read_own(void)
{
	read_unit("/proc/self/cgroup", own_unit);
}

const char *program_own_unit(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, read_own);
	return own_unit;
}
