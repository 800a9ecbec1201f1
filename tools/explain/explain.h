/*
 * explain: what the files of `mailseal explain` share.
 */
#ifndef MAILSEAL_TOOLS_EXPLAIN_H
#define MAILSEAL_TOOLS_EXPLAIN_H

#include "tools/configuration.h"
#include "tools/explain/explanation.h"
#include "tools/explain/question.h"
#include "tools/values.h"

struct explain {
	struct configuration configuration;
	struct question question;
	struct explanation explanation;
};

void explain_in_words(const struct explain *explain);
json_t *explain_as_json(const struct explain *explain);

/* What becomes of mail to one recipient: "TLS, verified", "blocked at RCPT". Static. */
const char *fate_words(const struct row *row, const struct fate *fate);

/* The same for a script; "recipient" is null where none is given. */
json_t *fate_json(const struct row *row, const struct fate *fate, const char *recipient);

/* What becomes of a login. */
json_t *auth_json(const struct row *row);

/* The envelope's address as it was given, and its domain. */
json_t *mailbox_json(const struct mailbox *mailbox);

#endif
