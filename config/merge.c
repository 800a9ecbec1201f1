/*
 * merge: makes one policy of the sections that match a connection, and the demands on an envelope
 * over it. Each demand by itself: the strictest value that matching sections set; default where
 * none of them does.
 */
#include "config/set.h"

#include <string.h>

/* What a connection is known by: one looked-up name (or NULL) and the address, as the sections that
 * match them. */
struct target {
	bool named;
	struct chain name, address;
};

/* The most specific section of a chain that sets `setting`, or NULL. */
static const struct section *nearest(const struct chain *chain, enum setting setting)
{
	for (unsigned i = 0; i < chain->count; i++) {
		if (section_sets(chain->at[i], setting))
			return chain->at[i];
	}
	return NULL;
}

/* The sections that decide over all names seen so far. */
struct choice {
	const struct section *host[RANK_COUNT];
	unsigned open; /* 1u << rank: default counts for one of the names at least */
	const struct section *text[SETTING_COUNT];
	bool intercept;
	const char *conflict;
	bool client_differs;
	bool any;
};

static void choose_rank(const struct policy_set *set, const struct target *target, unsigned rank,
	struct choice *choice)
{
	enum setting setting = rank_setting(rank);
	const struct section *best = section_stricter(
		rank, nearest(&target->name, setting), nearest(&target->address, setting));

	if (!best) {
		choice->open |= 1u << rank;
		/* No name is known: the host may be one with a section, or none of them. */
		if (!target->named)
			best = set->strictest_named[rank];
	}
	choice->host[rank] = section_stricter(rank, choice->host[rank], best);
}

/* The section that gives an unordered setting its value. Never NULL. */
static const struct section *find_text(
	const struct policy_set *set, const struct target *target, enum setting setting)
{
	const struct section *best = nearest(&target->name, setting);

	if (!best)
		best = nearest(&target->address, setting);
	return best ? best : policy_set_default(set, setting);
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

static void compare_texts(struct choice *choice, const struct section *const *text)
{
	const struct section *const *first = choice->text;
	const struct section *client = text[SETTING_CLIENT_CERTIFICATE];
	const struct section *first_client = first[SETTING_CLIENT_CERTIFICATE];

	if (!same_text(first[SETTING_CA_FILE]->ca_file, text[SETTING_CA_FILE]->ca_file))
		choice->conflict = "ca_file";
	else if (!same_list(first[SETTING_MATCH]->match, text[SETTING_MATCH]->match))
		choice->conflict = "match";
	else if (!same_list(first[SETTING_FINGERPRINTS]->fingerprints,
			 text[SETTING_FINGERPRINTS]->fingerprints))
		choice->conflict = "fingerprints";
	if (!same_text(first_client->client_certificate, client->client_certificate) ||
		!same_text(first_client->client_key, client->client_key))
		choice->client_differs = true;
}

/* The texts of the first name count, as far as those of the others do not speak against it. */
static void choose_texts(
	const struct policy_set *set, const struct target *target, struct choice *choice)
{
	const struct section *text[SETTING_COUNT] = {0};

	for (enum setting s = SETTING_CA_FILE; s < SETTING_COUNT; s++)
		text[s] = find_text(set, target, s);
	if (choice->any)
		compare_texts(choice, text);
	else
		memcpy(choice->text, text, sizeof(text));
}

/* An exemption counts only from the section nearest to the host, never by inheritance: see
 * policy.h. */
static bool intercepts(const struct policy_set *set, const struct target *target)
{
	const struct section *demand = nearest(&target->name, SETTING_REQUIRE_TLS);

	if (target->address.count > 0) {
		const struct section *s = target->address.at[0];

		if (!section_sets(s, SETTING_INTERCEPT) || s->value[SETTING_INTERCEPT])
			return true;
		return demand && demand->value[SETTING_REQUIRE_TLS];
	}
	if (target->named ? target->name.count > 0 : set->named > 0)
		return true;
	return policy_set_default(set, SETTING_INTERCEPT)->value[SETTING_INTERCEPT];
}

static void choose(const struct policy_set *set, const struct target *target, struct choice *choice)
{
	for (unsigned r = 0; r < RANK_COUNT; r++)
		choose_rank(set, target, r, choice);
	choose_texts(set, target, choice);
	choice->intercept |= intercepts(set, target);
	choice->any = true;
}

static void take_demand(struct demands *d, enum demand demand, const struct section *from)
{
	int value = from->value[rank_setting(demand)];

	d->origin[demand] = &from->origin[rank_setting(demand)];
	switch (demand) {
	case DEMAND_REQUIRE_TLS:
		d->require_tls = value;
		return;
	case DEMAND_VERIFY_CERTIFICATE:
		d->verify_certificate = value;
		return;
	case DEMAND_MIN_TLS:
		d->min_tls = (enum tls_version)value;
		return;
	case DEMAND_VIOLATION:
		d->violation = (enum violation)value;
		return;
	case DEMAND_MODE:
		d->mode = (enum mode)value;
		return;
	case DEMAND_RELAX:
		d->relax = value == OVERRIDE_ANY;
		return;
	case DEMAND_TIGHTEN:
		d->tighten = value != OVERRIDE_IGNORE;
		return;
	case DEMAND_COUNT:
		return;
	}
}

/* `envelope`: the strictest section of sender and recipient that sets it, or NULL. Never NULL. */
static const struct section *decide(const struct policy_set *set, unsigned rank,
	const struct section *host, bool open, const struct section *envelope)
{
	if (!envelope && open)
		envelope = policy_set_default(set, rank_setting(rank));
	return section_stricter(rank, host, envelope);
}

static const struct section *decide_host(
	const struct policy_set *set, const struct choice *choice, unsigned rank)
{
	return decide(set, rank, choice->host[rank], choice->open >> rank & 1u, NULL);
}

static void fill_connection(
	const struct policy_set *set, const struct choice *choice, struct connection_settings *c)
{
	const struct section *on_bad = decide_host(set, choice, RANK_ON_BAD_CERTIFICATE);
	const struct section *protect = decide_host(set, choice, RANK_PROTECT_CREDENTIALS);
	const struct section *own = decide_host(set, choice, RANK_APPLICATION_TLS);
	const struct section *resume = decide_host(set, choice, RANK_SESSION_RESUMPTION);
	const struct section *early = decide_host(set, choice, RANK_EARLY_REPLIES);
	const struct section *reuse = decide_host(set, choice, RANK_CONNECTION_REUSE);
	const struct section *const *from = choice->text;
	const struct section *client = from[SETTING_CLIENT_CERTIFICATE];

	c->on_bad_certificate = (enum on_bad_certificate)on_bad->value[SETTING_ON_BAD_CERTIFICATE];
	c->on_bad_certificate_origin = &on_bad->origin[SETTING_ON_BAD_CERTIFICATE];
	c->protect_credentials = protect->value[SETTING_PROTECT_CREDENTIALS];
	c->protect_credentials_origin = &protect->origin[SETTING_PROTECT_CREDENTIALS];
	c->application_tls = (enum application_tls)own->value[SETTING_APPLICATION_TLS];
	c->application_tls_origin = &own->origin[SETTING_APPLICATION_TLS];
	c->session_resumption = resume->value[SETTING_SESSION_RESUMPTION];
	c->session_resumption_origin = &resume->origin[SETTING_SESSION_RESUMPTION];
	c->early_replies = early->value[SETTING_EARLY_REPLIES];
	c->early_replies_origin = &early->origin[SETTING_EARLY_REPLIES];
	c->connection_reuse = (unsigned)reuse->value[SETTING_CONNECTION_REUSE];
	c->connection_reuse_origin = &reuse->origin[SETTING_CONNECTION_REUSE];
	c->intercept = choice->intercept;
	c->ca_file = from[SETTING_CA_FILE]->ca_file;
	c->match = (const char *const *)from[SETTING_MATCH]->match;
	c->servername = from[SETTING_SERVERNAME]->servername;
	c->fingerprints = (const char *const *)from[SETTING_FINGERPRINTS]->fingerprints;
	if (!choice->client_differs) {
		c->client_certificate = client->client_certificate;
		c->client_key =
			client->client_key ? client->client_key : client->client_certificate;
	}
	c->ciphers = from[SETTING_CIPHERS]->ciphers;
	c->ciphersuites = from[SETTING_CIPHERSUITES]->ciphersuites;
	c->conflict = choice->conflict;
}

static void fill(const struct policy_set *set, const struct choice *choice, struct policy *policy)
{
	policy->set = set;
	policy->open = choice->open & ((1u << DEMAND_COUNT) - 1);
	for (enum demand d = 0; d < DEMAND_COUNT; d++) {
		policy->host[d] = choice->host[d];
		take_demand(&policy->demands, d, decide_host(set, choice, d));
	}
	fill_connection(set, choice, &policy->connection);
}

void policy_for_host(const struct policy_set *set, const char *const *names, unsigned name_count,
	const struct sockaddr *address, struct policy *policy)
{
	struct choice choice = {0};
	struct target target;
	struct address bytes;
	char name[NAME_SIZE];

	address_from_sockaddr(address, &bytes);
	policy_set_by_address(set, &bytes, &target.address);
	for (unsigned i = 0; i < name_count; i++) {
		target.named = host_name_normalise(names[i], name);
		target.name.count = 0;
		if (target.named)
			policy_set_by_name(set, SECTION_HOST, name, &target.name);
		choose(set, &target, &choice);
	}
	if (!choice.any) {
		target.named = false;
		target.name.count = 0;
		choose(set, &target, &choice);
	}
	memset(policy, 0, sizeof(*policy));
	fill(set, &choice, policy);
}

/* The sections of one kind for a domain. */
static void match_domain(const struct policy_set *set, enum section_kind kind,
	const struct domain *domain, struct chain *chain)
{
	chain->count = 0;
	if (!domain)
		return;
	switch (domain->form) {
	case DOMAIN_NULL:
		policy_set_by_name(set, kind, "<>", chain);
		return;
	case DOMAIN_NAME:
	case DOMAIN_LITERAL:
		policy_set_by_name(set, kind, domain->name, chain);
		return;
	case DOMAIN_UNKNOWN:
	case DOMAIN_AMBIGUOUS:
		return;
	}
}

static bool is_ambiguous(const struct domain *domain)
{
	return domain && domain->form == DOMAIN_AMBIGUOUS;
}

void policy_strictest(const struct policy *policy, struct demands *demands)
{
	struct demands strictest = {0};

	if (!policy->set) {
		*demands = policy->demands;
		return;
	}
	for (enum demand d = 0; d < DEMAND_COUNT; d++)
		take_demand(&strictest, d, policy->set->strictest[d]);
	*demands = strictest;
}

void policy_for_envelope(const struct policy *policy, const struct domain *sender,
	const struct domain *recipient, struct demands *demands)
{
	const struct policy_set *set = policy->set;
	struct demands merged = {0};
	struct chain from, to;

	if (!set || is_ambiguous(sender) || is_ambiguous(recipient)) {
		policy_strictest(policy, demands);
		return;
	}
	match_domain(set, SECTION_SENDER, sender, &from);
	match_domain(set, SECTION_RECIPIENT, recipient, &to);
	for (enum demand d = 0; d < DEMAND_COUNT; d++) {
		enum setting setting = rank_setting(d);
		const struct section *envelope =
			section_stricter(d, nearest(&from, setting), nearest(&to, setting));

		take_demand(&merged, d,
			decide(set, d, policy->host[d], policy->open >> d & 1u, envelope));
	}
	*demands = merged;
}

/* The weakest that sender and recipient sections, or default in their place, can add. */
static const struct section *weakest_envelope(
	const struct policy *policy, enum demand d, const struct chain *sender, bool any_sender)
{
	const struct policy_set *set = policy->set;
	const struct section *own = nearest(sender, rank_setting(d)), *best;

	if (own || !(policy->open >> d & 1u))
		return own;
	best = section_weaker(
		d, policy_set_default(set, rank_setting(d)), set->weakest_recipient[d]);
	return any_sender ? section_weaker(d, best, set->weakest_sender[d]) : best;
}

void policy_weakest(
	const struct policy *policy, const struct domain *sender, struct demands *demands)
{
	bool any = !sender || sender->form == DOMAIN_UNKNOWN;
	struct demands weakest = {0};
	struct chain from;

	if (!policy->set || is_ambiguous(sender)) {
		policy_strictest(policy, demands);
		return;
	}
	match_domain(policy->set, SECTION_SENDER, sender, &from);
	for (enum demand d = 0; d < DEMAND_COUNT; d++)
		take_demand(&weakest, d,
			section_stricter(
				d, policy->host[d], weakest_envelope(policy, d, &from, any)));
	*demands = weakest;
}
