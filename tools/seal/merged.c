/*
 * merged: whether what the drop-in preloads beside the library is still what the service would
 * preload without it. A file of variables may have changed since it was written.
 */
#include "tools/seal/sealed.h"

#include "tools/doctor/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool names(const char *list, const char *name, size_t length)
{
	while (list && *list) {
		const char *at = list + strspn(list, LOADER_SEPARATORS);
		size_t n = strcspn(at, LOADER_SEPARATORS);

		if (n == length && memcmp(at, name, n) == 0)
			return true;
		list = at + n;
	}
	return false;
}

/* The first that is in `list` and not in `other`; the library of mailseal does not count. */
static const char *first_beside(const char *list, const char *other, size_t *length)
{
	while (list && *list) {
		const char *at = list + strspn(list, LOADER_SEPARATORS);

		*length = strcspn(at, LOADER_SEPARATORS);
		if (*length && !is_library(at, *length) && !names(other, at, *length))
			return at;
		list = at + *length;
	}
	return NULL;
}

static void compare(struct sealed *s, const char *now, const char *without)
{
	size_t length;
	const char *more = first_beside(without, now, &length);

	if (more) {
		diagnosis_add(&s->found, SEVERITY_WARNING, "preload-changed",
			"mailseal enable UNIT writes the drop-in anew",
			"its unit or a file of variables preloads %.*s by now, which the drop-in "
			"does not",
			(int)length, more);
		return;
	}
	more = first_beside(now, without, &length);
	if (more)
		diagnosis_add(&s->found, SEVERITY_WARNING, "preload-changed",
			"mailseal enable UNIT writes the drop-in anew",
			"the drop-in preloads %.*s, which its unit and files of variables do not "
			"name any more",
			(int)length, more);
}

void sealed_compare_preload(struct sealed *s, const struct view *view, const char *now)
{
	char variables[PATH_MAX + sizeof(SEAL_VARIABLES)], *slash;
	struct overlay without[3] = {{s->dropin, NULL}, {variables, NULL}, {NULL, NULL}};
	struct service service = {0};
	struct patient p = view->p;

	snprintf(variables, sizeof(variables), "%s", s->dropin);
	slash = strrchr(variables, '/');
	if (!slash)
		return;
	snprintf(slash + 1, sizeof(SEAL_VARIABLES), "%s", SEAL_VARIABLES);
	p.overlays = without;
	if (unit_load(&service.unit, &p, s->name, false, NULL) == 0 &&
		service_environment(&service, &p) == 0)
		compare(s, now, service_variable(&service, "LD_PRELOAD"));
	service_environment_clear(&service);
	unit_clear(&service.unit);
	diagnosis_clear(&p.found);
}
