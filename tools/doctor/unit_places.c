/*
 * unit_places: the directories in which a manager looks for units, of the highest rank first.
 */
#include "tools/doctor/unit_names.h"

#include <stdio.h>
#include <string.h>

const char unit_places_system[] =
	"/etc/systemd/system.control:/run/systemd/system.control:/run/systemd/transient:"
	"/run/systemd/generator.early:/etc/systemd/system:/etc/systemd/system.attached:"
	"/run/systemd/system:/run/systemd/system.attached:/run/systemd/generator:"
	"/usr/local/lib/systemd/system:/usr/lib/systemd/system:/lib/systemd/system:"
	"/run/systemd/generator.late";

struct list {
	char *out;
	size_t size, n;
	bool cut;
};

static void add(struct list *l, const char *directory, size_t length, const char *name)
{
	int n;

	if (!directory || !length)
		return;
	n = snprintf(l->out + l->n, l->size - l->n, "%s%.*s/systemd/%s", l->n ? ":" : "",
		(int)length, directory, name);
	if (n < 0 || (size_t)n >= l->size - l->n)
		l->cut = true;
	else
		l->n += (size_t)n;
}

static void add_each(struct list *l, const char *directories, const char *name)
{
	for (const char *at = directories; *at;) {
		size_t length = strcspn(at, ":");

		add(l, at, length, name);
		at += length + (at[length] == ':');
	}
}

static void add_one(struct list *l, const char *directory, const char *name)
{
	add(l, directory, directory ? strlen(directory) : 0, name);
}

/* A variable, or a directory in the home. */
static const char *base(const char *variable, const char *home, const char *in, char out[PATH_MAX])
{
	const char *value = environment(variable);

	if (value && *value == '/')
		return value;
	snprintf(out, PATH_MAX, "%s/%s", home, in);
	return out;
}

/* In the order of systemd.unit(5). */
bool unit_places_user(char *out, size_t size)
{
	const char *home = environment("HOME"), *runtime = environment("XDG_RUNTIME_DIR");
	const char *config_dirs = environment("XDG_CONFIG_DIRS"),
		   *data_dirs = environment("XDG_DATA_DIRS"), *config, *data;
	char config_room[PATH_MAX], data_room[PATH_MAX];
	struct list l = {out, size, 0, false};

	if (!home || *home != '/')
		return false;
	config = base("XDG_CONFIG_HOME", home, ".config", config_room);
	data = base("XDG_DATA_HOME", home, ".local/share", data_room);
	add_one(&l, config, "user.control");
	add_one(&l, runtime, "user.control");
	add_one(&l, runtime, "transient");
	add_one(&l, runtime, "generator.early");
	add_one(&l, config, "user");
	add_each(&l, config_dirs ? config_dirs : "/etc/xdg", "user");
	add_one(&l, "/etc", "user");
	add_one(&l, runtime, "user");
	add_one(&l, "/run", "user");
	add_one(&l, runtime, "generator");
	add_one(&l, data, "user");
	add_each(&l, data_dirs ? data_dirs : "/usr/local/share:/usr/share", "user");
	add_one(&l, "/usr/local/lib", "user");
	add_one(&l, "/usr/lib", "user");
	add_one(&l, runtime, "generator.late");
	return !l.cut;
}

/* As systemd itself: the variable replaces the places; one that ends in a colon goes before them.
 */
const char *unit_places(const struct patient *p, char room[UNIT_PLACES_SIZE])
{
	const char *otherwise = p->unit_places ? p->unit_places : unit_places_system;
	const char *given = p->root < 0 ? environment("SYSTEMD_UNIT_PATH") : NULL;
	size_t length = given ? strlen(given) : 0;
	int n;

	if (!given)
		return otherwise;
	n = snprintf(
		room, UNIT_PLACES_SIZE, "%s%s", given, given[length - 1] == ':' ? otherwise : "");
	return n > 0 && n < UNIT_PLACES_SIZE ? room : otherwise;
}

bool unit_place_next(const char **list, char out[PATH_MAX])
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

bool unit_path_join(char out[PATH_MAX], const char *a, const char *b, const char *c)
{
	int n = snprintf(out, PATH_MAX, "%s/%s%s", a, b, c);

	return n > 0 && n < PATH_MAX;
}
