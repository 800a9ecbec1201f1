#include "tools/meaning.h"

#include "config/setting.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void to_sockaddr(const struct address *address, struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof(*ss));
	ss->ss_family = (sa_family_t)address->family;
	if (address->family == AF_INET)
		memcpy(&((struct sockaddr_in *)ss)->sin_addr, address->bytes, 4);
	else
		memcpy(&((struct sockaddr_in6 *)ss)->sin6_addr, address->bytes, 16);
}

void meaning_policy(
	const struct policy_set *set, const struct section *section, struct policy *policy)
{
	struct sockaddr_storage address = {0};
	char name[NAME_SIZE + 1];
	const char *names[] = {name};

	if (section->kind != SECTION_HOST) {
		meaning_policy_elsewhere(set, false, policy);
		return;
	}
	if (section->host.form == HOST_ADDRESS) {
		to_sockaddr(&section->host.address, &address);
		policy_for_host(set, NULL, 0, (struct sockaddr *)&address, policy);
		return;
	}
	/* A name under a suffix that no other section is likely to be for. */
	snprintf(name, sizeof(name), "%s%s", section->host.form == HOST_SUFFIX ? "-" : "",
		section->host.name);
	policy_for_host(set, names, 1, (struct sockaddr *)&address, policy);
}

void meaning_policy_elsewhere(const struct policy_set *set, bool no_name, struct policy *policy)
{
	static const char *const names[] = {"-"};
	struct sockaddr address = {0};

	policy_for_host(set, names, no_name ? 0 : 1, &address, policy);
}

void meaning_section_name(const struct section *section, char *out, size_t size)
{
	if (section->kind == SECTION_HOST)
		snprintf(out, size, "host \"%s\"", section->label);
	else
		snprintf(out, size, "default");
}

struct speech {
	void (*say)(void *context, const char *sentence);
	void *context;
};

static void say(const struct speech *speech, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct speech *speech, const char *format, ...)
{
	char sentence[1200];
	va_list ap;

	va_start(ap, format);
	vsnprintf(sentence, sizeof(sentence), format, ap);
	va_end(ap);
	speech->say(speech->context, sentence);
}

static const char *bad_certificate_words(enum on_bad_certificate value)
{
	switch (value) {
	case BAD_CERTIFICATE_UNAUTHENTICATED:
		return "With a bad certificate the mail goes all the same, encrypted for whoever "
		       "answers.";
	case BAD_CERTIFICATE_CLEARTEXT:
		return "With a bad certificate the mail goes in the clear.";
	case BAD_CERTIFICATE_REFUSE:
		return "With a bad certificate the mail is refused.";
	}
	return "With a bad certificate the mail is refused.";
}

/* The handshake is tried from TLS 1.2 on, or from min_tls where that is older: what comes out below
 * min_tls is judged as a bad certificate is. */
static void say_versions(
	const struct speech *speech, const struct demands *d, const struct connection_settings *c)
{
	const char *version = tls_version_name(d->min_tls);

	if (d->min_tls <= TLS_VERSION_1_2)
		say(speech, "%s or later.", version);
	else if (d->require_tls)
		say(speech, "%s or later: an older version is refused.", version);
	else
		say(speech, "%s or later: an older version counts as a bad certificate.%s%s",
			version, d->verify_certificate ? "" : " ",
			d->verify_certificate ? "" : bad_certificate_words(c->on_bad_certificate));
}

static void say_demands(
	const struct speech *speech, const struct demands *d, const struct connection_settings *c)
{
	if (d->require_tls && d->verify_certificate)
		say(speech, "Mail goes only over TLS to a server with a valid certificate.");
	else if (d->require_tls)
		say(speech, "Mail goes only over TLS; whose certificate it is does not matter.");
	else if (d->verify_certificate)
		say(speech,
			"Mail goes over TLS where the server offers it, and in the clear where it "
			"does not. %s",
			bad_certificate_words(c->on_bad_certificate));
	else
		say(speech, "Mail goes over TLS where the server offers it, whosever certificate "
			    "it is, "
			    "and in the clear where it does not.");
	if (d->require_tls || c->on_bad_certificate == BAD_CERTIFICATE_REFUSE)
		say(speech, d->violation == VIOLATION_REJECT
				    ? "What breaks this is refused for good (5.7.x)."
				    : "What breaks this is refused for now (4.7.x), and the "
				      "program may try again.");
	say_versions(speech, d, c);
}

static void say_match(const struct speech *speech, const char *const *match)
{
	char list[1000] = "";
	size_t length = 0;

	for (; *match && length < sizeof(list); match++) {
		int n = snprintf(
			list + length, sizeof(list) - length, "%s%s", length ? " or " : "", *match);

		length += n > 0 ? (size_t)n : 0;
	}
	say(speech, "The certificate must be for %s%s.", list, length < sizeof(list) ? "" : "...");
}

void meaning_in_words(const struct policy *policy,
	void (*tell)(void *context, const char *sentence), void *context)
{
	struct speech speech = {tell, context};
	const struct connection_settings *c = &policy->connection;

	if (!c->intercept) {
		say(&speech,
			"Connections pass untouched: no TLS by mailseal, and no demand counts.");
		return;
	}
	say_demands(&speech, &policy->demands, c);
	if (c->ca_file && policy->demands.verify_certificate)
		say(&speech, "Certificates are trusted by %s alone.", c->ca_file);
	if (c->match && policy->demands.verify_certificate)
		say_match(&speech, c->match);
	if (c->servername)
		say(&speech, "The handshake asks for %s.", c->servername);
	if (!c->protect_credentials)
		say(&speech, "Passwords may go in the clear.");
	if (policy->demands.mode == MODE_OBSERVE)
		say(&speech,
			"Only observed: nothing is blocked, the log tells what would have been.");
}

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
	struct warning warning = {w->section->origin[setting].line, setting_name(setting), text};

	w->warn(w->context, &warning);
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
	if (section_sets(s, SETTING_CA_FILE) && !p->demands.verify_certificate)
		warn(w, SETTING_CA_FILE, "has no effect here, where verify_certificate = false");
	if (section_sets(s, SETTING_MATCH) && !p->demands.verify_certificate)
		warn(w, SETTING_MATCH, "has no effect here, where verify_certificate = false");
	if (sets(w, SETTING_PROTECT_CREDENTIALS, false))
		warn(w, SETTING_PROTECT_CREDENTIALS,
			"passwords can be read on the way where the server offers no TLS");
	if (s->kind == SECTION_DEFAULT && sets(w, SETTING_INTERCEPT, false))
		warn(w, SETTING_INTERCEPT, "hosts without a section are not protected at all");
	if (s->kind == SECTION_DEFAULT && section_sets(s, SETTING_MATCH))
		warn(w, SETTING_MATCH,
			"holds for every server without one of its own: a certificate for one of "
			"these names "
			"is then good for any host");
	if (s->kind == SECTION_DEFAULT && section_sets(s, SETTING_SERVERNAME))
		warn(w, SETTING_SERVERNAME, "holds for every server without one of its own");
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
	if (section_sets(section, SETTING_MIN_TLS) &&
		section->value[SETTING_MIN_TLS] < TLS_VERSION_1_2)
		warn(&w, SETTING_MIN_TLS, "TLS before 1.2 is broken (RFC 8996)");
	if (sets(&w, SETTING_INTERCEPT, false) && (section->set & ~(1u << SETTING_INTERCEPT)) &&
		section->kind == SECTION_HOST)
		warn(&w, SETTING_INTERCEPT,
			"the other settings of this section have no effect beside it");
	warn_of_connection(&w, &p);
}
