/*
 * agent_file: whether the agent that the library would start can run where the service lives: its
 * file, its loader, and all that it is linked with. What it lacks there, its loader tells to
 * nobody: all mail is refused. It is not run.
 */
#include "tools/doctor/imports.h"

#include "tools/locate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char cannot_start[] = "No mail passes: put all that it needs there too, or use the "
				   "system agent (mailseal enable --system-agent)";

void doctor_agent_path(const struct patient *p, const char *named, char out[PATH_MAX])
{
	const char *slash = strrchr(p->library, '/');
	char beside[PATH_MAX];
	struct stat st;
	size_t length;

	snprintf(out, PATH_MAX, "%s",
		named && *named ? named : MAILSEAL_LIBEXECDIR "/mailseal-agent");
	if ((named && *named) || !slash)
		return;
	length = (size_t)(slash + 1 - p->library);
	if (length + sizeof("mailseal-agent") > PATH_MAX)
		return;
	snprintf(beside, sizeof(beside), "%.*smailseal-agent", (int)length, p->library);
	if (patient_stat(p, beside, &st) == 0)
		memcpy(out, beside, sizeof(beside));
}

/* 0; or -errno and why the file cannot be run. */
static int is_runnable(const struct patient *p, int fd, const struct elf *e, struct err *err)
{
	struct statvfs fs;
	struct stat st;
	int loader;

	if (fstat(fd, &st) < 0)
		return err_fail(err, errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return err_fail(err, EACCES, "it is not executable");
	if (fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_NOEXEC)
		return err_fail(err, EACCES, "its file system is mounted noexec");
	if (!e->interpreted)
		return 0;
	loader = patient_open(p, e->interpreter);
	if (loader < 0)
		return err_fail(
			err, -loader, "its loader %s: %s", e->interpreter, strerror(-loader));
	close(loader);
	return 0;
}

/* It is opened once a policy names such a domain. */
static void check_idn(struct patient *p, const struct elf *e, const char *path)
{
	char found[PATH_MAX];

	if (library_of(p, e, path, "libidn2.so.0", found))
		diagnosis_add(&p->found, SEVERITY_WARNING, "libidn2",
			"Put it there, unless no policy names an internationalised domain",
			"the agent finds no libidn2.so.0%s%s: it refuses a policy with "
			"internationalised domains",
			p->root_name && *p->root_name ? " in " : "",
			p->root_name ? p->root_name : "");
}

struct missing {
	char list[400]; /* "libssl.so.3, libconfuse.so.2" */
	size_t length;
};

static void take_missing(void *context, const char *by, const char *name)
{
	struct missing *m = context;
	size_t room = sizeof(m->list) - m->length;
	int n = snprintf(m->list + m->length, room, "%s%s", m->length ? ", " : "", name);

	(void)by;
	m->length += n > 0 && (size_t)n < room ? (size_t)n : 0;
	m->list[m->length] = '\0';
}

static void check_libraries(struct patient *p, const struct elf *e, const char *path)
{
	struct missing m = {"", 0};
	const char *where = p->root_name && *p->root_name ? p->root_name : NULL;

	libraries_missing(p, e, path, take_missing, &m);
	if (*m.list)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "agent-library-missing", cannot_start,
			"the agent %s cannot start: it needs %s, not found%s%s", path, m.list,
			where ? " in " : "", where ? where : "");
	else
		check_idn(p, e, path);
}

void doctor_agent_file(struct patient *p, const char *path)
{
	struct err err = {""};
	struct elf e;
	int fd = patient_open(p, path), rc;

	/* that it is not there, or not to be seen, is told by who knows why */
	if (fd < 0)
		return;
	rc = elf_init(&e, fd, &err);
	if (!rc) {
		rc = is_runnable(p, fd, &e, &err);
		if (!rc && e.interpreted)
			check_libraries(p, &e, path);
		elf_clear(&e);
	}
	if (rc)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "agent-unfit", cannot_start,
			"the agent %s cannot start: %s", path, err.text);
	close(fd);
}
