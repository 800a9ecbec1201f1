#include "tools/report/work.h"

#include "tools/mailseal.h"
#include "tools/report/journal.h"
#include "tools/report/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Where syslog daemons write what programs of mail say. */
static const char *const places[] = {
	"/var/log/mail.log", "/var/log/maillog", "/var/log/syslog", "/var/log/messages"};

static int code_of(int rc)
{
	switch (-rc) {
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return EX_NOINPUT;
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	case ENOEXEC:
		return EX_UNAVAILABLE;
	case ENOMEM:
		return EX_OSERR;
	default:
		return EX_IOERR;
	}
}

static int out_of_memory(void)
{
	return complain(EX_OSERR, "out of memory");
}

#define MORE (sizeof(((struct work *)0)->more) / sizeof(struct tally))

static void clear_tallies(struct work *w)
{
	tally_clear(&w->tally);
	for (size_t i = 0; i < MORE; i++)
		tally_clear(&w->more[i]);
}

/* The first of a page's tallies is by the first key. */
static int init_tallies(struct work *w)
{
	const struct options *o = w->options;

	if (o->form != FORM_HTML)
		return tally_init(&w->tally, o->by, o->only);
	for (size_t i = 0; i < MORE; i++)
		if (tally_init(&w->more[i], 2u << i, o->only))
			return -ENOMEM;
	return tally_init(&w->tally, 1, o->only);
}

int work_sort(struct work *w)
{
	for (size_t i = 0; i < w->intake.more_count; i++)
		if (tally_sort(&w->more[i]))
			return -ENOMEM;
	return tally_sort(&w->tally);
}

/* What was read before counts no more. */
static int begin(struct work *w)
{
	const struct options *o = w->options;

	clear_tallies(w);
	units_clear(&w->units);
	if (init_tallies(w) || units_init(&w->units, (const char *const *)o->units))
		return out_of_memory();
	w->intake = (struct intake){.tally = &w->tally,
		.more = w->more,
		.more_count = o->form == FORM_HTML ? MORE : 0,
		.since = o->since,
		.until = o->until,
		.units = &w->units};
	w->report = (struct report){.tally = &w->tally,
		.source = w->source,
		.since = o->since,
		.until = o->until,
		.units = &w->units,
		.elsewhere = &w->elsewhere};
	w->report.by[0] = &w->tally;
	for (size_t i = 0; i < w->intake.more_count; i++)
		w->report.by[i + 1] = &w->more[i];
	return EX_OK;
}

/* What can be read of it counts, and the rest is told. */
static int read_file(struct work *w, const char *path)
{
	struct source source;
	struct err err;
	int rc = source_open(&source, path, &err), lines;

	if (rc) {
		w->report.cut = true;
		return complain(code_of(rc), "report: %s%s", err.text,
			rc == -EACCES ? "; run this as root or as a member of group adm" : "");
	}
	intake_begin(&w->intake, strcmp(path, "-") == 0 ? "standard input" : path, source.changed);
	lines = source_lines(source.fd, intake_line, &w->intake);
	rc = source_close(&source, &err);
	if (lines == -ENOMEM)
		return out_of_memory();
	w->report.cut |= lines || rc;
	if (lines)
		return complain(EX_IOERR, "report: %s: %s", path, strerror(-lines));
	return rc ? complain(EX_DATAERR, "report: %s: %s; what could be read of it is counted",
			    path, err.text)
		  : EX_OK;
}

static void name_source(struct work *w, const char *first, size_t count)
{
	snprintf(w->source, sizeof(w->source), "%.200s",
		strcmp(first, "-") == 0 ? "standard input" : first);
	if (count > 1)
		snprintf(w->source + strlen(w->source), sizeof(w->source) - strlen(w->source),
			" and %zu file%s more", count - 1, count > 2 ? "s" : "");
}

/* The first failure is told by the exit status. */
static int read_list(struct work *w, const struct source_list *list)
{
	int code = EX_OK, one;

	name_source(w, list->paths[0], list->count);
	for (size_t i = 0; i < list->count; i++) {
		one = read_file(w, list->paths[i]);
		if (one == EX_OSERR)
			return one;
		code = code ? code : one;
	}
	return code;
}

/* It may be there in a form that is not read. */
static int no_line(const struct work *w)
{
	const struct tally_reading *l = &w->tally.reading;

	return complain(EX_DATAERR, "report: no line of mailseal in %s%s", w->source,
		l->quoting || l->strays || l->damaged
			? "; what is read: files of syslog and of mailseal, and of journalctl -o "
			  "json, short, short-iso, short-precise, short-full and short-unix"
			: "");
}

static int read_files(struct work *w, const char *const *files, size_t count, bool rotated)
{
	struct source_list list = {0};
	int code = EX_OK;

	for (size_t i = 0; i < count && code == EX_OK; i++)
		if (source_add(&list, files[i], rotated, w->options->since))
			code = out_of_memory();
	if (code == EX_OK)
		code = begin(w);
	if (code == EX_OK)
		code = read_list(w, &list);
	source_list_clear(&list);
	if (w->intake.ours == 0 && code == EX_OK)
		return no_line(w);
	return code;
}

static int read_journal(struct work *w)
{
	struct err err = {""};
	int code = begin(w), rc;

	if (code)
		return code;
	rc = journal_read(&w->intake, w->options->directory, &w->report.partly, &err);
	snprintf(w->source, sizeof(w->source), "the journal%s%.200s",
		w->options->directory ? " in " : "",
		w->options->directory ? w->options->directory : "");
	if (rc == -ENOENT)
		return complain(
			EX_UNAVAILABLE, "report: there is no journalctl here; name the log file");
	return rc ? complain(code_of(rc), "report: %s", err.text) : EX_OK;
}

static int no_line_in_journal(const struct work *w)
{
	if (w->report.partly)
		return complain(EX_NOPERM,
			"report: no line of mailseal in the part of the journal that you may read; "
			"run this as root or as a member of group systemd-journal or adm");
	return complain(EX_DATAERR, "report: no line of mailseal in %s", w->source);
}

/* The first of the usual places that has lines of ours. */
static int read_places(struct work *w, bool *found)
{
	int code = EX_OK;

	*found = false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct source_list list = {0};

		if (access(places[i], F_OK) != 0)
			continue;
		if (source_add(&list, places[i], true, w->options->since))
			code = out_of_memory();
		else
			code = begin(w);
		if (code == EX_OK)
			code = read_list(w, &list);
		source_list_clear(&list);
		*found = w->intake.ours > 0;
		w->file = places[i];
		if (*found || code != EX_OK)
			return code;
	}
	return code;
}

/* As library and agent understand MAILSEAL_LOG. */
static const char *own_log(void)
{
	static const char *const daemons[] = {"syslog", "journal", "stderr"};
	const char *log = environment("MAILSEAL_LOG");

	for (size_t i = 0; log && i < sizeof(daemons) / sizeof(daemons[0]); i++)
		if (strcmp(log, daemons[i]) == 0)
			return NULL;
	return log;
}

/* What syslog writes there may be in the journal, too: it would count twice. */
static bool is_of_syslog(const char *path)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(path, places[i]) == 0)
			return true;
	return false;
}

/* Files of services, as far as they are there. -ENOMEM or 0. */
static int list_elsewhere(struct work *w, struct source_list *list)
{
	struct stat st, read;

	for (size_t i = 0; i < w->elsewhere.count; i++) {
		struct elsewhere_log *log = &w->elsewhere.at[i];
		bool there = stat(log->path, &st) == 0, same;

		if (log->kind != ELSEWHERE_FILE || (!there && errno != ENOENT) ||
			(there && (!S_ISREG(st.st_mode) || access(log->path, R_OK) != 0)))
			continue;
		same = there && w->file && stat(w->file, &read) == 0 && read.st_dev == st.st_dev &&
		       read.st_ino == st.st_ino;
		log->read = same || !is_of_syslog(log->path);
		if (same || !log->read)
			continue;
		if (source_add_present(list, log->path, w->options->since))
			return -ENOMEM;
	}
	return 0;
}

/* Beside what was read before, if something was. */
static int read_elsewhere(struct work *w, bool beside)
{
	struct source_list list = {0};
	int code = list_elsewhere(w, &list) ? out_of_memory() : EX_OK;
	char before[sizeof(w->source)];

	snprintf(before, sizeof(before), "%.200s", w->source);
	if (code == EX_OK && list.count)
		code = read_list(w, &list);
	if (code == EX_OK && list.count && beside)
		snprintf(w->source, sizeof(w->source), "%.200s and %zu file%s of services", before,
			list.count, list.count == 1 ? "" : "s");
	source_list_clear(&list);
	return code;
}

static int nothing_found(const struct work *w, enum journal_state journal)
{
	char words[400];

	for (size_t i = 0; i < w->elsewhere.count; i++)
		if (!w->elsewhere.at[i].read)
			complain(0, "report: %s",
				elsewhere_words(&w->elsewhere.at[i], words, sizeof(words)));
	if (journal == JOURNAL_FORBIDDEN)
		return complain(EX_NOPERM,
			"report: the journal may not be read; run this as root or as a member of "
			"group systemd-journal or adm, or name the log file");
	return complain(EX_NOINPUT,
		"report: no line of mailseal in the journal, nor in a file that syslog writes "
		"(/var/log/mail.log); name the log file");
}

static int read_default(struct work *w)
{
	const char *log = own_log();
	enum journal_state journal = log ? JOURNAL_ABSENT : journal_look();
	bool found = true;
	int code;

	if (log) {
		w->file = log;
		code = read_files(w, &log, 1, true);
	} else if (journal == JOURNAL_HAS_LINES) {
		code = read_journal(w);
	} else {
		code = read_places(w, &found);
	}
	if (code == EX_OK && !found)
		code = begin(w);
	if (code == EX_OK)
		code = read_elsewhere(w, found);
	return code == EX_OK && w->intake.ours == 0 && !found ? nothing_found(w, journal) : code;
}

int work_read(struct work *w)
{
	const struct options *o = w->options;
	int code;

	if (!o->file_count && !o->directory &&
		elsewhere_find(&w->elsewhere, (const char *const *)o->units))
		return out_of_memory();
	if (o->journal) {
		code = read_journal(w);
		if (code == EX_OK && w->intake.ours == 0 && o->since == 0 && o->until == INT64_MAX)
			code = no_line_in_journal(w);
	} else {
		code = o->file_count ? read_files(w, (const char *const *)o->files, o->file_count,
					       o->rotated)
				     : read_default(w);
	}
	return code;
}

void work_clear(struct work *w)
{
	clear_tallies(w);
	units_clear(&w->units);
	elsewhere_clear(&w->elsewhere);
}
