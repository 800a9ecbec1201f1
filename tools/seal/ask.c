#include "tools/seal/ask.h"

#include "tools/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MOST (1u << 20)

extern char **environ;

bool systemd_runs(bool user)
{
	const char *directory = environment("XDG_RUNTIME_DIR");
	char path[PATH_MAX];
	struct stat st;
	int n;

	if (!user)
		return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
	n = directory ? snprintf(path, sizeof(path), "%s/systemd/private", directory)
		      : snprintf(path, sizeof(path), "/run/user/%u/systemd/private", geteuid());
	return n > 0 && (size_t)n < sizeof(path) && stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Its standard output goes to `out`, its errors with it. */
static int start(pid_t *pid, int out, char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc)
		return -rc;
	rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
	if (!rc)
		rc = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

/* What it printed, \0 behind it; free it. NULL with errno. */
static char *run(char *const argv[], int *status)
{
	int ends[2], rc;
	char *text;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return NULL;
	rc = start(&pid, ends[1], argv);
	close(ends[1]);
	text = rc ? NULL : read_all(ends[0], ANSWER_MOST, NULL);
	close(ends[0]);
	if (rc) {
		errno = -rc;
		return NULL;
	}
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	return text;
}

static void cut_lines(char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			*text = '\0';
	}
}

static int ask(struct answer *a, char *const argv[], struct err *err)
{
	int status = 0;
	size_t length;
	char *text = run(argv, &status), *grown;

	a->text = NULL;
	if (!text && errno == ENOENT)
		return err_fail(err, ENOENT, "there is no systemctl");
	if (!text)
		return err_fail(err, errno, "systemctl: %s", strerror(errno));
	length = strlen(text);
	grown = realloc(text, length + 2);
	if (!grown) {
		free(text);
		return err_fail(err, ENOMEM, "out of memory");
	}
	grown[length + 1] = '\0';
	cut_lines(grown);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		err_fail(
			err, EHOSTDOWN, "%s", *grown ? grown : "systemctl failed and said nothing");
		free(grown);
		return -EHOSTDOWN;
	}
	a->text = grown;
	return 0;
}

int ask_systemd(struct answer *a, bool user, const char *unit, struct err *err)
{
	char *argv[] = {"systemctl", user ? "--user" : "--system", "--no-pager", "show",
		"--property=Id,LoadState,LoadError,ActiveState,SubState,NeedDaemonReload,"
		"DropInPaths,Environment,EnvironmentFiles,UnsetEnvironment",
		"--", (char *)unit, NULL};

	return ask(a, argv, err);
}

int ask_running(struct answer *a, bool user, const char *const *units, struct err *err)
{
	static const char *const words[] = {"list-units", "--no-pager", "--plain", "--full",
		"--no-legend", "--state=active,reloading,activating,deactivating", "--"};
	const size_t fixed = 2 + sizeof(words) / sizeof(*words);
	size_t count = 0;
	char **argv;
	int rc;

	a->text = NULL;
	while (units[count])
		count++;
	argv = calloc(fixed + count + 1, sizeof(*argv));
	if (!argv)
		return err_fail(err, ENOMEM, "out of memory");
	argv[0] = "systemctl";
	argv[1] = user ? "--user" : "--system";
	memcpy(argv + 2, words, sizeof(words));
	memcpy(argv + fixed, units, count * sizeof(*units));
	rc = ask(a, argv, err);
	free(argv);
	return rc;
}

const char *answer_value(const struct answer *a, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = a->text; at && *at; at += strlen(at) + 1) {
		if (strncmp(at, name, length) == 0 && at[length] == '=')
			return at + length + 1;
	}
	return "";
}

bool answer_lists(const struct answer *a, const char *name, const char *word)
{
	const char *list = answer_value(a, name);
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += length) {
		if ((at == list || at[-1] == ' ') && (!at[length] || at[length] == ' '))
			return true;
	}
	return false;
}

void answer_clear(struct answer *a)
{
	free(a->text);
	a->text = NULL;
}
