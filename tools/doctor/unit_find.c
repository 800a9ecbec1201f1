/*
 * unit_find: the files that make up a unit, by systemd.unit(5): where units are looked for,
 * aliases, templates, and the directories of drop-ins from the most special to the most general.
 */
#include "tools/doctor/unit_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIT_MOST (1u << 20) /* octets of a file */
#define NAMES_MOST 16	     /* names under which drop-ins may stand */
#define DROPINS_MOST 256

static const char places_default[] =
	"/etc/systemd/system.control:/run/systemd/system.control:/run/systemd/transient:"
	"/run/systemd/generator.early:/etc/systemd/system:/etc/systemd/system.attached:"
	"/run/systemd/system:/run/systemd/system.attached:/run/systemd/generator:"
	"/usr/local/lib/systemd/system:/usr/lib/systemd/system:/lib/systemd/system:"
	"/run/systemd/generator.late";

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

/* As systemd itself: the variable replaces the places; one that ends in a colon goes before them.
 */
static const char *places(char out[4096])
{
	const char *given = environment("SYSTEMD_UNIT_PATH");
	size_t length = given ? strlen(given) : 0;
	int n;

	if (!given)
		return places_default;
	n = snprintf(out, 4096, "%s%s", given, given[length - 1] == ':' ? places_default : "");
	return n > 0 && n < 4096 ? out : places_default;
}

static bool next_place(const char **list, char out[PATH_MAX])
{
	size_t length;

	*list += strspn(*list, ":");
	length = strcspn(*list, ":");
	if (length == 0 || length >= PATH_MAX)
		return false;
	memcpy(out, *list, length);
	out[length] = '\0';
	*list += length;
	return true;
}

static bool join(char out[PATH_MAX], const char *a, const char *b, const char *c)
{
	int n = snprintf(out, PATH_MAX, "%s/%s%s", a, b, c);

	return n > 0 && n < PATH_MAX;
}

static void add_name(struct names *names, const char *name)
{
	for (unsigned i = 0; i < names->count; i++) {
		if (strcmp(names->at[i], name) == 0)
			return;
	}
	if (names->count < NAMES_MOST && strlen(name) < sizeof(names->at[0]))
		snprintf(names->at[names->count++], sizeof(names->at[0]), "%s", name);
}

/* name@instance.service to name@.service; false if it has no instance. */
static bool template_of(const char *name, char out[256])
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	if (!at || !dot || dot < at || dot == at + 1)
		return false;
	snprintf(out, 256, "%.*s%s", (int)(at + 1 - name), name, dot);
	return true;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The file behind a name, and the names that links lead over. A descriptor or -errno. */
static int open_unit(const struct patient *p, const char *path, struct names *names)
{
	char target[PATH_MAX];
	ssize_t n = p->root < 0 ? readlink(path, target, sizeof(target) - 1) : -1;
	int fd = patient_open(p, path);

	if (fd >= 0 && n > 0) {
		target[n] = '\0';
		add_name(names, base_of(target));
	}
	return fd;
}

static int find_fragment(
	const struct patient *p, const char *name, struct names *names, char path[PATH_MAX])
{
	char room[4096], place[PATH_MAX];
	const char *list = places(room);

	while (next_place(&list, place)) {
		int fd = join(path, place, name, "") ? open_unit(p, path, names) : -ENOENT;

		if (fd >= 0 || (fd != -ENOENT && fd != -ENOTDIR))
			return fd;
	}
	return -ENOENT;
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
	if (join(d->at[d->count].path, directory, name, ""))
		d->count++;
}

static void list_directory(const struct patient *p, struct dropins *d, const char *directory)
{
	int fd = patient_open(p, directory);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(dir));)
		add_dropin(d, directory, e->d_name);
	closedir(dir);
}

static void list_everywhere(const struct patient *p, struct dropins *d, const char *name)
{
	char room[4096], place[PATH_MAX], directory[PATH_MAX];
	const char *list = places(room);

	while (next_place(&list, place)) {
		if (join(directory, place, name, ".d"))
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
	unsigned given = names->count;
	char template[256];

	for (unsigned i = 0; i < given; i++) {
		if (template_of(names->at[i], template))
			add_name(names, template);
	}
	for (unsigned i = 0; i < given; i++)
		add_prefixes(names, names->at[i]);
	add_name(names, "service");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct dropin *)a)->name, ((const struct dropin *)b)->name);
}

/* An empty file, or a link to /dev/null, hides without saying anything. */
static int load_file(struct unit *u, int fd, const char *path, struct err *err)
{
	struct stat st;
	char *text;
	int rc;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return err_fail(err, EISDIR, "%s is a directory, not a unit", path);
	text = read_all(fd, UNIT_MOST, NULL);
	if (!text)
		return err_fail(err, errno, "%s: %s", path, strerror(errno));
	rc = unit_parse(u, path, text);
	free(text);
	return rc ? err_fail(err, -rc, "%s: %s", path, strerror(-rc)) : 0;
}

static int load_dropins(struct unit *u, const struct patient *p, struct dropins *d, struct err *err)
{
	int rc = 0;

	if (d->count)
		qsort(d->at, d->count, sizeof(*d->at), by_name);
	for (size_t i = 0; !rc && i < d->count; i++) {
		int fd = patient_open(p, d->at[i].path);

		if (fd < 0)
			return err_fail(err, -fd, "%s: %s", d->at[i].path, strerror(-fd));
		rc = load_file(u, fd, d->at[i].path, err);
		close(fd);
	}
	return rc;
}

static int load_from(struct unit *u, const struct patient *p, const char *path, struct err *err)
{
	struct dropins d = {0};
	char directory[PATH_MAX];
	int fd = patient_open(p, path), rc;

	if (fd < 0)
		return err_fail(err, -fd, "%s: %s", path, strerror(-fd));
	snprintf(u->name, sizeof(u->name), "%s", base_of(path));
	rc = load_file(u, fd, path, err);
	close(fd);
	if (!rc && snprintf(directory, sizeof(directory), "%s.d", path) < (int)sizeof(directory))
		list_directory(p, &d, directory);
	if (!rc)
		rc = load_dropins(u, p, &d, err);
	free(d.at);
	return rc;
}

static int load_named(struct unit *u, const struct patient *p, const char *name, struct err *err)
{
	struct names *names = calloc(1, sizeof(*names));
	struct dropins d = {0};
	char path[PATH_MAX], template[256];
	int fd, rc = 0;

	if (!names)
		return err_fail(err, ENOMEM, "out of memory");
	snprintf(u->name, sizeof(u->name), "%s", name);
	add_name(names, name);
	fd = find_fragment(p, name, names, path);
	if (fd == -ENOENT && template_of(name, template))
		fd = find_fragment(p, template, names, path);
	if (fd < 0)
		rc = err_fail(err, -fd, "there is no unit %s: %s", name, strerror(-fd));
	if (!rc) {
		rc = load_file(u, fd, path, err);
		close(fd);
	}
	more_names(names);
	for (unsigned i = 0; !rc && i < names->count; i++)
		list_everywhere(p, &d, names->at[i]);
	if (!rc)
		rc = load_dropins(u, p, &d, err);
	free(d.at);
	free(names);
	return rc;
}

int unit_load(
	struct unit *u, const struct patient *p, const char *name, bool is_file, struct err *err)
{
	size_t length = strlen(name);

	*u = (struct unit){0};
	if (is_file)
		return load_from(u, p, name, err);
	if (length > 255 || length < 9 || strcmp(name + length - 8, ".service") != 0)
		return err_fail(err, EINVAL,
			"%s: not the name of a service, such as billing.service", name);
	return load_named(u, p, name, err);
}
