#include "tools/report/tally.h"

#include "tools/report/count.h"
#include "tools/report/entry.h"
#include "tools/report/names.h"
#include "tools/report/over_time.h"
#include "tools/report/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MOST 50000
#define REASONS_MOST 20000
#define SPARE 1000 /* of each, for TALLY_OTHER beside names that are known */
#define ROOM_FIRST 256

const char *tally_outcome_name(enum tally_outcome outcome)
{
	static const char *const names[TALLY_OUTCOMES] = {
		[TALLY_VERIFIED] = "tls-verified",
		[TALLY_UNVERIFIED] = "tls-unverified",
		[TALLY_CLEARTEXT] = "cleartext",
		[TALLY_BLOCKED] = "blocked",
		[TALLY_WOULD_BLOCK] = "would-block",
		[TALLY_UNDECIDED] = "undecided",
		[TALLY_ATTACK] = "attack",
		[TALLY_FAILED] = "failed",
		[TALLY_RELAYED] = "relayed",
		[TALLY_OWN_TLS] = "application-tls",
		[TALLY_NO_MAIL] = "no-mail",
	};

	return names[outcome];
}

const char *tally_key_name(enum tally_key key)
{
	static const char *const names[TALLY_KEYS] = {
		"unit", "program", "host", "sender", "recipient"};

	return names[key];
}

int tally_init(struct tally *t, unsigned by, unsigned only)
{
	*t = (struct tally){
		.by = by, .only = only, .row_room = ROOM_FIRST, .reason_room = ROOM_FIRST};
	over_time_init(&t->time);
	t->rows = calloc(t->row_room, sizeof(*t->rows));
	t->reasons = calloc(t->reason_room, sizeof(*t->reasons));
	t->row_index = calloc(2 * t->row_room, sizeof(*t->row_index));
	t->reason_index = calloc(2 * t->reason_room, sizeof(*t->reason_index));
	if (names_init(&t->names) == 0 && t->rows && t->reasons && t->row_index && t->reason_index)
		return 0;
	tally_clear(t);
	return -ENOMEM;
}

void tally_clear(struct tally *t)
{
	names_clear(&t->names);
	free(t->rows);
	free(t->reasons);
	free(t->row_index);
	free(t->reason_index);
	free(t->clear);
	*t = (struct tally){0};
}

/* A flood of domains first loses its domains, then all. NULL only without memory. */
static struct tally_row *row_of(struct tally *t, const struct tally_row *key)
{
	const char *other = t->names.other;
	struct tally_row *row = index_row(t, key, ROWS_MOST), less = *key;

	if (row || t->no_memory)
		return row;
	t->overflow = true;
	for (unsigned k = TALLY_SENDER; k < TALLY_KEYS; k++)
		less.key[k] = less.key[k] ? other : NULL;
	row = index_row(t, &less, ROWS_MOST + SPARE);
	if (row || t->no_memory)
		return row;
	for (unsigned k = 0; k < TALLY_KEYS; k++)
		less.key[k] = less.key[k] ? other : NULL;
	return index_row(t, &less, ROWS_MOST + SPARE + 1);
}

static void see(int64_t time, int64_t *first, int64_t *last)
{
	if (time == 0)
		return;
	if (*first == 0 || time < *first)
		*first = time;
	if (time > *last)
		*last = time;
}

static void add_event(
	struct tally_counts *c, const struct entry *e, enum tally_outcome outcome, bool main)
{
	count_add(&c->events[outcome], e->weight);
	see(e->time, &c->first, &c->last);
	if (!main)
		return;
	if (e->message)
		count_add(&c->bytes, count_times(e->bytes, e->weight));
	else
		count_add(&c->passed, count_times(e->bytes, e->weight));
	count_add(&c->taken, e->taken ? e->weight : 0);
	count_add(&c->clear, e->clear ? e->weight : 0);
	count_add(&c->clear_bytes, e->clear ? count_times(e->bytes, e->weight) : 0);
	count_add(&c->clear_envelopes, e->clear_envelope ? e->weight : 0);
	count_add(&c->clear_logins, e->clear_login ? e->weight : 0);
}

/* One domain of the line. A message that passed for some of the row's recipients, and was refused
 * for others, is one message in it. */
static void add_to_row(struct tally *t, const struct entry *e, struct tally_row *key,
	const struct names_count *name, enum tally_outcome outcome)
{
	struct tally_row *row;

	if (key->key[TALLY_RECIPIENT])
		key->key[TALLY_RECIPIENT] = name->domain;
	row = row_of(t, key);
	if (!row)
		return;
	if (row->line != t->line)
		add_event(&row->counts, e, outcome, outcome == e->outcome);
	row->line = t->line;
	count_add(&row->counts.recipients[outcome], count_times(name->count, e->weight));
}

static void add_to_rows(struct tally *t, const struct entry *e, const char *host)
{
	struct names *n = &t->names;
	const char *keys[TALLY_KEYS] = {
		names_unit(n, &e->unit), names_text(n, &e->exe), host, n->none, n->none};
	struct names_count found[NAMES_MOST] = {{n->none, 0}};
	struct tally_row key = {0};
	size_t count = 0;

	if (e->message) {
		keys[TALLY_SENDER] = names_sender(n, &e->sender);
		count = names_recipients(n, &e->recipients, e->recipient_count, found);
	}
	for (unsigned k = 0; k < TALLY_KEYS; k++)
		key.key[k] = t->by >> k & 1 ? keys[k] : NULL;
	if (count == 0 && !(e->outcome == TALLY_BLOCKED && e->refused_count))
		count = 1;
	for (size_t i = 0; i < count && tally_wants(t, e->outcome); i++)
		add_to_row(t, e, &key, &found[i], e->outcome);
	if (e->refused_count == 0 || !tally_wants(t, TALLY_BLOCKED))
		return;
	count = names_recipients(n, &e->refused, e->refused_count, found);
	for (size_t i = 0; i < count; i++)
		add_to_row(t, e, &key, &found[i], TALLY_BLOCKED);
}

static void add_reason(struct tally *t, const struct entry *e, struct tally_reason *key,
	uint64_t events, uint64_t recipients)
{
	struct tally_reason *r = index_reason(t, key, REASONS_MOST);

	if (!r && !t->no_memory) {
		t->overflow = true;
		key->reason = t->names.other;
		r = index_reason(t, key, REASONS_MOST + SPARE);
	}
	if (!r && !t->no_memory) {
		key->host = key->rule = t->names.other;
		r = index_reason(t, key, REASONS_MOST + SPARE + TALLY_OUTCOMES);
	}
	if (!r)
		return;
	count_add(&r->events, events);
	count_add(&r->recipients, recipients);
	count_add(&r->clear, e->clear ? events : 0);
	count_add(&r->clear_bytes, e->clear ? count_times(e->bytes, events) : 0);
	see(e->time, &r->first, &r->last);
}

static bool needs_reason(const struct entry *e)
{
	if (e->clear)
		return true;
	switch (e->outcome) {
	case TALLY_UNVERIFIED:
	case TALLY_CLEARTEXT:
	case TALLY_BLOCKED:
	case TALLY_WOULD_BLOCK:
	case TALLY_ATTACK:
	case TALLY_FAILED:
		return true;
	case TALLY_NO_MAIL:
		return e->refusing;
	case TALLY_VERIFIED:
	case TALLY_UNDECIDED:
	case TALLY_RELAYED:
	case TALLY_OWN_TLS:
	case TALLY_OUTCOMES:
		break;
	}
	return false;
}

static void add_reasons(struct tally *t, const struct entry *e, const char *host)
{
	struct names *n = &t->names;
	struct tally_reason key = {.outcome = e->outcome, .host = host};

	if (needs_reason(e)) {
		key.reason = names_said(n, &e->reason);
		key.rule = names_said(n, &e->rule);
		add_reason(
			t, e, &key, e->weight, e->outcome == TALLY_BLOCKED ? e->refused_count : 0);
	}
	if (e->refused_count && e->outcome != TALLY_BLOCKED) {
		key.outcome = TALLY_BLOCKED;
		key.host = host;
		key.reason = names_said(n, &e->reason);
		key.rule = names_said(n, &e->refused_rule);
		add_reason(t, e, &key, 0, count_times(e->refused_count, e->weight));
	}
}

static void add_own(struct tally *t, const struct entry *e)
{
	struct tally_reading *r = &t->reading;

	r->own += e->kind != ENTRY_MAIL && e->kind != ENTRY_TRACE;
	switch (e->kind) {
	case ENTRY_MAIL:
		break;
	case ENTRY_OVERLOAD:
		count_add(&r->overload, e->weight);
		break;
	case ENTRY_FAILED:
		count_add(&r->failed, e->weight);
		break;
	case ENTRY_STOPPED:
		count_add(&r->stopped, e->weight);
		break;
	case ENTRY_RELOADED:
		count_add(&r->reloaded, e->weight);
		break;
	case ENTRY_LOG:
		count_add(&r->log, e->weight);
		count_add(&r->lost, e->lost);
		break;
	case ENTRY_TRACE:
		r->trace++;
		break;
	case ENTRY_UNKNOWN:
		count_add(&r->unknown, e->weight);
		break;
	}
}

int tally_add(struct tally *t, const struct entry *e)
{
	const char *host;

	if (e->kind != ENTRY_MAIL) {
		add_own(t, e);
		return 0;
	}
	t->line++;
	t->reading.counted++;
	count_add(&t->reading.undated, e->time == 0);
	count_add(&t->reading.suppressed, e->weight - 1);
	see(e->time, &t->reading.first, &t->reading.last);
	add_event(&t->total, e, e->outcome, true);
	count_add(&t->clear_by[e->outcome], e->clear ? e->weight : 0);
	count_add(&t->total.recipients[e->outcome], count_times(e->recipient_count, e->weight));
	count_add(&t->total.recipients[TALLY_BLOCKED], count_times(e->refused_count, e->weight));
	if (tally_wants(t, e->outcome))
		over_time_add(&t->time, e->time, e->outcome, e->weight);
	host = names_host(&t->names, &e->host, &e->addr);
	add_to_rows(t, e, host);
	add_reasons(t, e, host);
	t->overflow |= t->names.overflow;
	return t->no_memory ? -ENOMEM : 0;
}
