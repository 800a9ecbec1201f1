/*
 * domain: the domain of an envelope address, as sender and recipient sections compare it, and what
 * the label of such a section means.
 * Pure: no files, no DNS.
 */
#ifndef MAILSEAL_CONFIG_DOMAIN_H
#define MAILSEAL_CONFIG_DOMAIN_H

#include "config/host.h"
#include "shim/base/err.h"

#include <stdbool.h>

enum domain_form {
	DOMAIN_UNKNOWN,	  /* no address was told yet */
	DOMAIN_NULL,	  /* the empty reverse path <> of bounces */
	DOMAIN_NAME,	  /* lower case A-labels, no trailing dot */
	DOMAIN_LITERAL,	  /* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 4.1.3) as inet_ntop(3)
			     writes it */
	DOMAIN_AMBIGUOUS, /* there is an address, but not surely one of any one domain */
};

struct domain {
	enum domain_form form;
	char name[NAME_SIZE]; /* DOMAIN_NAME, DOMAIN_LITERAL; else "" */
};

/* A domain as it stands in an address, U-labels or A-labels or a literal in brackets; what is none
 * becomes DOMAIN_AMBIGUOUS. */
void domain_parse(const char *text, size_t length, struct domain *domain);

enum pattern_form {
	PATTERN_NULL,	/* "<>": bounces; sender only */
	PATTERN_NAME,	/* "example.com": that domain alone */
	PATTERN_SUFFIX, /* ".example.com": its subdomains, not itself */
	PATTERN_LITERAL,
};

struct pattern {
	enum pattern_form form;
	char name[NAME_SIZE]; /* with the leading dot of a suffix */
};

/* Takes the label of a section apart. 0, or -EINVAL with err telling what is wrong with it and what
 * to write. */
int pattern_parse(const char *label, bool sender, struct pattern *pattern, struct err *err);

bool pattern_equal(const struct pattern *a, const struct pattern *b);

#endif
