/*
 * file: reads a whole regular file into memory, bounded. A FIFO or device cannot make it wait.
 */
#ifndef MAILSEAL_CONFIG_FILE_H
#define MAILSEAL_CONFIG_FILE_H

#include "shim/base/err.h"

#include <stddef.h>
#include <sys/stat.h>

/*
 * *bytes (the caller's to free) gets the content and a NUL behind it; `seen` (may be NULL) fstat()
 * of the file read. 0; -errno; -EINVAL (no regular file); -EFBIG (more than `limit` bytes); err
 * tells why, without the path.
 */
int file_read(const char *path, size_t limit, char **bytes, size_t *length, struct stat *seen,
	struct err *err);

#endif
