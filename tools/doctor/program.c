/*
 * program: whether a library can be preloaded into the program in a file.
 */
#include "tools/doctor/imports.h"

#include "tools/doctor/loader.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPT_DEPTH 5 /* interpreters of interpreters; Linux stops there too */

static const char privilege_advice[] =
	"The loader ignores LD_PRELOAD then: name the library in /etc/ld.so.preload, or let the "
	"program send through a relay on this machine that mailseal reaches";

static const char musl_privilege_advice[] =
	"The loader ignores LD_PRELOAD then, and musl does not read /etc/ld.so.preload: let the "
	"program send through a relay on this machine that mailseal reaches";

static const char *advice_for(bool musl)
{
	return musl ? musl_privilege_advice : privilege_advice;
}

static void tell_privilege(
	struct patient *p, const char *path, const char *what, unsigned id, bool musl)
{
	if (p->everywhere && !musl) {
		diagnosis_add(&p->found, SEVERITY_NOTE, "privileged",
			"The variables MAILSEAL_ are ignored in it: the default configuration "
			"holds",
			"%s is %s (%u), and /etc/ld.so.preload reaches it all the same", path, what,
			id);
		return;
	}
	if (p->user_given)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "privileged", advice_for(musl),
			"%s is %s (%u)", path, what, id);
	else
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "privileged", advice_for(musl),
			"%s is %s (%u); for whom that changes nothing can be asked by --user", path,
			what, id);
}

/* Does executing the file change who the process is (AT_SECURE in getauxval(3))? */
static void check_privilege(struct patient *p, int fd, const char *path, bool musl)
{
	bool reached = p->everywhere && !musl;
	struct statvfs fs;
	struct stat st;
	char capability[64];

	if (p->no_new_privileges || p->is_process || fstat(fd, &st) < 0 ||
		(fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_NOSUID))
		return;
	if (st.st_mode & S_ISUID && !(p->user_given && p->uid == st.st_uid))
		tell_privilege(p, path, "setuid", st.st_uid, musl);
	if (st.st_mode & S_ISGID && st.st_mode & S_IXGRP && !(p->user_given && p->gid == st.st_gid))
		tell_privilege(p, path, "setgid", st.st_gid, musl);
	if (fgetxattr(fd, "security.capability", capability, sizeof(capability)) > 0 &&
		!(p->user_given && p->uid == 0))
		diagnosis_add(&p->found, reached ? SEVERITY_NOTE : SEVERITY_OBSTACLE,
			"capabilities", reached ? NULL : advice_for(musl),
			"%s has file capabilities", path);
}

/* Nothing can be loaded into it. */
static void tell_static(struct patient *p, const struct elf *e, const char *path)
{
	const char *language = elf_past_libc(e);

	p->is_static = true;
	if (language)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "language",
			"Let it send through a relay on this machine that mailseal reaches",
			"%s is written in %s: statically linked, with system calls and network of "
			"its own",
			path, language);
	else
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "static",
			"Use a dynamically linked build of it, or let it send through a relay on "
			"this machine that mailseal reaches",
			"%s is statically linked, so no library can be loaded into it", path);
}

static void tell_loader(struct patient *p, const char *loader)
{
	if (loader_is_glibc(loader) || loader_is_musl(loader))
		diagnosis_add(&p->found, SEVERITY_OK, "dynamic", NULL,
			"%s is dynamically linked, by the loader of %s (%s)", p->program,
			loader_is_musl(loader) ? "musl" : "glibc", loader);
	else
		diagnosis_add(&p->found, SEVERITY_WARNING, "loader-unknown",
			"Whether it heeds LD_PRELOAD is not known; see for yourself: mailseal "
			"doctor --pid PID",
			"its loader %s belongs to neither glibc nor musl", loader);
}

static void check_loader(struct patient *p, const struct elf *e)
{
	const char *loader = e->interpreter;
	int fd = patient_open(p, loader);
	struct elf_kind kind;

	if (fd < 0) {
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "loader-missing",
			"The program cannot be started; is it made for another system?",
			"its loader %s: %s", loader, strerror(-fd));
		return;
	}
	if (elf_kind_of(fd, &kind) || !elf_same_kind(&kind, &e->kind))
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "loader-broken",
			"The program cannot be started",
			"its loader %s is not one for this program", loader);
	else
		tell_loader(p, loader);
	close(fd);
}

/* Who relies on that file has to know. */
static void check_musl(struct patient *p, const struct elf *e)
{
	if (!p->everywhere || !loader_is_musl(e->interpreter) || p->by_run || p->loaded ||
		(p->preload && names_library(p->preload)))
		return;
	diagnosis_add(&p->found, SEVERITY_OBSTACLE, "musl-preload",
		p->preload_given
			? "Start it by mailseal run, or with LD_PRELOAD in its environment"
			: "Start it by mailseal run, or with LD_PRELOAD in its environment; "
			  "mailseal run -- mailseal doctor PROGRAM counts on that",
		"musl does not read /etc/ld.so.preload: the library that is named there is not "
		"loaded into %s",
		p->program);
}

static void examine_dynamic(struct patient *p, const struct elf *e)
{
	struct imports imports = {0};
	const char *language = elf_past_libc(e);

	if (p->is_process) /* it did start */
		tell_loader(p, e->interpreter);
	else
		check_loader(p, e);
	p->past_libc = language != NULL;
	if (language)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "language",
			"Let it send through a relay on this machine that mailseal reaches",
			"%s is written in %s: its network code makes system calls without the C "
			"library, though it is dynamically linked",
			p->program, language);
	if (e->audited)
		diagnosis_add(&p->found, SEVERITY_NOTE, "audit", NULL,
			"it asks for audit libraries, which may change what names lead to");
	check_musl(p, e);
	doctor_preload_prepare(p, e, &imports);
	doctor_libraries(p, e, &imports);
	doctor_preload_check(p, e, &imports);
	imports_report(p, &imports);
	imports_clear(&imports);
}

static int is_wrong_type(const struct elf *e, const char *path, struct err *err)
{
	if (e->type == ET_EXEC || (e->type == ET_DYN && (e->interpreted || !e->soname)))
		return 0;
	if (e->type == ET_DYN && e->position_independent)
		return 0;
	return err_fail(err, ENOEXEC, "%s is an ELF file, but no program", path);
}

/* Nothing but its kind can be told of it. */
static void tell_foreign(struct patient *p, const char *path)
{
	char name[64];

	diagnosis_add(&p->found, SEVERITY_OBSTACLE, "foreign",
		"It cannot run here, unless by emulation, and the library cannot be loaded into it",
		"%s is a program for another processor (%s)", path, elf_kind_name(&p->kind, name));
}

int doctor_program_file(struct patient *p, int fd, const char *path, struct err *err)
{
	struct err why;
	struct elf e;
	int rc = elf_kind_of(fd, &p->kind);

	if (rc)
		return err_fail(err, -rc, "%s: %s", path,
			rc == -ENOEXEC ? "not an ELF file" : strerror(-rc));
	snprintf(p->program, sizeof(p->program), "%s", path);
	rc = elf_init(&e, fd, &why);
	if (rc == -ENOTSUP) {
		tell_foreign(p, path);
		return 0;
	}
	if (rc)
		return err_fail(err, -rc, "%s: %s", path, why.text);
	rc = is_wrong_type(&e, path, err);
	if (!rc) {
		check_privilege(p, fd, path, e.interpreted && loader_is_musl(e.interpreter));
		if (e.interpreted)
			examine_dynamic(p, &e);
		else
			tell_static(p, &e, path);
		doctor_known(p, path);
	}
	elf_clear(&e);
	return rc;
}

/* A text without #! is run by the shell, as execvp(3) does. */
static int examine_other(struct patient *p, const char *path, char *head, size_t n, bool executable,
	unsigned depth, struct err *err)
{
	if (n >= 2 && head[0] == '#' && head[1] == '!')
		return doctor_script(p, path, head + 2, depth, err);
	/* what nobody may execute is no script either, unless it says so */
	if (n == 0 || memchr(head, '\0', n) || !executable)
		return err_fail(err, ENOEXEC, "%s: neither an ELF program nor a script", path);
	diagnosis_add(&p->found, SEVERITY_NOTE, "no-interpreter", NULL,
		"%s has no #! line: shells run it by /bin/sh, and services cannot start it", path);
	doctor_words_of(p, path, true);
	return doctor_program_at(p, "/bin/sh", depth + 1, err);
}

static int examine_open(
	struct patient *p, int fd, const char *path, unsigned depth, struct err *err)
{
	char head[512] = {0};
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_fail(err, errno, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_fail(err, EISDIR, "%s is a directory, not a program", path);
	if (!S_ISREG(st.st_mode))
		return err_fail(err, ENOEXEC, "%s is not a regular file", path);
	n = pread(fd, head, sizeof(head) - 1, 0);
	if (n < 0)
		return err_fail(err, errno, "%s: %s", path, strerror(errno));
	if (!(st.st_mode & 0111))
		diagnosis_add(&p->found, SEVERITY_WARNING, "not-executable", "chmod +x it",
			"%s is not executable", path);
	if (n >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
		return n < (ssize_t)sizeof(Elf32_Ehdr)
			       ? err_fail(err, EBADMSG, "%s: the ELF file ends too early", path)
			       : doctor_program_file(p, fd, path, err);
	return examine_other(p, path, head, (size_t)n, st.st_mode & 0111, depth, err);
}

int doctor_program_at(struct patient *p, const char *path, unsigned depth, struct err *err)
{
	int fd, rc;

	if (depth > SCRIPT_DEPTH)
		return err_fail(err, ELOOP, "%s: scripts that interpret each other", path);
	fd = patient_open(p, path);
	if (fd < 0)
		return err_fail(err, -fd, "%s%s: %s", p->root_name ? p->root_name : "", path,
			strerror(-fd));
	rc = examine_open(p, fd, path, depth, err);
	close(fd);
	return rc;
}

int doctor_program(struct patient *p, const char *path, struct err *err)
{
	return doctor_program_at(p, path, 0, err);
}
