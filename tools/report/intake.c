#include "tools/report/intake.h"

#include "tools/report/count.h"
#include "tools/report/entry.h"
#include "tools/report/journal.h"
#include "tools/report/line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MOST 8192 /* mailseal writes lines half as long */

void intake_begin(struct intake *in, const char *name, int64_t changed)
{
	in->name = name;
	in->number = 0;
	in->behind_ours = false;
	stamps_init(&in->stamps, changed);
}

static void damaged(struct intake *in, const char *wrong)
{
	struct tally_reading *r = &in->tally->reading;

	if (r->damaged < TALLY_DAMAGES)
		snprintf(r->damage[r->damaged], sizeof(r->damage[0]), "%.90s:%llu: %s", in->name,
			(unsigned long long)in->number, wrong);
	r->damaged++;
}

static bool is_outside(const struct intake *in, int64_t time)
{
	return time != 0 && (time < in->since || time >= in->until);
}

static bool unit_matches(struct intake *in, const struct slice *said, const char *known)
{
	char unit[UNITS_NAME];

	if (said->length)
		snprintf(unit, sizeof(unit), "%.*s", (int)said->length, said->at);
	else
		snprintf(unit, sizeof(unit), "%s", !said->at && known ? known : "");
	return units_take(in->units, unit);
}

static bool leaves_doubt(const struct entry *e)
{
	return e->clear || e->clear_envelope || e->clear_login || e->outcome == TALLY_RELAYED;
}

static int take(struct intake *in, char *text, size_t length, int64_t time, uint64_t count,
	const struct journal_entry *known)
{
	struct tally_reading *r = &in->tally->reading;
	struct entry e;
	const char *wrong;

	in->ours++;
	if (is_outside(in, time)) {
		r->outside++;
		return 0;
	}
	wrong = length > MESSAGE_MOST ? "longer than any line of mailseal"
				      : entry_parse(text, length, &e);
	if (wrong) {
		damaged(in, wrong);
		return 0;
	}
	if (!unit_matches(in, &e.unit, known ? known->unit : NULL)) {
		r->other_unit++;
		r->unplaced += e.unit.length == 0 && leaves_doubt(&e);
		return 0;
	}
	e.time = time;
	e.weight = count_times(e.weight, count);
	for (size_t i = 0; i < in->more_count; i++)
		if (tally_add(&in->more[i], &e))
			return -ENOMEM;
	return tally_add(in->tally, &e);
}

int intake_line(void *context, char *line, size_t length, bool whole)
{
	struct intake *in = context;
	struct tally_reading *r = &in->tally->reading;
	struct line_head head;
	enum line_kind kind;
	bool behind_ours;

	in->number++;
	if (length && line[length - 1] == '\r')
		length--;
	if (length == 0)
		return 0;
	r->lines++;
	if (line[0] == '{' && whole)
		return journal_line(in, line, length);
	kind = line_take(&in->stamps, line, length, &head);
	if (head.time && (!r->begins || head.time < r->begins))
		r->begins = head.time;
	behind_ours = in->behind_ours;
	in->behind_ours = kind == LINE_OURS || (kind == LINE_REPEATED && behind_ours);
	switch (kind) {
	case LINE_OURS:
		if (whole)
			return take(
				in, line + head.begin, head.length, head.time, head.count, NULL);
		damaged(in, "longer than any line of mailseal");
		return 0;
	case LINE_BROKEN:
		damaged(in, "no time and tag before what looks like mailseal's");
		return 0;
	case LINE_OTHER:
		r->others++;
		return 0;
	case LINE_QUOTING:
		r->others++;
		r->quoting++;
		return 0;
	case LINE_REPEATED:
		r->others++;
		if (behind_ours && !is_outside(in, head.time))
			count_add(&r->repeated, head.count);
		return 0;
	case LINE_STRAY:
		r->strays++;
		return 0;
	case LINE_DROPPED:
		if (!is_outside(in, head.time))
			count_add(&r->dropped, head.count);
		r->others++;
		return 0;
	}
	return 0;
}

/* By its executable, which journald asked the kernel for. The library writes from within any
 * program, but only of connections that failed. Where journald was too late to see it, nothing
 * speaks against it. */
static bool is_by_agent(const struct journal_entry *entry)
{
	static const char refused[] = "event=connect-refused pid=";
	const char *name = entry->exe ? strrchr(entry->exe, '/') : NULL;

	if (!entry->exe || (name && strncmp(name, "/mailseal-agent", 15) == 0))
		return true;
	return entry->length >= sizeof(refused) - 1 &&
	       memcmp(entry->message, refused, sizeof(refused) - 1) == 0;
}

int intake_journal(struct intake *in, const struct journal_entry *entry)
{
	struct tally_reading *r = &in->tally->reading;
	uint64_t counted;
	int rc;

	if (entry->dropped) {
		count_add(&r->dropped, is_outside(in, entry->time) ? 0 : entry->dropped);
		r->others++;
		return 0;
	}
	if (!entry->message) {
		in->ours++;
		damaged(in, "no text");
		return 0;
	}
	if (!is_by_agent(entry)) {
		++*(is_outside(in, entry->time) ? &r->outside : &r->strangers);
		return 0;
	}
	counted = r->counted;
	rc = take(in, entry->message, entry->length, entry->time, 1, entry);
	r->unseen += !entry->exe && r->counted > counted;
	return rc;
}
