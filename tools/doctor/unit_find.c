/*
 * unit_find: the files that make up a unit, by systemd.unit(5): its own, and the drop-ins, from the
 * most special directory to the most general.
 */
#include "tools/doctor/unit_names.h"
#include "tools/doctor/unit_file.h"
#include "tools/path.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIT_MOST (1u << 20) /* octets of a file */
#define NAMES_MOST 48	     /* names under which drop-ins may stand */
#define DROPINS_MOST 256

struct names {
	char at[NAMES_MOST][300];
	unsigned count;
};

struct dropin {
	char name[256], path[PATH_MAX];
};

struct dropins {
	struct dropin *at;
	size_t count;
};

static void add_name(struct names *names, const char *name)
{
	for (unsigned i = 0; i < names->count; i++) {
		if (strcmp(names->at[i], name) == 0)
			return;
	}
	if (names->count < NAMES_MOST && strlen(name) < sizeof(names->at[0]))
		snprintf(names->at[names->count++], sizeof(names->at[0]), "%s", name);
}

static bool is_known(const struct dropins *d, const char *name)
{
	for (size_t i = 0; i < d->count; i++) {
		if (strcmp(d->at[i].name, name) == 0)
			return true;
	}
	return false;
}

/* What was found first under a file name hides the others. */
static void add_dropin(struct dropins *d, const char *directory, const char *name)
{
	size_t length = strlen(name);
	struct dropin *grown;

	if (length < 6 || length > 255 || name[0] == '.' ||
		strcmp(name + length - 5, ".conf") != 0 || is_known(d, name) ||
		d->count == DROPINS_MOST)
		return;
	grown = reallocarray(d->at, d->count + 1, sizeof(*d->at));
	if (!grown)
		return;
	d->at = grown;
	snprintf(d->at[d->count].name, sizeof(d->at[d->count].name), "%s", name);
	if (unit_path_join(d->at[d->count].path, directory, name, ""))
		d->count++;
}

/* What is taken to be in the directory. */
static void add_overlays(const struct patient *p, struct dropins *d, const char *directory)
{
	size_t length = strlen(directory);

	for (const struct overlay *o = p->overlays; o && o->path; o++) {
		if (o->text && strncmp(o->path, directory, length) == 0 && o->path[length] == '/' &&
			!strchr(o->path + length + 1, '/'))
			add_dropin(d, directory, o->path + length + 1);
	}
}

static void list_directory(const struct patient *p, struct dropins *d, const char *directory)
{
	int fd = patient_open(p, directory);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char path[PATH_MAX];

	add_overlays(p, d, directory);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(dir));) {
		if (unit_path_join(path, directory, e->d_name, "") && !patient_overlay(p, path))
			add_dropin(d, directory, e->d_name);
	}
	closedir(dir);
}

static void list_everywhere(const struct patient *p, struct dropins *d, const char *name)
{
	char room[UNIT_PLACES_SIZE], place[PATH_MAX], directory[PATH_MAX];
	const char *list = unit_places(p, room);

	while (unit_place_next(&list, place)) {
		if (unit_path_join(directory, place, name, ".d"))
			list_directory(p, d, directory);
	}
}

/* foo-bar-baz.service also has foo-bar-.service.d and foo-.service.d; and every one service.d. */
static void add_prefixes(struct names *names, const char *name)
{
	const char *dot = strrchr(name, '.');
	char prefix[300];

	for (size_t n = dot ? (size_t)(dot - name) : 0; n-- > 1;) {
		if (name[n] != '-')
			continue;
		snprintf(prefix, sizeof(prefix), "%.*s-%s", (int)n, name, dot);
		if (strcmp(prefix, name) != 0)
			add_name(names, prefix);
	}
}

static void more_names(struct names *names)
{
	const char *dot = strrchr(names->at[0], '.');
	unsigned given = names->count;
	char template[UNIT_NAME_SIZE];

	for (unsigned i = 0; i < given; i++) {
		if (unit_template_of(names->at[i], template))
			add_name(names, template);
	}
	for (unsigned i = 0; i < given; i++)
		add_prefixes(names, names->at[i]);
	add_name(names, dot ? dot + 1 : "service");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct dropin *)a)->name, ((const struct dropin *)b)->name);
}

/* To systemd, NUL ends a line. */
static void end_lines(char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		text[i] = text[i] ? text[i] : '\n';
}

static int parse(struct unit *u, const char *path, char *text, struct err *err)
{
	int rc = text ? unit_parse(u, path, text) : -ENOMEM;

	free(text);
	return rc ? err_fail(err, -rc, "%s: %s", path, strerror(-rc)) : 0;
}

/* An empty file, or a link to /dev/null, hides without saying anything. */
static int load_file(struct unit *u, const struct patient *p, const char *path, struct err *err)
{
	const struct overlay *o = patient_overlay(p, path);
	char target[PATH_MAX], *text;
	size_t length = 0;
	struct stat st;
	int fd;

	if (o && o->text)
		return parse(u, path, strdup(o->text), err);
	fd = o ? -ENOENT : patient_open(p, path);
	/* a link to /dev/null, in a tree that has none */
	if (fd == -ENOENT && patient_readlink(p, path, target) >= 0 &&
		strcmp(target, "/dev/null") == 0)
		return parse(u, path, strdup(""), err);
	if (fd < 0)
		return err_fail(err, -fd, "%s: %s", path, strerror(-fd));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return err_fail(err, EISDIR, "%s is a directory, not a unit", path);
	}
	text = read_all(fd, UNIT_MOST, &length);
	close(fd);
	if (!text)
		return err_fail(err, errno, "%s: %s", path, strerror(errno));
	end_lines(text, length);
	return parse(u, path, text, err);
}

/* systemd passes over a link that leads nowhere. */
static int load_dropin(struct unit *u, const struct patient *p, const char *path, struct err *err)
{
	char target[PATH_MAX];
	int rc = load_file(u, p, path, err);

	return rc == -ENOENT && patient_readlink(p, path, target) >= 0 ? 0 : rc;
}

static int load_dropins(struct unit *u, const struct patient *p, struct dropins *d, struct err *err)
{
	int rc = 0;

	if (d->count)
		qsort(d->at, d->count, sizeof(*d->at), by_name);
	for (size_t i = 0; !rc && i < d->count; i++)
		rc = load_dropin(u, p, d->at[i].path, err);
	return rc;
}

static int load_from(struct unit *u, const struct patient *p, const char *path, struct err *err)
{
	struct dropins d = {0};
	char directory[PATH_MAX];
	int rc;

	snprintf(u->name, sizeof(u->name), "%s", path_base(path));
	rc = load_file(u, p, path, err);
	if (!rc && snprintf(directory, sizeof(directory), "%s.d", path) < (int)sizeof(directory))
		list_directory(p, &d, directory);
	if (!rc)
		rc = load_dropins(u, p, &d, err);
	free(d.at);
	return rc;
}

static int load_named(struct unit *u, const struct patient *p, const char *name, struct err *err)
{
	struct unit_found *found = malloc(sizeof(*found));
	struct names *names = calloc(1, sizeof(*names));
	struct dropins d = {0};
	int rc = found && names ? unit_find(p, name, found, err)
				: err_fail(err, ENOMEM, "out of memory");

	if (!rc) {
		snprintf(u->name, sizeof(u->name), "%s", found->names[0]);
		rc = load_file(u, p, found->path, err);
	}
	if (!rc) {
		for (unsigned i = 0; i < found->name_count; i++)
			add_name(names, found->names[i]);
		more_names(names);
	}
	for (unsigned i = 0; !rc && i < names->count; i++)
		list_everywhere(p, &d, names->at[i]);
	if (!rc)
		rc = load_dropins(u, p, &d, err);
	free(d.at);
	free(names);
	free(found);
	return rc;
}

int unit_load(
	struct unit *u, const struct patient *p, const char *name, bool is_file, struct err *err)
{
	size_t length = strlen(name);

	*u = (struct unit){.of_user = p->user_manager};
	if (is_file)
		return load_from(u, p, name, err);
	if (length > 255 || length < 9 || strcmp(name + length - 8, ".service") != 0)
		return err_fail(err, EINVAL,
			"%s: not the name of a service, such as billing.service", name);
	return load_named(u, p, name, err);
}

int unit_load_other(struct unit *u, const struct patient *p, const char *name, struct err *err)
{
	*u = (struct unit){0};
	return load_named(u, p, name, err);
}

/* The first main file counts, then drop-ins of all directories by their names. */
int unit_load_manager(struct unit *u, const struct patient *p)
{
	static const char *const directories[] = {"/etc/systemd", "/run/systemd",
		"/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"};
	const char *name = p->user_manager ? "user.conf" : "system.conf";
	struct dropins d = {0};
	char path[PATH_MAX];
	bool found = false;
	int rc = 0;

	*u = (struct unit){0};
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
		struct stat st;

		unit_path_join(path, directories[i], name, "");
		if (!rc && !found && patient_stat(p, path, &st) == 0) {
			rc = load_file(u, p, path, NULL);
			found = true;
		}
		unit_path_join(path, directories[i], name, ".d");
		list_directory(p, &d, path);
	}
	if (!rc)
		rc = load_dropins(u, p, &d, NULL);
	free(d.at);
	return rc;
}
