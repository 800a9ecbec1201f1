/* Lines of logs, whatever they hold: reading stays in bounds, each line is accounted for, and
 * nothing counts as encrypted that does not say so. */
#include "tools/report/entry.h"
#include "tools/report/intake.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SUPPRESSED_MOST 1000000000000u

static char *copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	return text;
}

static bool says(const uint8_t *data, size_t size, const char *what)
{
	return memmem(data, size, what, strlen(what)) != NULL;
}

static void parse_one(const uint8_t *data, size_t size)
{
	char *text = copy(data, size);
	struct entry e;

	if (!entry_parse(text, size, &e) && e.kind == ENTRY_MAIL) {
		if ((e.outcome == TALLY_VERIFIED || e.outcome == TALLY_UNVERIFIED ||
			    e.outcome == TALLY_OWN_TLS) &&
			!says(data, size, " tls=yes"))
			abort();
		if (e.outcome == TALLY_VERIFIED && !says(data, size, " certificate-verified=yes"))
			abort();
		if (e.message && e.bytes && !e.clear && !says(data, size, " tls=yes"))
			abort();
	}
	free(text);
}

static void hold_sums(const struct tally *t)
{
	const struct tally_reading *r = &t->reading;
	uint64_t events = 0, in_rows = 0, lines;

	for (unsigned o = 0; o < TALLY_OUTCOMES; o++) {
		events += t->total.events[o];
		for (size_t i = 0; i < t->row_count; i++)
			in_rows += t->rows[i].counts.events[o];
	}
	if (r->suppressed > SUPPRESSED_MOST)
		return; /* sums of such numbers may run over */
	if (events != r->counted + r->suppressed || in_rows < events)
		abort();
	lines = r->counted + r->others + r->damaged + r->outside + r->other_unit + r->strangers +
		r->strays + r->own + r->trace;
	if (lines != r->lines)
		abort();
	if (t->time.count > TALLY_BUCKETS)
		abort();
}

static void take_all(const uint8_t *data, size_t size)
{
	const char *const asked[] = {"a*.service", NULL};
	struct intake in = {.since = 1700000000, .until = INT64_MAX};
	struct tally tally;
	struct units units;

	if (units_init(&units, size && data[0] & 1 ? asked : NULL))
		abort();
	if (tally_init(&tally, 15, ~0u))
		abort();
	in.tally = &tally;
	in.units = &units;
	intake_begin(&in, "log", 1795773600);
	while (size) {
		const uint8_t *stop = memchr(data, '\n', size);
		size_t length = stop ? (size_t)(stop - data) : size;
		char *line = copy(data, length);

		if (intake_line(&in, line, length, true))
			abort();
		free(line);
		data += length + (stop != NULL);
		size -= length + (stop != NULL);
	}
	if (tally_sort(&tally))
		abort();
	hold_sums(&tally);
	tally_clear(&tally);
	units_clear(&units);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse_one(data, size);
	take_all(data, size);
	return 0;
}
