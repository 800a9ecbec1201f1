/*
 * report: what holds for a domain once it was changed.
 */
#include "config/edit.h"
#include "config/setting.h"
#include "tools/meaning.h"
#include "tools/policy/policy.h"
#include "tools/values.h"

#include <stdio.h>
#include <string.h>

static void print_warning(void *context, const struct warning *warning)
{
	(void)context;
	printf("warning: %s: %s\n", warning->setting, warning->text);
}

static void print_value(const struct values *values, const char *name)
{
	char text[1200], where[400];

	for (unsigned i = 0; i < values->count; i++) {
		const struct value *v = &values->at[i];

		if (strcmp(v->name, name) != 0)
			continue;
		value_describe(v, text, sizeof(text));
		printf("  %s = %s", name, text);
		if (v->origin) {
			origin_describe(v->origin, where, sizeof(where));
			printf(" (%s)", where);
		}
		putchar('\n');
		return;
	}
	printf("  %s: not set\n", name);
}

static void print_demand(const struct values *values, enum setting setting)
{
	if (setting != SETTING_MESSAGE_OVERRIDE) {
		print_value(values, setting_name(setting));
		return;
	}
	print_value(values, "message_may_relax");
	print_value(values, "message_may_tighten");
}

static void print_values(
	const struct policy_set *set, const struct policy *policy, unsigned changed)
{
	const struct sockaddr unknown = {0};
	struct values demands, connection;

	changed |= 1u << SETTING_REQUIRE_TLS | 1u << SETTING_VERIFY_CERTIFICATE;
	values_of_demands(&policy->demands, &demands);
	values_of_connection(set, policy, &unknown, &connection);
	for (enum setting s = 0; s < SETTING_COUNT; s++) {
		if (!(changed >> s & 1u))
			continue;
		if (setting_is_demand(s))
			print_demand(&demands, s);
		else
			print_value(&connection, setting_name(s));
	}
	values_clear(&demands);
	values_clear(&connection);
}

/* What holds for the domain, whatever its own section says or does not say. */
static void print_holding(
	const struct policy_set *set, enum section_kind kind, const char *domain, unsigned changed)
{
	struct section asked = {.kind = kind, .label = (char *)domain};
	struct policy policy;

	if (section_take_label(&asked, NULL))
		return;
	meaning_policy(set, &asked, &policy);
	if (policy.connection.intercept)
		print_values(set, &policy, changed);
	else
		printf("  connections pass untouched, and no demand counts\n");
}

void policy_report(
	const struct configuration *c, enum section_kind kind, const char *domain, unsigned changed)
{
	struct section *section = NULL;
	const char *word = section_kind_name(kind);

	edit_find(c->set, kind, domain, &section, NULL);
	if (section)
		printf("%s \"%s\", in %s:%u, so that now\n", word, domain, section->path,
			section->line);
	else
		printf("%s \"%s\": removed from %s, so that now\n", word, domain, c->domains);
	print_holding(c->set, kind, domain, changed);
	if (section)
		meaning_warnings(c->set, section, print_warning, NULL);
}
