/*
 * set: holds the sections of a policy set and merges those that match a connection into one policy.
 */
#include "config/set.h"

#include "config/load.h"

#include <stdlib.h>
#include <string.h>

#define BUILTIN_ORIGIN                                                                             \
	{                                                                                          \
		.kind = SECTION_BUILTIN, .label = "", .file = ""                                   \
	}

static const struct section builtin = {
	.kind = SECTION_BUILTIN,
	.label = "",
	.set = (1u << SETTING_COUNT) - 1,
	.value =
		{
			[SETTING_REQUIRE_TLS] = false,
			[SETTING_VERIFY_CERTIFICATE] = true,
			[SETTING_MIN_TLS] = TLS_VERSION_1_2,
			[SETTING_VIOLATION] = VIOLATION_TEMPFAIL,
			[SETTING_MODE] = MODE_ENFORCE,
			[SETTING_ON_BAD_CERTIFICATE] = BAD_CERTIFICATE_UNAUTHENTICATED,
			[SETTING_PROTECT_CREDENTIALS] = true,
			[SETTING_INTERCEPT] = true,
		},
	.origin = {[0 ... SETTING_COUNT - 1] = BUILTIN_ORIGIN},
};

struct policy_set *policy_set_builtin(void)
{
	struct policy_set *set = calloc(1, sizeof(*set));

	if (set && !(set->file = strdup(""))) {
		free(set);
		return NULL;
	}
	return set;
}

static void section_free(struct section *section)
{
	if (!section)
		return;
	for (char **name = section->match; name && *name; name++)
		free(*name);
	free(section->match);
	free(section->ca_file);
	free(section->servername);
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
	free(set->file);
	free(set);
}

/* Room grows by doubling: the count is a power of two when it is full. */
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

struct section *policy_set_add(
	struct policy_set *set, enum section_kind kind, const char *label, unsigned line)
{
	struct section *section = calloc(1, sizeof(*section));

	if (!section)
		return NULL;
	section->kind = kind;
	section->line = line;
	section->label = strdup(label);
	if (!section->label || make_room(set)) {
		section_free(section);
		return NULL;
	}
	set->sections[set->count++] = section;
	return section;
}

/* What a connection is known by: one looked-up name (or NULL) and the address. */
struct target {
	const char *name;
	struct address address;
};

/* From weak to strict. */
static int strictness(enum setting setting, int value)
{
	static const int on_bad[] = {
		[BAD_CERTIFICATE_CLEARTEXT] = 0,
		[BAD_CERTIFICATE_UNAUTHENTICATED] = 1,
		[BAD_CERTIFICATE_REFUSE] = 2,
	};

	return setting == SETTING_ON_BAD_CERTIFICATE ? on_bad[value] : value;
}

/* The stricter of two sections that set `setting`; the first where they are equal. Either may be
 * NULL. */
static const struct section *stricter(
	enum setting setting, const struct section *a, const struct section *b)
{
	if (!a || !b)
		return a ? a : b;
	return strictness(setting, b->value[setting]) > strictness(setting, a->value[setting]) ? b
											       : a;
}

static bool is_host_by_name(const struct section *section)
{
	return section->kind == SECTION_HOST && section->host.form != HOST_ADDRESS;
}

static bool is_host_by_address(const struct section *section)
{
	return section->kind == SECTION_HOST && section->host.form == HOST_ADDRESS;
}

#define ANY_SETTING SETTING_COUNT

static bool counts(const struct section *section, enum setting setting)
{
	return setting == ANY_SETTING || section_sets(section, setting);
}

/* The most specific section for `name` that sets `setting`, or NULL. */
static const struct section *by_name(
	const struct policy_set *set, const char *name, enum setting setting)
{
	const struct section *best = NULL;

	if (!name || !set->named)
		return NULL;
	for (size_t i = 0; i < set->count; i++) {
		const struct section *s = set->sections[i];

		if (is_host_by_name(s) && counts(s, setting) && host_matches_name(&s->host, name) &&
			(!best || host_specificity(&s->host) > host_specificity(&best->host)))
			best = s;
	}
	return best;
}

/* The most specific section for the address that sets `setting`, or NULL. */
static const struct section *by_address(
	const struct policy_set *set, const struct address *address, enum setting setting)
{
	const struct section *best = NULL;

	for (size_t i = 0; i < set->count; i++) {
		const struct section *s = set->sections[i];

		if (is_host_by_address(s) && counts(s, setting) &&
			host_matches_address(&s->host, address) &&
			(!best || host_specificity(&s->host) > host_specificity(&best->host)))
			best = s;
	}
	return best;
}

static const struct section *by_default(const struct policy_set *set, enum setting setting)
{
	if (set->by_default && section_sets(set->by_default, setting))
		return set->by_default;
	return &builtin;
}

/* No name is known: the host may be one with a section, or none of them, so all of them count and
 * default too. */
static const struct section *strictest_of_all(const struct policy_set *set, enum setting setting)
{
	const struct section *best = by_default(set, setting);

	for (size_t i = 0; i < set->count; i++) {
		if (is_host_by_name(set->sections[i]) && section_sets(set->sections[i], setting))
			best = stricter(setting, best, set->sections[i]);
	}
	return best;
}

/* The section that gives an ordered setting its value. Never NULL. */
static const struct section *resolve(
	const struct policy_set *set, const struct target *target, enum setting setting)
{
	const struct section *address = by_address(set, &target->address, setting);
	const struct section *best =
		stricter(setting, by_name(set, target->name, setting), address);

	if (best)
		return best;
	return target->name ? by_default(set, setting) : strictest_of_all(set, setting);
}

/* The section that gives an unordered setting its value. Never NULL. */
static const struct section *resolve_text(
	const struct policy_set *set, const struct target *target, enum setting setting)
{
	const struct section *best = by_name(set, target->name, setting);

	if (!best)
		best = by_address(set, &target->address, setting);
	return best ? best : by_default(set, setting);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_list(char *const *a, char *const *b)
{
	if (!a || !b)
		return a == b;
	while (*a && *b && strcmp(*a, *b) == 0) {
		a++;
		b++;
	}
	return !*a && !*b;
}

/* An exemption counts only from the section nearest to the host, never by inheritance: see
 * policy.h. */
static bool intercepts(const struct policy_set *set, const struct target *target)
{
	const struct section *nearest = by_address(set, &target->address, ANY_SETTING);
	const struct section *demand = by_name(set, target->name, SETTING_REQUIRE_TLS);

	if (nearest) {
		if (!section_sets(nearest, SETTING_INTERCEPT) || nearest->value[SETTING_INTERCEPT])
			return true;
		return demand && demand->value[SETTING_REQUIRE_TLS];
	}
	if (target->name ? by_name(set, target->name, ANY_SETTING) != NULL : set->named > 0)
		return true;
	return by_default(set, SETTING_INTERCEPT)->value[SETTING_INTERCEPT];
}

/* The sections that decide, setting by setting, over all names seen so far. */
struct choice {
	const struct section *section[SETTING_COUNT];
	bool intercept;
	const char *conflict;
	bool any;
};

static void choose_texts(
	const struct policy_set *set, const struct target *target, struct choice *choice)
{
	const struct section *ca = resolve_text(set, target, SETTING_CA_FILE);
	const struct section *match = resolve_text(set, target, SETTING_MATCH);

	if (!choice->any) {
		choice->section[SETTING_CA_FILE] = ca;
		choice->section[SETTING_MATCH] = match;
		choice->section[SETTING_SERVERNAME] = resolve_text(set, target, SETTING_SERVERNAME);
	}
	if (!same_text(choice->section[SETTING_CA_FILE]->ca_file, ca->ca_file))
		choice->conflict = "ca_file";
	else if (!same_list(choice->section[SETTING_MATCH]->match, match->match))
		choice->conflict = "match";
}

static void choose(const struct policy_set *set, const struct target *target, struct choice *choice)
{
	for (enum setting s = 0; s < SETTING_INTERCEPT; s++)
		choice->section[s] = stricter(s, choice->section[s], resolve(set, target, s));
	choose_texts(set, target, choice);
	choice->intercept |= intercepts(set, target);
	choice->any = true;
}

static void fill(const struct choice *choice, struct policy *policy)
{
	static const enum setting of_demand[DEMAND_COUNT] = {
		[DEMAND_REQUIRE_TLS] = SETTING_REQUIRE_TLS,
		[DEMAND_VERIFY_CERTIFICATE] = SETTING_VERIFY_CERTIFICATE,
		[DEMAND_MIN_TLS] = SETTING_MIN_TLS,
		[DEMAND_VIOLATION] = SETTING_VIOLATION,
		[DEMAND_MODE] = SETTING_MODE,
	};
	const struct section *const *from = choice->section;
	struct demands *d = &policy->demands;
	struct connection_settings *c = &policy->connection;

	d->require_tls = from[SETTING_REQUIRE_TLS]->value[SETTING_REQUIRE_TLS];
	d->verify_certificate = from[SETTING_VERIFY_CERTIFICATE]->value[SETTING_VERIFY_CERTIFICATE];
	d->min_tls = (enum tls_version)from[SETTING_MIN_TLS]->value[SETTING_MIN_TLS];
	d->violation = (enum violation)from[SETTING_VIOLATION]->value[SETTING_VIOLATION];
	d->mode = (enum mode)from[SETTING_MODE]->value[SETTING_MODE];
	for (enum demand i = 0; i < DEMAND_COUNT; i++)
		d->origin[i] = &from[of_demand[i]]->origin[of_demand[i]];
	c->on_bad_certificate = (enum on_bad_certificate)from[SETTING_ON_BAD_CERTIFICATE]
					->value[SETTING_ON_BAD_CERTIFICATE];
	c->on_bad_certificate_origin =
		&from[SETTING_ON_BAD_CERTIFICATE]->origin[SETTING_ON_BAD_CERTIFICATE];
	c->protect_credentials =
		from[SETTING_PROTECT_CREDENTIALS]->value[SETTING_PROTECT_CREDENTIALS];
	c->protect_credentials_origin =
		&from[SETTING_PROTECT_CREDENTIALS]->origin[SETTING_PROTECT_CREDENTIALS];
	c->intercept = choice->intercept;
	c->ca_file = from[SETTING_CA_FILE]->ca_file;
	c->match = (const char *const *)from[SETTING_MATCH]->match;
	c->servername = from[SETTING_SERVERNAME]->servername;
	c->conflict = choice->conflict;
}

void policy_for_host(const struct policy_set *set, const char *const *names, unsigned name_count,
	const struct sockaddr *address, struct policy *policy)
{
	struct choice choice = {0};
	struct target target = {0};
	char name[NAME_SIZE];

	address_from_sockaddr(address, &target.address);
	for (unsigned i = 0; i < name_count; i++) {
		target.name = host_name_normalise(names[i], name) ? name : NULL;
		choose(set, &target, &choice);
	}
	if (!choice.any)
		choose(set, &target, &choice);
	memset(policy, 0, sizeof(*policy));
	fill(&choice, policy);
}
