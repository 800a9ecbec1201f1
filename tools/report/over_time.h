/*
 * over_time: the buckets of a tally. They begin narrow, and become wider when they no longer reach
 * from the first event to the last.
 */
#ifndef MAILSEAL_TOOLS_REPORT_OVER_TIME_H
#define MAILSEAL_TOOLS_REPORT_OVER_TIME_H

#include "tools/report/tally.h"

void over_time_init(struct tally_time *t);

/* An event without a time (0) is passed over. */
void over_time_add(struct tally_time *t, int64_t time, enum tally_outcome outcome, uint64_t weight);

#endif
