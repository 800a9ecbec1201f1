/*
 * policy: what the administrator demands, and the judgement whether a connection meets it.
 * The model and the judgement do no I/O; load.h reads a file into a policy set. A loaded set is
 * frozen: nothing changes it until policy_set_free(), so that sessions may point into it.
 *
 * Two kinds of setting: demands (may stand in any section) and connection settings (default and
 * host only).
 */
#ifndef MAILSEAL_CONFIG_POLICY_H
#define MAILSEAL_CONFIG_POLICY_H

#include "config/domain.h"
#include "shim/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum section_kind {
	SECTION_BUILTIN, /* no section set it: mailseal's own default */
	SECTION_DEFAULT,
	SECTION_HOST,
	SECTION_SENDER,
	SECTION_RECIPIENT,
	SECTION_MESSAGE, /* a header field of the message */
};

/* Where a value came from, for replies, log and explain. */
struct origin {
	enum section_kind kind;
	const char
		*label; /* "mail.partner.net", "" for default; of a message the name of the field */
	const char *file; /* base name of the file, "" if built in */
	unsigned line;	  /* of the setting itself, from 1; 0 if built in */
};

/* Writes e.g. `host "mail.partner.net", mailseal.conf:14` or `built-in default`. */
void origin_describe(const struct origin *origin, char *out, size_t size);

enum tls_version { TLS_VERSION_1_0 = 10, TLS_VERSION_1_1, TLS_VERSION_1_2, TLS_VERSION_1_3 };
enum violation { VIOLATION_TEMPFAIL, VIOLATION_REJECT };
enum mode { MODE_OBSERVE, MODE_ENFORCE };
enum on_bad_certificate {
	BAD_CERTIFICATE_UNAUTHENTICATED,
	BAD_CERTIFICATE_CLEARTEXT,
	BAD_CERTIFICATE_REFUSE
};

/* STARTTLS that the application issues itself, so that its TLS is its own. From weak to strict. */
enum application_tls {
	APPLICATION_TLS_ALLOW,
	APPLICATION_TLS_AUTO, /* where TLS that nobody verified for mailseal would do for all mail
			       */
	APPLICATION_TLS_REFUSE,
};

enum message_override { OVERRIDE_IGNORE, OVERRIDE_TIGHTEN, OVERRIDE_ANY };

/*
 * message_override is two demands, since it merges as two rights: a message may relax where all
 * sections that set it say "any", and tighten where one of them says "tighten" or "any".
 */
enum demand {
	DEMAND_REQUIRE_TLS,
	DEMAND_VERIFY_CERTIFICATE,
	DEMAND_MIN_TLS,
	DEMAND_VIOLATION,
	DEMAND_MODE,
	DEMAND_RELAX,
	DEMAND_TIGHTEN,
	DEMAND_COUNT,
};

/* Every demand with a value and its origin (into the policy set, or static). */
struct demands {
	bool require_tls;
	bool verify_certificate;
	enum tls_version min_tls;
	enum violation violation;
	enum mode mode;
	bool relax;   /* the message may ask for less */
	bool tighten; /* the message may ask for more */
	const struct origin *origin[DEMAND_COUNT];
};

#define CONNECTION_REUSE_DEFAULT 2 /* seconds, as Postfix's smtp_connection_cache_time_limit */
#define CONNECTION_REUSE_MAX 60

struct connection_settings {
	const char *ca_file;	  /* NULL: the system's CA directory */
	const char *const *match; /* names accepted in the certificate instead of the looked-up
				     ones; NULL-terminated, or NULL */
	const char *servername;	  /* SNI instead of the looked-up name, or NULL */
	/*
	 * SHA-256 of certificates or public keys (SPKI), 64 hexadecimal digits in lower case each;
	 * NULL-terminated, or NULL. One of them makes the certificate count as valid, whatever its
	 * chain, dates and names; none of them makes it count as not valid.
	 */
	const char *const *fingerprints;
	const char *client_certificate; /* PEM file to show to the server, or NULL */
	const char *client_key;		/* PEM file; never NULL where client_certificate is not */
	const char *ciphers;		/* OpenSSL's list for TLS up to 1.2, or NULL */
	const char *ciphersuites;	/* OpenSSL's list for TLS 1.3, or NULL */
	enum on_bad_certificate on_bad_certificate;
	bool protect_credentials;
	enum application_tls application_tls;
	bool session_resumption; /* TLS sessions of earlier connections may be resumed */
	bool early_replies; /* MAIL and DATA may be answered before the server did; never what is
			       final */
	unsigned connection_reuse; /* seconds that a connection is kept for the next session; 0:
				      never */
	bool intercept;
	const struct origin *on_bad_certificate_origin;
	const struct origin *protect_credentials_origin;
	const struct origin *application_tls_origin;
	const struct origin *session_resumption_origin;
	const struct origin *early_replies_origin;
	const struct origin *connection_reuse_origin;
	/*
	 * "ca_file", "match" or "fingerprints" where the sections of several remembered names set
	 * it differently, so that no one setting would prove them all: policy_judge() then counts
	 * every certificate as not verified. NULL otherwise.
	 */
	const char *conflict;
};

struct policy_set;
struct section;

/* All that holds for one connection before sender and recipient are known. */
struct policy {
	struct demands demands;
	struct connection_settings connection;
	/*
	 * What the demands were made from, for policy_for_envelope(). A policy made by hand, with
	 * set NULL, has no sections: every envelope gets `demands`.
	 */
	const struct policy_set *set;
	const struct section *host[DEMAND_COUNT]; /* the strictest host section that sets it, or
						     NULL */
	unsigned open; /* 1u << demand: default counts where neither sender nor recipient sets it */
};

/* Does `trace` name this server: one of its names as they were looked up, or its address? */
bool policy_set_traces(const struct policy_set *set, const char *const *names, unsigned count,
	const struct sockaddr *peer);

void policy_set_free(struct policy_set *set);

/*
 * The policy for a connection to `address` (AF_INET, AF_INET6; v4-mapped counts as IPv4) whose
 * application looked up `names` (name_count may be 0: then the demands of every host section by
 * name count, unless a section for the address settles it). Pointers in *policy go into `set` (or
 * to static memory). Cannot fail.
 *
 * Each setting by itself:
 * - The most specific section that sets it: exact name before longer before shorter suffix; address
 *   before longer before shorter prefix. A name section and an address section both: the strictest.
 *   None: default. Several names: the strictest over them.
 * - A name that is an address, or no DNS name at all, or NULL (a name that may have been forgotten)
 *   proves nothing of what the application meant: it counts as not known. Where no name is known
 * the default counts beside the host sections by name, since neither may be the one meant.
 * - ca_file, match and servername have no order: name before address before default; see
 * `conflict`.
 * - intercept is not inherited: false counts only from the most specific section for the address,
 *   unless a known name's section sets require_tls = true; from default only where no host section
 *   matches or may be meant.
 */
void policy_for_host(const struct policy_set *set, const char *const *names, unsigned name_count,
	const struct sockaddr *address, struct policy *policy);

/*
 * The demands on mail from `sender` to `recipient` over a connection of that policy; NULL or
 * DOMAIN_UNKNOWN: not known, no section of that kind counts.
 *
 * Each demand by itself: within a kind the most specific section that sets it; the strictest over
 * the kinds; default only where no section sets it. DOMAIN_AMBIGUOUS: the strictest value that
 * stands anywhere in the configuration, default among it. Cannot fail.
 */
void policy_for_envelope(const struct policy *policy, const struct domain *sender,
	const struct domain *recipient, struct demands *demands);

/* The strictest that any envelope can meet over a connection of that policy. */
void policy_strictest(const struct policy *policy, struct demands *demands);

/*
 * No envelope of this sender (NULL: of any sender) meets less, demand by demand; together they may
 * be less than any one envelope meets. `relax` counts as weak where it is true.
 */
void policy_weakest(
	const struct policy *policy, const struct domain *sender, struct demands *demands);

/* What a message says of the two demands that it may override. */
enum field { FIELD_ABSENT, FIELD_NO, FIELD_YES };

struct overrides {
	enum field require_tls;
	enum field verify_certificate;
};

/*
 * `base` as the message changes it, as far as base->relax and base->tighten let it. The origin of
 * what it changed is SECTION_MESSAGE. *demands may be *base.
 */
void policy_override(
	const struct demands *base, const struct overrides *overrides, struct demands *demands);

/* What was seen of a connection. */
enum tls_fact {
	TLS_FACT_NOT_OFFERED, /* no ESMTP, or no STARTTLS keyword */
	TLS_FACT_REFUSED,     /* STARTTLS answered with an error */
	TLS_FACT_HANDSHAKE_FAILED,
	TLS_FACT_LEFT, /* it stood, and was left for cleartext: on_bad_certificate = cleartext */
	TLS_FACT_ON,
};

struct facts {
	enum tls_fact tls;
	enum tls_version version; /* where TLS is on */
	bool verified;		  /* chain and name, where TLS is on */
	char reason[256]; /* why not verified, or why the handshake failed; "" where nothing is
			     wrong */
};

/* The rows of the truth table. */
enum outcome {
	OUTCOME_TLS_VERIFIED,
	OUTCOME_TLS_UNVERIFIED,
	OUTCOME_CLEARTEXT,
	OUTCOME_BLOCKED,
};

struct verdict {
	enum outcome outcome;
	/* OUTCOME_BLOCKED only: */
	const struct origin *origin; /* the rule that blocks */
	const char *rule; /* its setting: "require_tls", "verify_certificate", "on_bad_certificate",
			     "min_tls" */
	enum violation violation; /* tempfail: 4.7.x, reject: 5.7.x */
	int detail; /* the x of 4.7.x: 4 no STARTTLS, 5 handshake or certificate, 0 other */
};

/*
 * The one judgement. OUTCOME_CLEARTEXT where TLS is on means on_bad_certificate = cleartext: leave
 * this connection for a fresh one in the clear. It judges as if mode were enforce; observing is the
 * caller's business. What it does not know is blocked.
 */
void policy_judge(const struct demands *demands, const struct connection_settings *connection,
	const struct facts *facts, struct verdict *verdict);

const char *outcome_name(enum outcome outcome);		/* "tls-verified", ... for the log */
const char *tls_version_name(enum tls_version version); /* "TLSv1.2" */

#endif
