#include "tools/report/html_plot.h"

#include "tools/report/html_out.h"
#include "tools/report/html_outcomes.h"

#include <string.h>
#include <time.h>

#define HEIGHT 220.0 /* of the plot; pixels */
#define STRIP 26.0
#define ABOVE 12.0 /* room over the highest bar, for labels and for what is drawn too high */
#define LINES 5	   /* most */

static uint64_t drawn_sum(const uint64_t events[TALLY_OUTCOMES])
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < TALLY_OUTCOMES; i++)
		if (html_outcome_drawn(html_stack[i]))
			sum += events[html_stack[i]];
	return sum;
}

static uint64_t highest(const struct html_bars *bars, int outcome)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < bars->count; i++) {
		uint64_t n =
			outcome < 0 ? drawn_sum(bars->at[i].events) : bars->at[i].events[outcome];

		most = n > most ? n : most;
	}
	return most;
}

/* The lines across the plot: `count` steps of 1, 2 or 5 times a power of ten reach its top. */
struct lines {
	uint64_t step;
	unsigned count;
};

static struct lines choose_lines(uint64_t most)
{
	static const unsigned factors[] = {1, 2, 5};

	most = most ? most : 1;
	for (uint64_t power = 1;; power *= 10) {
		for (unsigned i = 0; i < 3; i++) {
			uint64_t step = factors[i] * power,
				 count = most / step + (most % step != 0);

			if (count <= LINES)
				return (struct lines){step, (unsigned)count};
		}
	}
}

static double slot(const struct html_bars *bars)
{
	return 100.0 / bars->count;
}

/* The times of a bar; the day of its end only where it is another one. */
static void bar_times(FILE *to, const struct html_bars *bars, unsigned i)
{
	time_t begin = (time_t)html_bars_time(bars, i), end = (time_t)html_bars_time(bars, i + 1);
	bool seconds = bars->width < 60;
	struct tm a = {0}, b = {0};
	char text[96];

	localtime_r(&begin, &a);
	localtime_r(&end, &b);
	strftime(text, sizeof(text), seconds ? "%F %T" : "%F %H:%M", &a);
	fputs(text, to);
	if (a.tm_gmtoff != b.tm_gmtoff) {
		putc(' ', to);
		html_text(to, a.tm_zone);
	}
	if (a.tm_yday == b.tm_yday && a.tm_year == b.tm_year)
		strftime(text, sizeof(text), seconds ? "%T" : "%H:%M", &b);
	else
		strftime(text, sizeof(text), seconds ? "%F %T" : "%F %H:%M", &b);
	fprintf(to, " to %s", text);
	if (a.tm_gmtoff != b.tm_gmtoff) {
		putc(' ', to);
		html_text(to, b.tm_zone);
	}
}

static bool clock_changes(const struct html_bars *bars)
{
	time_t first = (time_t)bars->start;
	struct tm a = {0}, b = {0};

	localtime_r(&first, &a);
	for (unsigned i = 1; i <= bars->count; i++) {
		time_t when = (time_t)html_bars_time(bars, i);

		localtime_r(&when, &b);
		if (a.tm_gmtoff != b.tm_gmtoff)
			return true;
	}
	return false;
}

static void bar_title(FILE *to, const struct html_bars *bars, unsigned i)
{
	const uint64_t *events = bars->at[i].events;

	fputs("<title>", to);
	bar_times(to, bars, i);
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++) {
		enum tally_outcome outcome = html_stack[o];

		if (!events[outcome] || !html_outcome_drawn(outcome))
			continue;
		fprintf(to, "\n%s: ", html_outcome_title(outcome));
		html_number(to, events[outcome]);
	}
	fputs("</title>", to);
}

static void mark(FILE *to, const char *class, double x, double width, double y, double height)
{
	fprintf(to,
		"<rect class=\"m %s\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%.2f\" height=\"%.2f\"/>",
		class, x, width, y, height);
}

static void stacked_bar(FILE *to, const struct html_bars *bars, unsigned i, uint64_t top)
{
	double base = HEIGHT + ABOVE, width = slot(bars);

	if (!drawn_sum(bars->at[i].events))
		return;
	fputs("<g class=\"bar\">", to);
	bar_title(to, bars, i);
	fprintf(to, "<rect class=\"hit\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"0\" height=\"%.0f\"/>",
		i * width, width, HEIGHT + ABOVE);
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++) {
		enum tally_outcome outcome = html_stack[o];
		uint64_t n = bars->at[i].events[outcome];
		double height = (double)n / (double)top * HEIGHT;

		if (!n || !html_outcome_drawn(outcome))
			continue;
		height = height < 1 ? 1 : height;
		base -= height;
		mark(to, html_outcome_class(outcome), (i + 0.08) * width, width * 0.84, base,
			height);
	}
	fputs("</g>\n", to);
}

/* What stands under the axis at a date: the time or the day, and below it, where it is another one
 * than before, the day or the year. */
static void tick_texts(const struct html_bars *bars, const struct tm *tm, bool first,
	const struct tm *before, char two[2][24])
{
	bool months = bars->tick_months, day = !months && bars->tick >= 86400;
	bool other_year = first || tm->tm_year != before->tm_year;
	bool other_day = other_year || tm->tm_yday != before->tm_yday;

	two[1][0] = '\0';
	if (months && bars->tick >= 12) {
		strftime(two[0], sizeof(two[0]), "%Y", tm);
		return;
	}
	strftime(two[0], sizeof(two[0]),
		months		  ? "%b"
		: day		  ? "%b %e"
		: bars->tick < 60 ? "%T"
				  : "%H:%M",
		tm);
	if ((months || day) && other_year)
		strftime(two[1], sizeof(two[1]), "%Y", tm);
	else if (!months && !day && other_day)
		strftime(two[1], sizeof(two[1]), "%b %e", tm);
}

/* On a narrow screen every second date is left out (class "broad"). */
static void dates(FILE *to, const struct html_bars *bars)
{
	struct tm tm = {0}, before = {0}, before_narrow = {0};
	char two[2][24], narrow[2][24];
	unsigned n = 0;

	for (unsigned i = 0; i < bars->count; i++) {
		time_t when = (time_t)html_bars_time(bars, i);
		double x = i * slot(bars);
		bool odd = n % 2;

		if (!html_bars_tick(bars, i))
			continue;
		localtime_r(&when, &tm);
		tick_texts(bars, &tm, !n, &before, two);
		tick_texts(bars, &tm, !n, &before_narrow, narrow);
		fprintf(to,
			"<g class=\"date%s\"><line x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"%.0f\" "
			"y2=\"%.0f\"/>",
			odd ? " broad" : "", x, x, HEIGHT + ABOVE, HEIGHT + ABOVE + 5);
		fprintf(to, "<text x=\"%.3f%%\" y=\"%.0f\">%s</text>", x, HEIGHT + ABOVE + 19,
			two[0]);
		if (narrow[1][0] && !odd)
			fprintf(to, "<text class=\"%s\" x=\"%.3f%%\" y=\"%.0f\">%s</text>",
				two[1][0] ? "below" : "below narrow", x, HEIGHT + ABOVE + 34,
				narrow[1]);
		else if (two[1][0])
			fprintf(to, "<text class=\"below\" x=\"%.3f%%\" y=\"%.0f\">%s</text>", x,
				HEIGHT + ABOVE + 34, two[1]);
		fputs("</g>\n", to);
		before = tm;
		before_narrow = odd ? before_narrow : tm;
		n++;
	}
}

static double line_at(const struct lines *lines, unsigned i)
{
	return ABOVE + HEIGHT - HEIGHT * i / lines->count;
}

static void scale(FILE *to, const struct lines *lines)
{
	fprintf(to, "<svg class=\"scale\" height=\"%.0f\" aria-hidden=\"true\">\n",
		HEIGHT + ABOVE + 40);
	for (unsigned i = 0; i <= lines->count; i++) {
		fprintf(to, "<text x=\"100%%\" y=\"%.1f\">", line_at(lines, i) + 4);
		html_short_number(to, lines->step * i);
		fputs("</text>\n", to);
	}
	fputs("</svg>", to);
}

static void stack(FILE *to, const struct html_bars *bars, const char *unit)
{
	struct lines lines = choose_lines(highest(bars, -1));

	fprintf(to, "<p class=\"axis\">Messages and connections per %s</p>\n<div class=\"plot\">",
		unit);
	scale(to, &lines);
	fprintf(to,
		"<svg class=\"stack\" width=\"100%%\" height=\"%.0f\" role=\"img\" "
		"aria-label=\"Bars: messages and connections per %s, by outcome. The figures stand "
		"in the "
		"table below.\">\n",
		HEIGHT + ABOVE + 40, unit);
	for (unsigned i = 0; i <= lines.count; i++)
		fprintf(to, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
			i ? "grid" : "base", line_at(&lines, i), line_at(&lines, i));
	for (unsigned i = 0; i < bars->count; i++)
		stacked_bar(to, bars, i, lines.step * lines.count);
	dates(to, bars);
	fputs("</svg></div>\n", to);
}

static void legend(FILE *to, const uint64_t total[TALLY_OUTCOMES])
{
	fputs("<ul class=\"legend\">", to);
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		if (total[html_stack[o]] && html_outcome_drawn(html_stack[o]))
			fprintf(to, "<li><i class=\"key %s\"></i>%s</li>",
				html_outcome_class(html_stack[o]),
				html_outcome_title(html_stack[o]));
	fputs("</ul>\n", to);
}

static void strip(
	FILE *to, const struct html_bars *bars, enum tally_outcome outcome, uint64_t total)
{
	uint64_t most = highest(bars, (int)outcome);
	double width = slot(bars);

	fprintf(to,
		"<div class=\"strip\"><div class=\"what\"><i class=\"key %s\"></i>%s</div>"
		"<div class=\"sum\">",
		html_outcome_class(outcome), html_outcome_title(outcome));
	html_number(to, total);
	fprintf(to,
		"</div><svg width=\"100%%\" height=\"%.0f\" role=\"img\" aria-label=\"%s, by "
		"itself\">"
		"<line class=\"base\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
		STRIP + 2, html_outcome_title(outcome), STRIP + 1, STRIP + 1);
	for (unsigned i = 0; i < bars->count; i++) {
		uint64_t n = bars->at[i].events[outcome];
		double height = most ? (double)n / (double)most * STRIP : 0;

		if (!n)
			continue;
		height = height < 2 ? 2 : height;
		fputs("<g>", to);
		bar_title(to, bars, i);
		mark(to, html_outcome_class(outcome), (i + 0.08) * width, width * 0.84,
			STRIP + 1 - height, height);
		fputs("</g>", to);
	}
	fputs("</svg><div class=\"most\">up to ", to);
	html_short_number(to, most);
	fputs("</div></div>\n", to);
}

static void figures(FILE *to, const struct html_bars *bars, const uint64_t total[TALLY_OUTCOMES])
{
	fputs("<details><summary>The figures of these plots</summary><div class=\"wide\"><table "
	      "class=\"figures\"><thead><tr><th>Time</th>",
		to);
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		if (total[html_stack[o]] && html_outcome_drawn(html_stack[o]))
			fprintf(to, "<th>%s</th>", html_outcome_title(html_stack[o]));
	fputs("</tr></thead><tbody>\n", to);
	for (unsigned i = 0; i < bars->count; i++) {
		if (!drawn_sum(bars->at[i].events))
			continue;
		fputs("<tr><th>", to);
		bar_times(to, bars, i);
		fputs("</th>", to);
		for (unsigned o = 0; o < TALLY_OUTCOMES; o++) {
			if (!total[html_stack[o]] || !html_outcome_drawn(html_stack[o]))
				continue;
			fputs("<td>", to);
			html_number(to, bars->at[i].events[html_stack[o]]);
			fputs("</td>", to);
		}
		fputs("</tr>\n", to);
	}
	fputs("</tbody></table></div></details>\n", to);
}

void html_plot(FILE *to, const struct html_bars *bars, const uint64_t total[TALLY_OUTCOMES])
{
	char unit[32];

	html_bars_unit(bars, unit, sizeof(unit));
	legend(to, total);
	stack(to, bars, unit);
	if (bars->width > 3600 && clock_changes(bars))
		fputs("<p class=\"axis\">All bars are of one length. The clocks changed within "
		      "this "
		      "period, so that some begin an hour earlier or later by the clock.</p>\n",
			to);
	fprintf(to, "<p class=\"axis\">Each outcome by itself, on a scale of its own</p>\n"
		    "<div class=\"strips\">\n");
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		if (total[html_stack[o]] && html_outcome_drawn(html_stack[o]))
			strip(to, bars, html_stack[o], total[html_stack[o]]);
	fputs("</div>\n", to);
	figures(to, bars, total);
}

void html_mix(FILE *to, const uint64_t events[TALLY_OUTCOMES])
{
	uint64_t sum = drawn_sum(events);
	double x = 0;

	if (!sum)
		return;
	fputs("<svg class=\"mix\" width=\"100%\" height=\"10\" aria-hidden=\"true\">", to);
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++) {
		enum tally_outcome outcome = html_stack[o];
		double share = (double)events[outcome] / (double)sum * 100;

		if (!events[outcome] || !html_outcome_drawn(outcome))
			continue;
		fprintf(to, "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" height=\"10\"/>",
			html_outcome_class(outcome), x, share);
		x += share;
	}
	fputs("</svg>", to);
}
