/*
 * text_rows: rows that matter most first, under a heading for each unit, program and next hop.
 * A column stands there only where some row has something for it.
 */
#include "tools/report/text.h"

#include "tools/report/count.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NUMBER 24
#define TIMES 40
#define LONGEST 400 /* of a name that is looked at; longer ones are cut before */
#define FAR_APART (300 * 86400)

static const struct {
	const char *title;
	unsigned outcomes; /* 1u << enum tally_outcome */
} columns[] = {
	{"VERIFIED", 1u << TALLY_VERIFIED},
	{"UNVERIF.", 1u << TALLY_UNVERIFIED},
	{"CLEAR", 1u << TALLY_CLEARTEXT},
	{"WOULD-B.", 1u << TALLY_WOULD_BLOCK},
	{"IN CLEAR", 0}, /* of all these, content that went so */
	{"BLOCKED", 1u << TALLY_BLOCKED},
	{"ATTACK", 1u << TALLY_ATTACK},
	{"FAILED", 1u << TALLY_FAILED},
	{"OTHER", 1u << TALLY_UNDECIDED | 1u << TALLY_RELAYED | 1u << TALLY_OWN_TLS |
			  1u << TALLY_NO_MAIL},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char *const key_titles[TALLY_KEYS] = {
	"UNIT", "PROGRAM", "NEXT HOP", "SENDER", "RECIPIENT"};

enum precision { MINUTES, DAYS, MONTHS };

struct shown {
	const struct tally_row *row;
	size_t rank, group; /* by weight: of the row, of the first row under its heading */
};

struct table {
	struct shown *rows;
	size_t count;
	enum precision times;
	unsigned heading, label;  /* the keys that stand in each: 1u << enum tally_key */
	unsigned widths[COLUMNS]; /* 0: the column is left out */
	unsigned label_width, bytes_width, times_width;
};

/* 1234567 as it is where it is below `exact`, else as 1.2M */
static const char *short_number(uint64_t n, uint64_t exact, char out[NUMBER])
{
	static const char units[] = "kMGTPE";
	double value = (double)n;
	int unit = -1;

	if (n == 0) {
		snprintf(out, NUMBER, "-");
	} else if (n < exact) {
		snprintf(out, NUMBER, "%" PRIu64, n);
	} else {
		for (; value >= 1000; value /= 1000)
			unit++;
		snprintf(out, NUMBER, "%.1f%c", value, units[unit]);
	}
	return out;
}

static const char *cell(const struct tally_counts *c, size_t column, char out[NUMBER])
{
	uint64_t n = columns[column].outcomes ? 0 : c->clear;

	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		count_add(&n, columns[column].outcomes >> o & 1 ? c->events[o] : 0);
	return short_number(n, 10000000, out);
}

static const char *bytes_cell(const struct tally_counts *c, char out[NUMBER])
{
	return short_number(c->bytes, 100000, out);
}

static void local(int64_t when, enum precision precision, char *out, size_t size)
{
	time_t t = (time_t)when;
	struct tm tm;
	size_t n = 0;

	if (when && localtime_r(&t, &tm)) {
		if (precision == MINUTES)
			n = strftime(out, size, "%H:%M", &tm);
		else if (precision == DAYS)
			n = strftime(out, size, "%m-%d", &tm);
		else
			n = strftime(out, size, "%Y-%m", &tm);
	}
	if (n == 0)
		snprintf(out, size, "-");
}

static const char *times_cell(
	const struct tally_counts *c, enum precision precision, char out[TIMES])
{
	char first[TIMES / 2], last[TIMES / 2];

	local(c->first, precision, first, sizeof(first));
	local(c->last, precision, last, sizeof(last));
	if (strcmp(first, last) == 0)
		snprintf(out, TIMES, "%s", first);
	else
		snprintf(out, TIMES, "%s/%s", first, last);
	return out;
}

/* `key` in printable ASCII; where that is longer than `width`, at least 3, its middle is "...".
 * Holds width + 1 octets at most. */
static const char *shorten(const char *key, size_t width, char *out)
{
	char text[LONGEST];
	size_t length, head = (width - 3) / 2, tail = width - 3 - head;

	report_plain(key ? key : "", text, sizeof(text));
	length = strlen(text);
	if (length > width)
		snprintf(out, width + 1, "%.*s...%s", (int)head, text, text + length - tail);
	else
		memcpy(out, text, length + 1);
	return out;
}

static size_t length_of(const char *key)
{
	char text[LONGEST];

	return strlen(report_plain(key ? key : "", text, sizeof(text)));
}

/* The two keys of a label, from left to right; the same twice where it has one. */
static void label_keys(const struct table *t, unsigned *a, unsigned *b)
{
	for (*b = TALLY_KEYS - 1; *b && !(t->label >> *b & 1); --*b)
		;
	for (*a = 0; *a < *b && !(t->label >> *a & 1); ++*a)
		;
}

static const char *between(unsigned key)
{
	return key == TALLY_RECIPIENT ? " > " : key == TALLY_HOST ? " to " : ": ";
}

static size_t label_length(const struct table *t, const struct tally_row *row)
{
	unsigned a, b;

	label_keys(t, &a, &b);
	return a == b ? length_of(row->key[b])
		      : length_of(row->key[a]) + strlen(between(b)) + length_of(row->key[b]);
}

/* Where there is no room for both names, each gets half of it, or what the other leaves. */
static void print_label(const struct table *t, const struct tally_row *row)
{
	char one[LONGEST], other[LONGEST];
	size_t room = t->label_width, left, right;
	unsigned a, b;

	label_keys(t, &a, &b);
	if (a == b) {
		printf("  %-*s", (int)room, shorten(row->key[b], room, one));
		return;
	}
	room -= strlen(between(b));
	left = length_of(row->key[a]);
	right = length_of(row->key[b]);
	if (left + right > room)
		left = left <= room / 2 ? left : right <= room / 2 ? room - right : room / 2;
	shorten(row->key[a], left, one);
	shorten(row->key[b], room - left, other);
	printf("  %s%s%-*s", one, between(b), (int)(room - strlen(one)), other);
}

static void print_titles(const struct table *t)
{
	char title[60];
	unsigned a, b;

	label_keys(t, &a, &b);
	snprintf(title, sizeof(title), "%s%s%s", a == b ? "" : key_titles[a],
		a == b ? "" : between(b), key_titles[b]);
	printf("\n  %-*s", (int)t->label_width, title);
	for (size_t i = 0; i < COLUMNS; i++)
		if (t->widths[i])
			printf("%*s", (int)t->widths[i], columns[i].title);
	if (t->bytes_width)
		printf("%*s", (int)t->bytes_width, "BYTES");
	printf("  SEEN\n");
}

/* What is not known is left out, unless that is all there is to say. */
static void print_heading(const struct table *t, const struct tally_row *row)
{
	char part[LONGEST];
	size_t length = 0, share = (TEXT_WIDTH - 6) / (unsigned)__builtin_popcount(t->heading);
	bool any = false;

	for (unsigned k = TALLY_UNIT; k <= TALLY_HOST; k++)
		length += length_of(row->key[k]);
	for (unsigned k = TALLY_UNIT; k <= TALLY_HOST; k++) {
		if (!(t->heading >> k & 1) || strcmp(row->key[k], TALLY_NONE) == 0)
			continue;
		printf("%s%s", any ? between(k) : "",
			shorten(row->key[k], length > TEXT_WIDTH - 6 ? share : LONGEST, part));
		any = true;
	}
	puts(any ? "" : TALLY_NONE);
}

static void print_row(const struct table *t, const struct tally_row *row)
{
	char text[TIMES];

	print_label(t, row);
	for (size_t i = 0; i < COLUMNS; i++)
		if (t->widths[i])
			printf("%*s", (int)t->widths[i], cell(&row->counts, i, text));
	if (t->bytes_width)
		printf("%*s", (int)t->bytes_width, bytes_cell(&row->counts, text));
	printf("  %s\n", times_cell(&row->counts, t->times, text));
}

static bool same_heading(
	const struct table *t, const struct tally_row *a, const struct tally_row *b)
{
	for (unsigned k = 0; k < TALLY_KEYS; k++)
		if (t->heading >> k & 1 && a->key[k] != b->key[k])
			return false;
	return true;
}

/* As in the tally, where those under one heading stand together. */
static int by_place(const void *one, const void *two)
{
	const struct shown *a = one, *b = two;

	return a->row < b->row ? -1 : a->row > b->row;
}

static int by_group(const void *one, const void *two)
{
	const struct shown *a = one, *b = two;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

static void order(struct table *t)
{
	size_t i, end;

	qsort(t->rows, t->count, sizeof(*t->rows), by_place);
	for (i = 0; i < t->count; i = end) {
		size_t best = t->rows[i].rank;

		for (end = i; end < t->count && same_heading(t, t->rows[i].row, t->rows[end].row);
			end++)
			best = t->rows[end].rank < best ? t->rows[end].rank : best;
		for (size_t j = i; j < end; j++)
			t->rows[j].group = best;
	}
	qsort(t->rows, t->count, sizeof(*t->rows), by_group);
}

static void widen(unsigned *width, const char *text, unsigned least)
{
	unsigned length = (unsigned)strlen(text) + 1;

	if (strcmp(text, "-") == 0)
		return;
	if (*width < least)
		*width = least;
	if (*width < length)
		*width = length;
}

/* Where it is all that CLEAR counts it needs no column. */
static bool is_told(const struct table *t, size_t column)
{
	for (size_t i = 0; !columns[column].outcomes && i < t->count; i++) {
		const struct tally_counts *c = &t->rows[i].row->counts;

		if (c->clear != c->events[TALLY_CLEARTEXT])
			return true;
	}
	return columns[column].outcomes;
}

static void measure(struct table *t)
{
	unsigned used = 2 + 2;
	size_t longest = 20;
	char text[TIMES];

	for (size_t i = 0; i < t->count; i++) {
		const struct tally_row *row = t->rows[i].row;
		size_t length = label_length(t, row);

		longest = length > longest ? length : longest;
		for (size_t c = 0; c < COLUMNS; c++)
			widen(&t->widths[c], cell(&row->counts, c, text),
				(unsigned)strlen(columns[c].title) + 1);
		widen(&t->bytes_width, bytes_cell(&row->counts, text), (unsigned)sizeof("  BYTES"));
		widen(&t->times_width, times_cell(&row->counts, t->times, text), sizeof("SEEN"));
	}
	for (size_t c = 0; c < COLUMNS; c++) {
		t->widths[c] = is_told(t, c) ? t->widths[c] : 0;
		used += t->widths[c];
	}
	used += t->bytes_width + t->times_width;
	t->label_width = longest < TEXT_WIDTH - used ? (unsigned)longest : TEXT_WIDTH - used;
}

/* The label holds the last two keys, the heading those before. */
static void divide(struct table *t, unsigned by)
{
	unsigned taken = 0;

	for (unsigned k = TALLY_KEYS; k-- > 0;) {
		if (!(by >> k & 1))
			continue;
		if (taken++ < 2)
			t->label |= 1u << k;
		else
			t->heading |= 1u << k;
	}
}

/* No finer than it has to be. */
static enum precision precision_of(const struct tally_reading *l)
{
	time_t first = (time_t)l->first, last = (time_t)l->last;
	struct tm a, b;

	if (l->last - l->first > FAR_APART)
		return MONTHS;
	return localtime_r(&first, &a) && localtime_r(&last, &b) && a.tm_yday == b.tm_yday ? MINUTES
											   : DAYS;
}

static bool choose(struct table *t, const struct tally *tally, size_t rows)
{
	const struct tally_row **weighed = tally_by_weight(tally);

	t->count = tally->row_count < rows ? tally->row_count : rows;
	t->rows = calloc(t->count + 1, sizeof(*t->rows));
	for (size_t i = 0; t->rows && weighed && i < t->count; i++)
		t->rows[i] = (struct shown){.row = weighed[i], .rank = i};
	free(weighed);
	return weighed && t->rows;
}

static void print_table(const struct table *t, const struct tally *tally)
{
	size_t more = tally->row_count - t->count;

	if (t->count)
		print_titles(t);
	for (size_t i = 0; i < t->count; i++) {
		if (t->heading && (i == 0 || !same_heading(t, t->rows[i - 1].row, t->rows[i].row)))
			print_heading(t, t->rows[i].row);
		print_row(t, t->rows[i].row);
	}
	if (more)
		printf("%s... and %zu more row%s; %s--all, --csv or --json tell all\n",
			t->count ? "" : "\n", more, more == 1 ? "" : "s",
			t->heading ? "--by host sums them up; " : "");
}

bool text_rows(const struct report *r, size_t rows)
{
	struct table t = {.times = precision_of(&r->tally->reading)};
	bool done = choose(&t, r->tally, rows);

	if (done && r->tally->row_count) {
		divide(&t, r->tally->by);
		order(&t);
		measure(&t);
		print_table(&t, r->tally);
	}
	free(t.rows);
	return done;
}
