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

#endif
