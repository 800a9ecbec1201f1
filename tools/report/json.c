/*
 * json: the report for a script.
 */
#include "tools/report/statement.h"
#include "tools/report/report.h"

#include "tools/json.h"

/* What is no UTF-8 is written as \xHH. */
static json_t *text_of(const char *text)
{
	json_t *json = json_string(text);
	char plain[4096];

	return json ? json : json_string(report_plain(text, plain, sizeof(plain)));
}

static json_t *time_of(int64_t time)
{
	char text[REPORT_TIME];

	return time ? json_string(report_utc(time, text)) : json_null();
}

static json_t *number_of(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* All outcomes, so that a script finds each. */
static json_t *outcomes(const uint64_t numbers[TALLY_OUTCOMES])
{
	json_t *object = json_object();

	for (unsigned o = 0; o < TALLY_OUTCOMES; o++)
		json_object_set_new(
			object, tally_outcome_name((enum tally_outcome)o), number_of(numbers[o]));
	return object;
}

static void add_counts(json_t *object, const struct tally_counts *c)
{
	json_object_set_new(object, "events", outcomes(c->events));
	json_object_set_new(object, "recipients", outcomes(c->recipients));
	json_object_set_new(object, "taken", number_of(c->taken));
	json_object_set_new(object, "bytes", number_of(c->bytes));
	json_object_set_new(object, "bytes_passed", number_of(c->passed));
	json_object_set_new(object, "in_the_clear", number_of(c->clear));
	json_object_set_new(object, "bytes_in_the_clear", number_of(c->clear_bytes));
	json_object_set_new(object, "envelopes_in_the_clear", number_of(c->clear_envelopes));
	json_object_set_new(object, "log_ins_in_the_clear", number_of(c->clear_logins));
	json_object_set_new(object, "first", time_of(c->first));
	json_object_set_new(object, "last", time_of(c->last));
}

static json_t *rows(const struct tally *t)
{
	json_t *array = json_array();

	for (size_t i = 0; i < t->row_count; i++) {
		const struct tally_row *row = &t->rows[i];
		json_t *object = json_object();

		for (unsigned k = 0; k < TALLY_KEYS; k++)
			if (row->key[k])
				json_object_set_new(object, tally_key_name((enum tally_key)k),
					text_of(row->key[k]));
		add_counts(object, &row->counts);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *reasons(const struct tally *t)
{
	json_t *array = json_array();

	for (size_t i = 0; i < t->reason_count; i++) {
		const struct tally_reason *r = &t->reasons[i];

		json_array_append_new(array,
			json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "outcome",
				tally_outcome_name(r->outcome), "host", text_of(r->host), "reason",
				text_of(r->reason), "policy", text_of(r->rule), "events",
				number_of(r->events), "recipients", number_of(r->recipients),
				"first", time_of(r->first), "last", time_of(r->last)));
	}
	return array;
}

static json_t *over_time(const struct tally_time *t)
{
	json_t *buckets = json_array();

	for (unsigned i = 0; i < t->count; i++)
		json_array_append_new(
			buckets, json_pack("{s:o, s:o}", "start", time_of(t->start + i * t->width),
					 "events", outcomes(t->at[i].events)));
	return json_pack(
		"{s:o, s:o}", "seconds", number_of((uint64_t)t->width), "buckets", buckets);
}

static json_t *in_the_clear(const struct tally *t)
{
	json_t *array = json_array();

	for (size_t i = 0; i < t->clear_count; i++)
		json_array_append_new(
			array, json_pack("{s:o, s:o, s:o}", "host", text_of(t->clear[i].host),
				       "messages", number_of(t->clear[i].messages), "bytes",
				       number_of(t->clear[i].bytes)));
	return array;
}

static json_t *reading(const struct report *r)
{
	const struct tally_reading *l = &r->tally->reading;
	const struct {
		const char *name;
		uint64_t number;
	} numbers[] = {
		{"lines", l->lines},
		{"counted", l->counted},
		{"other_programs", l->others},
		{"damaged", l->damaged},
		{"before_or_after", l->outside},
		{"other_units", l->other_unit},
		{"without_unit", l->unplaced},
		{"without_time", l->undated},
		{"writer_unknown", l->unseen},
		{"not_by_an_agent", l->strangers},
		{"quoting", l->quoting},
		{"no_log_lines", l->strays},
		{"lost", l->lost},
		{"repeated", l->repeated},
		{"dropped_by_the_log", l->dropped},
		{"suppressed", l->suppressed},
		{"unknown_events", l->unknown},
		{"overload", l->overload},
		{"failed", l->failed},
		{"stopped", l->stopped},
		{"reloaded", l->reloaded},
		{"log", l->log},
		{"trace", l->trace},
		{"by_agents_themselves", l->own},
	};
	json_t *object = json_pack("{s:o, s:o, s:o, s:o}", "source", text_of(r->source), "begins",
		time_of(l->begins), "first", time_of(l->first), "last", time_of(l->last));
	json_t *damage = json_array();

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_object_set_new(object, numbers[i].name, number_of(numbers[i].number));
	for (size_t i = 0; i < TALLY_DAMAGES && *l->damage[i]; i++)
		json_array_append_new(damage, text_of(l->damage[i]));
	json_object_set_new(object, "damage", damage);
	return object;
}

static json_t *statement_of(const struct report *r)
{
	json_t *remarks = json_array();
	struct statement statement;

	statement_make(r, &statement);
	for (unsigned i = 0; i < statement.gap_count; i++)
		json_array_append_new(remarks, text_of(statement.gaps[i]));
	return json_pack("{s:o, s:o, s:o, s:b, s:b, s:o, s:s}", "messages",
		number_of(r->tally->total.clear), "by_outcome", outcomes(r->tally->clear_by),
		"hosts", in_the_clear(r->tally), "in_doubt", statement.holes, "nothing_counted",
		statement.nothing, "remarks", remarks, "covers", statement.covers);
}

int report_json(const struct report *r)
{
	json_t *total = json_object();

	add_counts(total, &r->tally->total);
	return json_print(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "log", reading(r),
		"since", time_of(r->since), "until", time_of(r->until == INT64_MAX ? 0 : r->until),
		"rows", rows(r->tally), "reasons", reasons(r->tally), "time",
		over_time(&r->tally->time), "total", total, "in_the_clear", statement_of(r)));
}
