/*
 * manager: systemd as it runs, asked by systemctl.
 */
#include "tools/seal/seal.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* As sd_booted(3); for a user's manager, its directory. */
bool seal_manager_runs(const struct seal_tree *t)
{
	const char *runtime = environment("XDG_RUNTIME_DIR");
	char path[PATH_MAX] = "/run/systemd/system";
	struct stat st;

	if (t->offline)
		return false;
	if (t->user) {
		if (!runtime)
			return false;
		snprintf(path, sizeof(path), "%.4000s/systemd", runtime);
	}
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int seal_systemctl(const struct seal_tree *t, const char *verb, const char *const *units)
{
	size_t count = 0, n = 0;
	const char **argv;
	int rc, status;
	pid_t pid;

	while (units && units[count])
		count++;
	argv = calloc(count + 6, sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	argv[n++] = "systemctl";
	argv[n++] = t->user ? "--user" : "--system";
	argv[n++] = "--no-ask-password";
	argv[n++] = verb;
	argv[n++] = "--";
	for (size_t i = 0; i < count; i++)
		argv[n++] = units[i];
	fflush(stdout);
	rc = -posix_spawnp(&pid, "systemctl", NULL, NULL, (char **)argv, environ);
	free(argv);
	if (rc)
		return rc;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
