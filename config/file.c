#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail_errno(struct err *err, int code)
{
	return err_fail(err, code, "%s", strerror(code));
}

/* Reads to the end of the file, at most `limit` bytes; the size that fstat() told may be outdated
 * by now. */
static int read_all(int fd, char *bytes, size_t limit, size_t *length, struct err *err)
{
	size_t have = 0;

	while (have <= limit) {
		ssize_t n = read(fd, bytes + have, limit + 1 - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, errno);
		if (n == 0) {
			bytes[have] = '\0';
			*length = have;
			return 0;
		}
		have += (size_t)n;
	}
	return err_fail(err, EFBIG, "larger than %zu bytes", limit);
}

static int read_regular(
	int fd, const struct stat *st, size_t limit, char **bytes, size_t *length, struct err *err)
{
	char *content;
	int rc;

	if (!S_ISREG(st->st_mode))
		return err_fail(err, EINVAL, "not a regular file");
	if (st->st_size > (off_t)limit)
		return err_fail(err, EFBIG, "larger than %zu bytes", limit);
	content = malloc(limit + 1);
	if (!content)
		return fail_errno(err, ENOMEM);
	rc = read_all(fd, content, limit, length, err);
	if (rc)
		free(content);
	else
		*bytes = content;
	return rc;
}

int file_read(const char *path, size_t limit, char **bytes, size_t *length, struct stat *seen,
	struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int rc;

	if (fd < 0)
		return fail_errno(err, errno);
	if (fstat(fd, &st) < 0)
		rc = fail_errno(err, errno);
	else
		rc = read_regular(fd, &st, limit, bytes, length, err);
	close(fd);
	if (!rc && seen)
		*seen = st;
	return rc;
}
