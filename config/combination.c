#include "config/combination.h"

#include "config/pem.h"

#include <errno.h>

/* A certificate to show and its key come from one section, so that they fit. */
static int check_client(const struct section *s, enum setting *at, struct err *err)
{
	struct err why;
	int rc;

	*at = SETTING_CLIENT_KEY;
	if (section_sets(s, SETTING_CLIENT_KEY) && !section_sets(s, SETTING_CLIENT_CERTIFICATE))
		return err_fail(err, EINVAL,
			"impossible combination: a key without a certificate; set "
			"client_certificate in the same section");
	if (section_sets(s, SETTING_CLIENT_KEY) || !section_sets(s, SETTING_CLIENT_CERTIFICATE))
		return 0;
	*at = SETTING_CLIENT_CERTIFICATE;
	rc = pem_check_key_file(s->client_certificate, &why);
	if (!rc)
		return 0;
	return err_fail(err, rc == -ENOMEM ? ENOMEM : EINVAL,
		"%.200s: %s; name the file of the key in client_key", s->client_certificate,
		why.text);
}

/* Nothing of a connection that passes untouched is judged. */
static int check_exemption(const struct section *s, enum setting *at, struct err *err)
{
	const unsigned both = 1u << SETTING_INTERCEPT | 1u << SETTING_REQUIRE_TLS;

	*at = SETTING_INTERCEPT;
	if ((s->set & both) != both || s->value[SETTING_INTERCEPT] ||
		!s->value[SETTING_REQUIRE_TLS])
		return 0;
	return err_fail(err, EINVAL,
		"impossible combination: intercept = false lets connections pass untouched, so "
		"that require_tls = true in the same section could not hold; remove one of them");
}

int combination_check(const struct section *section, enum setting *at, struct err *err)
{
	int rc = check_client(section, at, err);

	return rc ? rc : check_exemption(section, at, err);
}
