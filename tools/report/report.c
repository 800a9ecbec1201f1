#include "tools/report/report.h"

#include "tools/mailseal.h"
#include "tools/report/statement.h"
#include "tools/report/work.h"

#include <sysexits.h>

static int show(const struct work *w)
{
	switch (w->options->form) {
	case FORM_TEXT:
		return report_text(&w->report, w->options->rows);
	case FORM_JSON:
		return report_json(&w->report);
	case FORM_CSV:
		return report_csv(&w->report);
	case FORM_HTML:
		return report_html(&w->report);
	}
	return EX_SOFTWARE;
}

/* --fail-on: 1, for monitoring. */
static int judge(const struct work *w)
{
	const struct options *o = w->options;
	struct statement statement;

	for (unsigned i = 0; i < TALLY_OUTCOMES; i++)
		if (o->fail_on >> i & 1 && w->tally.total.events[i])
			return 1;
	if (o->fail_on >> TALLY_CLEARTEXT & 1 && w->tally.total.clear)
		return 1;
	statement_make(&w->report, &statement);
	return o->fail_on_doubt && statement.holes ? 1 : EX_OK;
}

static int run(struct work *w)
{
	int code = work_read(w), shown;

	if (code == EX_OSERR || (w->intake.ours == 0 && code != EX_OK))
		return code;
	if (work_sort(w))
		return complain(EX_OSERR, "out of memory");
	shown = show(w);
	code = code ? code : shown;
	return code ? code : judge(w);
}

int command_report(int argc, char **argv)
{
	struct options options;
	struct work work = {.options = &options};
	int code = options_read(&options, argc, argv) ? complain(EX_OSERR, "out of memory")
						      : run(&work);

	work_clear(&work);
	options_clear(&options);
	return code;
}
