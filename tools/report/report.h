/*
 * mailseal report: what went how, by the log: per program, next hop, sender and recipient domain.
 * It only reads.
 */
#ifndef MAILSEAL_TOOLS_REPORT_REPORT_H
#define MAILSEAL_TOOLS_REPORT_REPORT_H

#include "tools/report/elsewhere.h"
#include "tools/report/tally.h"
#include "tools/report/units.h"

#include <stdio.h>

/* A report that is ready to be shown. Texts of the log may hold any octet. */
struct report {
	const struct tally *tally; /* sorted */
	const char *source;	   /* what was read: "the journal", "/var/log/mail.log" ... */
	int64_t since, until;	   /* what was asked for; 0 and INT64_MAX: nothing */
	/* For a table by each key: one tally each, grouped by it alone, and else alike. Where there
	 * is only `tally`, it is not set. */
	const struct tally *by[TALLY_KEYS];
	const struct units *units;	   /* that were asked for */
	const struct elsewhere *elsewhere; /* logs of services */
	bool partly;			   /* of the journal, only what this user may see */
	bool cut;			   /* some source could not be read to its end */
};

/* Each prints it on standard output; an exit code. Of the text, `rows` rows and as many reasons. */
int report_text(const struct report *r, size_t rows);
int report_json(const struct report *r);
int report_csv(const struct report *r);
int report_html(const struct report *r);

/* `text` as one line of printable ASCII, what is not as \xHH; cut to size - 1 octets, with "..." at
 * its end then. Returns `out`. */
const char *report_plain(const char *text, char *out, size_t size);

/* 2026-11-27T10:00:00Z, or in local time 2026-11-27 10:00:00 +0100; "-" for 0. */
#define REPORT_TIME 40
const char *report_utc(int64_t time, char out[REPORT_TIME]);
const char *report_local(int64_t time, char out[REPORT_TIME]);

#endif
