#include "shim/agent/timers.h"

#include <errno.h>
#include <stdlib.h>

#define SIZE_FIRST 64

static void place(struct timers *t, size_t at, struct timer *timer)
{
	t->heap[at] = timer;
	timer->place = at;
}

static size_t rise(struct timers *t, size_t at, uint64_t due)
{
	while (at > 1 && t->heap[at / 2]->due > due) {
		place(t, at, t->heap[at / 2]);
		at /= 2;
	}
	return at;
}

static size_t sink(struct timers *t, size_t at, uint64_t due)
{
	size_t child;

	while ((child = 2 * at) <= t->count) {
		if (child < t->count && t->heap[child + 1]->due < t->heap[child]->due)
			child++;
		if (t->heap[child]->due >= due)
			break;
		place(t, at, t->heap[child]);
		at = child;
	}
	return at;
}

static int make_room(struct timers *t)
{
	size_t size = t->size ? 2 * t->size : SIZE_FIRST;
	struct timer **heap;

	if (t->count + 1 < t->size)
		return 0;
	heap = realloc(t->heap, size * sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	t->heap = heap;
	t->size = size;
	return 0;
}

static void settle(struct timers *t, size_t at, struct timer *timer)
{
	place(t, sink(t, rise(t, at, timer->due), timer->due), timer);
}

int timers_set(struct timers *t, struct timer *timer, uint64_t due)
{
	size_t at = timer->place;

	if (!at) {
		if (make_room(t) < 0)
			return -ENOMEM;
		at = ++t->count;
	} else if (timer->due == due) {
		return 0;
	}
	timer->due = due;
	settle(t, at, timer);
	return 0;
}

void timers_stop(struct timers *t, struct timer *timer)
{
	size_t at = timer->place;
	struct timer *other;

	if (!at)
		return;
	timer->place = 0;
	other = t->heap[t->count--];
	if (other != timer)
		settle(t, at, other);
}

struct timer *timers_first(const struct timers *t)
{
	return t->count ? t->heap[1] : NULL;
}

void timers_clear(struct timers *t)
{
	free(t->heap);
	*t = (struct timers){0};
}
