/*
 * text: what the files of the report for a person share.
 */
#ifndef MAILSEAL_TOOLS_REPORT_TEXT_H
#define MAILSEAL_TOOLS_REPORT_TEXT_H

#include "tools/report/report.h"

#define TEXT_WIDTH 100 /* columns, at most */

/* The table: the first `rows` of r->tally by weight, and how many more there are. Prints nothing
 * where there is no row. false: out of memory, and nothing is printed. */
bool text_rows(const struct report *r, size_t rows);

#endif
