/*
 * order: a tally that is complete, made fit to be shown.
 */
#include "tools/report/tally.h"

#include "tools/report/count.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_rows(const void *one, const void *two)
{
	const struct tally_row *a = one, *b = two;

	for (unsigned k = 0; k < TALLY_KEYS; k++) {
		int order = a->key[k] ? strcmp(a->key[k], b->key[k]) : 0;

		if (order)
			return order;
	}
	return 0;
}

static unsigned rank_of(enum tally_outcome outcome)
{
	static const enum tally_outcome order[] = {TALLY_CLEARTEXT, TALLY_WOULD_BLOCK,
		TALLY_BLOCKED, TALLY_ATTACK, TALLY_FAILED, TALLY_UNDECIDED, TALLY_UNVERIFIED};
	unsigned rank = 0, ranks = sizeof(order) / sizeof(order[0]);

	while (rank < ranks && order[rank] != outcome)
		rank++;
	return rank < ranks ? rank : ranks + outcome;
}

static int compare_reasons(const void *one, const void *two)
{
	const struct tally_reason *a = one, *b = two;
	unsigned first = rank_of(a->outcome), other = rank_of(b->outcome);
	int order;

	if (first != other)
		return first < other ? -1 : 1;
	if (a->events + a->recipients != b->events + b->recipients)
		return a->events + a->recipients > b->events + b->recipients ? -1 : 1;
	order = strcmp(a->host, b->host);
	if (order == 0)
		order = strcmp(a->reason, b->reason);
	return order ? order : strcmp(a->rule, b->rule);
}

static int compare_hosts(const void *one, const void *two)
{
	const struct tally_reason *a = one, *b = two;

	return strcmp(a->host, b->host);
}

static int compare_clear(const void *one, const void *two)
{
	const struct tally_clear *a = one, *b = two;

	if (a->messages != b->messages)
		return a->messages > b->messages ? -1 : 1;
	return strcmp(a->host, b->host);
}

/* Each message that went in the clear has one reason. */
static int gather_clear(struct tally *t)
{
	t->clear = calloc(t->reason_count + 1, sizeof(*t->clear));
	if (!t->clear)
		return -ENOMEM;
	qsort(t->reasons, t->reason_count, sizeof(*t->reasons), compare_hosts);
	for (size_t i = 0; i < t->reason_count; i++) {
		const struct tally_reason *r = &t->reasons[i];

		if (!r->clear)
			continue;
		if (!t->clear_count || t->clear[t->clear_count - 1].host != r->host)
			t->clear[t->clear_count++].host = r->host;
		t->clear[t->clear_count - 1].messages += r->clear;
		t->clear[t->clear_count - 1].bytes += r->clear_bytes;
	}
	qsort(t->clear, t->clear_count, sizeof(*t->clear), compare_clear);
	return 0;
}

int tally_sort(struct tally *t)
{
	size_t kept = 0;
	int rc = gather_clear(t);

	for (size_t i = 0; i < t->reason_count; i++)
		if (tally_wants(t, t->reasons[i].outcome))
			t->reasons[kept++] = t->reasons[i];
	t->reason_count = kept;
	qsort(t->rows, t->row_count, sizeof(*t->rows), compare_rows);
	qsort(t->reasons, t->reason_count, sizeof(*t->reasons), compare_reasons);
	return rc;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	count_add(&a, b);
	return a;
}

static uint64_t all(const struct tally_counts *c)
{
	uint64_t n = 0;

	for (unsigned o = 0; o < TALLY_NO_MAIL; o++)
		count_add(&n, c->events[o]);
	return n;
}

/* Never left out for what is only frequent. */
static int compare_weights(const void *one, const void *two)
{
	const struct tally_row *const *a = one, *const *b = two;
	const struct tally_counts *x = &(*a)->counts, *y = &(*b)->counts;
	const uint64_t pairs[][2] = {
		{sum(x->clear, x->clear_envelopes), sum(y->clear, y->clear_envelopes)},
		{x->events[TALLY_WOULD_BLOCK], y->events[TALLY_WOULD_BLOCK]},
		{sum(x->events[TALLY_BLOCKED], x->events[TALLY_ATTACK]),
			sum(y->events[TALLY_BLOCKED], y->events[TALLY_ATTACK])},
		{all(x), all(y)},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i][0] != pairs[i][1])
			return pairs[i][0] > pairs[i][1] ? -1 : 1;
	return *a < *b ? -1 : *a > *b;
}

const struct tally_row **tally_by_weight(const struct tally *t)
{
	const struct tally_row **rows = calloc(t->row_count + 1, sizeof(*rows));

	for (size_t i = 0; rows && i < t->row_count; i++)
		rows[i] = &t->rows[i];
	if (rows)
		qsort(rows, t->row_count, sizeof(*rows), compare_weights);
	return rows;
}
