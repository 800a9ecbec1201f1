/*
 * merge: random configurations and envelopes against a slow and obvious model of the rule; nothing
 * that any envelope meets lies outside of what policy_weakest() and policy_strictest() tell.
 */
#include "config/load.h"
#include "config/set.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static uint64_t seed;

static unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static const char *const domains[] = {"example", "a.example", "b.example", "x.a.example",
	"y.x.a.example", "other", "[192.0.2.1]", "<>", "xa.example"};
static const char *const suffixes[] = {".example", ".a.example", ".x.a.example", ".other"};
static const char *const addresses[] = {"192.0.2.1", "192.0.2.0/24", "192.0.0.0/16", "0.0.0.0/0"};
static const char *const peers[] = {"192.0.2.1", "192.0.2.2", "192.0.9.9", "203.0.113.1"};

/* A random configuration as text */

static void add(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(char *text, size_t size, const char *format, ...)
{
	size_t length = strlen(text);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + length, size - length, format, ap);
	va_end(ap);
}

static void add_settings(char *text, size_t size)
{
	static const char *const settings[][4] = {
		{"require_tls = true", "require_tls = false", "require_tls = false", ""},
		{"verify_certificate = true", "verify_certificate = false", "", ""},
		{"min_tls = 1.0", "min_tls = 1.2", "min_tls = 1.3", ""},
		{"violation = reject", "violation = tempfail", "", ""},
		{"mode = observe", "mode = enforce", "", ""},
		{"message_override = any", "message_override = tighten",
			"message_override = ignore", ""},
	};

	add(text, size, "{\n");
	for (size_t i = 0; i < COUNT(settings); i++)
		add(text, size, "%s\n", below(2) ? settings[i][below(4)] : "");
	add(text, size, "}\n");
}

/* Each label at most once in a kind: with a chance of one in three. */
static void add_sections(char *text, size_t size, const char *kind, const char *const *labels,
	size_t count, const char *without)
{
	for (size_t i = 0; i < count; i++) {
		if (below(3) || strpbrk(labels[i], without))
			continue;
		add(text, size, "%s \"%s\" ", kind, labels[i]);
		add_settings(text, size);
	}
}

static struct policy_set *random_set(void)
{
	char text[20000] = "";
	struct policy_set *set = NULL;
	struct err err;

	if (below(2)) {
		add(text, sizeof(text), "default ");
		add_settings(text, sizeof(text));
	}
	add_sections(text, sizeof(text), "host", domains, COUNT(domains), "<[");
	add_sections(text, sizeof(text), "host", suffixes, COUNT(suffixes), "<");
	add_sections(text, sizeof(text), "host", addresses, COUNT(addresses), "<");
	add_sections(text, sizeof(text), "recipient", domains, COUNT(domains), "<");
	add_sections(text, sizeof(text), "recipient", suffixes, COUNT(suffixes), "<");
	add_sections(text, sizeof(text), "sender", domains, COUNT(domains), "!");
	add_sections(text, sizeof(text), "sender", suffixes, COUNT(suffixes), "!");
	if (policy_set_parse("f", text, strlen(text), &set, &err))
		fail_msg("%s\n%s", err.text, text);
	return set;
}

/* The model: every demand as a number, the larger the stricter; -1 where nobody sets it. */

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static int value_of(const struct section *s, enum demand d)
{
	static const enum setting settings[] = {SETTING_REQUIRE_TLS, SETTING_VERIFY_CERTIFICATE,
		SETTING_MIN_TLS, SETTING_VIOLATION, SETTING_MODE, SETTING_MESSAGE_OVERRIDE,
		SETTING_MESSAGE_OVERRIDE};

	if (!s || !section_sets(s, settings[d]))
		return -1;
	if (d == DEMAND_RELAX)
		return s->value[SETTING_MESSAGE_OVERRIDE] == OVERRIDE_ANY ? 0 : 1;
	if (d == DEMAND_TIGHTEN)
		return s->value[SETTING_MESSAGE_OVERRIDE] == OVERRIDE_IGNORE ? 0 : 1;
	return s->value[settings[d]];
}

static int default_value(const struct policy_set *set, enum demand d)
{
	static const int builtin[] = {
		false, true, TLS_VERSION_1_2, VIOLATION_TEMPFAIL, MODE_ENFORCE, 0, 1};
	int value = value_of(set->by_default, d);

	return value < 0 ? builtin[d] : value;
}

static bool label_matches(const char *label, const char *name)
{
	size_t l = strlen(label), n = strlen(name);

	if (label[0] == '.')
		return n > l && strcmp(name + n - l, label) == 0;
	return strcmp(label, name) == 0;
}

/* Of the sections of a kind whose label matches: the one with the longest, exact before suffix. */
static int model_name(
	const struct policy_set *set, enum section_kind kind, const char *name, enum demand d)
{
	size_t longest = 0;
	int best = -1;

	for (size_t i = 0; name && i < set->count; i++) {
		const struct section *s = set->sections[i];
		size_t length = strlen(s->label) + (s->label[0] == '.' ? 0 : 1000);

		if (s->kind == kind && label_matches(s->label, name) && value_of(s, d) >= 0 &&
			length > longest) {
			longest = length;
			best = value_of(s, d);
		}
	}
	return best;
}

static int model_address(const struct policy_set *set, const char *peer, enum demand d)
{
	int longest = -1, best = -1;

	for (size_t i = 0; i < set->count; i++) {
		const struct section *s = set->sections[i];
		unsigned bits, network, address, mask;

		if (s->kind != SECTION_HOST || s->host.form != HOST_ADDRESS || value_of(s, d) < 0)
			continue;
		bits = s->host.prefix;
		memcpy(&network, s->host.address.bytes, 4);
		assert_int_equal(inet_pton(AF_INET, peer, &address), 1);
		mask = bits ? 0xffffffffu << (32 - bits) : 0;
		if ((ntohl(network) & mask) == (ntohl(address) & mask) && (int)bits > longest) {
			longest = (int)bits;
			best = value_of(s, d);
		}
	}
	return best;
}

/* What holds if the host is one whose own sections say `host`, and the envelope's say `envelope`.
 */
static int model_target(const struct policy_set *set, int host, int envelope, enum demand d)
{
	int value = larger(host, envelope);

	return value < 0 ? default_value(set, d) : value;
}

struct case_ {
	const char *names[3];
	unsigned name_count;
	const char *peer;
	const char *sender, *recipient; /* NULL: not known; "?": does not parse */
};

static int model(const struct policy_set *set, const struct case_ *c, enum demand d)
{
	int envelope = larger(model_name(set, SECTION_SENDER, c->sender, d),
		model_name(set, SECTION_RECIPIENT, c->recipient, d));
	int address = model_address(set, c->peer, d), value = -1;

	if ((c->sender && strcmp(c->sender, "?") == 0) ||
		(c->recipient && strcmp(c->recipient, "?") == 0)) {
		value = default_value(set, d);
		for (size_t i = 0; i < set->count; i++)
			value = larger(value, value_of(set->sections[i], d));
		return value;
	}
	for (unsigned i = 0; i < c->name_count; i++)
		value = larger(value,
			model_target(set,
				larger(model_name(set, SECTION_HOST, c->names[i], d), address),
				envelope, d));
	if (c->name_count > 0)
		return value;
	value = model_target(set, address, envelope, d);
	/* No name: it may be the host of any section. */
	for (size_t i = 0; address < 0 && i < set->count; i++) {
		const struct section *s = set->sections[i];

		if (s->kind == SECTION_HOST && s->host.form != HOST_ADDRESS && value_of(s, d) >= 0)
			value = larger(value, model_target(set, value_of(s, d), envelope, d));
	}
	return value;
}

/* The thing itself */

static int number(const struct demands *d, enum demand demand)
{
	switch (demand) {
	case DEMAND_REQUIRE_TLS:
		return d->require_tls;
	case DEMAND_VERIFY_CERTIFICATE:
		return d->verify_certificate;
	case DEMAND_MIN_TLS:
		return d->min_tls;
	case DEMAND_VIOLATION:
		return d->violation;
	case DEMAND_MODE:
		return d->mode;
	case DEMAND_RELAX:
		return !d->relax;
	case DEMAND_TIGHTEN:
		return d->tighten;
	case DEMAND_COUNT:
		break;
	}
	return -1;
}

static const struct domain *to_domain(const char *text, struct domain *domain)
{
	if (!text)
		return NULL;
	if (strcmp(text, "<>") == 0)
		*domain = (struct domain){.form = DOMAIN_NULL};
	else
		domain_parse(text, strlen(text), domain);
	return domain;
}

static const char *random_domain(bool null)
{
	unsigned n = below(COUNT(domains) + 2);

	if (n == COUNT(domains))
		return NULL;
	if (n > COUNT(domains))
		return below(3) ? NULL : "?";
	return !null && strcmp(domains[n], "<>") == 0 ? NULL : domains[n];
}

/* Where a demand comes from must be a place that says so. */
static void assert_origin(
	const struct policy_set *set, const struct demands *demands, enum demand d, int value)
{
	const struct origin *origin = demands->origin[d];

	assert_non_null(origin);
	if (origin->kind == SECTION_BUILTIN) {
		assert_int_equal(value, default_value(set, d));
		return;
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct section *s = set->sections[i];

		if (origin >= s->origin && origin < s->origin + SETTING_COUNT) {
			assert_int_equal(value_of(s, d), value);
			assert_int_equal(s->kind, origin->kind);
			return;
		}
	}
	fail_msg("an origin that is none of the set");
}

static void make_case(struct case_ *c)
{
	c->name_count = below(4);
	for (unsigned i = 0; i < c->name_count; i++)
		c->names[i] = domains[below(6)];
	c->peer = peers[below(COUNT(peers))];
	c->sender = random_domain(true);
	c->recipient = random_domain(false);
}

static void check_case(const struct policy_set *set, const struct case_ *c)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct demands demands, weakest, any, strictest;
	struct domain sender, recipient;
	struct policy policy;

	inet_pton(AF_INET, c->peer, &sin.sin_addr);
	policy_for_host(set, c->names, c->name_count, (struct sockaddr *)&sin, &policy);
	policy_for_envelope(&policy, to_domain(c->sender, &sender),
		to_domain(c->recipient, &recipient), &demands);
	policy_weakest(&policy, to_domain(c->sender, &sender), &weakest);
	policy_weakest(&policy, NULL, &any);
	policy_strictest(&policy, &strictest);
	for (enum demand d = 0; d < DEMAND_COUNT; d++) {
		int value = number(&demands, d);

		assert_int_equal(value, model(set, c, d));
		assert_origin(set, &demands, d, value);
		assert_origin(set, &weakest, d, number(&weakest, d));
		assert_origin(set, &strictest, d, number(&strictest, d));
		assert_true(number(&weakest, d) <= value && value <= number(&strictest, d));
		assert_true(number(&any, d) <= value);
	}
	policy_for_envelope(&policy, NULL, NULL, &demands);
	for (enum demand d = 0; d < DEMAND_COUNT; d++) {
		assert_int_equal(number(&demands, d), number(&policy.demands, d));
		assert_ptr_equal(demands.origin[d], policy.demands.origin[d]);
	}
}

static void every_envelope_meets_what_the_rule_says(void **state)
{
	const char *given = getenv("MAILSEAL_TEST_SEED");

	(void)state;
	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	print_message("MAILSEAL_TEST_SEED=%llu\n", (unsigned long long)seed);
	for (int i = 0; i < 1500; i++) {
		struct policy_set *set = random_set();

		for (int j = 0; j < 40; j++) {
			struct case_ c;

			make_case(&c);
			check_case(set, &c);
		}
		policy_set_free(set);
	}
}

static bool same_demands(const struct demands *a, const struct demands *b)
{
	for (enum demand d = 0; d < DEMAND_COUNT; d++) {
		if (number(a, d) != number(b, d) || a->origin[d] != b->origin[d])
			return false;
	}
	return true;
}

static void a_policy_without_a_set_is_the_same_for_all(void **state)
{
	struct policy policy = {.demands = {.require_tls = true, .min_tls = TLS_VERSION_1_3}};
	struct domain domain;
	struct demands demands;

	(void)state;
	to_domain("a.example", &domain);
	policy_for_envelope(&policy, &domain, NULL, &demands);
	assert_true(same_demands(&demands, &policy.demands));
	policy_weakest(&policy, &domain, &demands);
	assert_true(same_demands(&demands, &policy.demands));
	policy_strictest(&policy, &demands);
	assert_true(same_demands(&demands, &policy.demands));
}

static void messages_override_as_far_as_they_may(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * 2 * 2 * 2 * 3 * 3; i++) {
		struct origin here = {.kind = SECTION_DEFAULT, .label = "", .file = ""};
		struct demands base = {.require_tls = i & 1,
			.verify_certificate = i & 2,
			.relax = i & 4,
			.tighten = i & 8,
			.origin = {&here, &here}};
		struct overrides says = {(enum field)(i / 16 % 3), (enum field)(i / 48)};
		struct demands got;

		policy_override(&base, &says, &got);
		if (got.require_tls != base.require_tls) {
			assert_int_equal(says.require_tls, got.require_tls ? FIELD_YES : FIELD_NO);
			assert_true(got.require_tls ? base.tighten : base.relax);
			assert_int_equal(got.origin[DEMAND_REQUIRE_TLS]->kind, SECTION_MESSAGE);
		} else {
			assert_false(
				(says.require_tls == FIELD_YES && base.tighten &&
					!base.require_tls) ||
				(says.require_tls == FIELD_NO && base.relax && base.require_tls));
			assert_ptr_equal(got.origin[DEMAND_REQUIRE_TLS], &here);
		}
		assert_int_equal(got.verify_certificate != base.verify_certificate,
			says.verify_certificate != FIELD_ABSENT &&
				(says.verify_certificate == FIELD_YES) != base.verify_certificate &&
				(base.verify_certificate ? base.relax : base.tighten));
		policy_override(&base, &says, &base);
		assert_true(same_demands(&base, &got));
	}
}

/* Connection settings of several names */

static void ask(const struct policy_set *set, const char *first, const char *second,
	struct connection_settings *connection)
{
	const char *names[] = {first, second};
	struct policy policy;

	policy_for_host(set, names, second ? 2 : 1, NULL, &policy);
	*connection = policy.connection;
}

static void several_names_share_what_they_agree_on(void **state)
{
	static const char text[] =
		"default { ciphers = \"D\" }\n"
		"host a { fingerprints = "
		"0000000000000000000000000000000000000000000000000000000000000001\n"
		" ciphers = \"A\" ciphersuites = \"S\" servername = sni.a }\n"
		"host b { fingerprints = "
		"0000000000000000000000000000000000000000000000000000000000000001 }\n"
		"host c { fingerprints = "
		"0000000000000000000000000000000000000000000000000000000000000002 }\n";
	struct connection_settings c;
	struct policy_set *set = NULL;
	struct err err;

	(void)state;
	if (policy_set_parse("f", text, strlen(text), &set, &err))
		fail_msg("%s", err.text);
	ask(set, "a", NULL, &c);
	assert_int_equal(c.fingerprints[0][63], '1');
	assert_null(c.fingerprints[1]);
	assert_string_equal(c.ciphers, "A");
	assert_string_equal(c.ciphersuites, "S");
	assert_null(c.conflict);
	ask(set, "a", "b", &c);
	assert_null(c.conflict);
	assert_string_equal(c.servername, "sni.a");
	ask(set, "b", "c", &c);
	assert_string_equal(c.conflict, "fingerprints");
	assert_string_equal(c.ciphers, "D");
	ask(set, "a", "x", &c);
	assert_string_equal(c.conflict, "fingerprints");
	policy_set_free(set);
}

static void a_client_certificate_is_shown_only_to_whom_it_is_for(void **state)
{
	struct policy_set *set = policy_set_builtin();
	struct connection_settings c;
	static const char *const labels[] = {"a", "b", "c"};

	(void)state;
	set->path[0] = strdup("f");
	for (size_t i = 0; i < 3; i++) {
		struct section *s = policy_set_add(set, SECTION_HOST, labels[i], set->path[0], 1);

		assert_int_equal(host_parse(labels[i], &s->host, NULL), 0);
		s->client_certificate = strdup(i < 2 ? "/both.pem" : "/c.pem");
		s->client_key = i < 2 ? NULL : strdup("/c.key");
		s->set = 1u << SETTING_CLIENT_CERTIFICATE | (i < 2 ? 0u : 1u << SETTING_CLIENT_KEY);
	}
	assert_int_equal(policy_set_freeze(set, NULL, NULL), 0);
	ask(set, "a", NULL, &c);
	assert_string_equal(c.client_certificate, "/both.pem");
	assert_string_equal(c.client_key, "/both.pem");
	ask(set, "a", "b", &c);
	assert_string_equal(c.client_certificate, "/both.pem");
	ask(set, "c", NULL, &c);
	assert_string_equal(c.client_key, "/c.key");
	ask(set, "b", "c", &c);
	assert_null(c.client_certificate);
	assert_null(c.client_key);
	assert_null(c.conflict);
	ask(set, "b", "other", &c);
	assert_null(c.client_certificate);
	policy_set_free(set);
}

static void ten_thousand_sections_are_found(void **state)
{
	size_t size = 5000 * 100;
	char *text = calloc(1, size), *at = text, name[40];
	struct policy_set *set = NULL;
	struct policy policy;
	struct err err;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 5000; i++)
		at += snprintf(at, size - (size_t)(at - text),
			"sender d%d.example { require_tls = true }\n"
			"recipient .d%d.example { violation = reject }\n",
			i, i);
	if (policy_set_parse("f", text, strlen(text), &set, &err))
		fail_msg("%s", err.text);
	assert_int_equal(set->count, 10000);
	policy_for_host(set, NULL, 0, NULL, &policy);
	for (int i = 0; i < 5000; i++) {
		struct domain from, to;
		struct demands demands;

		snprintf(name, sizeof(name), "d%d.example", i);
		domain_parse(name, strlen(name), &from);
		snprintf(name, sizeof(name), "mail.d%d.example", 4999 - i);
		domain_parse(name, strlen(name), &to);
		policy_for_envelope(&policy, &from, &to, &demands);
		assert_int_equal(demands.origin[DEMAND_REQUIRE_TLS]->line, 2 * i + 1);
		assert_int_equal(demands.origin[DEMAND_VIOLATION]->line, 2 * (4999 - i) + 2);
	}
	policy_set_free(set);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_envelope_meets_what_the_rule_says),
		cmocka_unit_test(a_policy_without_a_set_is_the_same_for_all),
		cmocka_unit_test(messages_override_as_far_as_they_may),
		cmocka_unit_test(several_names_share_what_they_agree_on),
		cmocka_unit_test(a_client_certificate_is_shown_only_to_whom_it_is_for),
		cmocka_unit_test(ten_thousand_sections_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
