#include "tools/meaning.h"

#include "config/edit.h"
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

bool meaning_domain(const struct pattern *pattern, struct domain *domain)
{
	size_t suffix = pattern->form == PATTERN_SUFFIX;

	*domain = (struct domain){.form = DOMAIN_NAME};
	switch (pattern->form) {
	case PATTERN_NULL:
		domain->form = DOMAIN_NULL;
		return true;
	case PATTERN_LITERAL:
		domain->form = DOMAIN_LITERAL;
		break;
	case PATTERN_NAME:
	case PATTERN_SUFFIX:
		break;
	}
	domain->name[0] = '-'; /* a label that no section can have */
	memcpy(domain->name + suffix, pattern->name, sizeof(domain->name) - suffix);
	domain->name[sizeof(domain->name) - 1] = '\0';
	return strlen(pattern->name) + suffix < sizeof(domain->name);
}

static void take_envelope(const struct section *section, struct policy *policy)
{
	struct domain domain;

	if (section->kind != SECTION_SENDER && section->kind != SECTION_RECIPIENT)
		return;
	meaning_domain(&section->pattern, &domain);
	policy_for_envelope(policy, section->kind == SECTION_SENDER ? &domain : NULL,
		section->kind == SECTION_RECIPIENT ? &domain : NULL, &policy->demands);
}

void meaning_policy(
	const struct policy_set *set, const struct section *section, struct policy *policy)
{
	struct sockaddr_storage address = {0};
	char name[NAME_SIZE + 1];
	const char *names[] = {name};

	if (section->kind != SECTION_HOST) {
		meaning_policy_elsewhere(set, false, policy);
		take_envelope(section, policy);
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
	if (section->kind == SECTION_DEFAULT)
		snprintf(out, size, "default");
	else
		snprintf(out, size, "%s \"%s\"", section_kind_name(section->kind), section->label);
}

void meaning_setting(const struct section *section, enum setting setting, char *out, size_t size)
{
	const char *value;
	size_t length = 0;

	out[0] = '\0';
	for (unsigned i = 0; length < size && (value = section_written(section, setting, i)); i++)
		length +=
			(size_t)snprintf(out + length, size - length, "%s%s", i ? ", " : "", value);
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

/* The message may turn it off. */
static const char *unless(const struct demands *d)
{
	return d->relax ? ", unless a message says otherwise in its header (Mailseal-Require-TLS: "
			  "no)"
			: "";
}

static void say_override(const struct speech *speech, const struct demands *d)
{
	if (!d->tighten && !d->relax)
		say(speech, "What a message asks for in its header does not count.");
	else if (!d->relax)
		say(speech, "A message may ask for more in its header, not for less.");
	else if (!d->require_tls)
		say(speech, "A message may ask for more in its header (Mailseal-Require-TLS: "
			    "yes).");
}

static void say_demands(
	const struct speech *speech, const struct demands *d, const struct connection_settings *c)
{
	if (d->require_tls && d->verify_certificate)
		say(speech, "Mail goes only over TLS to a server with a valid certificate%s.",
			unless(d));
	else if (d->require_tls)
		say(speech, "Mail goes only over TLS%s; whose certificate it is does not matter.",
			unless(d));
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
	say_override(speech, d);
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
	if (c->fingerprints && policy->demands.verify_certificate)
		say(&speech, "Valid is a certificate with one of the fingerprints, and no other.");
	else if (c->ca_file && policy->demands.verify_certificate)
		say(&speech, "Certificates are trusted by %s alone.", c->ca_file);
	if (c->match && !c->fingerprints && policy->demands.verify_certificate)
		say_match(&speech, c->match);
	if (c->servername)
		say(&speech, "The handshake asks for %s.", c->servername);
	if (c->client_certificate)
		say(&speech, "A server that asks for a certificate gets %s.",
			c->client_certificate);
	if (!c->protect_credentials)
		say(&speech, "Passwords may go in the clear.");
	if (c->application_tls == APPLICATION_TLS_ALLOW)
		say(&speech,
			"A program may use STARTTLS of its own, and verifies for itself then.");
	if (c->application_tls == APPLICATION_TLS_REFUSE)
		say(&speech, "A program that issues STARTTLS itself is refused.");
	if (policy->demands.mode == MODE_OBSERVE)
		say(&speech,
			"Only observed: nothing is blocked, the log tells what would have been.");
}
