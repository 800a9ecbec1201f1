/*
 * model: what policy demands of mail, slow and obvious, written from the rules as the manual tells
 * them and from nothing else: a configuration as structs, and for each question a walk over all of
 * it. It never looks at a policy set.
 *
 * Every value is a number, and the greater one is the stricter one.
 */
#ifndef MAILSEAL_TEST_MODEL_H
#define MAILSEAL_TEST_MODEL_H

#include "config/policy.h"

#include <stdio.h>
#include <string.h>

#define UNSET (-1)
#define MODEL_SECTIONS 12
#define MODEL_NAMES 3

enum value {
	REQUIRE,  /* 0, 1 */
	VERIFY,	  /* 0, 1 */
	MIN_TLS,  /* 10 to 13 */
	REJECT,	  /* 0 tempfail, 1 reject */
	ENFORCE,  /* 0 observe, 1 enforce */
	NO_RELAX, /* 0: the message may ask for less */
	TIGHTEN,  /* 1: the message may ask for more */
	ON_BAD,	  /* 0 cleartext, 1 unauthenticated, 2 refuse; default and host */
	PROTECT,  /* 0, 1: credentials; default and host */
	OWN_TLS,  /* 0 allow, 1 auto, 2 refuse: the application's STARTTLS; default and host */
	VALUES
};

/* What the built-in default says. */
static const int model_builtin[VALUES] = {0, 1, 12, 0, 1, 0, 1, 1, 1, 1};

struct model_section {
	enum section_kind kind;
	const char *label; /* as it stands in the file */
	const char *form;  /* as it is compared: ".example" is a suffix, "<>" bounces */
	int value[VALUES]; /* or UNSET; NO_RELAX and TIGHTEN both or none */
};

struct model_config {
	struct model_section section[MODEL_SECTIONS];
	unsigned count;
};

/* An address: what it is compared by. */
struct model_address {
	enum domain_form form; /* DOMAIN_UNKNOWN: none was told */
	const char *domain;
};

/* The server, as the application looked it up. */
struct model_host {
	const char *names[MODEL_NAMES]; /* NULL: forgotten */
	unsigned name_count;
	const char *address; /* dotted */
};

struct model_demands {
	int value[VALUES];
};

static inline int model_max(int a, int b)
{
	return a > b ? a : b;
}

/* Does a section's name (or suffix) match, and how closely? 0: not at all. */
static inline unsigned model_name_fits(const char *form, const char *name)
{
	size_t n = strlen(form), m = strlen(name);

	if (form[0] != '.')
		return strcmp(form, name) == 0 ? 1000 : 0;
	return m > n && strcmp(name + m - n, form) == 0 ? (unsigned)n : 0;
}

/* "192.0.2.0/24" and "192.0.2.25"; all of them begin alike. */
static inline unsigned model_network_fits(const char *form, const char *address)
{
	const char *slash = strchr(form, '/');
	unsigned octets;

	if (!slash)
		return strcmp(form, address) == 0 ? 32 : 0;
	octets = slash[1] == '8' ? 1 : slash[1] == '1' ? 2 : 3;
	for (const char *a = form, *b = address; *a == *b; a++, b++) {
		if (*a == '.' && --octets == 0)
			return slash[1] == '8' ? 8 : slash[1] == '1' ? 16 : 24;
	}
	return 0;
}

static inline bool model_is_network(const char *form)
{
	return form[0] >= '0' && form[0] <= '9';
}

/* What the most specific section of a kind that sets the value and fits says. */
static inline int model_in_kind(const struct model_config *c, enum section_kind kind, bool network,
	const char *name, enum value v)
{
	unsigned best = 0;
	int found = UNSET;

	for (unsigned i = 0; i < c->count && name; i++) {
		const struct model_section *s = &c->section[i];
		unsigned fit = 0;

		if (s->kind != kind || s->value[v] == UNSET ||
			(kind == SECTION_HOST && model_is_network(s->form) != network))
			continue;
		fit = network ? model_network_fits(s->form, name) : model_name_fits(s->form, name);
		if (fit > best) {
			best = fit;
			found = s->value[v];
		}
	}
	return found;
}

static inline int model_default(const struct model_config *c, enum value v)
{
	for (unsigned i = 0; i < c->count; i++) {
		if (c->section[i].kind == SECTION_DEFAULT && c->section[i].value[v] != UNSET)
			return c->section[i].value[v];
	}
	return model_builtin[v];
}

/* The strictest that stands anywhere, default among it. */
static inline int model_strictest(const struct model_config *c, enum value v)
{
	int strictest = model_default(c, v);

	for (unsigned i = 0; i < c->count; i++)
		strictest = model_max(strictest, c->section[i].value[v]);
	return strictest;
}

/* If this is what the host sections say, and that what sender and recipient sections say. */
static inline int model_together(const struct model_config *c, int host, int envelope, enum value v)
{
	int set = model_max(host, envelope);

	return set == UNSET ? model_default(c, v) : set;
}

/* The strictest over all that the application may have meant by the server. */
static inline int model_over_hosts(
	const struct model_config *c, const struct model_host *h, int envelope, enum value v)
{
	int by_address = model_in_kind(c, SECTION_HOST, true, h->address, v);
	int strictest = UNSET;
	bool unknown = h->name_count == 0;

	for (unsigned i = 0; i < h->name_count; i++) {
		int by_name;

		if (!h->names[i] || model_is_network(h->names[i])) {
			unknown = true;
			continue;
		}
		by_name = model_in_kind(c, SECTION_HOST, false, h->names[i], v);
		strictest = model_max(
			strictest, model_together(c, model_max(by_name, by_address), envelope, v));
	}
	if (!unknown)
		return strictest;
	strictest = model_max(strictest, model_together(c, by_address, envelope, v));
	for (unsigned i = 0; i < c->count && by_address == UNSET; i++) {
		const struct model_section *s = &c->section[i];

		if (s->kind == SECTION_HOST && !model_is_network(s->form) && s->value[v] != UNSET)
			strictest =
				model_max(strictest, model_together(c, s->value[v], envelope, v));
	}
	return strictest;
}

static inline int model_value(const struct model_config *c, const struct model_host *h,
	const struct model_address *sender, const struct model_address *recipient, enum value v)
{
	int by_sender = UNSET, by_recipient = UNSET;

	if (sender->form == DOMAIN_AMBIGUOUS || recipient->form == DOMAIN_AMBIGUOUS)
		return model_strictest(c, v);
	if (sender->form != DOMAIN_UNKNOWN)
		by_sender = model_in_kind(c, SECTION_SENDER, false, sender->domain, v);
	if (recipient->form != DOMAIN_UNKNOWN)
		by_recipient = model_in_kind(c, SECTION_RECIPIENT, false, recipient->domain, v);
	return model_over_hosts(c, h, model_max(by_sender, by_recipient), v);
}

static const struct model_address model_unknown = {DOMAIN_UNKNOWN, NULL},
				  model_ambiguous = {DOMAIN_AMBIGUOUS, NULL};

static inline struct model_demands model_demand(const struct model_config *c,
	const struct model_host *h, const struct model_address *sender,
	const struct model_address *recipient)
{
	struct model_demands d;

	for (enum value v = 0; v < VALUES; v++) {
		bool of_connection = v == ON_BAD || v == PROTECT || v == OWN_TLS;

		d.value[v] = of_connection ? model_value(c, h, &model_unknown, &model_unknown, v)
					   : model_value(c, h, sender, recipient, v);
	}
	return d;
}

static inline void model_say(
	struct model_demands *d, const struct model_demands *base, enum value v, enum field field)
{
	if (field == FIELD_YES && base->value[TIGHTEN])
		d->value[v] = 1;
	if (field == FIELD_NO && !base->value[NO_RELAX])
		d->value[v] = 0;
}

/* As the message changes them. */
static inline struct model_demands model_override(
	const struct model_demands *base, struct overrides o)
{
	struct model_demands d = *base;

	model_say(&d, base, REQUIRE, o.require_tls);
	model_say(&d, base, VERIFY, o.verify_certificate);
	return d;
}

/* The truth table, for a connection whose way is settled: it cannot go to cleartext any more. */
static inline enum outcome model_judge(const struct model_demands *d, const struct facts *facts)
{
	if (facts->tls != TLS_FACT_ON)
		return d->value[REQUIRE] ? OUTCOME_BLOCKED : OUTCOME_CLEARTEXT;
	if ((int)facts->version >= d->value[MIN_TLS] && (facts->verified || !d->value[VERIFY]))
		return facts->verified ? OUTCOME_TLS_VERIFIED : OUTCOME_TLS_UNVERIFIED;
	return d->value[REQUIRE] || d->value[ON_BAD] == 2 ? OUTCOME_BLOCKED
							  : OUTCOME_TLS_UNVERIFIED;
}

static inline bool model_blocks(const struct model_demands *d, const struct facts *facts)
{
	return d->value[ENFORCE] && model_judge(d, facts) == OUTCOME_BLOCKED;
}

static inline struct overrides model_reading(unsigned i)
{
	return (struct overrides){(enum field)(i / 3), (enum field)(i % 3)};
}

/* Is there a message that is blocked here; is there one that is not? */
static inline bool model_some_message(
	const struct model_demands *d, const struct facts *facts, bool blocked)
{
	for (unsigned i = 0; i < 9; i++) {
		struct model_demands said = model_override(d, model_reading(i));

		if (model_blocks(&said, facts) == blocked)
			return true;
	}
	return false;
}

/* --- the file --- */

static inline void model_write_settings(FILE *out, const struct model_section *s)
{
	static const char *const bools[] = {"false", "true"};
	static const char *const own[] = {"allow", "auto", "refuse"};
	static const char *const on_bad[] = {"cleartext", "unauthenticated", "refuse"};

	for (enum value v = 0; v < VALUES; v++) {
		int value = s->value[v];

		if (value == UNSET)
			continue;
		switch (v) {
		case REQUIRE:
			fprintf(out, "\trequire_tls = %s\n", bools[value]);
			break;
		case VERIFY:
			fprintf(out, "\tverify_certificate = %s\n", bools[value]);
			break;
		case MIN_TLS:
			fprintf(out, "\tmin_tls = \"1.%d\"\n", value - 10);
			break;
		case REJECT:
			fprintf(out, "\tviolation = %s\n", value ? "reject" : "tempfail");
			break;
		case ENFORCE:
			fprintf(out, "\tmode = %s\n", value ? "enforce" : "observe");
			break;
		case NO_RELAX:
			fprintf(out, "\tmessage_override = %s\n",
				!value		    ? "any"
				: s->value[TIGHTEN] ? "tighten"
						    : "ignore");
			break;
		case ON_BAD:
			fprintf(out, "\ton_bad_certificate = %s\n", on_bad[value]);
			break;
		case PROTECT:
			fprintf(out, "\tprotect_credentials = %s\n", bools[value]);
			break;
		case OWN_TLS:
			fprintf(out, "\tapplication_tls = %s\n", own[value]);
			break;
		case TIGHTEN:
		case VALUES:
			break;
		}
	}
}

static inline void model_write(FILE *out, const struct model_config *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		const struct model_section *s = &c->section[i];

		if (s->kind == SECTION_DEFAULT)
			fprintf(out, "default {\n");
		else
			fprintf(out, "%s \"%s\" {\n",
				s->kind == SECTION_HOST	    ? "host"
				: s->kind == SECTION_SENDER ? "sender"
							    : "recipient",
				s->label);
		model_write_settings(out, s);
		fprintf(out, "}\n");
	}
}

#endif
