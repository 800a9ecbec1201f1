#include "tools/configuration.h"

#include "config/setting.h"
#include "shim/tls/tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int configuration_find(struct configuration *c, const char *named, struct err *err)
{
	int rc;

	c->named = named ? named : environment("MAILSEAL_CONFIG");
	rc = absolute_path(c->named ? c->named : CONFIG_PATH, c->path, err);
	if (rc)
		return rc;
	if (domains_path(c->path, c->domains, sizeof(c->domains)))
		return err_fail(err, ENAMETOOLONG, "%.300s: the path is too long", c->path);
	return 0;
}

int configuration_load(struct configuration *c, struct err *err)
{
	return policy_set_load(c->path, !c->named, &c->set, &c->seen, err);
}

void configuration_clear(struct configuration *c)
{
	policy_set_free(c->set);
	c->set = NULL;
}

/* What OpenSSL says of the settings of one section; the loader only looks at the files from
 * outside.
 */
static int check_section(const struct section *s, struct err *err)
{
	const char *key = s->client_key ? s->client_key : s->client_certificate;
	struct tls_settings settings = {
		.ca_file = s->ca_file,
		.min_version = TLS_VERSION_1_2,
		.client_certificate = s->client_certificate,
		.client_key = key,
		.ciphers = s->ciphers,
		.ciphersuites = s->ciphersuites,
	};
	enum setting setting;
	struct err why;
	char name[40];

	if (tls_settings_check(&settings, &why) == 0)
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(why.text, ":"), why.text);
	setting = setting_by_name(name);
	if (setting == SETTING_CLIENT_KEY && !section_sets(s, setting))
		setting = SETTING_CLIENT_CERTIFICATE;
	return err_fail(err, EINVAL, "%.160s:%u: %.300s", s->path,
		setting == SETTING_COUNT ? s->line : s->origin[setting].line, why.text);
}

static bool names_tls_settings(const struct section *s)
{
	return s->ca_file || s->client_certificate || s->ciphers || s->ciphersuites;
}

int configuration_check_tls(const struct policy_set *set, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < set->count; i++) {
		if (names_tls_settings(set->sections[i]))
			rc = check_section(set->sections[i], err);
	}
	return rc;
}
