/*
 * own_tls: STARTTLS that the application issues itself. What is said inside its TLS is its own
 * business: mailseal knows neither certificate nor envelope, so that it counts as encrypted and as
 * not verified, and all mail that policy knows of must be able to pass so.
 * No I/O: for the dialogue that answers the command, the agent that relays, and `mailseal explain`.
 */
#ifndef MAILSEAL_SMTP_OWN_TLS_H
#define MAILSEAL_SMTP_OWN_TLS_H

#include "shim/smtp/envelope.h"
#include "shim/smtp/verdict.h"

struct own_tls {
	bool accepted; /* by judgement, or because mode = observe */
	bool offered;  /* STARTTLS is shown, so that programs which look for it use it */
	struct judgement judgement;
};

/* `version`: what the TLS is known, or hoped, to be. */
void own_tls_judge(const struct policy *policy, enum tls_version version, struct own_tls *own);

/* The reply to STARTTLS where it is not accepted, without CRLF; not sanitised. */
void own_tls_words(const struct own_tls *own, char out[VERDICT_SIZE]);

/* Which setting of which section decided: `application_tls by default, mailseal.conf:3`. */
void own_tls_rule(const struct policy *policy, const struct own_tls *own, char *out, size_t size);

#endif
