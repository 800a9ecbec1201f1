/*
 * preload: the library of mailseal as the program's loader will meet it. A library that is
 * not there, or is of another kind, costs one line on standard error, and the program goes on
 * unprotected; one that wants a symbol that the libc lacks kills the program.
 */
#include "tools/doctor/imports.h"

#include "tools/doctor/loader.h"
#include "tools/locate.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char *lib_of(const struct patient *p, const struct elf *program)
{
	const char *found = NULL;
	int fd = patient_open(p, program->interpreter);
	struct elf loader;

	if (fd >= 0 && elf_init(&loader, fd, NULL) == 0) {
		found = loader_lib(&loader);
		elf_clear(&loader);
	}
	if (fd >= 0)
		close(fd);
	return found ? found : "lib";
}

/* Puts the loader's value in for $LIB. False for what else stands behind a dollar sign. */
static bool expand(const struct patient *p, const struct elf *program, const char *name,
	size_t length, char out[PATH_MAX])
{
	const char *dollar = memchr(name, '$', length), *behind;
	int n;

	/* musl's loader takes the name as it stands */
	if (!dollar || loader_is_musl(program->interpreter)) {
		n = snprintf(out, PATH_MAX, "%.*s", (int)length, name);
		return n > 0 && n < PATH_MAX;
	}
	if (strncmp(dollar, "$LIB", 4) == 0)
		behind = dollar + 4;
	else if (strncmp(dollar, "${LIB}", 6) == 0)
		behind = dollar + 6;
	else
		return false;
	n = snprintf(out, PATH_MAX, "%.*s%s%.*s", (int)(dollar - name), name, lib_of(p, program),
		(int)(name + length - behind), behind);
	return n > 0 && n < PATH_MAX && !strchr(out, '$');
}

/* 0; or -errno, and why the file at `path` cannot be loaded into the program. */
static int fits(
	const struct patient *p, const struct elf *program, const char *path, struct err *err)
{
	char here[64], there[64];
	struct elf_kind kind;
	struct statvfs fs;
	int fd = patient_open(p, path), rc;
	bool shut;

	if (fd < 0)
		return err_fail(err, -fd, "%s: %s", path, strerror(-fd));
	rc = elf_kind_of(fd, &kind);
	shut = fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_NOEXEC;
	close(fd);
	if (rc)
		return err_fail(err, ENOEXEC, "%s is not a library", path);
	if (!elf_same_kind(&kind, &program->kind))
		return err_fail(err, ENOEXEC, "%s is a %s library, and the program is %s", path,
			elf_kind_name(&kind, here), elf_kind_name(&program->kind, there));
	if (shut)
		return err_fail(
			err, EACCES, "%s lies on a file system that is mounted noexec", path);
	return 0;
}

/* A name in LD_PRELOAD, as it stands there. */
static int find_named(const struct patient *p, const struct elf *program, const char *name,
	size_t length, char path[PATH_MAX], struct err *err)
{
	char expanded[PATH_MAX];

	if (!expand(p, program, name, length, expanded))
		return err_fail(err, ENOENT, "%.*s is not understood", (int)length, name);
	if (strchr(expanded, '/'))
		snprintf(path, PATH_MAX, "%s", expanded);
	else if (library_find(p, program, expanded, path))
		return err_fail(err, ENOENT,
			"%s: not found in the loader's directories; write its whole path",
			expanded);
	return fits(p, program, path, err);
}

unsigned doctor_preload_others(
	const struct patient *p, const struct elf *program, char (*paths)[PATH_MAX], unsigned most)
{
	const char *list = p->preload;
	unsigned count = 0;

	while (list && *list && count < most) {
		const char *at = list + strspn(list, LOADER_SEPARATORS);
		size_t length = strcspn(at, LOADER_SEPARATORS);

		list = at + length;
		if (length && !is_library(at, length) &&
			find_named(p, program, at, length, paths[count], NULL) == 0)
			count++;
	}
	return count;
}

static const char missing_advice[] =
	"The loader says so on standard error and runs the program unprotected: put a library of "
	"its kind there, and write $LIB where programs of both kinds are meant (libmailseal(8))";

/* All names in the list; the first library that fits is the one. */
static bool try_list(struct patient *p, const struct elf *program, const char *list)
{
	size_t length;
	const char *name;
	struct err err = {""}, first = {""};
	unsigned named = 0;

	while ((name = next_library(&list, &length))) {
		if (find_named(p, program, name, length, p->library, &err) == 0)
			return true;
		p->library[0] = '\0';
		if (named++ == 0)
			first = err;
	}
	if (named)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "library-unfit", missing_advice, "%s",
			first.text);
	return false;
}

static bool try_everywhere(struct patient *p, const struct elf *program)
{
	char *list;
	bool found;

	if (!p->everywhere || loader_is_musl(program->interpreter))
		return false;
	list = patient_read(p, "/etc/ld.so.preload", 65536, NULL);
	found = list && try_list(p, program, list);
	free(list);
	return found;
}

/* The library that `mailseal run` would name. */
static bool try_own(struct patient *p, const struct elf *program)
{
	struct parts parts;
	struct err err;
	const char *own;

	if (locate_parts(&parts, &err)) {
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "library-missing",
			"Is mailseal installed whole?", "%s", err.text);
		return false;
	}
	own = parts.library;
	if (fits(p, program, own, &err)) {
		own = parts.library32;
		if (!*own || fits(p, program, own, NULL)) {
			diagnosis_add(&p->found, SEVERITY_OBSTACLE, "library-unfit", missing_advice,
				"%s", err.text);
			return false;
		}
	}
	snprintf(p->library, sizeof(p->library), "%s", own);
	return true;
}

void doctor_preload_prepare(struct patient *p, const struct elf *program, struct imports *imports)
{
	struct elf library;
	struct err err;
	int fd;

	if (p->is_process && p->loaded)
		return;
	p->library[0] = '\0';
	if (p->preload_given)
		(void)(try_everywhere(p, program) ||
			(p->preload && try_list(p, program, p->preload)));
	else
		(void)(try_everywhere(p, program) || try_own(p, program));
	if (!p->library[0])
		return;
	fd = patient_open(p, p->library);
	if (fd < 0)
		return;
	if (elf_init(&library, fd, &err)) {
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "library-broken",
			"Install mailseal anew", "%s: %s", p->library, err.text);
	} else {
		imports_want(imports, &library);
		elf_clear(&library);
	}
	close(fd);
}

static const char *first_missing(const struct wanted_symbol *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (!list[i].found)
			return list[i].name;
	}
	return NULL;
}

static const char dies_advice[] =
	"The program would not even start: install a mailseal that was built for this C library";

void doctor_preload_check(struct patient *p, const struct elf *program, struct imports *imports)
{
	const char *symbol = first_missing(imports->symbols, imports->symbol_count);
	const char *version = first_missing(imports->versions, imports->version_count);
	struct stat st;
	bool musl = loader_is_musl(program->interpreter);

	if (!p->library[0])
		return;
	if (!imports->libc_seen) {
		diagnosis_add(&p->found, SEVERITY_WARNING, "libc-unknown", NULL,
			"the program's C library was not found, so it is not known whether %s can "
			"be loaded",
			p->library);
		return;
	}
	if (symbol)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "symbol-missing", dies_advice,
			"%s wants %s, which the program's C library lacks", p->library, symbol);
	else if (version && !musl)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "version-missing", dies_advice,
			"%s wants the version %s of a symbol, which the program's C library lacks",
			p->library, version);
	else if (!p->loaded || patient_stat(p, p->library, &st) == 0)
		diagnosis_add(&p->found, SEVERITY_OK, "library", NULL,
			"%s fits the program and its C library", p->library);
}
