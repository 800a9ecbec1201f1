#include "tools/replace.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_MODE 0644
#define DIRECTORY_MODE 0755
/* Behind the name of the file; then what mkostemp() puts there. */
#define UNFINISHED ".unfinished-"
#define RANDOM_LENGTH 6

static int fail(struct err *err, const char *path, int code)
{
	return err_fail(err, code, "%.400s: %s", path, strerror(code));
}

/* Where the file is, or will be. */
static int resolve(struct replace *r, const char *path, struct err *err)
{
	char *slash;

	if (!realpath(path, r->path)) {
		if (errno != ENOENT || strlen(path) >= sizeof(r->path))
			return fail(err, path, errno);
		memcpy(r->path, path, strlen(path) + 1);
	}
	memcpy(r->directory, r->path, sizeof(r->directory));
	slash = strrchr(r->directory, '/');
	if (!slash)
		return fail(err, path, EINVAL);
	slash[slash == r->directory] = '\0';
	return 0;
}

/* The mode is what is said here, whatever the umask: agents of other users must come to the file.
 */
static int make_directory(struct replace *r, struct err *err)
{
	if (mkdir(r->directory, DIRECTORY_MODE) < 0)
		return errno == EEXIST ? 0 : fail(err, r->directory, errno);
	r->made = true;
	if (chmod(r->directory, DIRECTORY_MODE) < 0)
		return fail(err, r->directory, errno);
	return 0;
}

static bool is_unfinished(const struct replace *r, const char *name)
{
	const char *base = strrchr(r->path, '/') + 1;
	size_t length = strlen(base), i;

	if (strncmp(name, base, length) != 0 ||
		strncmp(name + length, UNFINISHED, strlen(UNFINISHED)) != 0)
		return false;
	name += length + strlen(UNFINISHED);
	for (i = 0; isascii(name[i]) && isalnum(name[i]); i++)
		;
	return i == RANDOM_LENGTH && !name[i];
}

/* What others left who were killed: whoever writes such a file holds the lock. */
static void remove_unfinished(const struct replace *r)
{
	int fd = openat(r->lock, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct stat st;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(directory))) {
		if (is_unfinished(r, entry->d_name) &&
			fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode) && st.st_uid == geteuid())
			unlinkat(fd, entry->d_name, 0);
	}
	closedir(directory);
}

int replace_begin(struct replace *r, const char *path, struct err *err)
{
	int rc;

	*r = (struct replace){.lock = -1};
	rc = resolve(r, path, err);
	if (rc)
		return rc;
	rc = make_directory(r, err);
	if (rc) {
		replace_end(r);
		return rc;
	}
	r->lock = open(r->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->lock < 0) {
		rc = fail(err, r->directory, errno);
	} else {
		while ((rc = flock(r->lock, LOCK_EX)) < 0 && errno == EINTR)
			;
		if (rc < 0)
			rc = fail(err, r->directory, errno);
	}
	if (rc)
		replace_end(r);
	else
		remove_unfinished(r);
	return rc;
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

/* As the old file had them. */
static int take_over(int fd, const char *path)
{
	struct stat old, now;

	if (stat(path, &old) < 0)
		return errno != ENOENT || fchmod(fd, NEW_MODE) < 0 ? -errno : 0;
	if (fstat(fd, &now) < 0)
		return -errno;
	if ((old.st_uid != now.st_uid || old.st_gid != now.st_gid) &&
		fchown(fd, old.st_uid, old.st_gid) < 0)
		return -errno;
	return fchmod(fd, old.st_mode & 07777) < 0 ? -errno : 0;
}

static int fill(int fd, const struct replace *r, const char *text, size_t length)
{
	int rc = take_over(fd, r->path);

	if (!rc)
		rc = write_all(fd, text, length);
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	return rc;
}

/* Some file systems have nothing to sync for a directory, and say so. */
static int sync_directory(int fd)
{
	return fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP ? -errno : 0;
}

/* The new name of the file, and of its directory if that is new too. */
static int sync_names(const struct replace *r)
{
	int rc = sync_directory(r->lock), above;

	if (rc || !r->made)
		return rc;
	above = openat(r->lock, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (above < 0)
		return -errno;
	rc = sync_directory(above);
	close(above);
	return rc;
}

int replace_write(struct replace *r, const char *text, size_t length, struct err *err)
{
	char temporary[PATH_MAX + 32];
	int rc, fd;

	snprintf(temporary, sizeof(temporary), "%s" UNFINISHED "XXXXXX", r->path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail(err, r->path, errno);
	rc = fill(fd, r, text, length);
	if (close(fd) < 0 && !rc)
		rc = -errno;
	if (!rc && rename(temporary, r->path) < 0)
		rc = -errno;
	if (rc) {
		unlink(temporary);
		return fail(err, r->path, -rc);
	}
	r->unsynced = -sync_names(r);
	r->made = false;
	return 0;
}

void replace_end(struct replace *r)
{
	if (r->made)
		rmdir(r->directory);
	if (r->lock >= 0)
		close(r->lock);
	r->lock = -1;
}
