#include "tools/report/html_bars.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MINUTE 60
#define HOUR 3600
#define DAY 86400
#define WEEK (7 * DAY)
#define MONDAY (4 * DAY) /* the first one, 1970-01-05 */
#define TICKS 10	 /* dates along the axis, at most */
#define WIDEST ((int64_t)INT32_MAX * DAY)

static const int64_t widths[] = {1, 5, 10, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE,
	15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY,
	2 * DAY, WEEK, 2 * WEEK, 4 * WEEK, 8 * WEEK, 16 * WEEK, 52 * WEEK};
#define WIDTHS (sizeof(widths) / sizeof(*widths))

static int64_t round_down(int64_t n, int64_t step)
{
	return n - ((n % step) + step) % step;
}

/* The beginning of the bar that `when` falls into: of a clock hour, a day, a week from Monday. */
static int64_t begin_of(int64_t when, int64_t width, int64_t shift)
{
	int64_t base = width % WEEK == 0 ? MONDAY : 0;

	return round_down(when + shift - base, width) + base - shift;
}

/* The narrowest width that has a name and gives few enough bars. */
static int64_t choose_width(int64_t from, int64_t to, int64_t least, int64_t shift)
{
	int64_t width = least;

	for (size_t i = 0; i < WIDTHS; i++) {
		width = widths[i];
		if (width >= least && width % least == 0 &&
			(to - begin_of(from, width, shift)) / width < 100)
			return width;
	}
	for (width = least; (to - begin_of(from, width, shift)) / width >= 100 && width < WIDEST;)
		width *= 2;
	return width;
}

/* A single bar, or a few, get room on both sides. */
static void widen(struct html_bars *bars)
{
	unsigned more;

	if (bars->count >= HTML_BARS_LEAST)
		return;
	more = HTML_BARS_LEAST - bars->count;
	bars->start -= (int64_t)(more / 2) * bars->width;
	bars->count = HTML_BARS_LEAST;
}

static long months_of(int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm = {0};

	localtime_r(&t, &tm);
	return tm.tm_year * 12L + tm.tm_mon;
}

static void choose_ticks(struct html_bars *bars)
{
	static const unsigned months[] = {1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200};
	int64_t end = html_bars_time(bars, bars->count);
	long span = months_of(end) - months_of(bars->start);
	size_t i;

	for (i = 0; i < WIDTHS && widths[i] <= 2 * WEEK; i++) {
		bars->tick = (unsigned)widths[i];
		if (widths[i] >= bars->width && (end - bars->start) / widths[i] <= TICKS)
			return;
	}
	bars->tick_months = true;
	for (i = 0; i < sizeof(months) / sizeof(*months); i++) {
		bars->tick = months[i];
		if (span / (long)months[i] <= TICKS)
			return;
	}
}

/* What was asked for is drawn to its ends, unless most of the plot would be empty then. */
static void stretch_to(int64_t *from, int64_t *to, int64_t since, int64_t until)
{
	int64_t begin = since && since < *from ? since : *from;
	int64_t end = until > *to ? until : *to;

	if (end - begin > 2 * DAY && (end - begin) / 8 > *to - *from)
		return;
	*from = begin;
	*to = end;
}

void html_bars_fill(
	struct html_bars *bars, const struct tally_time *time, int64_t since, int64_t until)
{
	int64_t from = time->start, to = time->start + (int64_t)time->count * time->width;

	memset(bars, 0, sizeof(*bars));
	if (!time->count || time->width <= 0)
		return;
	stretch_to(&from, &to, since, until);
	bars->width = choose_width(from, to - 1, time->width, time->shift);
	bars->start = begin_of(from, bars->width, time->shift);
	bars->count = (unsigned)((to - 1 - bars->start) / bars->width) + 1;
	widen(bars);
	for (unsigned i = 0; i < time->count; i++) {
		int64_t when = time->start + (int64_t)i * time->width;
		struct tally_bucket *bar = &bars->at[(when - bars->start) / bars->width];

		for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
			bar->events[o] += time->at[i].events[o];
	}
	choose_ticks(bars);
}

int64_t html_bars_time(const struct html_bars *bars, unsigned i)
{
	return bars->start + (int64_t)i * bars->width;
}

/* Which of the stretches between dates it falls into, by local time. */
static int64_t stretch(const struct html_bars *bars, int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm = {0};

	if (bars->tick_months)
		return months_of(when) / (long)bars->tick;
	localtime_r(&t, &tm);
	return begin_of(when, bars->tick, tm.tm_gmtoff) + tm.tm_gmtoff;
}

bool html_bars_tick(const struct html_bars *bars, unsigned i)
{
	int64_t when = html_bars_time(bars, i);

	return stretch(bars, when) != stretch(bars, when - (i ? bars->width : 1));
}

void html_bars_unit(const struct html_bars *bars, char *out, size_t size)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {
		{WEEK, "week"}, {DAY, "day"}, {HOUR, "hour"}, {MINUTE, "minute"}, {1, "second"}};
	size_t i = 0;

	while (units[i].seconds > 1 && bars->width % units[i].seconds)
		i++;
	if (bars->width == units[i].seconds)
		snprintf(out, size, "%s", units[i].name);
	else
		snprintf(out, size, "%lld %ss", (long long)(bars->width / units[i].seconds),
			units[i].name);
}
