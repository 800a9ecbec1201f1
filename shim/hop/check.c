/*
 * check: whether OpenSSL takes what the sections say of client certificates and cipher lists.
 */
#include "shim/hop/hop.h"

#include "config/set.h"

#include <string.h>

/* Old versions come with old ciphers: what some section would allow is no error of the list. */
static int lowest_version(const struct policy_set *set)
{
	int lowest = TLS_VERSION_1_2;
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct section *s = set->sections[i];

		if (section_sets(s, SETTING_MIN_TLS) && s->value[SETTING_MIN_TLS] < lowest)
			lowest = s->value[SETTING_MIN_TLS];
	}
	return lowest;
}

/* A long path loses its beginning, as in the errors of config/load.h. */
static int fail_at(
	const struct section *s, enum setting setting, const char *why, int code, struct err *err)
{
	size_t n = strlen(s->path);
	bool cut = n > 160;

	return err_fail(err, code, "%s%s:%u: %s", cut ? "..." : "", s->path + (cut ? n - 160 : 0),
		s->origin[setting].line, why);
}

static int check_section(const struct section *s, int version, struct err *err)
{
	const struct tls_settings ciphers = {.min_version = version, .ciphers = s->ciphers},
				  ciphersuites = {.min_version = version,
					  .ciphersuites = s->ciphersuites},
				  client = {.min_version = version,
					  .client_certificate = s->client_certificate,
					  .client_key = s->client_key ? s->client_key
								      : s->client_certificate};
	struct err why;
	int rc;

	rc = s->ciphers ? tls_settings_check(&ciphers, &why) : 0;
	if (rc < 0)
		return fail_at(s, SETTING_CIPHERS, why.text, -rc, err);
	rc = s->ciphersuites ? tls_settings_check(&ciphersuites, &why) : 0;
	if (rc < 0)
		return fail_at(s, SETTING_CIPHERSUITES, why.text, -rc, err);
	rc = s->client_certificate ? tls_settings_check(&client, &why) : 0;
	if (rc < 0)
		return fail_at(s,
			s->client_key && strncmp(why.text, "client_key:", 11) == 0
				? SETTING_CLIENT_KEY
				: SETTING_CLIENT_CERTIFICATE,
			why.text, -rc, err);
	return 0;
}

int hop_check(const struct policy_set *set, struct err *err)
{
	int version = lowest_version(set), rc = 0;
	size_t i;

	for (i = 0; i < set->count && rc == 0; i++)
		rc = check_section(set->sections[i], version, err);
	return rc;
}
