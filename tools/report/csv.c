/*
 * csv: one row of the tally a line (RFC 4180), for a spreadsheet.
 */
#include "tools/report/report.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#define FIELD 4096

/* A text that a spreadsheet would take for a formula begins with an apostrophe: names come from the
 * network, and formulas fetch and run things. */
static void print_text(const char *text)
{
	char plain[FIELD];

	if (!text || strcmp(text, TALLY_NONE) == 0)
		return;
	report_plain(text, plain, sizeof(plain));
	putchar('"');
	if (strchr("=+-@", plain[0]))
		putchar('\'');
	for (const char *p = plain; *p; p++) {
		if (*p == '"')
			putchar('"');
		putchar(*p);
	}
	putchar('"');
}

static void print_time(int64_t time)
{
	char text[REPORT_TIME];

	if (time)
		fputs(report_utc(time, text), stdout);
}

static void print_titles(const struct tally *t)
{
	for (unsigned k = 0; k < TALLY_KEYS; k++)
		if (t->by >> k & 1)
			printf("%s,", tally_key_name((enum tally_key)k));
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		printf("%s,", tally_outcome_name((enum tally_outcome)o));
	printf("recipients,recipients_blocked,taken,bytes,bytes_passed,in_the_clear,bytes_in_the_"
	       "clear,first,last\r\n");
}

static void print_row(const struct tally *t, const struct tally_row *row)
{
	const struct tally_counts *c = &row->counts;
	uint64_t recipients = 0;

	for (unsigned k = 0; k < TALLY_KEYS; k++) {
		if (!(t->by >> k & 1))
			continue;
		print_text(row->key[k]);
		putchar(',');
	}
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++) {
		printf("%" PRIu64 ",", c->events[o]);
		recipients += c->recipients[o];
	}
	printf("%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
	       ",",
		recipients, c->recipients[TALLY_BLOCKED], c->taken, c->bytes, c->passed, c->clear,
		c->clear_bytes);
	print_time(c->first);
	putchar(',');
	print_time(c->last);
	printf("\r\n");
}

int report_csv(const struct report *r)
{
	print_titles(r->tally);
	for (size_t i = 0; i < r->tally->row_count; i++)
		print_row(r->tally, &r->tally->rows[i]);
	return EX_OK;
}
