/*
 * families: RestrictAddressFamilies=, line by line as systemd reads it: the first line makes a list
 * of what is allowed, or with ~ of what is not; later ones add to it, or with the other sign take
 * away.
 */
#include "tools/doctor/unit.h"

#include <string.h>

static const char *const names[FAMILIES][2] = {
	[FAMILY_UNIX] = {"AF_UNIX", "AF_LOCAL"},
	[FAMILY_INET] = {"AF_INET", "AF_INET"},
	[FAMILY_INET6] = {"AF_INET6", "AF_INET6"},
};

void families_apply(struct families *f, const char *value)
{
	bool inverted = *value == '~';
	char word[64];

	if (!*value || strcmp(value, "none") == 0) {
		*f = (struct families){.lists_allowed = *value != '\0'};
		return;
	}
	if (!f->is_list) {
		*f = (struct families){.is_list = true, .lists_allowed = !inverted};
	}
	value += inverted;
	while (unit_word(&value, word, sizeof(word))) {
		for (unsigned i = 0; i < FAMILIES; i++) {
			if (strcmp(word, names[i][0]) == 0 || strcmp(word, names[i][1]) == 0)
				f->listed[i] = !inverted == f->lists_allowed;
		}
	}
}

bool families_allow(const struct families *f, enum family family)
{
	return f->listed[family] == f->lists_allowed;
}

bool families_restrict(const struct families *f)
{
	return f->is_list || f->lists_allowed;
}

struct families families_of(const struct unit *u)
{
	struct families f = {0};
	const char *value;
	size_t at = 0;

	while ((value = unit_next(u, "RestrictAddressFamilies", &at)))
		families_apply(&f, value);
	return f;
}
