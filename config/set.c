/*
 * set: holds the sections of a policy set, and finds those that match a name or an address.
 * They are sorted once, when loading ends, so that a look-up is a binary search for the name and
 * for each of its suffixes.
 */
#include "config/set.h"

#include "config/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUILTIN_ORIGIN                                                                             \
	{                                                                                          \
		.kind = SECTION_BUILTIN, .label = "", .file = ""                                   \
	}

static const struct section builtin = {
	.kind = SECTION_BUILTIN,
	.label = "",
	.path = "",
	.set = (1u << SETTING_COUNT) - 1,
	.value =
		{
			[SETTING_REQUIRE_TLS] = false,
			[SETTING_VERIFY_CERTIFICATE] = true,
			[SETTING_MIN_TLS] = TLS_VERSION_1_2,
			[SETTING_VIOLATION] = VIOLATION_TEMPFAIL,
			[SETTING_MODE] = MODE_ENFORCE,
			[SETTING_MESSAGE_OVERRIDE] = OVERRIDE_ANY,
			[SETTING_ON_BAD_CERTIFICATE] = BAD_CERTIFICATE_UNAUTHENTICATED,
			[SETTING_PROTECT_CREDENTIALS] = true,
			[SETTING_APPLICATION_TLS] = APPLICATION_TLS_AUTO,
			[SETTING_SESSION_RESUMPTION] = true,
			[SETTING_EARLY_REPLIES] = true,
			[SETTING_CONNECTION_REUSE] = CONNECTION_REUSE_DEFAULT,
			[SETTING_INTERCEPT] = true,
		},
	.origin = {[0 ... SETTING_COUNT - 1] = BUILTIN_ORIGIN},
};

const struct section *policy_set_default(const struct policy_set *set, enum setting setting)
{
	if (set->by_default && section_sets(set->by_default, setting))
		return set->by_default;
	return &builtin;
}

struct policy_set *policy_set_builtin(void)
{
	struct policy_set *set = calloc(1, sizeof(*set));

	if (set && policy_set_freeze(set, NULL, NULL)) {
		policy_set_free(set);
		return NULL;
	}
	return set;
}

static void list_free(char **list)
{
	for (char **item = list; item && *item; item++)
		free(*item);
	free(list);
}

void section_free(struct section *section)
{
	if (!section)
		return;
	list_free(section->match);
	list_free(section->fingerprints);
	list_free(section->trace);
	free(section->ca_file);
	free(section->servername);
	free(section->client_certificate);
	free(section->client_key);
	free(section->ciphers);
	free(section->ciphersuites);
	free(section->label);
	free(section);
}

void policy_set_free(struct policy_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		section_free(set->sections[i]);
	free(set->sections);
	free(set->sorted);
	for (size_t i = 0; i < SET_FILES; i++)
		free(set->path[i]);
	free(set);
}

/* Room grows by doubling: when the count is a power of two, it is used up, or edit removed
 * something and it is large enough. */
static int make_room(struct policy_set *set)
{
	struct section **sections;

	if (set->count & (set->count - 1))
		return 0;
	sections = reallocarray(
		set->sections, set->count ? 2 * set->count : 1, sizeof(struct section *));
	if (!sections)
		return -1;
	set->sections = sections;
	return 0;
}

struct section *policy_set_add(struct policy_set *set, enum section_kind kind, const char *label,
	const char *path, unsigned line)
{
	struct section *section = calloc(1, sizeof(*section));

	if (!section)
		return NULL;
	section->kind = kind;
	section->path = path;
	section->line = line;
	section->label = strdup(label);
	if (!section->label || make_room(set)) {
		section_free(section);
		return NULL;
	}
	set->sections[set->count++] = section;
	return section;
}

/* What a section is known by, as it is compared; "" where it is an address. */
static const char *name_of(const struct section *section)
{
	switch (section->kind) {
	case SECTION_HOST:
		return section->host.form == HOST_ADDRESS ? "" : section->host.name;
	case SECTION_SENDER:
	case SECTION_RECIPIENT:
		return section->pattern.name;
	case SECTION_BUILTIN:
	case SECTION_DEFAULT:
	case SECTION_MESSAGE:
		break;
	}
	return "";
}

/* The longer prefix first, so that the sections for an address come in the order they count. */
static int compare_hosts(const struct host *a, const struct host *b)
{
	if (a->address.family != b->address.family)
		return a->address.family < b->address.family ? -1 : 1;
	if (a->prefix != b->prefix)
		return a->prefix > b->prefix ? -1 : 1;
	return memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes));
}

int section_compare(const struct section *a, const struct section *b)
{
	int order;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	order = strcmp(name_of(a), name_of(b));
	if (order == 0 && section_is_host_by_address(a))
		order = compare_hosts(&a->host, &b->host);
	return order;
}

/* Equal ones stay in the order of the files, which their place in set->sections tells. */
static int compare_places(const void *a, const void *b)
{
	const struct section *const *x = *(const struct section *const *const *)a;
	const struct section *const *y = *(const struct section *const *const *)b;
	int order = section_compare(*x, *y);

	return order ? order : (x > y) - (x < y);
}

static int sort(struct policy_set *set)
{
	struct section ***places = calloc(set->count ? set->count : 1, sizeof(*places));

	free(set->sorted);
	set->sorted = calloc(set->count ? set->count : 1, sizeof(*set->sorted));
	if (!places || !set->sorted) {
		free(places);
		return -ENOMEM;
	}
	for (size_t i = 0; i < set->count; i++)
		places[i] = &set->sections[i];
	qsort(places, set->count, sizeof(*places), compare_places);
	for (size_t i = 0; i < set->count; i++)
		set->sorted[i] = *places[i];
	free(places);
	return 0;
}

/* The first pair in the order of text: sections of two files do not mix, so file and line tell it.
 */
static int find_equal(
	const struct policy_set *set, const struct section **first, const struct section **second)
{
	const struct section *before = NULL, *behind = NULL;

	for (size_t i = 1; i < set->count; i++) {
		const struct section *a = set->sorted[i - 1], *b = set->sorted[i];

		if (section_compare(a, b) != 0)
			continue;
		if (!behind || (b->path == behind->path ? b->line < behind->line
							: b->path == set->path[0])) {
			before = a;
			behind = b;
		}
	}
	if (!behind)
		return 0;
	*first = before;
	*second = behind;
	return -EEXIST;
}

static void summarise_section(struct policy_set *set, const struct section *s)
{
	for (unsigned r = 0; r < RANK_COUNT; r++) {
		if (!section_sets(s, rank_setting(r)))
			continue;
		if (section_is_host_by_name(s))
			set->strictest_named[r] = section_stricter(r, set->strictest_named[r], s);
		if (r >= DEMAND_COUNT)
			continue;
		set->strictest[r] = section_stricter(r, set->strictest[r], s);
		if (s->kind == SECTION_SENDER)
			set->weakest_sender[r] = section_weaker(r, set->weakest_sender[r], s);
		if (s->kind == SECTION_RECIPIENT)
			set->weakest_recipient[r] = section_weaker(r, set->weakest_recipient[r], s);
	}
}

static void summarise(struct policy_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct section *s = set->sorted[i];

		if (s->kind == SECTION_DEFAULT)
			set->by_default = s;
		set->named += section_is_host_by_name(s);
		if (section_is_host_by_address(s) && set->address_count++ == 0)
			set->first_address = i;
	}
	for (unsigned r = 0; r < DEMAND_COUNT; r++)
		set->strictest[r] = policy_set_default(set, rank_setting(r));
	for (size_t i = 0; i < set->count; i++)
		summarise_section(set, set->sections[i]);
}

int policy_set_freeze(
	struct policy_set *set, const struct section **first, const struct section **second)
{
	int rc = sort(set);

	if (!rc)
		rc = find_equal(set, first, second);
	if (!rc)
		summarise(set);
	return rc;
}

/* The section of that kind and name, or NULL. */
static const struct section *find(
	const struct policy_set *set, enum section_kind kind, const char *name)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct section *s = set->sorted[middle];
		int order = s->kind != kind ? (s->kind < kind ? -1 : 1) : strcmp(name_of(s), name);

		if (order == 0)
			return s;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void chain_add(struct chain *chain, const struct section *section)
{
	if (section && chain->count < CHAIN_SIZE)
		chain->at[chain->count++] = section;
}

void policy_set_by_name(
	const struct policy_set *set, enum section_kind kind, const char *name, struct chain *chain)
{
	const char *dot = name;

	chain->count = 0;
	chain_add(chain, find(set, kind, name));
	if (name[0] == '[')
		return;
	while ((dot = strchr(dot + 1, '.')))
		chain_add(chain, find(set, kind, dot));
}

void policy_set_by_address(
	const struct policy_set *set, const struct address *address, struct chain *chain)
{
	chain->count = 0;
	for (size_t i = 0; i < set->address_count; i++) {
		const struct section *s = set->sorted[set->first_address + i];

		if (host_matches_address(&s->host, address))
			chain_add(chain, s);
	}
}
