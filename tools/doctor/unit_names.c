/*
 * unit_names: links among unit files are aliases where they lead to another name within the
 * directories of units, and mean nothing where they lead elsewhere, as systemd has it.
 */
#include "tools/doctor/unit_names.h"

#include "tools/path.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOPS_MOST 16

/* `name` is a valid one. */
static void set_name(char out[UNIT_NAME_SIZE], const char *name)
{
	size_t length = strnlen(name, UNIT_NAME_SIZE - 1);

	memcpy(out, name, length);
	out[length] = '\0';
}

static const char *ending_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot : "";
}

bool unit_name_is_valid(const char *name)
{
	static const char *const endings[] = {".service", ".socket", ".timer", ".path", ".target",
		".mount", ".automount", ".swap", ".slice", ".scope", ".device"};
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@";
	const char *ending = ending_of(name);
	size_t length = strlen(name);

	if (length >= UNIT_NAME_SIZE || *ending == '\0' || ending == name || *name == '@' ||
		strspn(name, letters) != length)
		return false;
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		if (strcmp(ending, endings[i]) == 0)
			return true;
	}
	return false;
}

bool unit_is_template(const char *name)
{
	const char *at = strchr(name, '@');

	return at && at + 1 == ending_of(name);
}

bool unit_template_of(const char *name, char out[UNIT_NAME_SIZE])
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	if (!at || !dot || dot < at || dot == at + 1)
		return false;
	snprintf(out, UNIT_NAME_SIZE, "%.*s%s", (int)(at + 1 - name), name, dot);
	return true;
}

/* The template `to` with the instance of `name`, if that has one. */
static void put_instance(const char *to, const char *name, char out[UNIT_NAME_SIZE])
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	if (unit_is_template(to) && at && dot > at)
		snprintf(out, UNIT_NAME_SIZE, "%.*s%.*s%s", (int)(strchr(to, '@') + 1 - to), to,
			(int)(dot - at - 1), at + 1, ending_of(to));
	else
		set_name(out, to);
}

static void add_name(struct unit_found *f, const char *name)
{
	for (unsigned i = 0; i < f->name_count; i++) {
		if (strcmp(f->names[i], name) == 0)
			return;
	}
	if (f->name_count < UNIT_NAMES_MOST)
		set_name(f->names[f->name_count++], name);
}

/* The unit's own name stands first. */
static void put_first(struct unit_found *f, const char *name)
{
	unsigned i = 0;

	add_name(f, name);
	while (i < f->name_count && strcmp(f->names[i], name) != 0)
		i++;
	if (i == f->name_count)
		i--;
	for (; i > 0; i--)
		memcpy(f->names[i], f->names[i - 1], UNIT_NAME_SIZE);
	set_name(f->names[0], name);
}

static bool look(const struct patient *p, const char *name, char path[PATH_MAX], int *rc)
{
	char room[UNIT_PLACES_SIZE], place[PATH_MAX], target[PATH_MAX];
	const char *list = unit_places(p, room);
	struct stat st;

	while (unit_place_next(&list, place)) {
		if (!unit_path_join(path, place, name, ""))
			continue;
		*rc = patient_readlink(p, path, target) >= 0 ? 0 : patient_stat(p, path, &st);
		if (*rc != -ENOENT && *rc != -ENOTDIR)
			return *rc == 0;
	}
	*rc = -ENOENT;
	return false;
}

static bool is_place(const struct patient *p, const char *path)
{
	char room[UNIT_PLACES_SIZE], place[PATH_MAX];
	const char *list = unit_places(p, room);
	size_t length = (size_t)(path_base(path) - path);

	while (unit_place_next(&list, place)) {
		size_t n = strlen(place);

		if (n + 1 == length && strncmp(place, path, n) == 0)
			return true;
	}
	return false;
}

/* What the link at `path` says, made absolute; "./" and "../" at its beginning are followed. */
static bool read_link(const struct patient *p, const char *path, char out[PATH_MAX])
{
	char target[PATH_MAX], directory[PATH_MAX], *slash, *at = target;
	ssize_t n = patient_readlink(p, path, target);

	if (n < 0)
		return false;
	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (slash)
		*slash = '\0';
	if (*target == '/')
		directory[0] = '\0', at++;
	for (;;) {
		at += strspn(at, "/");
		if (strncmp(at, "./", 2) == 0) {
			at += 2;
		} else if (strncmp(at, "../", 3) == 0) {
			at += 3;
			slash = strrchr(directory, '/');
			if (slash)
				*slash = '\0';
		} else {
			return unit_path_join(out, directory, at, "");
		}
	}
}

/* Follows the links of one file. True where another unit's name is met: `name` is that then. */
static bool follow(const struct patient *p, struct unit_found *f, char name[UNIT_NAME_SIZE])
{
	char path[PATH_MAX], target[PATH_MAX];

	memcpy(path, f->path, sizeof(path));
	for (unsigned hops = 0; hops < HOPS_MOST && read_link(p, path, target); hops++) {
		const char *base = path_base(target);

		f->masked = strcmp(target, "/dev/null") == 0;
		if (f->masked)
			return false;
		if (!is_place(p, target))
			return false; /* a file elsewhere, whatever it is called */
		if (strcmp(base, path_base(f->path)) != 0) {
			if (!unit_name_is_valid(base) ||
				strcmp(ending_of(base), ending_of(name)) != 0)
				return false;
			put_instance(base, name, path);
			set_name(name, path);
			return true;
		}
		memcpy(path, target, sizeof(path));
	}
	return false;
}

static bool is_empty(const struct patient *p, const char *path)
{
	const struct overlay *o = patient_overlay(p, path);
	struct stat st;

	return !o && patient_stat(p, path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

static void list_aliases(const struct patient *p, struct unit_found *f, const char *place)
{
	int fd = patient_open(p, place);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(dir));) {
		char path[PATH_MAX], target[PATH_MAX];

		if (e->d_type != DT_LNK || !unit_name_is_valid(e->d_name) ||
			!unit_path_join(path, place, e->d_name, "") || !read_link(p, path, target))
			continue;
		if (strcmp(path_base(target), f->names[0]) == 0 && is_place(p, target) &&
			strcmp(ending_of(e->d_name), ending_of(f->names[0])) == 0)
			add_name(f, e->d_name);
	}
	closedir(dir);
}

static void find_aliases(const struct patient *p, struct unit_found *f)
{
	char room[UNIT_PLACES_SIZE], place[PATH_MAX];
	const char *list = unit_places(p, room);

	while (unit_place_next(&list, place))
		list_aliases(p, f, place);
}

int unit_find(const struct patient *p, const char *name, struct unit_found *f, struct err *err)
{
	char own[UNIT_NAME_SIZE], template[UNIT_NAME_SIZE];
	unsigned hops = 0;
	int rc;

	*f = (struct unit_found){0};
	set_name(own, name);
	do {
		bool found;

		add_name(f, own);
		found = look(p, own, f->path, &rc);
		if (!found && rc == -ENOENT && unit_template_of(own, template))
			found = look(p, template, f->path, &rc);
		if (!found)
			return err_fail(err, -rc, "there is no unit %s: %s", own, strerror(-rc));
		if (hops++ == HOPS_MOST)
			return err_fail(err, ELOOP, "%s: its links go round in a circle", name);
	} while (follow(p, f, own));
	put_first(f, own);
	f->masked = f->masked || is_empty(p, f->path);
	f->generated = strstr(f->path, "/generator") != NULL;
	find_aliases(p, f);
	return 0;
}

void unit_each(
	const struct patient *p, void (*take)(void *context, const char *name), void *context)
{
	char room[UNIT_PLACES_SIZE], place[PATH_MAX];
	const char *list = unit_places(p, room);

	while (unit_place_next(&list, place)) {
		int fd = patient_open(p, place);
		DIR *dir = fd < 0 ? NULL : fdopendir(fd);

		if (!dir && fd >= 0)
			close(fd);
		for (const struct dirent *e; dir && (e = readdir(dir));) {
			if (unit_name_is_valid(e->d_name))
				take(context, e->d_name);
		}
		if (dir)
			closedir(dir);
	}
}
