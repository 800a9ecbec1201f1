#include "tools/values.h"

#include "config/edit.h"
#include "config/setting.h"
#include "tools/json.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static void add(struct values *values, const char *name, json_t *json, const struct origin *origin)
{
	if (values->count == VALUES_MOST) {
		json_decref(json);
		return;
	}
	values->at[values->count++] = (struct value){name, json, origin};
}

static json_t *word(enum setting setting, int value)
{
	return json_string(setting_value_name(setting, value));
}

void values_of_demands(const struct demands *d, struct values *values)
{
	*values = (struct values){.count = 0};
	add(values, "require_tls", json_boolean(d->require_tls), d->origin[DEMAND_REQUIRE_TLS]);
	add(values, "verify_certificate", json_boolean(d->verify_certificate),
		d->origin[DEMAND_VERIFY_CERTIFICATE]);
	add(values, "min_tls", word(SETTING_MIN_TLS, d->min_tls), d->origin[DEMAND_MIN_TLS]);
	add(values, "violation", word(SETTING_VIOLATION, d->violation),
		d->origin[DEMAND_VIOLATION]);
	add(values, "mode", word(SETTING_MODE, d->mode), d->origin[DEMAND_MODE]);
	add(values, "message_may_relax", json_boolean(d->relax), d->origin[DEMAND_RELAX]);
	add(values, "message_may_tighten", json_boolean(d->tighten), d->origin[DEMAND_TIGHTEN]);
}

/* What a section holds for a setting that has no order. */
static const void *held(const struct section *section, enum setting setting)
{
	switch (setting) {
	case SETTING_CA_FILE:
		return section->ca_file;
	case SETTING_MATCH:
		return section->match;
	case SETTING_SERVERNAME:
		return section->servername;
	case SETTING_FINGERPRINTS:
		return section->fingerprints;
	case SETTING_CLIENT_CERTIFICATE:
		return section->client_certificate;
	case SETTING_CLIENT_KEY:
		return section->client_key;
	case SETTING_CIPHERS:
		return section->ciphers;
	case SETTING_CIPHERSUITES:
		return section->ciphersuites;
	case SETTING_TRACE:
		return section->trace;
	case SETTING_REQUIRE_TLS:
	case SETTING_VERIFY_CERTIFICATE:
	case SETTING_MIN_TLS:
	case SETTING_VIOLATION:
	case SETTING_MODE:
	case SETTING_MESSAGE_OVERRIDE:
	case SETTING_ON_BAD_CERTIFICATE:
	case SETTING_PROTECT_CREDENTIALS:
	case SETTING_APPLICATION_TLS:
	case SETTING_SESSION_RESUMPTION:
	case SETTING_EARLY_REPLIES:
	case SETTING_CONNECTION_REUSE:
	case SETTING_INTERCEPT:
	case SETTING_COUNT:
		break;
	}
	return NULL;
}

/* A policy points into the section that decided: so that section is told by the pointer. */
static const struct origin *holder(
	const struct policy_set *set, enum setting setting, const void *value)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct section *s = set->sections[i];

		if (section_sets(s, setting) && held(s, setting) == value)
			return &s->origin[setting];
	}
	return NULL;
}

static void add_text(
	const struct policy_set *set, struct values *values, enum setting setting, const char *text)
{
	if (text)
		add(values, setting_name(setting), json_text(text), holder(set, setting, text));
}

static void add_list(const struct policy_set *set, struct values *values, enum setting setting,
	const char *const *list)
{
	if (list)
		add(values, setting_name(setting), json_strings(list), holder(set, setting, list));
}

/* Only an exemption has a section that decided: that for the address, else default. */
static const struct origin *exempter(
	const struct policy_set *set, const struct sockaddr *sockaddr, bool intercept)
{
	const struct section *section;
	struct address address;
	struct chain chain = {.count = 0};

	if (intercept)
		return NULL;
	address_from_sockaddr(sockaddr, &address);
	policy_set_by_address(set, &address, &chain);
	section = chain.count > 0 ? chain.at[0] : policy_set_default(set, SETTING_INTERCEPT);
	return &section->origin[SETTING_INTERCEPT];
}

void values_of_connection(const struct policy_set *set, const struct policy *policy,
	const struct sockaddr *address, struct values *values)
{
	const struct connection_settings *c = &policy->connection;

	*values = (struct values){.count = 0};
	add(values, "on_bad_certificate", word(SETTING_ON_BAD_CERTIFICATE, c->on_bad_certificate),
		c->on_bad_certificate_origin);
	add(values, "protect_credentials", json_boolean(c->protect_credentials),
		c->protect_credentials_origin);
	add(values, "application_tls", word(SETTING_APPLICATION_TLS, c->application_tls),
		c->application_tls_origin);
	add(values, "session_resumption", json_boolean(c->session_resumption),
		c->session_resumption_origin);
	add(values, "early_replies", json_boolean(c->early_replies), c->early_replies_origin);
	add(values, "connection_reuse", json_integer(c->connection_reuse),
		c->connection_reuse_origin);
	add(values, "intercept", json_boolean(c->intercept), exempter(set, address, c->intercept));
	add_text(set, values, SETTING_CA_FILE, c->ca_file);
	add_list(set, values, SETTING_MATCH, c->match);
	add_text(set, values, SETTING_SERVERNAME, c->servername);
	add_list(set, values, SETTING_FINGERPRINTS, c->fingerprints);
	add_text(set, values, SETTING_CLIENT_CERTIFICATE, c->client_certificate);
	if (c->client_key != c->client_certificate)
		add_text(set, values, SETTING_CLIENT_KEY, c->client_key);
	add_text(set, values, SETTING_CIPHERS, c->ciphers);
	add_text(set, values, SETTING_CIPHERSUITES, c->ciphersuites);
}

void values_clear(struct values *values)
{
	for (unsigned i = 0; i < values->count; i++)
		json_decref(values->at[i].json);
	values->count = 0;
}

void value_describe(const struct value *value, char *out, size_t size)
{
	size_t length = 0, index;
	json_t *item;

	if (json_is_boolean(value->json)) {
		snprintf(out, size, "%s", json_is_true(value->json) ? "true" : "false");
		return;
	}
	if (json_is_integer(value->json)) {
		snprintf(out, size, "%lld", (long long)json_integer_value(value->json));
		return;
	}
	if (json_is_string(value->json)) {
		snprintf(out, size, "%s", json_string_value(value->json));
		return;
	}
	out[0] = '\0';
	json_array_foreach(value->json, index, item)
	{
		int n = snprintf(out + length, size - length, "%s%s", index ? ", " : "",
			json_string_value(item));

		if (n < 0 || (size_t)n >= size - length)
			return;
		length += (size_t)n;
	}
}

static const char *origin_kind(const struct origin *origin)
{
	switch (origin->kind) {
	case SECTION_BUILTIN:
		return "built-in";
	case SECTION_MESSAGE:
		return "message";
	case SECTION_DEFAULT:
	case SECTION_HOST:
	case SECTION_SENDER:
	case SECTION_RECIPIENT:
		break;
	}
	return section_kind_name(origin->kind);
}

json_t *json_origin(const struct origin *origin)
{
	if (!origin)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:i}", "kind", origin_kind(origin), "label",
		json_text(origin->label), "file", json_text(origin->file ? origin->file : ""),
		"line", (int)origin->line);
}

json_t *json_values(const struct values *values)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < values->count; i++)
		json_object_set_new(object, values->at[i].name,
			json_pack("{s:O, s:o}", "value", values->at[i].json, "origin",
				json_origin(values->at[i].origin)));
	return object;
}

json_t *json_setting(const struct section *section, enum setting setting)
{
	const char *value = section_written(section, setting, 0);
	json_t *array;

	if (!setting_is_list(setting)) {
		if (!value)
			return json_null();
		if (!setting_is_text(setting) && strcmp(value, "true") == 0)
			return json_true();
		if (!setting_is_text(setting) && strcmp(value, "false") == 0)
			return json_false();
		if (setting == SETTING_CONNECTION_REUSE)
			return json_integer(section->value[setting]);
		return json_text(value);
	}
	if (!value)
		return json_null();
	array = json_array();
	for (unsigned i = 0; (value = section_written(section, setting, i)); i++)
		json_array_append_new(array, json_text(value));
	return array;
}

json_t *json_settings(const struct section *section)
{
	json_t *object = json_object();

	for (enum setting s = 0; s < SETTING_COUNT; s++) {
		if (section_sets(section, s))
			json_object_set_new(object, setting_name(s), json_setting(section, s));
	}
	return object;
}
