/*
 * warning: what an administrator may not have meant, section by section.
 */
#include "config/setting.h"
#include "shim/tls/tls.h"
#include "tools/meaning.h"

#include <stdio.h>
#include <sys/stat.h>

struct warner {
	const struct section *section;
	void (*warn)(void *context, const struct warning *warning);
	void *context;
};

static bool sets(const struct warner *w, enum setting setting, int value)
{
	return section_sets(w->section, setting) && w->section->value[setting] == value;
}

static void warn(const struct warner *w, enum setting setting, const char *text)
{
	struct warning warning = {
		w->section->path, w->section->origin[setting].line, setting_name(setting), text};

	w->warn(w->context, &warning);
}

/* What would prove who the server is. */
static void warn_of_proof(const struct warner *w, const struct policy *p, enum setting setting)
{
	if (!section_sets(w->section, setting))
		return;
	if (!p->demands.verify_certificate)
		warn(w, setting,
			"has no effect here, where verify_certificate = false, unless a sender, a "
			"recipient or a message asks for it");
	else if (p->connection.fingerprints && setting != SETTING_FINGERPRINTS)
		warn(w, setting, "has no effect beside fingerprints, which decide alone");
}

static void warn_of_key(const struct warner *w)
{
	const struct section *s = w->section;
	const char *key = s->client_key ? s->client_key : s->client_certificate;
	enum setting setting = section_sets(s, SETTING_CLIENT_KEY) ? SETTING_CLIENT_KEY
								   : SETTING_CLIENT_CERTIFICATE;
	struct stat st;

	if (!key || stat(key, &st) < 0)
		return;
	if (st.st_mode & (S_IRGRP | S_IROTH))
		warn(w, setting,
			"others than its owner may read the file, and with it the private key");
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		warn(w, setting, "others than its owner may write the file");
}

static void warn_of_dates(const struct warner *w)
{
	char dates[100], text[200];

	if (!w->section->client_certificate)
		return;
	tls_certificate_dates(w->section->client_certificate, dates, sizeof(dates));
	if (!*dates)
		return;
	snprintf(text, sizeof(text), "%s: a server that asks for it may refuse it", dates);
	warn(w, SETTING_CLIENT_CERTIFICATE, text);
}

static void warn_of_connection(const struct warner *w, const struct policy *p)
{
	const struct section *s = w->section;
	bool on_bad = section_sets(s, SETTING_ON_BAD_CERTIFICATE);

	if (sets(w, SETTING_ON_BAD_CERTIFICATE, BAD_CERTIFICATE_CLEARTEXT))
		warn(w, SETTING_ON_BAD_CERTIFICATE,
			"whoever can meddle with the connection can have the mail in the clear by "
			"showing a bad certificate");
	if (on_bad && p->demands.require_tls)
		warn(w, SETTING_ON_BAD_CERTIFICATE,
			"has no effect here, where require_tls = true refuses already");
	else if (on_bad && !p->demands.verify_certificate && p->demands.min_tls <= TLS_VERSION_1_2)
		warn(w, SETTING_ON_BAD_CERTIFICATE,
			"has no effect here, where verify_certificate = false");
	warn_of_proof(w, p, SETTING_CA_FILE);
	warn_of_proof(w, p, SETTING_MATCH);
	warn_of_proof(w, p, SETTING_FINGERPRINTS);
	warn_of_dates(w);
	warn_of_key(w);
	if (sets(w, SETTING_PROTECT_CREDENTIALS, false))
		warn(w, SETTING_PROTECT_CREDENTIALS,
			"passwords can be read on the way where the server offers no TLS");
	if (sets(w, SETTING_APPLICATION_TLS, APPLICATION_TLS_ALLOW) && p->demands.require_tls &&
		p->demands.verify_certificate)
		warn(w, SETTING_APPLICATION_TLS,
			"a program that issues STARTTLS itself is trusted to verify the "
			"certificate, and "
			"the fields of its messages do not count");
	if (s->kind == SECTION_DEFAULT && sets(w, SETTING_INTERCEPT, false))
		warn(w, SETTING_INTERCEPT, "hosts without a section are not protected at all");
	if (section_sets(s, SETTING_TRACE))
		warn(w, SETTING_TRACE,
			"the dialogue with these servers goes to the log, addresses among it; take "
			"it out when it is not needed any more");
	if (s->kind == SECTION_DEFAULT && section_sets(s, SETTING_MATCH))
		warn(w, SETTING_MATCH,
			"holds for every server without one of its own: a certificate for one of "
			"these names "
			"is then good for any host");
	if (s->kind == SECTION_DEFAULT && section_sets(s, SETTING_SERVERNAME))
		warn(w, SETTING_SERVERNAME, "holds for every server without one of its own");
}

static bool is_of_envelope(const struct section *section)
{
	return section->kind == SECTION_SENDER || section->kind == SECTION_RECIPIENT;
}

/* Demands that do less than one may think. */
static void warn_of_demands(const struct warner *w, const struct policy *p)
{
	const struct section *s = w->section;

	if (sets(w, SETTING_REQUIRE_TLS, true) && p->demands.relax)
		warn(w,
			section_sets(s, SETTING_MESSAGE_OVERRIDE) ? SETTING_MESSAGE_OVERRIDE
								  : SETTING_REQUIRE_TLS,
			"any message may turn require_tls off by a header field "
			"(Mailseal-Require-TLS: no); message_override = \"tighten\" prevents that");
	if (sets(w, SETTING_VERIFY_CERTIFICATE, true) && s->kind != SECTION_DEFAULT &&
		!p->demands.require_tls &&
		p->connection.on_bad_certificate == BAD_CERTIFICATE_UNAUTHENTICATED)
		warn(w, SETTING_VERIFY_CERTIFICATE,
			"blocks nothing without require_tls = true: with a bad certificate the "
			"mail goes all the same, and in the clear where there is no TLS");
	if (section_sets(s, SETTING_MIN_TLS) && s->value[SETTING_MIN_TLS] < TLS_VERSION_1_2)
		warn(w, SETTING_MIN_TLS,
			is_of_envelope(s)
				? "versions before 1.2 are tried only where default or a host "
				  "section says so"
				: "TLS before 1.2 is broken (RFC 8996)");
}

void meaning_warnings(const struct policy_set *set, const struct section *section,
	void (*tell)(void *context, const struct warning *warning), void *context)
{
	struct warner w = {section, tell, context};
	struct policy p;

	meaning_policy(set, section, &p);
	if (sets(&w, SETTING_MODE, MODE_OBSERVE))
		warn(&w, SETTING_MODE,
			"nothing is blocked here; the log tells what would have been");
	if (p.demands.require_tls && !p.demands.verify_certificate &&
		(sets(&w, SETTING_REQUIRE_TLS, true) ||
			sets(&w, SETTING_VERIFY_CERTIFICATE, false)))
		warn(&w,
			sets(&w, SETTING_VERIFY_CERTIFICATE, false) ? SETTING_VERIFY_CERTIFICATE
								    : SETTING_REQUIRE_TLS,
			"TLS is required but the certificate is not verified: it protects against "
			"listening, "
			"not against a server that pretends to be another");
	warn_of_demands(&w, &p);
	if (sets(&w, SETTING_INTERCEPT, false) && (section->set & ~(1u << SETTING_INTERCEPT)) &&
		section->kind == SECTION_HOST)
		warn(&w, SETTING_INTERCEPT,
			"the other settings of this section have no effect beside it");
	warn_of_connection(&w, &p);
}
