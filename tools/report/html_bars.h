/*
 * html_bars: the times of a tally as bars of a plot: few enough to be told apart, of a width that
 * has a name, and where on the axis a date stands.
 */
#ifndef MAILSEAL_TOOLS_REPORT_HTML_BARS_H
#define MAILSEAL_TOOLS_REPORT_HTML_BARS_H

#include "tools/report/tally.h"

#define HTML_BARS 120 /* most */
#define HTML_BARS_LEAST 12

struct html_bars {
	struct tally_bucket at[HTML_BARS];
	unsigned count;	      /* 0 where nothing is dated */
	int64_t start, width; /* seconds */
	unsigned tick;	      /* between dates on the axis: seconds, or months where tick_months */
	bool tick_months;
};

/* The bars reach from `since` to `until` where these are not 0. */
void html_bars_fill(
	struct html_bars *bars, const struct tally_time *time, int64_t since, int64_t until);

/* The time at which bar `i` begins. */
int64_t html_bars_time(const struct html_bars *bars, unsigned i);

/* Whether a date stands at the beginning of bar `i`. */
bool html_bars_tick(const struct html_bars *bars, unsigned i);

/* "hour", "15 minutes", "7 days" */
void html_bars_unit(const struct html_bars *bars, char *out, size_t size);

#endif
