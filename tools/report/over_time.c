#include "tools/report/over_time.h"

#include <string.h>
#include <time.h>

/* Each divides the next one. */
static const int64_t widths[] = {60, 300, 900, 3600, 10800, 21600, 86400, 7 * 86400, 28 * 86400,
	364 * 86400, 3640 * 86400LL};

#define WIDTHS (sizeof(widths) / sizeof(widths[0]))

void over_time_init(struct tally_time *t)
{
	time_t now = time(NULL);
	struct tm tm;

	*t = (struct tally_time){.width = widths[0]};
	if (localtime_r(&now, &tm))
		t->shift = tm.tm_gmtoff;
}

/* Where a bucket of this width begins. */
static int64_t begin_of(const struct tally_time *t, int64_t time, int64_t width)
{
	int64_t local = time + t->shift;

	return local - (local % width + width) % width - t->shift;
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
	begin = begin_of(t, time, t->width);
	if (t->count == 0)
		t->start = begin, t->count = 1;
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
