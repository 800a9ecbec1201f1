/*
 * verdict: the words of our own replies that say what policy forbids, for the dialogue that sends
 * them and for `mailseal explain` that shows them.
 */
#ifndef MAILSEAL_SMTP_VERDICT_H
#define MAILSEAL_SMTP_VERDICT_H

#include "config/policy.h"
#include "shim/smtp/command.h"
#include "shim/smtp/envelope.h"

#define VERDICT_SIZE 512 /* RFC 5321 4.5.3.1.5 */

/*
 * The reply to `verb` (VERB_DATA: to the end of the content too) on a connection to `server` for a
 * verdict that blocks, without CRLF; not sanitised. `rule`: which setting of which section decided,
 * "require_tls by host \"x\", mailseal.conf:14".
 */
void verdict_words(enum verb verb, const struct verdict *verdict, const struct facts *facts,
	const char *server, const char *rule, char out[VERDICT_SIZE]);

/*
 * The reply to AUTH on a connection where credentials_step() blocks it, with the same judgement;
 * likewise without CRLF and not sanitised.
 */
void credentials_words(const struct policy *policy, const struct judgement *judgement,
	const struct facts *facts, const char *server, char out[VERDICT_SIZE]);

/* The reply to a recipient that does not fit the others (RECIPIENT_SEPARATE). */
#define VERDICT_SEPARATE                                                                           \
	"452 4.5.3 mailseal: send separately: the other recipients wait for the message's "        \
	"header, this one need not"

#endif
