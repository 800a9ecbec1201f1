/*
 * load: reads the configuration and its domains file as one set, all or nothing.
 */
#include "config/load.h"

#include "config/file.h"
#include "config/parse.h"
#include "config/place.h"
#include "config/setting.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT (1u << 20)

/* What is put together before anybody sees it. */
struct load {
	struct policy_set *set;
	struct seen seen;
	struct err *err;
};

int domains_path(const char *config, char *out, size_t size)
{
	static const char ending[] = ".conf";
	size_t length = strlen(config), n = sizeof(ending) - 1;
	int written;

	if (length > n && strcmp(config + length - n, ending) == 0)
		length -= n;
	if (length > PATH_MAX)
		return -ENAMETOOLONG;
	written = snprintf(out, size, "%.*s.d/domains.conf", (int)length, config);
	return written < 0 || (size_t)written >= size ? -ENAMETOOLONG : 0;
}

static int fail_path(struct load *load, const char *path, int code, const char *why)
{
	return err_fail(load->err, code, "%.300s: %s", path, why);
}

static int begin(struct load *load, const char *path)
{
	load->set = calloc(1, sizeof(*load->set));
	if (load->set)
		load->set->path[0] = strdup(path);
	return load->set && load->set->path[0] ? 0 : fail_path(load, path, ENOMEM, "out of memory");
}

/* All files are there: 0, and the set is ready. */
static int finish(struct load *load)
{
	const struct section *first, *second;
	int rc = policy_set_freeze(load->set, &first, &second);
	char subject[SUBJECT_SIZE];

	if (rc == -EEXIST)
		return place_fail_equal(load->err, second->path, second->line,
			place_subject(section_kind_name(second->kind), second->label, subject),
			first);
	return rc ? fail_path(load, load->set->path[0], -rc, "out of memory") : 0;
}

static void hand_over(struct load *load, int rc, struct policy_set **set, struct seen *seen)
{
	if (rc) {
		policy_set_free(load->set);
		return;
	}
	*set = load->set;
	if (seen)
		*seen = load->seen;
}

static bool leads_nowhere(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && stat(path, &st) < 0;
}

static int read_main(struct load *load, bool optional)
{
	const char *path = load->set->path[0];
	struct parse_file file = {.path = path};
	struct err why;
	size_t length;
	char *text;
	int rc = file_read(path, FILE_LIMIT, &text, &length, &load->seen.main, &why);

	if (rc == -ENOENT && optional)
		return leads_nowhere(path)
			       ? fail_path(load, path, EINVAL, "symbolic link leads nowhere")
			       : 0;
	if (rc)
		return fail_path(load, path, -rc, why.text);
	load->seen.main_present = true;
	rc = parse_text(load->set, &file, text, length, load->err);
	free(text);
	return rc;
}

static int parse_domains(struct load *load, char *text, size_t length)
{
	struct parse_file file = {.path = load->set->path[1], .main = load->set->path[0]};

	return parse_text(load->set, &file, text, length, load->err);
}

/* Nothing at all at `path`: neither a link that leads nowhere, nor a directory that is one. */
static bool is_missing(const char *path)
{
	char directory[PATH_MAX + sizeof(".d/domains.conf")];
	char *slash;

	if (snprintf(directory, sizeof(directory), "%s", path) >= (int)sizeof(directory))
		return false;
	slash = strrchr(directory, '/');
	if (leads_nowhere(path))
		return false;
	if (slash)
		*slash = '\0';
	return !slash || !leads_nowhere(directory);
}

static int read_domains(struct load *load)
{
	const char *path = load->set->path[1];
	struct err why;
	size_t length;
	char *text;
	int rc = file_read(path, FILE_LIMIT, &text, &length, &load->seen.domains, &why);

	if (rc == -ENOENT)
		return is_missing(path)
			       ? 0
			       : fail_path(load, path, EINVAL, "symbolic link leads nowhere");
	if (rc)
		return fail_path(load, path, -rc, why.text);
	load->seen.domains_present = true;
	rc = parse_domains(load, text, length);
	free(text);
	return rc;
}

static int take_domains(struct load *load, const char *text, size_t length)
{
	char *copy = malloc(length + 1);
	int rc;

	if (!copy)
		return fail_path(load, load->set->path[1], ENOMEM, "out of memory");
	memcpy(copy, text, length);
	rc = parse_domains(load, copy, length);
	free(copy);
	return rc;
}

/* The domains file is told by its own path even where there is none. */
static int name_domains(struct load *load)
{
	char path[PATH_MAX + sizeof(".d/domains.conf")];
	int rc = domains_path(load->set->path[0], path, sizeof(path));

	if (rc)
		return fail_path(load, load->set->path[0], -rc, strerror(-rc));
	load->set->path[1] = strdup(path);
	return load->set->path[1] ? 0 : fail_path(load, path, ENOMEM, "out of memory");
}

static int load_files(const char *path, bool optional, const char *domains, size_t length,
	struct policy_set **set, struct seen *seen, struct err *err)
{
	struct load load = {.err = err};
	int rc = begin(&load, path);

	if (!rc)
		rc = read_main(&load, optional);
	if (!rc)
		rc = name_domains(&load);
	if (!rc)
		rc = domains ? take_domains(&load, domains, length) : read_domains(&load);
	if (!rc)
		rc = finish(&load);
	hand_over(&load, rc, set, seen);
	return rc;
}

int policy_set_load(const char *path, bool optional, struct policy_set **set, struct seen *seen,
	struct err *err)
{
	return load_files(path, optional, NULL, 0, set, seen, err);
}

int policy_set_load_with(const char *path, bool optional, const char *domains, size_t length,
	struct policy_set **set, struct seen *seen, struct err *err)
{
	return load_files(path, optional, domains, length, set, seen, err);
}

int policy_set_parse(
	const char *path, const char *text, size_t length, struct policy_set **set, struct err *err)
{
	struct load load = {.err = err};
	char *copy = malloc(length + 1);
	int rc = copy ? begin(&load, path) : fail_path(&load, path, ENOMEM, "out of memory");

	if (!rc) {
		struct parse_file file = {.path = load.set->path[0]};

		memcpy(copy, text, length);
		rc = parse_text(load.set, &file, copy, length, err);
	}
	if (!rc)
		rc = finish(&load);
	hand_over(&load, rc, set, NULL);
	free(copy);
	return rc;
}
