/*
 * files: paths in the tree of what is examined, which may have a root of its own (chroot,
 * RootDirectory=, a container). Links in it are resolved within it, by the kernel.
 */
#include "tools/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int patient_open_as(const struct patient *p, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_IN_ROOT};
	int fd;

	if (p->root < 0)
		fd = open(path, flags);
	else
		fd = (int)syscall(SYS_openat2, p->root, path, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

static int open_as(const struct patient *p, const char *path, int flags)
{
	return p->bind_count ? bound_open(p, path, flags) : patient_open_as(p, path, flags);
}

int patient_open(const struct patient *p, const char *path)
{
	return open_as(p, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

int patient_open_path(const struct patient *p, const char *path)
{
	return open_as(p, path, O_PATH | O_CLOEXEC);
}

int patient_stat(const struct patient *p, const char *path, struct stat *st)
{
	int fd = open_as(p, path, O_PATH | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, st) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

ssize_t patient_readlink(const struct patient *p, const char *path, char out[PATH_MAX])
{
	int fd = open_as(p, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = readlinkat(fd, "", out, PATH_MAX - 1);
	if (n < 0)
		n = errno == ENOENT ? -EINVAL : -errno; /* readlink(2): what is no link */
	else
		out[n] = '\0';
	close(fd);
	return n;
}

const struct overlay *patient_overlay(const struct patient *p, const char *path)
{
	for (const struct overlay *o = p->overlays; o && o->path; o++) {
		if (strcmp(o->path, path) == 0)
			return o;
	}
	return NULL;
}

int patient_enter(struct patient *p, const char *path)
{
	int fd = open_as(p, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fd;
	if (p->root >= 0)
		close(p->root);
	p->root = fd;
	p->root_name = path;
	p->bind_count = 0;
	return 0;
}

static int is_program(const struct patient *p, const char *path)
{
	struct stat st;
	int rc = patient_stat(p, path, &st);

	if (rc)
		return rc;
	return S_ISREG(st.st_mode) && st.st_mode & 0111 ? 0 : -EACCES;
}

int patient_find(const struct patient *p, const char *name, char path[PATH_MAX])
{
	const char *list = p->search;
	int result = -ENOENT;

	if (!*name)
		return -ENOENT;
	if (strlen(name) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (strchr(name, '/')) {
		struct stat st;

		memcpy(path, name, strlen(name) + 1);
		return patient_stat(p, path, &st);
	}
	for (;;) {
		size_t length = strcspn(list, ":");
		int n = snprintf(
			path, PATH_MAX, "%.*s%s%s", (int)length, list, length ? "/" : "", name);

		if (n > 0 && n < PATH_MAX) {
			int rc = is_program(p, path);

			if (!rc)
				return 0;
			if (rc == -EACCES)
				result = rc;
		}
		if (!list[length])
			return result;
		list += length + 1;
	}
}

char *read_all(int fd, size_t most, size_t *length)
{
	char *bytes = malloc(most + 1);
	size_t have = 0;

	while (bytes && have < most) {
		ssize_t n = read(fd, bytes + have, most - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(bytes);
			return NULL;
		}
		if (n == 0)
			break;
		have += (size_t)n;
	}
	if (!bytes)
		return NULL;
	bytes[have] = '\0';
	if (length)
		*length = have;
	return bytes;
}

char *patient_read(const struct patient *p, const char *path, size_t most, size_t *length)
{
	const struct overlay *overlay = patient_overlay(p, path);
	int fd = overlay ? -ENOENT : patient_open(p, path);
	char *bytes;

	if (overlay && overlay->text) {
		if (length)
			*length = strlen(overlay->text);
		return strdup(overlay->text);
	}
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	bytes = read_all(fd, most, length);
	close(fd);
	return bytes;
}
