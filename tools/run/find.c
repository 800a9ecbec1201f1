/*
 * find: looks programs up, and the interpreters that they need.
 */
#include "tools/doctor/elf.h"
#include "tools/run/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int may_execute(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == EACCES ? -EACCES : -ENOENT;
	if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return -EACCES;
	return 0;
}

static int find_in_path(const char *name, const char *list, char path[PATH_MAX])
{
	int result = -ENOENT;

	for (;;) {
		size_t length = strcspn(list, ":");
		int n = snprintf(
			path, PATH_MAX, "%.*s%s%s", (int)length, list, length ? "/" : "", name);

		if (n > 0 && n < PATH_MAX) {
			int rc = may_execute(path);

			if (!rc)
				return 0;
			/* as shells do: a directory that may not be searched is passed over */
			if (rc == -EACCES && faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0)
				result = rc;
		}
		if (!list[length])
			return result;
		list += length + 1;
	}
}

int reach_find_along(const char *list, const char *name, char path[PATH_MAX])
{
	char standard[256];

	if (!*name)
		return -ENOENT;
	if (strchr(name, '/')) {
		if (strlen(name) >= PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(path, name, strlen(name) + 1);
		return may_execute(path);
	}
	if (!list) {
		confstr(_CS_PATH, standard, sizeof(standard));
		list = standard;
	}
	return find_in_path(name, list, path);
}

int reach_find(const char *name, char path[PATH_MAX])
{
	return reach_find_along(getenv("PATH"), name, path);
}

char *reach_next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");
	size_t length = strcspn(word, " \t");

	if (length == 0)
		return NULL;
	*line = word + length + (word[length] != '\0');
	word[length] = '\0';
	return word;
}

static void elf_interpreter(int fd, char out[PATH_MAX])
{
	struct elf e;

	if (elf_init(&e, fd, NULL))
		return;
	memcpy(out, e.interpreter, sizeof(e.interpreter));
	elf_clear(&e);
}

/* "" if the file has none, or cannot be read. */
static void interpreter_of(const char *path, char out[PATH_MAX])
{
	char head[512] = {0};
	struct elf_kind kind;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head) - 1, 0);
	char *line = head + 2, *word = NULL;

	out[0] = '\0';
	if (n > 0 && elf_kind_of(fd, &kind) == 0) {
		elf_interpreter(fd, out);
	} else if (n > 2 && head[0] == '#' && head[1] == '!') {
		line[strcspn(line, "\n")] = '\0';
		word = reach_next_word(&line);
	}
	if (word)
		snprintf(out, PATH_MAX, "%s", word);
	if (fd >= 0)
		close(fd);
}

int reach_interpreter(const char *path, char interpreter[PATH_MAX])
{
	char of[PATH_MAX];

	snprintf(of, sizeof(of), "%s", path);
	for (unsigned depth = 0; depth <= REACH_SCRIPT_DEPTH; depth++) {
		int rc;

		interpreter_of(of, interpreter);
		if (!interpreter[0])
			return 0;
		rc = may_execute(interpreter);
		if (rc)
			return rc;
		memcpy(of, interpreter, sizeof(of));
	}
	interpreter[0] = '\0';
	return 0;
}
