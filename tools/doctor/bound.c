/*
 * bound: opens a path in a tree in which other files are bound to places.
 */
#include "tools/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOPS_MOST 40

bool path_is_beneath(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	while (length > 1 && directory[length - 1] == '/')
		length--;
	return strncmp(path, directory, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0' || length == 1);
}

/* Without a link in it: the file that stands there. */
static int open_plain(const struct patient *p, const char *path, int flags)
{
	const struct bind *best = NULL;
	struct patient outside = {.root = p->outside};
	char source[PATH_MAX];
	size_t length = 0;

	for (size_t i = 0; i < p->bind_count; i++) {
		if (path_is_beneath(path, p->binds[i].target) &&
			strlen(p->binds[i].target) >= length) {
			best = &p->binds[i];
			length = strlen(best->target);
		}
	}
	if (!best) {
		outside.root = p->root;
		return patient_open_as(&outside, path, flags);
	}
	while (length > 0 && best->target[length - 1] == '/')
		length--;
	if (snprintf(source, sizeof(source), "%s%s", best->source, path + length) >=
		(int)sizeof(source))
		return -ENAMETOOLONG;
	return patient_open_as(&outside, source, flags);
}

/* The target of a link; false where it is none. */
static bool read_link(const struct patient *p, const char *path, char out[PATH_MAX])
{
	int fd = open_plain(p, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", out, PATH_MAX - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void drop_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/* The next part of `rest` at the end of `whole`; what a link says stands before the rest then. */
static int step(const struct patient *p, char whole[PATH_MAX], char rest[PATH_MAX], bool follow)
{
	size_t skip = strspn(rest, "/"), length = strcspn(rest + skip, "/"), n = strlen(whole);
	char target[PATH_MAX], joined[PATH_MAX], *behind = rest + skip + length;
	bool last = behind[strspn(behind, "/")] == '\0';

	if (n + length + 2 > PATH_MAX)
		return -ENAMETOOLONG;
	snprintf(whole + n, PATH_MAX - n, "/%.*s", (int)length, rest + skip);
	memmove(rest, behind, strlen(behind) + 1);
	if (length == 0 || strcmp(whole + n, "/.") == 0) {
		whole[n] = '\0';
	} else if (strcmp(whole + n, "/..") == 0) {
		whole[n] = '\0';
		drop_last(whole);
	} else if ((!last || follow) && read_link(p, whole, target)) {
		if (snprintf(joined, sizeof(joined), "%s/%s", target, rest) >= (int)sizeof(joined))
			return -ENAMETOOLONG;
		memcpy(rest, joined, strlen(joined) + 1);
		whole[*target == '/' ? 0 : n] = '\0';
		return 1;
	}
	return 0;
}

int bound_open(const struct patient *p, const char *path, int flags)
{
	char whole[PATH_MAX] = "", rest[PATH_MAX];
	unsigned hops = 0;
	int rc = 0;

	if (*path != '/' || strlen(path) >= sizeof(rest))
		return *path == '/' ? -ENAMETOOLONG : open_plain(p, path, flags);
	memcpy(rest, path, strlen(path) + 1);
	while (rc >= 0 && rest[strspn(rest, "/")]) {
		rc = step(p, whole, rest, !(flags & O_NOFOLLOW));
		if (rc > 0 && ++hops > HOPS_MOST)
			rc = -ELOOP;
	}
	return rc < 0 ? rc : open_plain(p, *whole ? whole : "/", flags);
}
