#include "config/log_target.h"

#include "config/nearest.h"

#include <errno.h>
#include <string.h>

static const char *const words[] = {"stderr", "journal", "syslog"};
#define WORDS (sizeof(words) / sizeof(*words))

bool log_target_is_word(const char *target)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (strcmp(target, words[i]) == 0)
			return true;
	}
	return false;
}

int log_target_check(const char *target, struct err *err)
{
	const char *best = NULL;
	size_t distance = 3;

	if (log_target_is_word(target) || strchr(target, '/'))
		return 0;
	if (!*target)
		return err_fail(err, EINVAL, "empty; write stderr, journal, syslog or a file");
	for (size_t i = 0; i < WORDS; i++)
		nearest_word(target, words[i], &best, &distance);
	if (best)
		return err_fail(err, EINVAL,
			"there is no target '%.60s'; did you mean %s? A file has a slash in it, "
			"such as ./%.60s",
			target, best, target);
	return err_fail(err, EINVAL,
		"there is no target '%.60s': write stderr, journal or syslog; a file has a slash "
		"in it, such as ./%.60s",
		target, target);
}
