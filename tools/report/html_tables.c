#include "tools/report/html_tables.h"

#include "tools/report/html_out.h"
#include "tools/report/html_outcomes.h"
#include "tools/report/html_plot.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *title, *column, *none;
} keys[TALLY_KEYS] = {
	[TALLY_UNIT] = {"By unit", "Unit", "none known"},
	[TALLY_PROGRAM] = {"By program", "Program", "not known"},
	[TALLY_HOST] = {"By next hop", "Next hop", "not known"},
	[TALLY_SENDER] = {"By sender domain", "Sender domain", "none"},
	[TALLY_RECIPIENT] = {"By recipient domain", "Recipient domain", "none"},
};

/* What a name that is none stands for. */
static const struct {
	const char *name, *meaning;
} special[] = {
	{TALLY_BOUNCE, "the empty sender, of bounces"},
	{TALLY_UNCLEAR, "addresses without one certain domain"},
	{TALLY_UNLISTED, "recipients that the log counts, but does not name"},
	{TALLY_OTHER, "names beyond the limits of this report"},
};

/* The columns of numbers; each is the sum of some outcomes. */
static const struct column {
	const char *title;
	unsigned outcomes; /* 1u << enum tally_outcome */
} columns[] = {
	{"Verified", 1u << TALLY_VERIFIED},
	{"Unverified", 1u << TALLY_UNVERIFIED | 1u << TALLY_OWN_TLS},
	{"Would be blocked", 1u << TALLY_WOULD_BLOCK},
	{"Blocked", 1u << TALLY_BLOCKED | 1u << TALLY_ATTACK},
	{"Failed", 1u << TALLY_FAILED | 1u << TALLY_UNDECIDED},
	{"Not intercepted", 1u << TALLY_RELAYED},
};
#define COLUMNS (sizeof(columns) / sizeof(*columns))

static uint64_t sum(const uint64_t events[TALLY_OUTCOMES], unsigned outcomes)
{
	uint64_t n = 0;

	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		if (outcomes & 1u << o)
			n += events[o];
	return n;
}

static uint64_t all(const struct tally_counts *c)
{
	return sum(c->events, ~(1u << TALLY_NO_MAIL));
}

static uint64_t in_the_clear(const struct tally_counts *c)
{
	return c->clear + c->clear_envelopes;
}

/* Where the screen is narrow a cell says by itself what it counts, and one with 0 is not shown. */
static void count_cell(FILE *to, const char *title, const char *class, uint64_t n)
{
	fprintf(to, "<td class=\"%s%s\" data-t=\"%s\">", class, n ? "" : " z", title);
	html_number(to, n);
	fputs("</td>", to);
}

static void seen_cell(FILE *to, int64_t first, int64_t last)
{
	fputs("<td class=\"seen\" data-t=\"Seen\"><span>", to);
	html_time(to, first);
	if (last / 60 != first / 60) {
		fputs("</span> <span>", to);
		html_time(to, last);
	}
	fputs("</span></td>", to);
}

static void name_cell(FILE *to, const char *name, const char *none)
{
	fputs("<th scope=\"row\"><bdi>", to);
	if (!*name || strcmp(name, TALLY_NONE) == 0) {
		fprintf(to, "<i>%s</i></bdi></th>", none);
		return;
	}
	html_text(to, name);
	fputs("</bdi>", to);
	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
		if (strcmp(name, special[i].name) == 0)
			fprintf(to, " <small>%s</small>", special[i].meaning);
	fputs("</th>", to);
}

static void clear_cell(FILE *to, const struct tally_counts *c)
{
	fprintf(to, "<td class=\"n%s\" data-t=\"In the clear\">",
		c->clear	  ? " bad"
		: in_the_clear(c) ? ""
				  : " z");
	html_number(to, c->clear);
	if (c->clear_envelopes) {
		fputs(" <small>and ", to);
		html_number(to, c->clear_envelopes);
		fputs(c->clear_envelopes == 1 ? " envelope</small>" : " envelopes</small>", to);
	}
	fputs("</td>", to);
}

static void counts_cells(FILE *to, const struct tally_counts *c)
{
	count_cell(to, "Messages, connections", "n all", all(c));
	fputs("<td class=\"mixed\">", to);
	html_mix(to, c->events);
	fputs("</td>", to);
	clear_cell(to, c);
	for (size_t i = 0; i < COLUMNS; i++)
		count_cell(to, columns[i].title, "n", sum(c->events, columns[i].outcomes));
	fprintf(to, "<td class=\"n%s\" data-t=\"Content\">", c->bytes ? "" : " z");
	html_bytes(to, c->bytes);
	fputs("</td>", to);
	seen_cell(to, c->first, c->last);
}

static void head(FILE *to, const char *column)
{
	fprintf(to,
		"<div class=\"wide\"><table class=\"rows\"><thead><tr><th>%s</th><th "
		"class=\"n\">All</th>"
		"<th class=\"mixed\">Mix</th><th class=\"n\">In the clear</th>",
		column);
	for (size_t i = 0; i < COLUMNS; i++)
		fprintf(to, "<th class=\"n\">%s</th>", columns[i].title);
	fputs("<th class=\"n\">Content</th><th>First and last seen</th></tr></thead><tbody>\n", to);
}

static void add(struct tally_counts *to, const struct tally_counts *from)
{
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		to->events[o] += from->events[o];
	to->bytes += from->bytes;
	to->clear += from->clear;
	to->clear_envelopes += from->clear_envelopes;
	if (from->first && (!to->first || from->first < to->first))
		to->first = from->first;
	to->last = from->last > to->last ? from->last : to->last;
}

static void left_out(FILE *to, const struct tally_row *const *rows, size_t count)
{
	struct tally_counts rest = {0};

	for (size_t i = 0; i < count; i++)
		add(&rest, &rows[i]->counts);
	fputs("<tr class=\"rest\"><th scope=\"row\">", to);
	html_number(to, count);
	fprintf(to, " more %s, left out here</th>", count == 1 ? "row" : "rows");
	counts_cells(to, &rest);
	fputs("</tr>\n", to);
}

/* Where no program ran in a unit, there is nothing to say of units. */
static bool no_unit(const struct tally *t)
{
	for (size_t i = 0; i < t->row_count; i++)
		if (t->rows[i].key[TALLY_UNIT] != t->names.none)
			return false;
	return true;
}

void html_rows(FILE *to, const struct tally *tally, enum tally_key key)
{
	const struct tally_row **rows = tally_by_weight(tally);
	size_t shown = tally->row_count < HTML_ROWS ? tally->row_count : HTML_ROWS;

	if (key == TALLY_UNIT && no_unit(tally)) {
		free(rows);
		return;
	}
	fprintf(to, "<section><h2>%s</h2>\n", keys[key].title);
	if (!rows || !tally->row_count) {
		fprintf(to, "<p class=\"none\">%s</p></section>\n",
			rows ? "Nothing." : "Out of memory.");
		free(rows);
		return;
	}
	head(to, keys[key].column);
	for (size_t i = 0; i < shown; i++) {
		fputs("<tr>", to);
		name_cell(to, rows[i]->key[key] ? rows[i]->key[key] : "", keys[key].none);
		counts_cells(to, &rows[i]->counts);
		fputs("</tr>\n", to);
	}
	if (shown < tally->row_count)
		left_out(to, rows + shown, tally->row_count - shown);
	fputs("</tbody></table></div></section>\n", to);
	free(rows);
}

static void reason_row(FILE *to, const struct tally_reason *r, bool recipients)
{
	fprintf(to,
		"<tr><th scope=\"row\"><i class=\"key %s\"></i>%s</th><td class=\"name hop\" "
		"data-t=\"Next "
		"hop\"><bdi>",
		html_outcome_class(r->outcome), html_outcome_title(r->outcome));
	html_text(to, r->host);
	fputs("</bdi></td><td class=\"name\" data-t=\"Reason\"><bdi>", to);
	html_text(to, r->reason);
	fprintf(to, "</bdi></td><td class=\"name%s\" data-t=\"Decided by\"><bdi>",
		*r->rule && strcmp(r->rule, TALLY_NONE) != 0 ? "" : " z");
	html_text(to, r->rule);
	fputs("</bdi></td>", to);
	count_cell(to, "Events", "n", r->events);
	if (recipients)
		count_cell(to, "Recipients alone", "n", r->recipients);
	seen_cell(to, r->first, r->last);
	fputs("</tr>\n", to);
}

void html_reasons(FILE *to, const struct tally *tally)
{
	size_t shown = tally->reason_count < HTML_ROWS ? tally->reason_count : HTML_ROWS;
	bool recipients = false; /* a column for what there seldom is */

	if (!tally->reason_count)
		return;
	for (size_t i = 0; i < shown; i++)
		recipients = recipients || tally->reasons[i].recipients;
	fputs("<section><h2>Reasons</h2>\n<p class=\"about\">Why something was not sent, or not "
	      "over verified "
	      "TLS.</p>\n<div class=\"wide\"><table class=\"rows "
	      "reasons\"><thead><tr><th>Outcome</th><th>Next "
	      "hop</th><th>Reason</th><th>Decided by</th><th class=\"n\">Events</th>",
		to);
	fputs(recipients ? "<th class=\"n\">Recipients alone</th>" : "", to);
	fputs("<th>First and last seen</th></tr></thead><tbody>\n", to);
	for (size_t i = 0; i < shown; i++)
		reason_row(to, &tally->reasons[i], recipients);
	fputs("</tbody></table></div>\n", to);
	if (shown < tally->reason_count) {
		fputs("<p class=\"about\">", to);
		html_number(to, tally->reason_count - shown);
		fputs(" more reasons are left out here.</p>\n", to);
	}
	fputs("</section>\n", to);
}

static void fact(FILE *to, const char *what, uint64_t n, bool always)
{
	if (!n && !always)
		return;
	fprintf(to, "<tr><th scope=\"row\">%s</th><td class=\"n\">", what);
	html_number(to, n);
	fputs("</td></tr>\n", to);
}

void html_reading(FILE *to, const struct tally *tally)
{
	const struct tally_reading *r = &tally->reading;

	fputs("<section><h2>The log itself</h2>\n<table class=\"facts\"><tbody>\n", to);
	fact(to, "Lines read", r->lines, true);
	fact(to, "Lines counted in this report", r->counted, true);
	fact(to, "Lines of other programs", r->others, false);
	fact(to, "Lines of traced sessions", r->trace, false);
	fact(to, "Lines of agents about themselves", r->own, false);
	fact(to, "Lines before or after the period", r->outside, false);
	fact(to, "Lines of other units", r->other_unit, false);
	fact(to, "Of these, of no unit and with something in the clear", r->unplaced, false);
	fact(to, "Damaged lines, of which nothing is known", r->damaged, true);
	fact(to, "Lines without a time: counted, not drawn", r->undated, false);
	fact(to, "Lines under mailseal's name, but not by it", r->strangers, false);
	fact(to, "Lines counted whose program the journal did not see", r->unseen, false);
	fact(to, "Events counted that have no line of their own", r->suppressed, false);
	fact(to, "Events that the log daemon told of as repeated lines", r->repeated, false);
	fact(to, "Lines that an agent could not write anywhere", r->lost, false);
	fact(to, "Lines that the log daemon dropped", r->dropped, false);
	fact(to, "Lines of other programs with what is like mailseal's", r->quoting, false);
	fact(to, "Lines with neither time nor program", r->strays, false);
	fact(to, "The agent was at its limit (overload)", r->overload, false);
	fact(to, "The agent could not start (failed)", r->failed, false);
	fact(to, "The agent was stopped with connections open", r->stopped, false);
	fact(to, "The configuration was read anew", r->reloaded, false);
	fact(to, "The log could not be written, or not where it should", r->log, false);
	fact(to, "Events that this version does not know", r->unknown, false);
	fputs("</tbody></table>\n", to);
	if (r->damage[0][0]) {
		fputs("<p class=\"about\">Damaged lines, the first of them:</p><ul "
		      "class=\"damage\">\n",
			to);
		for (unsigned i = 0; i < TALLY_DAMAGES && r->damage[i][0]; i++) {
			fputs("<li><bdi>", to);
			html_text(to, r->damage[i]);
			fputs("</bdi></li>\n", to);
		}
		fputs("</ul>\n", to);
	}
	fputs("</section>\n", to);
}
