/*
 * intake: takes the lines of a source into a tally: which are ours, which are asked for.
 */
#ifndef MAILSEAL_TOOLS_REPORT_INTAKE_H
#define MAILSEAL_TOOLS_REPORT_INTAKE_H

#include "tools/report/stamp.h"
#include "tools/report/tally.h"
#include "tools/report/units.h"

struct intake {
	struct tally *tally;
	struct tally *more; /* that count the same lines; their `reading` does not */
	size_t more_count;
	int64_t since, until; /* since <= time < until */
	struct units *units;  /* that are asked for */
	/* of the source that is being read */
	const char *name;
	struct stamps stamps;
	uint64_t number;  /* of the line */
	bool behind_ours; /* the line before was one */
	uint64_t ours;	  /* lines with our tag, of all sources so far */
};

/* What journald vouches for; NULL where it does not say. */
struct journal_entry {
	int64_t time;
	char *message; /* NULL: none, or nothing that we write */
	size_t length;
	const char *exe, *unit;
	uint64_t
		dropped; /* lines that journald says it dropped; then there is no message of ours */
};

void intake_begin(struct intake *in, const char *name, int64_t changed);

/* As source_each. */
int intake_line(void *context, char *line, size_t length, bool whole);

int intake_journal(struct intake *in, const struct journal_entry *entry);

#endif
