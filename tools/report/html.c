/*
 * html: the report as one page for a browser: headline, plots, tables. Nothing in it comes from
 * elsewhere, and nothing in it runs: no script, no font, no picture; a policy in its head forbids
 * them, should a name from a log ever get past the escaping.
 */
#include "tools/report/html_bars.h"
#include "tools/report/html_out.h"
#include "tools/report/html_outcomes.h"
#include "tools/report/html_plot.h"
#include "tools/report/html_style.h"
#include "tools/report/html_tables.h"
#include "tools/report/statement.h"
#include "tools/report/report.h"

#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* What is counted as messages; the rest are connections. */
static const enum tally_outcome sent[] = {
	TALLY_VERIFIED, TALLY_UNVERIFIED, TALLY_CLEARTEXT, TALLY_WOULD_BLOCK};
static const enum tally_outcome not_sent[] = {TALLY_BLOCKED, TALLY_UNDECIDED, TALLY_ATTACK};

static uint64_t sum_sent(const struct tally_counts *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(sent) / sizeof(*sent); i++)
		n += c->events[sent[i]];
	return n;
}

static uint64_t sum_messages(const struct tally_counts *c)
{
	uint64_t n = sum_sent(c);

	for (size_t i = 0; i < sizeof(not_sent) / sizeof(*not_sent); i++)
		n += c->events[not_sent[i]];
	return n;
}

static void page_head(FILE *to)
{
	fprintf(to,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"referrer\" content=\"no-referrer\">\n"
		"<title>mailseal report</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n",
		html_style_hash, html_style);
}

static void period(FILE *to, const struct report *r, int64_t now)
{
	const struct tally_reading *reading = &r->tally->reading;
	bool asked = r->since > 0 || r->until < INT64_MAX;

	fputs("<dt>Period</dt><dd>", to);
	if (r->since > 0)
		html_time(to, r->since);
	else if (asked)
		fputs("the beginning of the log", to);
	fputs(asked ? " to " : "", to);
	if (r->until < INT64_MAX)
		html_time(to, r->until);
	else if (asked)
		fputs("now", to);
	fputs(asked ? "; logged " : "", to);
	if (reading->first) {
		html_time(to, reading->first);
		fputs(" to ", to);
		html_time(to, reading->last);
	} else {
		fputs(asked ? "nothing" : "no line tells a time", to);
	}
	fputs(" (", to);
	html_zones(to, reading->first ? reading->first : now, reading->last ? reading->last : now);
	fputs(")</dd>\n", to);
}

static void only(FILE *to, unsigned outcomes)
{
	bool first = true;

	if (outcomes == (1u << TALLY_OUTCOMES) - 1)
		return;
	fputs("<dt>Only</dt><dd>", to);
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++) {
		if (!(outcomes >> o & 1))
			continue;
		fputs(first ? "" : "; ", to);
		fputs(html_outcome_title(o), to);
		first = false;
	}
	fputs(" (plots, tables and reasons; the other figures are of all)</dd>\n", to);
}

static void page_header(FILE *to, const struct report *r)
{
	int64_t now = time(NULL);
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	fputs("<header><h1>mailseal report</h1>\n<dl>", to);
	period(to, r, now);
	fputs("<dt>Source</dt><dd>", to);
	html_text(to, r->source);
	fputs("</dd>\n", to);
	if (r->units->patterns) {
		fputs("<dt>Unit</dt><dd>", to);
		for (size_t i = 0; r->units->patterns[i]; i++) {
			fputs(i ? ", " : "", to);
			html_text(to, r->units->patterns[i]);
		}
		fputs("</dd>\n", to);
	}
	only(to, r->tally->only);
	fputs("<dt>Written</dt><dd>", to);
	html_time(to, now);
	fputs(" on ", to);
	html_text(to, host);
	fputs(" by mailseal " MAILSEAL_VERSION "</dd>\n</dl></header>\n", to);
}

static void tile_begin(FILE *to, const char *class, uint64_t n, const char *title)
{
	fprintf(to, "<div class=\"tile%s\"><b>", class);
	html_number(to, n);
	fprintf(to, "</b><span>%s</span><small>", title);
}

static void tile_messages(FILE *to, const struct tally_counts *c)
{
	tile_begin(to, "", sum_messages(c), sum_messages(c) == 1 ? "message" : "messages");
	html_number(to, c->taken);
	fputs(" taken by a server, ", to);
	html_bytes(to, c->bytes);
	fputs("</small></div>\n", to);
}

/* What it says is of all messages, those that passed in observe mode among them. */
static void tile_clear(FILE *to, const struct tally_counts *c, const struct statement *statement)
{
	bool bad = c->clear || c->clear_logins;
	bool good = !statement->holes && sum_messages(c) && !c->clear_envelopes;

	tile_begin(to, bad ? " bad" : good ? " good" : "", c->clear, "in the clear");
	if (c->clear) {
		html_bytes(to, c->clear_bytes);
		fputs(" of content was not encrypted", to);
	} else {
		fputs(statement->nothing ? "nothing can be said: the log tells of no mail"
					 : "by this log, no content was sent unencrypted",
			to);
	}
	fputs("</small></div>\n", to);
}

static void tile_verified(FILE *to, const struct tally_counts *c)
{
	uint64_t all = sum_sent(c), n = c->events[TALLY_VERIFIED];
	double share = all ? 100.0 * (double)n / (double)all : 0;

	tile_begin(to, "", n, "over verified TLS");
	if (all)
		fprintf(to, "%s%.1f %% of those that went to a server",
			share > 99.9 && n < all ? "over " : "",
			share > 99.9 && n < all ? 99.9 : share);
	else
		fputs("nothing went to a server", to);
	fputs("</small></div>\n", to);
}

static void tile_blocked(FILE *to, const struct tally_counts *c)
{
	uint64_t would = c->events[TALLY_WOULD_BLOCK];

	tile_begin(to, "", c->events[TALLY_BLOCKED], "blocked by policy");
	if (would) {
		html_number(to, would);
		fputs(" more would be, if it were enforced", to);
	} else {
		fputs("nothing else would be", to);
	}
	fputs("</small></div>\n", to);
}

static void item(FILE *to, const char *text)
{
	if (!text)
		return;
	fputs("<li>", to);
	html_text(to, text);
	fputs("</li>\n", to);
}

/* Whoever reads "in the clear: 0" has to know what may have gone past it. */
static void caveats(FILE *to, const struct tally_counts *c, const struct statement *statement)
{
	fprintf(to, "<section class=\"%s\"><h2>What else is to be known</h2>\n<ul>\n",
		statement->holes ? "caveats" : "notes");
	item(to, c->clear || statement->nothing ? statement->clear : NULL); /* to which servers */
	for (unsigned i = 0; i < statement->gap_count; i++)
		item(to, statement->gaps[i]);
	item(to, statement->closed);
	item(to, statement->covers);
	fputs("</ul></section>\n", to);
}

static void outcomes(FILE *to, const struct tally *t)
{
	uint64_t all = 0;

	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		all += t->total.events[o];
	fputs("<section><h2>Outcomes</h2>\n<table class=\"outcomes\"><tbody>\n", to);
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++) {
		enum tally_outcome outcome = html_stack[o];
		uint64_t n = t->total.events[outcome];

		if (!n)
			continue;
		fprintf(to,
			"<tr><th scope=\"row\"><i class=\"key %s\"></i>%s</th><td "
			"class=\"meaning\">%s</td>"
			"<td class=\"n\">",
			html_outcome_class(outcome), html_outcome_title(outcome),
			html_outcome_meaning(outcome));
		html_number(to, n);
		fprintf(to, "</td><td class=\"n\">%.1f&nbsp;%%</td></tr>\n",
			100.0 * (double)n / (double)all);
	}
	fputs("</tbody></table></section>\n", to);
}

/* Of what was asked for: without a time, or thousands of years from the rest. */
static void not_drawn(FILE *to, const struct tally *t, const uint64_t drawn[TALLY_OUTCOMES])
{
	uint64_t n = 0;

	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		if (html_outcome_drawn(o) && t->only >> o & 1)
			n += t->total.events[o] - drawn[o];
	if (!n)
		return;
	fputs("<p class=\"axis\">Not drawn, since their time is unknown or out of reach: ", to);
	html_number(to, n);
	fputs("</p>\n", to);
}

static void plots(FILE *to, const struct report *r)
{
	uint64_t drawn[TALLY_OUTCOMES] = {0}, all = 0;
	struct html_bars bars;

	html_bars_fill(&bars, &r->tally->time, r->since > 0 ? r->since : 0,
		r->until < INT64_MAX ? r->until : 0);
	for (unsigned i = 0; i < bars.count; i++)
		for (unsigned o = 0; o < TALLY_OUTCOMES; o++) {
			drawn[o] += bars.at[i].events[o];
			all += html_outcome_drawn(o) ? bars.at[i].events[o] : 0;
		}
	fputs("<section><h2>Over time</h2>\n", to);
	if (all)
		html_plot(to, &bars, drawn);
	else
		fputs("<p class=\"none\">Nothing to draw.</p>\n", to);
	not_drawn(to, r->tally, drawn);
	fputs("</section>\n", to);
}

int report_html(const struct report *r)
{
	const struct tally *t = r->tally;
	uint64_t events = 0;
	FILE *to = stdout;
	struct statement statement;

	statement_make(r, &statement);
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		events += t->total.events[o];
	page_head(to);
	page_header(to, r);
	if (!events)
		fputs("<section><h2>No messages</h2>\n<p class=\"none\">The log tells of no "
		      "message "
		      "and no connection in this period.</p></section>\n",
			to);
	fputs("<div class=\"tiles\">\n", to);
	tile_messages(to, &t->total);
	tile_clear(to, &t->total, &statement);
	tile_verified(to, &t->total);
	tile_blocked(to, &t->total);
	fputs("</div>\n", to);
	caveats(to, &t->total, &statement);
	if (events) {
		plots(to, r);
		outcomes(to, t);
		html_reasons(to, t);
		for (unsigned k = 0; k < TALLY_KEYS; k++)
			html_rows(to, r->by[k], k);
	}
	html_reading(to, t);
	fputs("</main>\n</body>\n</html>\n", to);
	return EX_OK;
}
