#include "tools/reach.h"

#include "tools/elf.h"
#include "tools/loader.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPT_DEPTH 5 /* interpreters of interpreters; Linux stops there too */

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

int reach_find(const char *name, char path[PATH_MAX])
{
	const char *list = getenv("PATH");
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

/* Does executing the file change who the process is, so that the loader ignores LD_PRELOAD
 * (AT_SECURE in getauxval(3))? */
static const char *gains_privilege(int fd, const struct stat *st)
{
	struct statvfs fs;
	char capability[64];

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
		(fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_NOSUID))
		return NULL;
	if (st->st_mode & S_ISUID && st->st_uid != getuid())
		return "it is setuid";
	if (st->st_mode & S_ISGID && st->st_mode & S_IXGRP && st->st_gid != getgid())
		return "it is setgid";
	if (getuid() != 0 &&
		fgetxattr(fd, "security.capability", capability, sizeof(capability)) > 0)
		return "it has file capabilities";
	return NULL;
}

static bool kind_of_file(const char *path, struct elf_kind *kind)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc = fd < 0 ? -errno : elf_kind_of(fd, kind);

	if (fd >= 0)
		close(fd);
	return rc == 0;
}

/* What was learnt on the way through scripts and interpreters. */
struct way {
	const struct parts *parts;
	const char *library; /* that the last program takes; NULL: none was met yet */
	bool mixed;	     /* an earlier one takes another */
	bool each;	     /* all understand parts->each */
};

static const char *library_for(const struct parts *parts, const struct elf_kind *kind)
{
	struct elf_kind own;

	if (kind_of_file(parts->library, &own) && elf_same_kind(kind, &own))
		return parts->library;
	if (parts->library32[0] && kind_of_file(parts->library32, &own) &&
		elf_same_kind(kind, &own))
		return parts->library32;
	return NULL;
}

static int no_library(
	const struct parts *parts, const struct elf_kind *kind, const char *path, struct err *err)
{
	const char *library = parts->library;
	struct elf_kind own;

	if (!kind_of_file(library, &own))
		return err_fail(err, EPERM, "%s is not a library", library);
	if (kind->class != own.class)
		return err_fail(err, EPERM, "%s is a %s-bit program and %s a %s-bit library%s",
			path, kind->class == ELFCLASS64 ? "64" : "32", library,
			own.class == ELFCLASS64 ? "64" : "32",
			kind->machine == EM_386 && own.machine == EM_X86_64
				? "; make lib32 builds one for it, to be installed with the rest"
				: "");
	return err_fail(err, EPERM, "%s is for another processor than %s", path, library);
}

/* Does the loader find the right library under the name that means each? */
static bool understands_each(
	const struct parts *parts, const struct elf_kind *kind, const char *loader)
{
	struct elf_kind found;
	char path[PATH_MAX];

	return parts->each[0] && loader_expand(loader, parts->each, path) == 0 &&
	       kind_of_file(path, &found) && elf_same_kind(kind, &found);
}

static int open_elf(const char *path, struct elf *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && elf_init(e, fd, NULL)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The loader of musl is its C library as well: with a symbol that it lacks no program starts. That
 * of glibc says so by itself, too, but where its library is, is for it to know. */
static int check_symbols(const char *path, const char *library, const char *loader, struct err *err)
{
	struct elf wanting, libc;
	int fd = open_elf(library, &wanting), libc_fd = fd < 0 ? -1 : open_elf(loader, &libc),
	    rc = 0;
	const char *missing = libc_fd < 0 ? NULL : elf_missing(&libc, &wanting);

	if (missing)
		rc = err_fail(err, ELIBBAD,
			"%s would not start: %s wants %s, which the C library of musl lacks", path,
			library, missing);
	if (libc_fd >= 0) {
		elf_clear(&libc);
		close(libc_fd);
	}
	if (fd >= 0) {
		elf_clear(&wanting);
		close(fd);
	}
	return rc;
}

/* Nothing is claimed of a file that cannot be read as it should. */
static int check_loader(
	int fd, struct way *way, const struct elf_kind *kind, const char *path, struct err *err)
{
	const char *language;
	struct elf e;
	int rc = 0;

	if (elf_init(&e, fd, NULL)) {
		way->each = false;
		return 0;
	}
	language = elf_past_libc(&e);
	if (!e.interpreted)
		rc = err_fail(err, EPERM,
			"%s is statically linked, so no library can be loaded into it", path);
	else if (language)
		rc = err_fail(err, EPERM,
			"%s is written in %s, which connects without the C library, past any other",
			path, language);
	else if (loader_is_musl(e.interpreter))
		rc = check_symbols(path, way->library, e.interpreter, err);
	way->each = way->each && understands_each(way->parts, kind, e.interpreter);
	elf_clear(&e);
	return rc;
}

static int check_elf(
	int fd, const struct elf_kind *kind, const char *path, struct way *way, struct err *err)
{
	const char *privilege, *library = library_for(way->parts, kind);
	struct stat st;

	if (!library)
		return no_library(way->parts, kind, path, err);
	way->mixed = way->mixed || (way->library && way->library != library);
	way->library = library;
	if (fstat(fd, &st) == 0 && (privilege = gains_privilege(fd, &st)))
		return err_fail(
			err, EPERM, "%s: %s, so the loader ignores LD_PRELOAD", path, privilege);
	return check_loader(fd, way, kind, path, err);
}

static int check_file(const char *path, struct way *way, unsigned depth, struct err *err);

/* Cuts the next word out of a #! line; NULL if there is none. */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");
	size_t length = strcspn(word, " \t");

	if (length == 0)
		return NULL;
	*line = word + length + (word[length] != '\0');
	word[length] = '\0';
	return word;
}

/* `line` stands behind "#!". Checks the interpreter, and behind env(1) what env would start. */
static int check_script(char *line, struct way *way, unsigned depth, struct err *err)
{
	char *interpreter, *argument;
	const char *base;
	char path[PATH_MAX];
	int rc;

	line[strcspn(line, "\n")] = '\0';
	interpreter = next_word(&line);
	if (!interpreter)
		return 0;
	rc = check_file(interpreter, way, depth + 1, err);
	base = strrchr(interpreter, '/');
	if (rc || !base || strcmp(base, "/env") != 0)
		return rc;
	argument = next_word(&line);
	if (argument && strcmp(argument, "-S") == 0)
		argument = next_word(&line);
	if (!argument || argument[0] == '-' || strchr(argument, '=') || reach_find(argument, path))
		return 0;
	return check_file(path, way, depth + 1, err);
}

static int check_file(const char *path, struct way *way, unsigned depth, struct err *err)
{
	char head[512] = {0};
	struct elf_kind kind;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head) - 1, 0);
	int rc = 0;

	if (n > 0 && elf_kind_of(fd, &kind) == 0)
		rc = check_elf(fd, &kind, path, way, err);
	else if (n > 2 && head[0] == '#' && head[1] == '!' && depth < SCRIPT_DEPTH)
		rc = check_script(head + 2, way, depth, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

int reach_program(
	const char *path, const struct parts *parts, const char **preload, struct err *err)
{
	struct way way = {.parts = parts, .each = true};
	int rc = check_file(path, &way, 0, err);

	if (rc)
		return rc;
	if (way.mixed && !way.each)
		return err_fail(err, EPERM,
			"%s goes through programs of two kinds, and no one name leads each to its "
			"library; install mailseal anew",
			path);
	*preload = way.library ? way.library : parts->library;
	if (way.library && way.each)
		*preload = parts->each;
	return 0;
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
		word = next_word(&line);
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
	for (unsigned depth = 0; depth <= SCRIPT_DEPTH; depth++) {
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
