/*
 * text: the report for a person: first what an auditor asks for and the sums, then the rows and
 * reasons that matter most.
 */
#include "tools/report/text.h"

#include "tools/mailseal.h"
#include "tools/print.h"
#include "tools/report/statement.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#define TEXT 700

static const struct {
	enum tally_outcome outcome;
	bool always; /* also where there is none */
	const char *meaning;
} outcomes[] = {
	{TALLY_VERIFIED, true, "over TLS, with a good certificate"},
	{TALLY_UNVERIFIED, true, "over TLS, without one"},
	{TALLY_CLEARTEXT, true, "in the clear, as the policy allows"},
	{TALLY_WOULD_BLOCK, true, "that enforce would have blocked"},
	{TALLY_BLOCKED, true, "refused by policy"},
	{TALLY_ATTACK, false, "ended because something was slipped in"},
	{TALLY_UNDECIDED, false, "given up, or refused by the server, before anything was decided"},
	{TALLY_FAILED, false, "connections that broke, or were refused, before a message"},
	{TALLY_RELAYED, false, "connections passed untouched (intercept = false)"},
	{TALLY_OWN_TLS, false, "connections with the program's own TLS"},
	{TALLY_NO_MAIL, false, "connections without mail"},
};

/* What each line was: together they are all that were read. */
static void add_lines(char *text, const struct tally_reading *l)
{
	const struct {
		uint64_t lines;
		bool always;
		const char *what;
	} kinds[] = {
		{l->counted, true, "counted"},
		{l->others, true, "of other programs"},
		{l->damaged, true, "damaged"},
		{l->trace, false, "of traced sessions"},
		{l->own, false, "of agents about themselves"},
		{l->outside, false, "before or after"},
		{l->other_unit, false, "of other units"},
		{l->strangers, false, "not by mailseal, though under its name"},
		{l->strays, false, "of no log"},
	};
	size_t n = strlen(text);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].lines || kinds[i].always)
			n += (size_t)snprintf(text + n, 2 * TEXT - n, "%s%" PRIu64 " %s",
				i ? ", " : "; ", kinds[i].lines, kinds[i].what);
	snprintf(text + n, 2 * TEXT - n, ".");
}

static void print_reading(const struct report *r)
{
	const struct tally_reading *l = &r->tally->reading;
	char source[TEXT], from[REPORT_TIME], to[REPORT_TIME], text[2 * TEXT];

	snprintf(text, sizeof(text), "Read: %s, %" PRIu64 " line%s",
		report_plain(r->source, source, sizeof(source)), l->lines,
		l->lines == 1 ? "" : "s");
	add_lines(text, l);
	print_wrapped(text, 0, 6, TEXT_WIDTH);
	if (l->counted)
		printf("From: %s to %s\n", report_local(l->first, from), report_local(l->last, to));
}

static void print_statement(const struct report *r)
{
	struct statement statement;

	statement_make(r, &statement);
	putchar('\n');
	print_wrapped(statement.clear, 0, 2, TEXT_WIDTH);
	for (unsigned i = 0; i < statement.gap_count; i++) {
		printf("- ");
		print_wrapped(statement.gaps[i], 2, 2, TEXT_WIDTH);
	}
	if (statement.closed)
		print_wrapped(statement.closed, 0, 2, TEXT_WIDTH);
	print_wrapped(statement.covers, 0, 2, TEXT_WIDTH);
}

/* So that what went in the clear is seen to be the sum of these. */
static void print_clear(uint64_t events, uint64_t clear, bool cleartext)
{
	if (cleartext && clear < events)
		printf(", %" PRIu64 " of them without content", events - clear);
	else if (!cleartext && clear)
		printf(", %" PRIu64 " of them in the clear", clear);
}

static void print_sums(const struct tally *t)
{
	printf("\nAll, of which the servers took %" PRIu64 ":\n", t->total.taken);
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		enum tally_outcome o = outcomes[i].outcome;
		uint64_t events = t->total.events[o];

		if (!events && !outcomes[i].always)
			continue;
		printf("%10" PRIu64 "  %-15s  %s", events, tally_outcome_name(o),
			outcomes[i].meaning);
		print_clear(events, t->clear_by[o], o == TALLY_CLEARTEXT);
		putchar('\n');
	}
}

static void print_reason(const struct tally_reason *reason)
{
	char host[200], what[TEXT], rule[400], text[2 * TEXT];
	unsigned at = 29;

	report_plain(reason->host, host, sizeof(host));
	report_plain(reason->reason, what, sizeof(what));
	report_plain(reason->rule, rule, sizeof(rule));
	snprintf(text, sizeof(text), "%s: %s%s%s%s", host, what, *what && *rule ? "; " : "", rule,
		reason->events ? "" : " (recipients; the message passed for others)");
	if (reason->clear && reason->outcome != TALLY_CLEARTEXT)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			" (%" PRIu64 " in the clear)", reason->clear);
	printf("%10" PRIu64 "  %-15s  ", reason->events ? reason->events : reason->recipients,
		tally_outcome_name(reason->outcome));
	print_wrapped(text, at, at, TEXT_WIDTH);
}

static void print_reasons(const struct tally *t, size_t most)
{
	size_t shown = t->reason_count < most ? t->reason_count : most;
	size_t more = t->reason_count - shown;

	if (shown)
		printf("\nWhy:\n");
	for (size_t i = 0; i < shown; i++)
		print_reason(&t->reasons[i]);
	if (more)
		printf("... and %zu more reason%s; --all or --json tell all\n", more,
			more == 1 ? "" : "s");
}

int report_text(const struct report *r, size_t rows)
{
	print_reading(r);
	print_statement(r);
	if (!r->tally->reading.counted)
		return EX_OK;
	print_sums(r->tally);
	if (!r->tally->row_count)
		printf("\nRows and reasons: none of what --only asks for.\n");
	if (!text_rows(r, rows))
		return complain(EX_OSERR, "out of memory");
	print_reasons(r->tally, rows);
	return EX_OK;
}
