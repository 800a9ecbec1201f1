/*
 * statement: each sentence, where there is something to say.
 */
#include "tools/report/statement.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define HOSTS_TOLD 5
#define SERVICES_TOLD 5

static const char covers[] =
	"This covers only programs that ran under mailseal and logged here; whether lines are "
	"missing, no log can tell.";

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void __attribute__((format(printf, 3, 4)))
gap(struct statement *s, bool hole, const char *format, ...)
{
	va_list ap;

	s->holes |= hole;
	if (s->gap_count == STATEMENT_GAPS)
		return;
	va_start(ap, format);
	vsnprintf(s->gaps[s->gap_count++], sizeof(s->gaps[0]), format, ap);
	va_end(ap);
}

static void add_hosts(const struct tally *t, struct statement *s)
{
	size_t n = strlen(s->clear);
	char host[80];

	for (size_t i = 0; i < t->clear_count && i < HOSTS_TOLD; i++)
		n += (size_t)snprintf(s->clear + n, sizeof(s->clear) - n, "%s%s (%" PRIu64 ")",
			i ? ", " : ", to ", report_plain(t->clear[i].host, host, sizeof(host)),
			t->clear[i].messages);
	if (t->clear_count > HOSTS_TOLD)
		snprintf(s->clear + n, sizeof(s->clear) - n, " and %zu more",
			t->clear_count - HOSTS_TOLD);
}

/* A log that is silent is not clean. */
static void tell_nothing(const struct report *r, struct statement *s)
{
	const char *const *units = r->units->patterns;
	bool period = r->since || r->until < INT64_MAX;

	s->nothing = s->holes = true;
	snprintf(s->clear, sizeof(s->clear),
		"Nothing can be said: no line of mailseal tells of mail or a connection%s%s.",
		!units	   ? ""
		: units[1] ? " of these units"
			   : " of this unit",
		period ? " in this period" : "");
}

static void tell_unmet(const struct units *u, struct statement *s)
{
	char near[3 * UNITS_NAME], name[120], names[200];

	for (size_t i = 0; u->patterns && u->patterns[i]; i++) {
		if (u->met[i])
			continue;
		units_near(u, u->patterns[i], near, sizeof(near));
		report_plain(near, names, sizeof(names));
		report_plain(u->patterns[i], name, sizeof(name));
		gap(s, true, "No line that was read names a unit %s%s%s.", name,
			*near ? "; others name " : "", names);
	}
}

static void tell_clear(const struct tally *t, struct statement *s)
{
	const struct tally_counts *c = &t->total;
	size_t n;

	snprintf(s->clear, sizeof(s->clear), "In the clear: %" PRIu64 " message%s", c->clear,
		plural(c->clear));
	if (c->clear) {
		n = strlen(s->clear);
		if (t->clear_by[TALLY_WOULD_BLOCK])
			n += (size_t)snprintf(s->clear + n, sizeof(s->clear) - n,
				" (%" PRIu64 " of them only because of observe mode)",
				t->clear_by[TALLY_WOULD_BLOCK]);
		snprintf(s->clear + n, sizeof(s->clear) - n, ", %" PRIu64 " byte%s", c->clear_bytes,
			plural(c->clear_bytes));
		add_hosts(t, s);
	}
	n = strlen(s->clear);
	snprintf(s->clear + n, sizeof(s->clear) - n, ".");
}

/* What went past mailseal, or went out without content. */
static void tell_passing(const struct tally_counts *c, struct statement *s)
{
	if (c->clear_envelopes)
		gap(s, true,
			"Of %" PRIu64
			" message%s no content went out, but the sender or recipients may "
			"have, in the clear.",
			c->clear_envelopes, plural(c->clear_envelopes));
	if (c->clear_logins)
		gap(s, true,
			"%" PRIu64
			" message%s or connection%s came with a log-in that was sent in the "
			"clear.",
			c->clear_logins, plural(c->clear_logins), plural(c->clear_logins));
	if (c->events[TALLY_RELAYED])
		gap(s, true,
			"%" PRIu64
			" connection%s passed untouched (intercept = false): mailseal did "
			"not look at what was sent.",
			c->events[TALLY_RELAYED], plural(c->events[TALLY_RELAYED]));
	if (c->events[TALLY_OWN_TLS])
		gap(s, false,
			"%" PRIu64 " connection%s went over the program's own TLS: encrypted, but "
			"mailseal knows neither messages nor certificate.",
			c->events[TALLY_OWN_TLS], plural(c->events[TALLY_OWN_TLS]));
}

static void tell_damage(const struct tally_reading *r, struct statement *s)
{
	char place[200];

	if (!r->damaged)
		return;
	gap(s, true,
		"%" PRIu64
		" line%s of mailseal %s damaged, and may tell of anything. The first: %s.",
		r->damaged, plural(r->damaged), r->damaged == 1 ? "is" : "are",
		report_plain(r->damage[0], place, sizeof(place)));
}

static void tell_log(const struct tally_reading *r, struct statement *s)
{
	tell_damage(r, s);
	if (r->dropped)
		gap(s, true,
			"The log daemon says that it dropped %" PRIu64 " line%s of some programs.",
			r->dropped, plural(r->dropped));
	if (r->repeated)
		gap(s, true,
			"%" PRIu64 " line%s of mailseal %s only told as repeated, and not counted.",
			r->repeated, plural(r->repeated), r->repeated == 1 ? "is" : "are");
	if (r->unplaced)
		gap(s, true,
			"%" PRIu64
			" line%s that name%s no unit, and tell%s of something in the clear, %s "
			"left out.",
			r->unplaced, plural(r->unplaced), r->unplaced == 1 ? "s" : "",
			r->unplaced == 1 ? "s" : "", r->unplaced == 1 ? "was" : "were");
	if (r->strangers)
		gap(s, true,
			"%" PRIu64
			" entr%s under mailseal's name in the journal %s not written by its "
			"agent, and not counted.",
			r->strangers, r->strangers == 1 ? "y" : "ies",
			r->strangers == 1 ? "was" : "were");
	if (r->unseen)
		gap(s, false,
			"Of %" PRIu64
			" entr%s the journal does not know which program wrote %s: it was "
			"gone too soon. Counted.",
			r->unseen, r->unseen == 1 ? "y" : "ies", r->unseen == 1 ? "it" : "them");
	if (r->quoting)
		gap(s, true,
			"%" PRIu64
			" line%s of other programs hold%s what is like mailseal's: a quotation, or "
			"two lines mixed up. Not counted.",
			r->quoting, plural(r->quoting), r->quoting == 1 ? "s" : "");
	if (r->strays)
		gap(s, true, "%" PRIu64 " line%s had neither time nor program.", r->strays,
			plural(r->strays));
	if (r->undated)
		gap(s, false, "%" PRIu64 " line%s had no time, and %s counted in any case.",
			r->undated, plural(r->undated), r->undated == 1 ? "was" : "were");
	if (r->unknown)
		gap(s, true,
			"%" PRIu64
			" line%s told of events that this version of mailseal does not know.",
			r->unknown, plural(r->unknown));
}

static void tell_agent(const struct tally_reading *r, struct statement *s)
{
	if (r->lost)
		gap(s, true, "Agents could write %" PRIu64 " line%s nowhere: %s lost.", r->lost,
			plural(r->lost), r->lost == 1 ? "it is" : "they are");
	if (r->log)
		gap(s, true,
			"%" PRIu64 " event%s of the log itself: lines were lost, or are in syslog.",
			r->log, plural(r->log));
	if (r->stopped)
		gap(s, true,
			"%" PRIu64
			" time%s an agent was stopped with connections open; what was on "
			"them may have no line.",
			r->stopped, plural(r->stopped));
	if (r->overload || r->failed)
		gap(s, false,
			"%" PRIu64
			" time%s an agent could not start, or had too many connections: mail "
			"was refused then.",
			r->overload + r->failed, plural(r->overload + r->failed));
	if (r->suppressed)
		gap(s, false,
			"%" PRIu64 " event%s counted by a line that stands for several "
			"(suppressed=).",
			r->suppressed, r->suppressed == 1 ? " is" : "s are");
}

static void tell_elsewhere(const struct elsewhere *e, struct statement *s)
{
	char words[380];
	size_t more = 0;

	for (size_t i = 0, told = 0; i < e->count; i++) {
		if (e->at[i].read)
			continue;
		if (told++ < SERVICES_TOLD)
			gap(s, true, "%s.", elsewhere_words(&e->at[i], words, sizeof(words)));
		else
			more++;
	}
	if (more)
		gap(s, true, "%zu more service%s log%s where it was not read.", more, plural(more),
			more == 1 ? "s" : "");
}

void statement_make(const struct report *r, struct statement *s)
{
	char begins[REPORT_TIME];

	*s = (struct statement){.covers = covers};
	if (r->tally->reading.counted)
		tell_clear(r->tally, s);
	else
		tell_nothing(r, s);
	tell_unmet(r->units, s);
	tell_passing(&r->tally->total, s);
	tell_log(&r->tally->reading, s);
	tell_agent(&r->tally->reading, s);
	tell_elsewhere(r->elsewhere, s);
	if (r->since && r->tally->reading.begins > r->since)
		gap(s, true, "What was read begins at %s, and tells nothing of the time before.",
			report_local(r->tally->reading.begins, begins));
	if (r->partly)
		gap(s, true, "Only what this user may see of the journal was read.");
	if (r->cut)
		gap(s, true, "Not all of the files could be read to their end.");
	if (r->tally->overflow)
		gap(s, false, "There were too many names to keep apart: some stand under %s.",
			TALLY_OTHER);
	s->closed = s->holes ? NULL : "Nothing in the log speaks against that.";
}
