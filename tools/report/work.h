/*
 * work: what one report is made from, and with: reads what was asked for, or what there is, into
 * tallies, and tells on standard error what could not be read.
 */
#ifndef MAILSEAL_TOOLS_REPORT_WORK_H
#define MAILSEAL_TOOLS_REPORT_WORK_H

#include "tools/report/intake.h"
#include "tools/report/options.h"
#include "tools/report/report.h"

struct work {
	const struct options *options;
	struct tally tally;
	struct tally more[TALLY_KEYS - 1]; /* of a page, which has a table by each key */
	struct intake intake;
	struct units units;
	struct elsewhere elsewhere;
	struct report report;
	char source[300]; /* in words */
	const char *file; /* that is read by itself; NULL: none */
};

/* An exit code; what could be read stands in the tallies in any case, but for EX_OSERR. */
int work_read(struct work *w);

/* Once, after reading. 0 or -ENOMEM. */
int work_sort(struct work *w);
void work_clear(struct work *w);

#endif
