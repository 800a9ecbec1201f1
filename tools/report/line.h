/*
 * line: what stands before the message in a line of a log: time, host, tag. Only a tag in its place
 * counts, so that nothing that another program quotes is taken for a line of ours.
 */
#ifndef MAILSEAL_TOOLS_REPORT_LINE_H
#define MAILSEAL_TOOLS_REPORT_LINE_H

#include "tools/report/stamp.h"

enum line_kind {
	LINE_OURS,    /* by its tag; the message may be damaged */
	LINE_OTHER,   /* of another program */
	LINE_QUOTING, /* the same, with something of ours in its text: a quotation, two lines mixed,
			 or a tag without a pid */
	LINE_BROKEN,  /* not a line of a log, but something of ours stands in it */
	LINE_STRAY,   /* not a line of a log */
	LINE_REPEATED, /* `last message repeated N times`: `count`, of the line before */
	LINE_DROPPED,  /* the log daemon tells that it dropped lines: `count` */
};

struct line_head {
	int64_t time;	/* 0: none that could be read */
	size_t begin;	/* where the message begins */
	size_t length;	/* of the message */
	uint64_t count; /* LINE_OURS: how many lines it stands for, else 1 */
};

/*
 * Takes a line (without its end) apart. Known are the forms of RFC 3164 and RFC 5424 as syslog
 * daemons write them into files, with a date of either kind, what mailseal itself writes into a
 * file or to standard error, and `message repeated N times: [...]` of rsyslog.
 */
enum line_kind line_take(
	struct stamps *stamps, const char *line, size_t length, struct line_head *head);

#endif
