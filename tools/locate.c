#include "tools/locate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int put_path(char out[TOOL_PATH_SIZE], const char *directory, const char *name)
{
	int n = snprintf(out, TOOL_PATH_SIZE, "%s/%s", directory, name);

	return n > 0 && n < TOOL_PATH_SIZE ? 0 : -ENAMETOOLONG;
}

/* The directory of this executable, "" if it cannot be told. */
static void own_directory(char out[TOOL_PATH_SIZE])
{
	ssize_t n = readlink("/proc/self/exe", out, TOOL_PATH_SIZE - 1);
	char *slash;

	out[n > 0 ? n : 0] = '\0';
	slash = strrchr(out, '/');
	if (slash)
		*slash = '\0';
	else
		out[0] = '\0';
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Errors that would otherwise show in the middle of the program's run: ld.so only warns and goes on
 * unprotected. */
static int check_parts(const struct parts *parts, struct err *err)
{
	if (!is_file(parts->library) || access(parts->library, R_OK) != 0)
		return err_fail(
			err, ENOENT, "%s: %s", parts->library, strerror(errno ? errno : ENOENT));
	if (!is_file(parts->agent) || access(parts->agent, X_OK) != 0)
		return err_fail(
			err, ENOENT, "%s: %s", parts->agent, strerror(errno ? errno : ENOENT));
	return 0;
}

/* The directory of the library is there; what else is in it? */
static void find_others(struct parts *parts, const char *directory)
{
	if (put_path(parts->library32, directory, "lib32/libmailseal.so") ||
		!is_file(parts->library32))
		parts->library32[0] = '\0';
	/* That very name is there too, for musl, or it would leave its programs unprotected. */
	if (!parts->library32[0] || put_path(parts->each, directory, "$LIB/libmailseal.so") ||
		!is_file(parts->each))
		parts->each[0] = '\0';
}

int locate_parts(struct parts *parts, struct err *err)
{
	char directory[TOOL_PATH_SIZE];
	struct parts here;

	own_directory(directory);
	if (directory[0] && !put_path(here.library, directory, "libmailseal.so") &&
		!put_path(here.agent, directory, "mailseal-agent") && is_file(here.library) &&
		is_file(here.agent)) {
		*parts = here;
		find_others(parts, directory);
		return check_parts(parts, err);
	}
	put_path(parts->library, MAILSEAL_LIBDIR, "libmailseal.so");
	put_path(parts->agent, MAILSEAL_LIBEXECDIR, "mailseal-agent");
	find_others(parts, MAILSEAL_LIBDIR);
	errno = 0;
	return check_parts(parts, err);
}
