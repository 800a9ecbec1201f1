/*
 * path: the parts of a path, as text; it looks at no file.
 */
#ifndef MAILSEAL_TOOLS_PATH_H
#define MAILSEAL_TOOLS_PATH_H

#include <string.h>

/* What stands behind the last slash: a part of `path`, "" where it ends with one. */
static inline const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

#endif
