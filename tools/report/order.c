/*
 * order: a tally that is complete, made fit to be shown.
 */
#include "tools/report/tally.h"

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

static int compare_reasons(const void *one, const void *two)
{
	const struct tally_reason *a = one, *b = two;
	int order;

	if (a->outcome != b->outcome)
		return a->outcome < b->outcome ? -1 : 1;
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
