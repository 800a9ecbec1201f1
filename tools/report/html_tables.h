/*
 * html_tables: the rows of the tallies, the reasons, and what the log itself was worth.
 */
#ifndef MAILSEAL_TOOLS_REPORT_HTML_TABLES_H
#define MAILSEAL_TOOLS_REPORT_HTML_TABLES_H

#include "tools/report/tally.h"

#include <stdio.h>

#define HTML_ROWS 50 /* of a table at most; what is left out is summed up in its last row */

void html_rows(FILE *to, const struct tally *tally, enum tally_key key);
void html_reasons(FILE *to, const struct tally *tally);
void html_reading(FILE *to, const struct tally *tally);

#endif
