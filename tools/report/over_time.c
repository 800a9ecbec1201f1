#include "tools/report/over_time.h"

#include <string.h>
#include <time.h>

#define DAY 86400
#define WEEK (7 * DAY)
#define MONDAY (4 * DAY) /* the first one, 1970-01-05 */

/* Each divides the next one. */
static const int64_t widths[] = {
	60, 300, 900, 3600, 10800, 21600, DAY, WEEK, 4 * WEEK, 52 * WEEK, 520LL * WEEK};

#define WIDTHS (sizeof(widths) / sizeof(widths[0]))

void over_time_init(struct tally_time *t)
{
	*t = (struct tally_time){.width = widths[0]};
}

/* Where a bucket of this width begins: weeks on a Monday. */
static int64_t begin_of(const struct tally_time *t, int64_t time, int64_t width)
{
	int64_t base = (width % WEEK == 0 ? MONDAY : 0) - t->shift, local = time - base;

	return local - (local % width + width) % width + base;
}

/* In winter, a log of the summer has the days of summer. */
static void begin_at(struct tally_time *t, int64_t time)
{
	time_t when = (time_t)time;
	struct tm tm;

	t->shift = localtime_r(&when, &tm) ? tm.tm_gmtoff : 0;
	t->start = begin_of(t, time, t->width);
	t->count = 1;
}

static void merge(struct tally_bucket *into, const struct tally_bucket *from)
{
	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		into->events[o] += from->events[o];
}

static void widen(struct tally_time *t, int64_t width)
{
	int64_t start = begin_of(t, t->start, width);
	struct tally_bucket old;
	unsigned count = 0;

	for (unsigned i = 0; i < t->count; i++) {
		unsigned to = (unsigned)((t->start + i * t->width - start) / width);

		old = t->at[i];
		t->at[i] = (struct tally_bucket){0};
		merge(&t->at[to], &old);
		count = to + 1;
	}
	t->start = start;
	t->width = width;
	t->count = count;
}

/* How many buckets there are when this time is among them. */
static int64_t reach(const struct tally_time *t, int64_t time, int64_t width)
{
	int64_t first = t->start, last = t->start + (t->count - 1) * t->width;

	first = begin_of(t, time < first ? time : first, width);
	last = begin_of(t, time > last ? time : last, width);
	return (last - first) / width + 1;
}

static void extend(struct tally_time *t, int64_t begin)
{
	unsigned more;

	if (begin < t->start) {
		more = (unsigned)((t->start - begin) / t->width);
		memmove(t->at + more, t->at, t->count * sizeof(t->at[0]));
		memset(t->at, 0, more * sizeof(t->at[0]));
		t->start = begin;
		t->count += more;
	}
	more = (unsigned)((begin - t->start) / t->width) + 1;
	if (more <= t->count)
		return;
	memset(t->at + t->count, 0, (more - t->count) * sizeof(t->at[0]));
	t->count = more;
}

void over_time_add(struct tally_time *t, int64_t time, enum tally_outcome outcome, uint64_t weight)
{
	int64_t begin;
	size_t w = 0;

	if (time == 0)
		return;
	if (t->count == 0)
		begin_at(t, time);
	begin = begin_of(t, time, t->width);
	if (reach(t, time, t->width) > TALLY_BUCKETS) {
		while (w < WIDTHS - 1 &&
			(widths[w] <= t->width || reach(t, time, widths[w]) > TALLY_BUCKETS))
			w++;
		widen(t, widths[w]);
		begin = begin_of(t, time, t->width);
		if (reach(t, time, t->width) > TALLY_BUCKETS)
			return; /* thousands of years: a time that is none */
	}
	extend(t, begin);
	t->at[(begin - t->start) / t->width].events[outcome] += weight;
}
