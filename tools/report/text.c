/*
 * text: the report for a person, at most 100 columns wide.
 */
#include "tools/report/statement.h"
#include "tools/report/report.h"

#include "tools/print.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define WIDTH 100
#define LABEL 33
#define REASONS_SHOWN 50
#define TEXT 700

static const struct {
	enum tally_outcome outcome;
	const char *title;
	int width;
} columns[] = {
	{TALLY_VERIFIED, "VERIFIED", 9},
	{TALLY_UNVERIFIED, "UNVERIF.", 9},
	{TALLY_CLEARTEXT, "CLEAR", 8},
	{TALLY_BLOCKED, "BLOCKED", 8},
	{TALLY_WOULD_BLOCK, "WOULD-B.", 9},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const struct {
	enum tally_outcome outcome;
	const char *one, *many;
} others[] = {
	{TALLY_UNDECIDED, "undecided", "undecided"},
	{TALLY_ATTACK, "attack", "attacks"},
	{TALLY_FAILED, "connection failed", "connections failed"},
	{TALLY_RELAYED, "connection passed untouched", "connections passed untouched"},
	{TALLY_OWN_TLS, "connection with the program's own TLS",
		"connections with the program's own TLS"},
	{TALLY_NO_MAIL, "connection without mail", "connections without mail"},
};

#define OTHERS (sizeof(others) / sizeof(others[0]))

/* 1234567 as 1234567, 12345678 as 12.3M */
static const char *short_number(uint64_t n, char out[24])
{
	static const char units[] = "kMGTPE";
	double value = (double)n;
	int unit = -1;

	if (n < 10000000) {
		snprintf(out, 24, "%" PRIu64, n);
		return out;
	}
	for (; value >= 1000; value /= 1000)
		unit++;
	snprintf(out, 24, "%.1f%c", value, units[unit]);
	return out;
}

/* The end of a name tells more than its beginning. */
static void name_end(const char *key, size_t width, char *out)
{
	char text[TEXT];
	size_t length;

	report_plain(key ? key : "", text, sizeof(text));
	length = strlen(text);
	if (length > width)
		snprintf(out, width + 1, "...%s", text + length - width + 3);
	else
		memcpy(out, text, length + 1);
}

static size_t plain_length(const char *key)
{
	char text[TEXT];

	return strlen(report_plain(key, text, sizeof(text)));
}

static void label_of(const struct tally_row *row, char out[LABEL + 1])
{
	const char *sender = row->key[TALLY_SENDER], *recipient = row->key[TALLY_RECIPIENT];
	size_t a, b, room = LABEL - 3;

	if (!sender || !recipient) {
		name_end(sender ? sender : recipient, LABEL, out);
		return;
	}
	a = plain_length(sender);
	b = plain_length(recipient);
	if (a + b > room)
		a = a <= room / 2 ? a : b <= room / 2 ? room - b : room / 2;
	name_end(sender, a, out);
	memcpy(out + a, " > ", 4);
	name_end(recipient, room - a, out + a + 3);
}

static bool one_day(const struct report *r)
{
	time_t first = (time_t)r->tally->reading.first, last = (time_t)r->tally->reading.last;
	struct tm a, b;

	return localtime_r(&first, &a) && localtime_r(&last, &b) && a.tm_yday == b.tm_yday &&
	       a.tm_year == b.tm_year;
}

static const char *short_time(int64_t when, bool clock, char out[16])
{
	time_t t = (time_t)when;
	struct tm tm;

	if (when == 0 || !localtime_r(&t, &tm) ||
		!strftime(out, 16, clock ? "%H:%M" : "%m-%d", &tm))
		snprintf(out, 16, "-");
	return out;
}

static bool has_besides(const struct tally_counts *c)
{
	for (size_t i = 0; i < OTHERS; i++)
		if (c->events[others[i].outcome])
			return true;
	return false;
}

/* Broken between words, from column `at` on. */
static void print_besides(
	const struct tally_counts *c, const char *end, unsigned at, unsigned indent)
{
	char text[TEXT] = "";
	size_t n = 0;

	for (size_t i = 0; i < OTHERS; i++) {
		uint64_t events = c->events[others[i].outcome];

		if (events)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%" PRIu64 " %s",
				n ? ", " : "", events,
				events == 1 ? others[i].one : others[i].many);
	}
	snprintf(text + n, sizeof(text) - n, "%s", end);
	print_wrapped(text, at, indent, WIDTH);
}

static void print_row(const struct report *r, const struct tally_row *row)
{
	const struct tally_counts *c = &row->counts;
	char label[LABEL + 1], number[24], first[16], last[16], times[40];
	bool mail = false, clock = one_day(r);

	for (size_t i = 0; i < COLUMNS; i++)
		mail |= c->events[columns[i].outcome] > 0;
	label_of(row, label);
	snprintf(times, sizeof(times), "  %s-%s", short_time(c->first, clock, first),
		short_time(c->last, clock, last));
	if (mail) {
		printf("  %-*s", LABEL, label);
		for (size_t i = 0; i < COLUMNS; i++)
			printf("%*s", columns[i].width,
				short_number(c->events[columns[i].outcome], number));
		printf("%8s%s\n", short_number(c->bytes, number), times);
	}
	if (!has_besides(c))
		return;
	printf("  %s%s", mail ? "  and" : label, mail ? " " : ": ");
	print_besides(c, mail ? "" : times, mail ? 8 : (unsigned)strlen(label) + 4, 6);
}

static const char *heading_part(const char *key, char out[TEXT])
{
	return report_plain(key ? key : "", out, key ? 140 : TEXT);
}

static void print_heading(const struct tally_row *row)
{
	const char *key = row->key[TALLY_UNIT];
	char unit[TEXT], program[TEXT], host[TEXT];
	bool none = key && strcmp(key, TALLY_NONE) == 0 && row->key[TALLY_PROGRAM];

	heading_part(none ? NULL : key, unit);
	heading_part(row->key[TALLY_PROGRAM], program);
	heading_part(row->key[TALLY_HOST], host);
	printf("\n%s%s%s%s%s\n", unit, *unit && *program ? ": " : "", program,
		(*unit || *program) && *host ? " to " : "", host);
}

static void print_titles(const struct tally *t)
{
	bool sender = t->by >> TALLY_SENDER & 1, recipient = t->by >> TALLY_RECIPIENT & 1;

	printf("\n  %-*s", LABEL,
		sender && recipient ? "SENDER > RECIPIENT"
		: sender	    ? "SENDER"
		: recipient	    ? "RECIPIENT"
				    : "");
	for (size_t i = 0; i < COLUMNS; i++)
		printf("%*s", columns[i].width, columns[i].title);
	printf("%8s  %s\n", "BYTES", "FIRST-LAST");
}

static void print_rows(const struct report *r)
{
	const struct tally *t = r->tally;
	const char *unit = NULL, *program = NULL, *host = NULL;

	if (t->row_count)
		print_titles(t);
	for (size_t i = 0; i < t->row_count; i++) {
		const struct tally_row *row = &t->rows[i];

		if (row->key[TALLY_UNIT] != unit || row->key[TALLY_PROGRAM] != program ||
			row->key[TALLY_HOST] != host)
			print_heading(row);
		unit = row->key[TALLY_UNIT];
		program = row->key[TALLY_PROGRAM];
		host = row->key[TALLY_HOST];
		print_row(r, row);
	}
}

static void print_reason(const struct tally_reason *reason)
{
	char host[200], what[TEXT], rule[400], text[2 * TEXT], number[24];
	unsigned at = 28;

	snprintf(number, sizeof(number), "%" PRIu64,
		reason->events ? reason->events : reason->recipients);
	printf("  %-15s %8s  ", tally_outcome_name(reason->outcome), number);
	report_plain(reason->host, host, sizeof(host));
	report_plain(reason->reason, what, sizeof(what));
	report_plain(reason->rule, rule, sizeof(rule));
	snprintf(text, sizeof(text), "%s: %s%s%s%s", host, what, *what && *rule ? "; " : "", rule,
		reason->events ? "" : " (recipients; the message passed for others)");
	print_wrapped(text, at, at, WIDTH);
}

static void print_reasons(const struct tally *t)
{
	size_t shown = 0;

	if (t->reason_count)
		printf("\nWhy:\n");
	for (; shown < t->reason_count && shown < REASONS_SHOWN; shown++)
		print_reason(&t->reasons[shown]);
	if (shown < t->reason_count)
		printf("  and %zu more; --json tells all\n", t->reason_count - shown);
}

static void print_sum(const struct tally *t)
{
	const struct tally_counts *c = &t->total;

	printf("\nAll: %" PRIu64 " over TLS with a good certificate, %" PRIu64
	       " over TLS unverified, %" PRIu64 " in the clear,\n     %" PRIu64 " blocked, %" PRIu64
	       " that enforce would have blocked; the servers took %" PRIu64 ".\n",
		c->events[TALLY_VERIFIED], c->events[TALLY_UNVERIFIED], c->events[TALLY_CLEARTEXT],
		c->events[TALLY_BLOCKED], c->events[TALLY_WOULD_BLOCK], c->taken);
	if (has_besides(c)) {
		printf("     Besides: ");
		print_besides(c, ".", 14, 5);
	}
}

static void print_statement(const struct report *r)
{
	struct statement statement;

	statement_make(r, &statement);
	putchar('\n');
	print_wrapped(statement.clear, 0, 2, WIDTH);
	for (unsigned i = 0; i < statement.gap_count; i++) {
		printf("- ");
		print_wrapped(statement.gaps[i], 2, 2, WIDTH);
	}
	if (!statement.holes)
		printf("Nothing in the log speaks against that; whether lines are missing, none "
		       "can "
		       "tell.\n");
}

static void print_reading(const struct report *r)
{
	const struct tally_reading *l = &r->tally->reading;
	char source[TEXT], from[REPORT_TIME], to[REPORT_TIME], text[2 * TEXT];

	report_plain(r->source, source, sizeof(source));
	snprintf(text, sizeof(text),
		"Read: %s, %" PRIu64 " lines; %" PRIu64 " counted, from %s to %s; %" PRIu64
		" of other programs, %" PRIu64 " damaged.",
		source, l->lines, l->counted, report_local(l->first, from),
		report_local(l->last, to), l->others, l->damaged);
	print_wrapped(text, 0, 6, WIDTH);
	if (l->outside || l->other_unit)
		printf("      Left out: %" PRIu64 " lines before or after, %" PRIu64
		       " of other units.\n",
			l->outside, l->other_unit);
}

int report_text(const struct report *r)
{
	print_reading(r);
	print_rows(r);
	print_reasons(r->tally);
	print_sum(r->tally);
	print_statement(r);
	return EX_OK;
}
