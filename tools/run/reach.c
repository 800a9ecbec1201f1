#include "tools/run/reach.h"

#include "tools/doctor/doctor.h"
#include "tools/doctor/elf.h"
#include "tools/doctor/loader.h"
#include "tools/doctor/wrapper.h"

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
	bool as_other;	     /* as whom the last one runs is not known: as another user, or in spite
				of its bits */
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
	if (!way->as_other && fstat(fd, &st) == 0 && (privilege = gains_privilege(fd, &st)))
		return err_fail(
			err, EPERM, "%s: %s, so the loader ignores LD_PRELOAD", path, privilege);
	return check_loader(fd, way, kind, path, err);
}

static int check_file(const char *path, struct way *way, unsigned depth, struct err *err);

static bool is_loaded_everywhere(const char *path)
{
	char text[4096];
	int fd = open("/etc/ld.so.preload", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	struct elf e;
	bool musl = false;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	fd = names_library(text) ? open_elf(path, &e) : -1;
	if (fd >= 0) {
		musl = loader_is_musl(e.interpreter);
		elf_clear(&e);
		close(fd);
	}
	return names_library(text) && !musl;
}

/* In another root directory the parts of mailseal are other files; what can take none is seen. */
static int check_inside(const char *root, const char *search, const char *name, struct err *err)
{
	struct patient inside = {.root = -1, .search = search ? search : "/usr/bin:/bin"};
	char path[PATH_MAX];
	struct elf e;
	int fd = -1, rc = patient_enter(&inside, root);

	if (!rc && patient_find(&inside, name, path) == 0)
		fd = patient_open(&inside, path);
	if (fd >= 0 && elf_init(&e, fd, NULL) == 0) {
		const char *language = elf_past_libc(&e);

		if (language)
			rc = err_fail(err, EPERM,
				"%s%s is written in %s, which connects without the C library", root,
				path, language);
		else if (!e.interpreted)
			rc = err_fail(err, EPERM,
				"%s%s is statically linked, so no library can be loaded into it",
				root, path);
		elf_clear(&e);
	}
	if (fd >= 0)
		close(fd);
	if (inside.root >= 0)
		close(inside.root);
	return rc == -EPERM ? rc : 0;
}

/* What takes LD_PRELOAD away on the way, as "env -i". */
struct loss {
	char by[300];
};

static void take_loss(struct loss *loss, const struct wrapper *w)
{
	if (w->cleaned)
		snprintf(loss->by, sizeof(loss->by), "%s %s", w->name, w->cleaned);
	if (!w->preload)
		return;
	loss->by[0] = '\0';
	if (!names_library(w->preload))
		snprintf(loss->by, sizeof(loss->by), "%s LD_PRELOAD=%s", w->name, w->preload);
}

/* Where the wrapper would not find its program, it says so itself. */
static int check_behind(struct command *c, struct way *way, unsigned depth, struct err *err)
{
	const char *search = getenv("PATH");
	enum wrapper_kind kind;
	struct loss loss = {""};
	struct wrapper w;
	char path[PATH_MAX];
	unsigned steps = 0;

	while ((kind = wrapper_cut(c, &w)) == WRAPPER_FOLLOWED && !w.run) {
		take_loss(&loss, &w);
		way->as_other = way->as_other || w.changes_user || w.no_new_privileges;
		if (w.search)
			search = w.search;
		if (w.root)
			return check_inside(w.root, search, c->words[0], err);
		steps++;
	}
	if (kind == WRAPPER_FOLLOWED || !steps || reach_find_along(search, c->words[0], path))
		return 0;
	if (loss.by[0] && !is_loaded_everywhere(path))
		return err_fail(
			err, EPERM, "%s would be started without LD_PRELOAD (%s)", path, loss.by);
	return check_file(path, way, depth + 1, err);
}

/* `line` stands behind "#!", the rest of which is one word. Checks the interpreter, and behind
 * env(1) and the like what they would start. */
static int check_script(
	char *line, const char *path, struct way *way, unsigned depth, struct err *err)
{
	struct command c = {0};
	char *interpreter;
	size_t length;
	int rc;

	line[strcspn(line, "\n")] = '\0';
	interpreter = reach_next_word(&line);
	if (!interpreter)
		return 0;
	rc = check_file(interpreter, way, depth + 1, err);
	if (rc)
		return rc;
	line += strspn(line, " \t");
	for (length = strlen(line); length && strchr(" \t", line[length - 1]);)
		line[--length] = '\0';
	if (command_add(&c, interpreter) == 0 && (!*line || command_add(&c, line) == 0) &&
		command_add(&c, path) == 0)
		rc = check_behind(&c, way, depth, err);
	command_clear(&c);
	return rc;
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
	else if (n > 2 && head[0] == '#' && head[1] == '!' && depth < REACH_SCRIPT_DEPTH)
		rc = check_script(head + 2, path, way, depth, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int check_command(char **words, struct way *way, struct err *err)
{
	struct command c = {0};
	int rc = 0;

	for (char **word = words; *word && !rc; word++)
		rc = command_add(&c, *word);
	if (!rc)
		rc = check_behind(&c, way, 0, err);
	command_clear(&c);
	return rc == -ENOMEM ? 0 : rc;
}

int reach_program(const char *path, char **words, const struct parts *parts, const char **preload,
	struct err *err)
{
	struct way way = {.parts = parts, .each = true};
	int rc = check_file(path, &way, 0, err);

	if (!rc)
		rc = check_command(words, &way, err);
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
