/*
 * set: the inside of a policy set. load fills it, policy_for_host() reads it, and `mailseal check`
 * tells what stands in it; nobody else looks inside. Every setting remembers whether its section
 * set it, and on which line.
 */
#ifndef MAILSEAL_CONFIG_SET_H
#define MAILSEAL_CONFIG_SET_H

#include "config/host.h"
#include "config/policy.h"

enum setting {
	/* demands */
	SETTING_REQUIRE_TLS,
	SETTING_VERIFY_CERTIFICATE,
	SETTING_MIN_TLS,
	SETTING_VIOLATION,
	SETTING_MODE,
	/* connection settings with an order from weak to strict */
	SETTING_ON_BAD_CERTIFICATE,
	SETTING_PROTECT_CREDENTIALS,
	SETTING_INTERCEPT,
	/* connection settings without one */
	SETTING_CA_FILE,
	SETTING_MATCH,
	SETTING_SERVERNAME,
	SETTING_COUNT,
};

struct section {
	enum section_kind kind;
	char *label;		  /* as written; "" for default */
	struct host host;	  /* SECTION_HOST */
	unsigned line;		  /* where the section begins */
	unsigned set;		  /* 1u << enum setting, for each that the section itself sets */
	int value[SETTING_COUNT]; /* bool or enum; unused for text */
	char *ca_file;
	char **match; /* NULL-terminated */
	char *servername;
	struct origin origin[SETTING_COUNT]; /* of the settings in `set` */
};

struct policy_set {
	char *file;		   /* base name */
	struct section **sections; /* in the order of the file; default among them */
	size_t count;
	const struct section *by_default; /* the default section, or NULL */
	size_t named;			  /* host sections by name */
};

/* Appends an empty section; `label` is copied. NULL without memory. */
struct section *policy_set_add(
	struct policy_set *set, enum section_kind kind, const char *label, unsigned line);

static inline bool section_sets(const struct section *section, enum setting setting)
{
	return section->set >> setting & 1u;
}

#endif
