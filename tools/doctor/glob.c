/*
 * glob: paths with patterns, in the patient's tree.
 */
#include "tools/doctor/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <string.h>
#include <unistd.h>

/* glob(3) hands nothing of its caller's on. */
static const struct patient *looking;

static void *open_directory(const char *path)
{
	int fd = patient_open(looking, path);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	if (!directory && fd >= 0)
		close(fd);
	if (fd < 0)
		errno = -fd;
	return directory;
}

static struct dirent *read_directory(void *directory)
{
	return readdir(directory);
}

static void close_directory(void *directory)
{
	closedir(directory);
}

static int status(const char *path, struct stat *st)
{
	int rc = patient_stat(looking, path, st);

	if (rc)
		errno = -rc;
	return rc ? -1 : 0;
}

/* Takes the backslashes away. False where there is a pattern. */
static bool is_literal(const char *pattern, char out[PATH_MAX])
{
	size_t n = 0;

	for (; *pattern && n + 1 < PATH_MAX; pattern++) {
		if (strchr("*?[", *pattern))
			return false;
		if (*pattern == '\\' && pattern[1])
			pattern++;
		out[n++] = *pattern;
	}
	out[n] = '\0';
	return !*pattern;
}

int patient_glob(const struct patient *p, const char *pattern,
	int (*take)(void *context, const char *path), void *context)
{
	glob_t found = {
		.gl_opendir = open_directory,
		.gl_readdir = read_directory,
		.gl_closedir = close_directory,
		.gl_stat = status,
		.gl_lstat = status,
	};
	char path[PATH_MAX];
	int rc;

	if (is_literal(pattern, path))
		return take(context, path);
	looking = p;
	rc = glob(pattern, GLOB_ALTDIRFUNC, NULL, &found);
	if (rc)
		return rc == GLOB_NOSPACE ? -ENOMEM : -ENOENT;
	for (size_t i = 0; !rc && i < found.gl_pathc; i++)
		rc = take(context, found.gl_pathv[i]);
	globfree(&found);
	return rc;
}
