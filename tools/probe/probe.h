/*
 * probe: what the files of `mailseal probe` share.
 *
 *   probe.c     options, the order of things, exit status
 *   domain.c    each mail server of a domain, which mx.c finds
 *   host.c      one host
 *   target.c    which host, and its addresses; aside.c waits for the resolver
 *   wire.c      one TCP connection, with TLS once it stands; nothing waits beyond a deadline
 *   talk.c      drives one dialogue over it, as the agent would
 *   heard.c     what the server says, for people
 *   meet.c      all that is asked of one address
 *   judge.c     what policy makes of it
 *   words.c, chain.c, json.c  the report
 *
 * It goes no further than EHLO: no MAIL, no AUTH, and it leaves with QUIT.
 */
#ifndef MAILSEAL_TOOLS_PROBE_H
#define MAILSEAL_TOOLS_PROBE_H

#include "shim/smtp/dialogue.h"
#include "shim/tls/peer.h"
#include "shim/tls/sessions.h"
#include "tools/configuration.h"
#include "tools/explain/explain.h"
#include "tools/probe/heard.h"
#include "tools/probe/target.h"
#include "tools/probe/wire.h"

#define PROBE_FINE 0
#define PROBE_BLOCKED 1
#define PROBE_UNREACHABLE 2

struct probe_options {
	const char *config, *host, *ehlo;
	struct question_words words; /* sender and recipients */
	int family;		     /* AF_UNSPEC, AF_INET, AF_INET6 */
	bool all, mx, json;
	unsigned timeout; /* seconds */
	int expiry;	  /* days that a certificate must be valid for; -1: it does not count */
};

/* One conversation. Zeroed before the first use. */
struct talk {
	bool served;	     /* the server would take mail now */
	bool attack;	     /* something was slipped in before TLS */
	char trouble[400];   /* why it is not served; escaped */
	enum moment stopped; /* where it came to that */
	struct heard heard;
	bool shaken; /* a handshake stood: tls and, if it was asked for, peer are valid */
	struct tls_facts tls;
	struct tls_peer peer;
	unsigned tickets;
	struct facts facts; /* as policy is to judge them */
};

enum resumes { RESUMES_UNKNOWN, RESUMES_YES, RESUMES_NO };

/* All that is known of one address. Zeroed before the first use. */
struct meeting {
	struct address_of at; /* into the target */
	bool connected;
	struct talk talk;
	enum resumes resumes;
	char resumes_why[300];
	bool untouched;			/* intercept = false */
	const char *const *match;	/* names that the certificate may have; NULL: the host\'s */
	const char *authorities;	/* the CA file or directory; NULL: fingerprints decide */
	struct explanation explanation; /* of the mail that was asked about; where it is served */
	int status;			/* PROBE_... */
	char summary[900];
};

struct probe {
	struct probe_options options;
	struct configuration configuration;
	struct question question;
	struct target target;
	long long deadline; /* by wire_now() */
	struct meeting *meetings;
	unsigned count;
	int status;	   /* the worst */
	char trouble[300]; /* why there is none at all */
};

/* host.c: of p->target, with p->configuration. EX_OK or, once the error was told, a code of
 * sysexits.h; host_clear() is due after either. */
int host_probe(struct probe *probe);
void host_clear(struct probe *probe);

/* domain.c: the mail servers of p->target. Reports; an exit code. */
int domain_probe(struct probe *probe);

/* talk.c: `sessions` may be NULL; with `curious`, talk->peer is read. */
struct talk_settings {
	const struct policy *policy; /* of the agent for this connection */
	struct tls_context *context;
	struct tls_identity identity;
	struct tls_sessions *sessions;
	const char *server_name, *ehlo;
	bool curious;
};
void talk_go(struct talk *talk, const struct talk_settings *settings, struct wire *wire);
void talk_clear(struct talk *talk);

/* meet.c: EX_OK or, once the error was told, a code of sysexits.h. */
int meet(struct probe *probe, struct meeting *meeting, const struct address_of *at);
void meeting_clear(struct meeting *meeting);

/* judge.c: what becomes of the mail of a section (NULL: of what was asked about) over what was
 * met. False without memory; explanation_clear() is due after either. */
bool judge(const struct probe *probe, const struct meeting *meeting, const struct section *section,
	struct explanation *explanation);
/* Whether judge() can be asked about that section. */
bool judge_speaks_of(const struct section *section);
/* Sets status and summary. EX_OK or a code of sysexits.h. */
int judge_meeting(const struct probe *probe, struct meeting *meeting);
/* The fewest days that a certificate which counts is still valid for; false: none is known. */
bool judge_days_left(const struct meeting *meeting, int *days);
/* Static; in observe mode what is sent, without a word of what enforce would do. */
const char *judge_words(const struct row *row, const struct fate *fate);
/* "require_tls by default, mailseal.conf:3" */
void judge_rule(const struct fate *fate, char *out, size_t size);

/* words.c, chain.c */
void probe_in_words(const struct probe *probe);
void chain_in_words(const struct talk *talk);
#define PROBE_WIDTH 100
#define PROBE_COLUMNS 14
void probe_line(const char *name, const char *text);

/* json.c */
json_t *probe_as_json(const struct probe *probe);
const char *probe_status_name(int status);

#endif
