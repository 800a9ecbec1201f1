/*
 * html_outcomes: how an outcome is called and drawn.
 */
#ifndef MAILSEAL_TOOLS_REPORT_HTML_OUTCOMES_H
#define MAILSEAL_TOOLS_REPORT_HTML_OUTCOMES_H

#include "tools/report/tally.h"

/* In the order in which bars are stacked, from below. */
extern const enum tally_outcome html_stack[TALLY_OUTCOMES];

/* "Over TLS, verified" */
const char *html_outcome_title(enum tally_outcome outcome);

/* "the certificate is good" */
const char *html_outcome_meaning(enum tally_outcome outcome);

/* The class that gives it its colour: "o0" ... */
const char *html_outcome_class(enum tally_outcome outcome);

/* Connections that had no mail: told, not drawn. */
bool html_outcome_drawn(enum tally_outcome outcome);

#endif
