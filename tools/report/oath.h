/*
 * oath: what an auditor may swear to by this log, and what stands against it.
 */
#ifndef MAILSEAL_TOOLS_REPORT_OATH_H
#define MAILSEAL_TOOLS_REPORT_OATH_H

#include "tools/report/report.h"

#define OATH_GAPS 16

struct oath {
	char clear[600];	   /* "In the clear: 0 messages." and the like */
	char gaps[OATH_GAPS][400]; /* sentences: what else is to be known */
	unsigned gap_count;
	bool holes; /* some of them leave open whether something went in the clear */
};

void oath_take(const struct report *r, struct oath *oath);

#endif
