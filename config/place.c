#include "config/place.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int place_fail(struct err *err, int code, const char *path, unsigned line, const char *subject,
	const char *what)
{
	size_t length = strlen(path);
	bool cut = length > 160;

	return err_fail(err, code, "%s%s:%u: %.120s%s%s", cut ? "..." : "",
		path + (cut ? length - 160 : 0), line, subject, *subject ? ": " : "", what);
}

const char *place_subject(const char *kind, const char *label, char out[SUBJECT_SIZE])
{
	if (strcmp(kind, "default") == 0)
		snprintf(out, SUBJECT_SIZE, "%s", kind);
	else
		snprintf(out, SUBJECT_SIZE, "%s \"%.100s\"", kind, label ? label : "");
	return out;
}

/* The line alone where both stand in the same file, since the error begins with its path. */
int place_fail_equal(struct err *err, const char *path, unsigned line, const char *subject,
	const struct section *first)
{
	size_t length = strlen(first->path);
	struct err what;

	if (strcmp(first->path, path) == 0)
		err_fail(&what, EINVAL,
			"second section for the same; the first is on line %u: join them",
			first->line);
	else
		err_fail(&what, EINVAL,
			"second section for the same; the first is at %s%s:%u: keep one of them",
			length > 160 ? "..." : "", first->path + (length > 160 ? length - 160 : 0),
			first->line);
	return place_fail(err, EINVAL, path, line, subject, what.text);
}
