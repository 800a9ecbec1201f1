/*
 * html: the report as one page for a browser: headline, plots, tables. Nothing in it comes from
 * elsewhere, and nothing in it runs: no script, no font, no picture; a policy in its head forbids
 * them, should a name from a log ever get past the escaping.
 */
#ifndef MAILSEAL_TOOLS_REPORT_HTML_H
#define MAILSEAL_TOOLS_REPORT_HTML_H

#include "tools/report/tally.h"

#include <stdio.h>

#define HTML_ROWS 50 /* of a table at most; what is left out is summed up in its last row */

struct html_page {
	/* Each grouped by that one key; the rest of them is alike. */
	const struct tally *by[TALLY_KEYS];
	const char *const *sources; /* ends with NULL */
	const char *only, *unit;    /* as asked for; NULL: all */
	int64_t since, until;	    /* as asked for; 0: the log's own */
	int64_t now;
};

/* Times are local. What `to` did not take is for ferror() to tell. */
void html_write(FILE *to, const struct html_page *page);

#endif
