/*
 * rotated: what logrotate and its like make of a file's name.
 */
#include "tools/report/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool there_already(const struct source_list *list, const struct stat *st)
{
	struct stat other;

	for (size_t i = 0; i < list->count; i++)
		if (stat(list->paths[i], &other) == 0 && other.st_dev == st->st_dev &&
			other.st_ino == st->st_ino)
			return true;
	return false;
}

static int append(struct source_list *list, const char *path)
{
	char **more = realloc(list->paths, (list->count + 1) * sizeof(*more));
	char *copy = strdup(path);

	if (more)
		list->paths = more;
	if (!more || !copy) {
		free(copy);
		return -ENOMEM;
	}
	list->paths[list->count++] = copy;
	return 0;
}

/* .1, -20261101, -2026-11-01, -20261101-1700000000 ... */
static size_t number_length(const char *text)
{
	size_t n = 1;

	if ((*text != '.' && *text != '-') || text[1] < '0' || text[1] > '9')
		return 0;
	while ((text[n] >= '0' && text[n] <= '9') || text[n] == '-')
		n++;
	return n;
}

static bool is_packing(const char *text)
{
	static const char *const endings[] = {"", ".gz", ".xz", ".zst", ".bz2"};

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (strcmp(text, endings[i]) == 0)
			return true;
	return false;
}

/* mail.log.2.gz, mail.log-20261101.xz, and, with `extension .log`, mail-20261101.log.gz */
static bool is_rotation(const char *name, const char *base)
{
	const char *extension = strrchr(base, '.');
	size_t length = strlen(base), stem = extension ? (size_t)(extension - base) : 0, n;

	if (strncmp(name, base, length) == 0) {
		n = number_length(name + length);
		return (n && is_packing(name + length + n)) || strcmp(name + length, ".old") == 0;
	}
	if (!stem || strncmp(name, base, stem) != 0)
		return false;
	n = number_length(name + stem);
	return n && strncmp(name + stem + n, extension, length - stem) == 0 &&
	       is_packing(name + stem + n + (length - stem));
}

static int add_file(struct source_list *list, const char *path, int64_t since)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_mtime < since ||
		there_already(list, &st))
		return 0;
	return append(list, path);
}

static int add_rotations(struct source_list *list, const char *path, int64_t since)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
	DIR *dir = directory ? opendir(directory) : NULL;
	const struct dirent *entry;
	char *whole;
	int rc = directory ? 0 : -ENOMEM;

	while (dir && rc == 0 && (entry = readdir(dir)) != NULL) {
		if (!is_rotation(entry->d_name, base))
			continue;
		if (asprintf(&whole, "%s%s", slash ? directory : "", entry->d_name) < 0) {
			rc = -ENOMEM;
			break;
		}
		rc = add_file(list, whole, since);
		free(whole);
	}
	if (dir)
		closedir(dir);
	free(directory);
	return rc;
}

int source_add(struct source_list *list, const char *path, bool rotated, int64_t since)
{
	struct stat st;
	int rc = 0;

	if (strcmp(path, "-") == 0 || stat(path, &st) != 0 || !there_already(list, &st))
		rc = append(list, path);
	return rc == 0 && rotated && strcmp(path, "-") != 0 ? add_rotations(list, path, since) : rc;
}

int source_add_present(struct source_list *list, const char *path, int64_t since)
{
	int rc = add_file(list, path, since);

	return rc ? rc : add_rotations(list, path, since);
}

void source_list_clear(struct source_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->paths[i]);
	free(list->paths);
	*list = (struct source_list){0};
}
