/*
 * json: what `mailseal check` finds, for a script.
 */
#include "config/edit.h"
#include "config/setting.h"
#include "tools/check/check.h"
#include "tools/json.h"
#include "tools/values.h"

static json_t *json_set_here(const struct section *section)
{
	json_t *object = json_object();

	for (enum setting s = 0; s < SETTING_COUNT; s++) {
		if (section_sets(section, s))
			json_object_set_new(object, setting_name(s),
				json_pack("{s:o, s:i}", "value", json_setting(section, s), "line",
					(int)section->origin[s].line));
	}
	return object;
}

static void put_text(json_t *object, enum setting setting, const char *text)
{
	json_object_set_new(object, setting_name(setting), text ? json_text(text) : json_null());
}

static json_t *json_policy(const struct policy *p)
{
	const struct demands *d = &p->demands;
	const struct connection_settings *c = &p->connection;
	json_t *object = json_pack("{s:b, s:b, s:b, s:s, s:s, s:s, s:b, s:b, s:s, s:b, s:s, "
				   "s:b, s:b, s:i}",
		"intercept", c->intercept, "require_tls", d->require_tls, "verify_certificate",
		d->verify_certificate, "min_tls", setting_value_name(SETTING_MIN_TLS, d->min_tls),
		"violation", setting_value_name(SETTING_VIOLATION, d->violation), "mode",
		setting_value_name(SETTING_MODE, d->mode), "message_may_relax", d->relax,
		"message_may_tighten", d->tighten, "on_bad_certificate",
		setting_value_name(SETTING_ON_BAD_CERTIFICATE, c->on_bad_certificate),
		"protect_credentials", c->protect_credentials, "application_tls",
		setting_value_name(SETTING_APPLICATION_TLS, c->application_tls),
		"session_resumption", c->session_resumption, "early_replies", c->early_replies,
		"connection_reuse", (int)c->connection_reuse);

	put_text(object, SETTING_CA_FILE, c->ca_file);
	json_object_set_new(object, "match", json_strings(c->match));
	put_text(object, SETTING_SERVERNAME, c->servername);
	json_object_set_new(object, "fingerprints", json_strings(c->fingerprints));
	put_text(object, SETTING_CLIENT_CERTIFICATE, c->client_certificate);
	put_text(object, SETTING_CLIENT_KEY, c->client_key);
	put_text(object, SETTING_CIPHERS, c->ciphers);
	put_text(object, SETTING_CIPHERSUITES, c->ciphersuites);
	return object;
}

static void add_warning(void *context, const struct warning *w)
{
	json_array_append_new(
		context, json_pack("{s:o, s:o, s:s?, s:s}", "file", json_text(w->path), "line",
				 w->setting ? json_integer(w->line) : json_null(), "setting",
				 w->setting, "text", w->text));
}

static json_t *json_section(const struct policy_set *set, const struct section *section)
{
	struct policy policy;

	meaning_policy(set, section, &policy);
	return json_pack("{s:s, s:o, s:o, s:i, s:o, s:o}", "kind", section_kind_name(section->kind),
		"label", json_text(section->label), "file", json_text(section->path), "line",
		(int)section->line, "set", json_set_here(section), "effective",
		json_policy(&policy));
}

static json_t *json_elsewhere(const struct policy_set *set, bool no_name)
{
	struct policy policy;

	meaning_policy_elsewhere(set, no_name, &policy);
	return json_policy(&policy);
}

json_t *check_as_json(const struct configuration *c)
{
	json_t *sections = json_array(), *warnings = json_array();

	for (size_t i = 0; i < c->set->count; i++)
		json_array_append_new(sections, json_section(c->set, c->set->sections[i]));
	check_warnings(c, add_warning, warnings);
	return json_pack("{s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o}", "file", json_text(c->path),
		"domains_file", c->seen.domains_present ? json_text(c->domains) : json_null(), "ok",
		true, "built_in", !c->seen.main_present, "sections", sections,
		"name_without_section", json_elsewhere(c->set, false),
		"address_without_name_and_section", json_elsewhere(c->set, true), "warnings",
		warnings);
}
