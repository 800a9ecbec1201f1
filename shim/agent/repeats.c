/*
 * repeats: a small table of kinds, each with its span.
 */
#include "shim/agent/repeats.h"

#include "shim/agent/agent.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASON_MAX 700
#define SUPPRESSED_MAX 40 /* octets of that pair */
#define EVENTS 8	  /* with a place for what has none of its own */

struct kind {
	uint64_t
		hash; /* two that have the same one are taken for one kind; only a count is wrong */
	uint64_t over; /* when its span is; 0: free */
	unsigned logged;
	uint64_t counted;
	char *last; /* text of the last that was counted; NULL without memory */
	int priority;
	char event[20];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kind kinds[REPEATS_KINDS], others[EVENTS];
static uint64_t all_over; /* the span of all kinds together */
static unsigned all_logged;
static bool owing;
static void (*tell_counting)(void *context);
static void *counting_context;

/* FNV-1a; the end of a text counts too. */
static uint64_t hash_text(uint64_t sum, const char *text)
{
	do {
		sum = (sum ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	} while (*text++);
	return sum;
}

static uint64_t hash_of(const char *event, const char *const kind[])
{
	uint64_t sum = hash_text(UINT64_C(0xcbf29ce484222325), event);

	for (; *kind; kind++)
		sum = hash_text(sum, *kind);
	return sum;
}

static void send_counted(const struct kind *k)
{
	bool whole = k->last && strlen(k->last) < LOG_LINE_MAX - SUPPRESSED_MAX;
	struct log_line line;

	line_begin(&line, k->event);
	if (whole) {
		line_copy(&line, k->last);
	} else {
		line_quoted(&line, "host", "", 1);
		line_quoted(&line, "reason", "several, too many to tell one by one", 64);
	}
	line.priority = k->priority;
	if (k->counted > 1 || !whole)
		line_number(&line, "suppressed", k->counted - 1);
	line_send(&line);
}

static void end_span(struct kind *k)
{
	if (k->counted)
		send_counted(k);
	free(k->last);
	*k = (struct kind){0};
}

static struct kind *begin_span(struct kind *k, const char *event, uint64_t hash, uint64_t now)
{
	*k = (struct kind){.hash = hash, .over = now + REPEATS_SPAN_MS};
	snprintf(k->event, sizeof(k->event), "%s", event);
	return k;
}

static void end_spans(uint64_t now)
{
	for (unsigned i = 0; i < REPEATS_KINDS; i++)
		if (kinds[i].over && kinds[i].over <= now)
			end_span(&kinds[i]);
	for (unsigned i = 0; i < EVENTS; i++)
		if (others[i].over && others[i].over <= now)
			end_span(&others[i]);
	if (all_over <= now)
		all_logged = 0;
}

/* The place of a kind, be it a new one. NULL: there is none. */
static struct kind *find(
	struct kind *places, unsigned count, const char *event, uint64_t hash, uint64_t now)
{
	struct kind *room = NULL;

	for (unsigned i = 0; i < count; i++) {
		if (places[i].over && places[i].hash == hash)
			return &places[i];
		if (!places[i].over)
			room = &places[i];
	}
	return room ? begin_span(room, event, hash, now) : NULL;
}

static struct kind *find_other(const char *event, uint64_t now)
{
	static const char *const no_kind[] = {NULL};
	struct kind *k = find(others, EVENTS, event, hash_of(event, no_kind), now);

	return k ? k : &others[0];
}

static bool may_log(struct kind *k, unsigned usual, uint64_t now)
{
	if (!k || k->logged >= usual || all_logged >= REPEATS_LINES)
		return false;
	if (!all_logged)
		all_over = now + REPEATS_SPAN_MS;
	k->logged++;
	all_logged++;
	return true;
}

static void count(struct kind *k, const struct log_line *line, bool of_one_kind)
{
	k->counted++;
	k->priority = line->priority;
	free(k->last);
	k->last = of_one_kind ? strdup(line->text) : NULL;
	if (owing)
		return;
	owing = true;
	if (tell_counting)
		tell_counting(counting_context);
}

void repeats_send(const struct log_line *line, const char *event, const char *const kind[],
	unsigned usual, uint64_t now)
{
	struct kind *k;

	pthread_mutex_lock(&lock);
	end_spans(now);
	k = find(kinds, REPEATS_KINDS, event, hash_of(event, kind), now);
	if (may_log(k, usual, now))
		line_send(line);
	else
		count(k ? k : find_other(event, now), line, k);
	pthread_mutex_unlock(&lock);
}

void repeats_event(uint64_t now, const char *event, const char *format, ...)
{
	struct log_line line;
	char reason[REASON_MAX];
	const char *const kind[] = {reason, NULL};
	va_list ap;

	va_start(ap, format);
	vsnprintf(reason, sizeof(reason), format, ap);
	va_end(ap);
	line_begin(&line, event);
	line_quoted(&line, "reason", reason, sizeof(reason));
	repeats_send(&line, event, kind, REPEATS_RARE, now);
}

static uint64_t earliest(const struct kind *places, unsigned count_of, uint64_t due)
{
	for (unsigned i = 0; i < count_of; i++)
		if (places[i].counted && (!due || places[i].over < due))
			due = places[i].over;
	return due;
}

uint64_t repeats_tell(uint64_t now)
{
	uint64_t due;

	pthread_mutex_lock(&lock);
	end_spans(now);
	due = earliest(others, EVENTS, earliest(kinds, REPEATS_KINDS, 0));
	owing = due != 0;
	pthread_mutex_unlock(&lock);
	return due;
}

void repeats_end(void)
{
	repeats_tell(UINT64_MAX);
}

void repeats_init(void (*counting)(void *context), void *context)
{
	for (unsigned i = 0; i < REPEATS_KINDS; i++)
		free(kinds[i].last);
	memset(kinds, 0, sizeof(kinds));
	memset(others, 0, sizeof(others));
	all_over = all_logged = 0;
	owing = false;
	tell_counting = counting;
	counting_context = context;
}

/* --- on a loop --- */

static void tell_on_time(void *context)
{
	struct recap *recap = context;
	uint64_t due = repeats_tell(loop_now(recap->loop));

	if (due)
		loop_timer_set(recap->loop, &recap->timer, due);
}

static void set_timer(void *context)
{
	struct recap *recap = context;

	loop_timer_set(recap->loop, &recap->timer, loop_now(recap->loop) + REPEATS_SPAN_MS);
}

/* Other threads are there only while the loop can be posted to. */
static void counting_begins(void *context)
{
	struct recap *recap = context;

	if (pthread_equal(pthread_self(), recap->thread))
		set_timer(recap);
	else
		loop_post(recap->loop, &recap->task);
}

void recap_begin(struct recap *recap, struct loop *loop)
{
	*recap = (struct recap){.loop = loop, .thread = pthread_self()};
	recap->task = (struct task){.run = set_timer, .context = recap};
	recap->timer = (struct timer){.expired = tell_on_time, .context = recap};
	repeats_init(counting_begins, recap);
}
