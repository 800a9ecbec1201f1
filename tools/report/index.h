/*
 * index: the rows and reasons of a tally, each found by its key.
 */
#ifndef MAILSEAL_TOOLS_REPORT_INDEX_H
#define MAILSEAL_TOOLS_REPORT_INDEX_H

#include "tools/report/tally.h"

/* The one with this key, made where there is none yet. NULL where there are `most` already, or no
 * memory: t->no_memory then. Valid until the next one is made. */
struct tally_row *index_row(struct tally *t, const struct tally_row *key, size_t most);
struct tally_reason *index_reason(struct tally *t, const struct tally_reason *key, size_t most);

#endif
