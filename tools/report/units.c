#include "tools/report/units.h"

#include "config/nearest.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLD 3

int units_init(struct units *u, const char *const *patterns)
{
	size_t count = 0;

	*u = (struct units){.patterns = patterns};
	if (!patterns)
		return 0;
	while (patterns[count])
		count++;
	u->met = calloc(count + 1, sizeof(*u->met));
	u->seen = calloc(UNITS_SEEN, sizeof(*u->seen));
	if (u->met && u->seen)
		return 0;
	units_clear(u);
	return -ENOMEM;
}

void units_clear(struct units *u)
{
	free(u->met);
	free(u->seen);
	*u = (struct units){0};
}

/* Lines of one unit come in a row. */
static void remember(struct units *u, const char *name)
{
	if (!*name || (u->seen_count && strcmp(u->seen[u->last], name) == 0))
		return;
	for (u->last = 0; u->last < u->seen_count; u->last++)
		if (strcmp(u->seen[u->last], name) == 0)
			return;
	if (u->seen_count < UNITS_SEEN)
		snprintf(u->seen[u->seen_count++], UNITS_NAME, "%s", name);
	u->last = u->seen_count - 1;
}

bool units_take(struct units *u, const char *name)
{
	bool taken = false;

	if (!u->patterns)
		return true;
	for (size_t i = 0; u->patterns[i]; i++) {
		if (fnmatch(u->patterns[i], name, 0) != 0)
			continue;
		u->met[i] = true;
		taken = true;
	}
	remember(u, name);
	return taken;
}

/* The name without its ending, as far as it is compared. */
static const char *stem(const char *name, char out[32])
{
	const char *dot = strrchr(name, '.');

	snprintf(out, 32, "%.*s", dot ? (int)(dot - name) : (int)strlen(name), name);
	return out;
}

static bool is_near(const char *pattern, const char *name)
{
	char wanted[32], known[32];
	const char *best = NULL;
	size_t length = strlen(stem(pattern, wanted)), distance = length < 6 ? 2 : 4;

	nearest_word(wanted, stem(name, known), &best, &distance);
	return best || (length > 2 && (strstr(known, wanted) || strstr(wanted, known)));
}

const char *units_near(const struct units *u, const char *pattern, char *out, size_t size)
{
	size_t told = 0, n = 0;

	*out = '\0';
	for (int near = 1; near >= 0 && told == 0; near--) {
		for (size_t i = 0; i < u->seen_count && told < TOLD && n < size; i++) {
			if (near && !is_near(pattern, u->seen[i]))
				continue;
			n += (size_t)snprintf(
				out + n, size - n, "%s%s", told++ ? ", " : "", u->seen[i]);
		}
	}
	return out;
}
