#include "tools/replace.h"

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

int replace_begin(struct replace *r, const char *path, struct err *err)
{
	int rc;

	*r = (struct replace){.lock = -1};
	rc = resolve(r, path, err);
	if (!rc)
		rc = make_directory(r, err);
	if (rc)
		return rc;
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

int replace_write(struct replace *r, const char *text, size_t length, struct err *err)
{
	char temporary[PATH_MAX + 16];
	int rc, fd;

	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", r->path);
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
	r->made = false;
	return fsync(r->lock) < 0 ? fail(err, r->directory, errno) : 0;
}

void replace_end(struct replace *r)
{
	if (r->made)
		rmdir(r->directory);
	if (r->lock >= 0)
		close(r->lock);
	r->lock = -1;
}
