/*
 * html_plot: what became of the mail over time, drawn. Lengths along the axis of time are shares of
 * the width there is, so that one drawing serves a telephone and a large screen.
 */
#ifndef MAILSEAL_TOOLS_REPORT_HTML_PLOT_H
#define MAILSEAL_TOOLS_REPORT_HTML_PLOT_H

#include "tools/report/html_bars.h"

#include <stdio.h>

/* All outcomes stacked, each by itself, and their figures. `total`: events, dated or not. */
void html_plot(FILE *to, const struct html_bars *bars, const uint64_t total[TALLY_OUTCOMES]);

/* The mix of outcomes as one lying bar; for a row of a table. */
void html_mix(FILE *to, const uint64_t events[TALLY_OUTCOMES]);

#endif
