#include "tools/report/html.h"

#include "tools/report/html_bars.h"
#include "tools/report/html_out.h"
#include "tools/report/html_outcomes.h"
#include "tools/report/html_plot.h"
#include "tools/report/html_style.h"
#include "tools/report/html_tables.h"

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

static void period(FILE *to, const struct html_page *page, const struct tally_reading *r)
{
	fputs("<dt>Period</dt><dd>", to);
	if (page->since || page->until) {
		if (page->since)
			html_time(to, page->since);
		else
			fputs("the beginning of the log", to);
		fputs(" to ", to);
		if (page->until)
			html_time(to, page->until);
		else
			fputs("now", to);
	}
	if (r->first) {
		fputs(page->since || page->until ? "; logged " : "", to);
		html_time(to, r->first);
		fputs(" to ", to);
		html_time(to, r->last);
	} else {
		fputs(page->since || page->until ? "; no line tells a time"
						 : "no line tells a time",
			to);
	}
	fputs(" (", to);
	html_zones(to, r->first ? r->first : page->now, r->last ? r->last : page->now);
	fputs(")</dd>\n", to);
}

static void page_header(FILE *to, const struct html_page *page, const struct tally *t)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	fputs("<header><h1>mailseal report</h1>\n<dl>", to);
	period(to, page, &t->reading);
	fputs("<dt>Source</dt><dd>", to);
	for (size_t i = 0; page->sources[i]; i++) {
		fputs(i ? ", " : "", to);
		html_text(to, page->sources[i]);
	}
	fputs("</dd>\n", to);
	if (page->unit) {
		fputs("<dt>Unit</dt><dd>", to);
		html_text(to, page->unit);
		fputs("</dd>\n", to);
	}
	if (page->only) {
		fputs("<dt>Only</dt><dd>", to);
		html_text(to, page->only);
		fputs(" (plots, tables and reasons; the figures above them are of all)</dd>\n", to);
	}
	fputs("<dt>Written</dt><dd>", to);
	html_time(to, page->now);
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
	html_number(to, sum_sent(c));
	fprintf(to, " of %s went to a server: ", sum_messages(c) == 1 ? "1" : "them");
	html_bytes(to, c->bytes);
	fputs("</small></div>\n", to);
}

/* What it says is of all messages, those that passed in observe mode among them. */
static void tile_clear(FILE *to, const struct tally_counts *c, bool certain)
{
	bool bad = c->clear || c->clear_logins;
	bool good = certain && sum_messages(c) && !c->clear_envelopes;

	tile_begin(to, bad ? " bad" : good ? " good" : "", c->clear, "in the clear");
	if (c->clear) {
		html_bytes(to, c->clear_bytes);
		fputs(" of content was not encrypted", to);
	} else {
		fputs("no content was sent unencrypted", to);
	}
	if (c->clear_envelopes) {
		fputs("; without content, ", to);
		html_number(to, c->clear_envelopes);
		fputs(c->clear_envelopes == 1 ? " envelope may have gone so"
					      : " envelopes may have gone so",
			to);
	}
	if (c->clear_logins) {
		fputs("; ", to);
		html_number(to, c->clear_logins);
		fputs(c->clear_logins == 1 ? " login in the clear" : " logins in the clear", to);
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

/* Nothing that the log does not tell could have gone in the clear. */
static bool certain(const struct tally *t)
{
	const struct tally_reading *r = &t->reading;

	return !t->total.events[TALLY_RELAYED] && !r->damaged && !r->repeated && !r->strangers &&
	       !r->unknown;
}

static void doubt(FILE *to, bool *any, uint64_t n, const char *one, const char *many)
{
	if (!n)
		return;
	fputs(*any ? ""
		   : "<section class=\"caveats\"><h2>What this report cannot tell</h2>\n<ul>\n",
		to);
	*any = true;
	fputs("<li>", to);
	html_number(to, n);
	fprintf(to, " %s</li>\n", n == 1 ? one : many);
}

/* Whoever reads "in the clear: 0" has to know what may have gone past it. */
static void caveats(FILE *to, const struct tally *t)
{
	const struct tally_reading *r = &t->reading;
	bool any = false;

	doubt(to, &any, t->total.events[TALLY_RELAYED],
		"connection passed untouched (intercept = false): whether it was encrypted is not "
		"known.",
		"connections passed untouched (intercept = false): whether they were encrypted is "
		"not known.");
	doubt(to, &any, t->total.events[TALLY_OWN_TLS],
		"connection was encrypted by the program itself: what was sent over it is not "
		"known.",
		"connections were encrypted by programs themselves: what was sent over them is not "
		"known.");
	doubt(to, &any, r->damaged, "line of the log is damaged, and not counted.",
		"lines of the log are damaged, and not counted.");
	doubt(to, &any, r->repeated, "line was dropped by the log daemon, as it says itself.",
		"lines were dropped by the log daemon, as it says itself.");
	doubt(to, &any, r->strangers,
		"line bears mailseal's name, but was not written by it; it is not counted.",
		"lines bear mailseal's name, but were not written by it; they are not counted.");
	doubt(to, &any, r->unknown, "event is of a kind that this version does not know.",
		"events are of kinds that this version does not know.");
	doubt(to, &any, r->undated, "line has no time that could be read: counted, but not drawn.",
		"lines have no time that could be read: counted, but not drawn.");
	if (any)
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

static void plots(FILE *to, const struct html_page *page, const struct tally *t)
{
	uint64_t drawn[TALLY_OUTCOMES] = {0}, all = 0;
	struct html_bars bars;

	html_bars_fill(&bars, &t->time, page->since, page->until);
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
	fputs("</section>\n", to);
}

void html_write(FILE *to, const struct html_page *page)
{
	const struct tally *t = page->by[0];
	uint64_t events = 0;

	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		events += t->total.events[o];
	page_head(to);
	page_header(to, page, t);
	if (!events)
		fputs("<section class=\"nothing\"><h2>No messages</h2>\n<p class=\"none\">The log "
		      "tells of no "
		      "message and no connection in this period.</p></section>\n",
			to);
	fputs("<div class=\"tiles\">\n", to);
	tile_messages(to, &t->total);
	tile_clear(to, &t->total, certain(t));
	tile_verified(to, &t->total);
	tile_blocked(to, &t->total);
	fputs("</div>\n", to);
	caveats(to, t);
	if (events) {
		plots(to, page, t);
		outcomes(to, t);
		html_reasons(to, t);
		for (unsigned k = 0; k < TALLY_KEYS; k++)
			html_rows(to, page->by[k], k);
	}
	html_reading(to, t);
	fputs("</main>\n</body>\n</html>\n", to);
}
