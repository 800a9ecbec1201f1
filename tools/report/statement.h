/*
 * statement: what can be stated by this log of mail in the clear, and what speaks against it or
 * leaves it open. One text for all forms of the report.
 */
#ifndef MAILSEAL_TOOLS_REPORT_STATEMENT_H
#define MAILSEAL_TOOLS_REPORT_STATEMENT_H

#include "tools/report/report.h"

#define STATEMENT_GAPS 28 /* as there are in statement.c, and more */

struct statement {
	char clear[600];		/* "In the clear: 0 messages." and the like */
	char gaps[STATEMENT_GAPS][400]; /* sentences: what else is to be known */
	unsigned gap_count;
	bool holes; /* some of them leave open whether something went in the clear */
};

void statement_make(const struct report *r, struct statement *statement);

#endif
