/*
 * statement: what can be stated by this log of mail in the clear, what speaks against it or leaves
 * it open, and how far it goes at all. One text for all forms of the report.
 */
#ifndef MAILSEAL_TOOLS_REPORT_STATEMENT_H
#define MAILSEAL_TOOLS_REPORT_STATEMENT_H

#include "tools/report/report.h"

#define STATEMENT_GAPS 40 /* as there are in statement.c, and more */

struct statement {
	char clear[600]; /* "In the clear: 0 messages." and the like */
	/* Nothing was counted: `clear` says so, and that is a hole too. */
	bool nothing;
	char gaps[STATEMENT_GAPS][400]; /* sentences: what else is to be known */
	unsigned gap_count;
	bool holes;	    /* some of them leave open whether something went in the clear */
	const char *closed; /* where there is no hole; NULL */
	const char *covers; /* what a log cannot tell in any case */
};

void statement_make(const struct report *r, struct statement *statement);

#endif
