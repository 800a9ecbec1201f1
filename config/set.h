/*
 * set: the inside of a policy set. load fills it, merge reads it, edit writes it back as text, and
 * `mailseal check` tells what stands in it; nobody else looks inside. Every setting remembers
 * whether its section set it, and on which line.
 */
#ifndef MAILSEAL_CONFIG_SET_H
#define MAILSEAL_CONFIG_SET_H

#include "config/domain.h"
#include "config/host.h"
#include "config/policy.h"

enum setting {
	/* demands */
	SETTING_REQUIRE_TLS,
	SETTING_VERIFY_CERTIFICATE,
	SETTING_MIN_TLS,
	SETTING_VIOLATION,
	SETTING_MODE,
	SETTING_MESSAGE_OVERRIDE,
	/* connection settings with an order from weak to strict */
	SETTING_ON_BAD_CERTIFICATE,
	SETTING_PROTECT_CREDENTIALS,
	SETTING_APPLICATION_TLS,
	SETTING_SESSION_RESUMPTION,
	SETTING_EARLY_REPLIES,
	SETTING_CONNECTION_REUSE,
	SETTING_INTERCEPT,
	/* connection settings without one */
	SETTING_CA_FILE,
	SETTING_MATCH,
	SETTING_SERVERNAME,
	SETTING_FINGERPRINTS,
	SETTING_CLIENT_CERTIFICATE,
	SETTING_CLIENT_KEY,
	SETTING_CIPHERS,
	SETTING_CIPHERSUITES,
	/* of the log, in default alone */
	SETTING_TRACE,
	SETTING_COUNT,
};

struct section {
	enum section_kind kind;
	char *label;	  /* as written; "" for default */
	const char *path; /* of the file in which it stands, as load was given it; the set's */
	union {
		struct host host;	/* SECTION_HOST */
		struct pattern pattern; /* SECTION_SENDER, SECTION_RECIPIENT */
	};
	unsigned line;		  /* where the section begins */
	unsigned set;		  /* 1u << enum setting, for each that the section itself sets */
	int value[SETTING_COUNT]; /* bool, enum or number; unused for text */
	char *ca_file;
	char **match; /* NULL-terminated */
	char *servername;
	char **fingerprints; /* NULL-terminated; 64 hexadecimal digits in lower case each */
	char *client_certificate;
	char *client_key; /* NULL beside client_certificate: the key is in the same file */
	char *ciphers;
	char *ciphersuites;
	char **trace;			     /* labels as of host sections; NULL-terminated */
	struct origin origin[SETTING_COUNT]; /* of the settings in `set` */
};

/*
 * What is compared from weak to strict: every demand, and the connection settings that have an
 * order behind them.
 */
enum rank {
	RANK_ON_BAD_CERTIFICATE = DEMAND_COUNT,
	RANK_PROTECT_CREDENTIALS,
	RANK_APPLICATION_TLS,
	RANK_SESSION_RESUMPTION,
	RANK_EARLY_REPLIES,
	RANK_CONNECTION_REUSE,
	RANK_COUNT,
};

#define SET_FILES 2 /* the configuration and its domains file */

struct policy_set {
	char *path[SET_FILES];	   /* of the files; NULL where nothing was read */
	struct section **sections; /* in the order of the files; default among them */
	size_t count;
	const struct section *by_default; /* the default section, or NULL */
	size_t named;			  /* host sections by name */

	/* Made by policy_set_freeze(); NULL where no section sets it. */
	const struct section **sorted;
	size_t first_address, address_count;		       /* host sections by address */
	const struct section *strictest[DEMAND_COUNT];	       /* of all sections, never NULL */
	const struct section *strictest_named[RANK_COUNT];     /* of the host sections by name */
	const struct section *weakest_sender[DEMAND_COUNT];    /* of the sender sections */
	const struct section *weakest_recipient[DEMAND_COUNT]; /* of the recipient sections */
};

/* Appends an empty section; `label` is copied, `path` one of the set's. NULL without memory. */
struct section *policy_set_add(struct policy_set *set, enum section_kind kind, const char *label,
	const char *path, unsigned line);

void section_free(struct section *section);

/* An order in which sections for the same are neighbours: 0. */
int section_compare(const struct section *a, const struct section *b);

/*
 * Sorts and summarises the sections when all are there; nothing may be asked before. 0; -ENOMEM; or
 * -EEXIST where two sections are for the same: the first such in *second, the one before it in
 * *first.
 */
int policy_set_freeze(
	struct policy_set *set, const struct section **first, const struct section **second);

static inline bool section_sets(const struct section *section, enum setting setting)
{
	return section->set >> setting & 1u;
}

static inline bool section_is_host_by_name(const struct section *section)
{
	return section->kind == SECTION_HOST && section->host.form != HOST_ADDRESS;
}

static inline bool section_is_host_by_address(const struct section *section)
{
	return section->kind == SECTION_HOST && section->host.form == HOST_ADDRESS;
}

/* The section that gives `setting` its value where no other does: default, or one that is built in
 * and sets all that have an order. Never NULL. */
const struct section *policy_set_default(const struct policy_set *set, enum setting setting);

/* The sections that match one name, or one address: the most specific first. */
#define CHAIN_SIZE                                                                                 \
	130 /* a name of 127 labels itself and its suffixes; an address and 128 networks */

struct chain {
	const struct section *at[CHAIN_SIZE];
	unsigned count;
};

/* `name` as host_name_normalise() or domain_parse() gave it; what is no name matches itself only.
 */
void policy_set_by_name(const struct policy_set *set, enum section_kind kind, const char *name,
	struct chain *chain);
void policy_set_by_address(
	const struct policy_set *set, const struct address *address, struct chain *chain);

/* The setting that a demand or other rank is made from. */
enum setting rank_setting(unsigned rank);

/* The value of the section that sets it, from weak to strict. */
int section_strictness(const struct section *section, unsigned rank);

/* The stricter, or weaker, of two sections that set it: the first where they are equal. Either may
 * be NULL. */
const struct section *section_stricter(
	unsigned rank, const struct section *a, const struct section *b);
const struct section *section_weaker(
	unsigned rank, const struct section *a, const struct section *b);

#endif
