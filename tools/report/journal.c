#include "tools/report/journal.h"

#include "tools/report/fields.h"
#include "tools/report/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TAG "mailseal"
/* systemd's SD_MESSAGE_JOURNAL_DROPPED: "Suppressed 12 messages from billing.service" */
#define DROPPED_ID "a596d6fe7bfa4994828e72309e95d61e"

enum { MESSAGE, MESSAGE_ID, TAGGED, EXE, UNIT, STAMP, FIELDS };

static bool is(const struct field *field, const char *text)
{
	return field->text && strcmp(field->text, text) == 0;
}

/* A message that is no UTF-8 comes as an array of numbers; we write none, but count it. */
static int take(struct intake *in, const struct field fields[FIELDS])
{
	const struct field *message = &fields[MESSAGE], *stamp = &fields[STAMP];
	struct journal_entry entry = {
		.time = stamp->text ? strtoll(stamp->text, NULL, 10) / 1000000 : 0,
		.exe = fields[EXE].text,
		.unit = fields[UNIT].text,
	};

	if (is(&fields[MESSAGE_ID], DROPPED_ID) && message->text) {
		const char *digit = strpbrk(message->text, "0123456789");

		entry.dropped = digit ? strtoull(digit, NULL, 10) : 1;
		return intake_journal(in, &entry);
	}
	if (!is(&fields[TAGGED], TAG)) {
		in->tally->reading.others++;
		return 0;
	}
	entry.message = message->text;
	entry.length = message->length;
	return intake_journal(in, &entry);
}

int journal_line(struct intake *in, char *line, size_t length)
{
	struct field fields[FIELDS] = {
		[MESSAGE] = {.name = "MESSAGE"},
		[MESSAGE_ID] = {.name = "MESSAGE_ID"},
		[TAGGED] = {.name = "SYSLOG_IDENTIFIER"},
		[EXE] = {.name = "_EXE"},
		[UNIT] = {.name = "_SYSTEMD_UNIT"},
		[STAMP] = {.name = "__REALTIME_TIMESTAMP"},
	};

	if (fields_take(line, length, fields, FIELDS) &&
		(fields[STAMP].text || fields[STAMP].other))
		return take(in, fields);
	in->tally->reading.strays++;
	return 0;
}

static int each(void *context, char *line, size_t length, bool whole)
{
	struct intake *in = context;

	if (length && *line == '-')
		return 0; /* "-- No entries --", "-- Boot ... --" */
	in->number++;
	in->tally->reading.lines++;
	if (whole)
		return journal_line(in, line, length);
	in->tally->reading.strays++;
	return 0;
}

/* The hints of journalctl(1), which knows best what it could not open. */
static int judge_end(int status, char *said, bool *partly, struct err *err)
{
	*partly = strstr(said, "not seeing messages from other users") != NULL;
	if (strstr(said, "insufficient permissions"))
		return err_fail(err, EACCES,
			"the journal may not be read; run this as root or as a member of group "
			"systemd-journal or adm");
	if (status == 0)
		return 0;
	said[strcspn(said, "\n")] = '\0';
	return err_fail(err, EIO, "journalctl: %.300s", *said ? said : "failed");
}

/* Enough is known with the first line. */
static int take_begin(void *context, char *line, size_t length, bool whole)
{
	struct field stamp = {.name = "__REALTIME_TIMESTAMP"};

	if (whole && fields_take(line, length, &stamp, 1) && stamp.text)
		*(int64_t *)context = strtoll(stamp.text, NULL, 10) / 1000000;
	return -ECANCELED;
}

/* When the journal begins, whoever wrote that entry. */
static int64_t find_begin(char *directory)
{
	const char *argv[] = {"journalctl", "--quiet", "--output=json", "--no-pager",
		"--output-fields=_PID", directory, NULL};
	struct source_child child;
	int64_t begin = 0;

	if (source_spawn(&child, (char *const *)argv, -1))
		return 0;
	source_lines(child.output, take_begin, &begin);
	source_reap(&child, NULL, 0);
	return begin;
}

/* Colours would stand in the JSON, too. */
static void without_colours(void)
{
	setenv("SYSTEMD_COLORS", "0", 1);
}

static int run(char *const *argv, struct intake *in, bool *partly, struct err *err)
{
	struct source_child child;
	char said[1000];
	int rc = source_spawn(&child, argv, -1), status;

	if (rc)
		return err_fail(err, -rc, "journalctl: %s", strerror(-rc));
	intake_begin(in, "journal", time(NULL));
	rc = source_lines(child.output, each, in);
	status = source_reap(&child, said, sizeof(said));
	if (rc)
		return err_fail(err, -rc, "journal: %s", strerror(-rc));
	return judge_end(status, said, partly, err);
}

static int count(void *context, char *line, size_t length, bool whole)
{
	(void)whole;
	*(size_t *)context += length && *line != '-';
	return 0;
}

enum journal_state journal_look(void)
{
	static const char *const argv[] = {"journalctl", "--output=cat", "--no-pager", "--lines=1",
		"SYSLOG_IDENTIFIER=" TAG, NULL};
	struct source_child child;
	char said[1000];
	size_t lines = 0;

	if (source_spawn(&child, (char *const *)argv, -1))
		return JOURNAL_ABSENT;
	source_lines(child.output, count, &lines);
	source_reap(&child, said, sizeof(said));
	if (lines)
		return JOURNAL_HAS_LINES;
	return strstr(said, "insufficient permissions") || strstr(said, "not seeing messages")
		       ? JOURNAL_FORBIDDEN
		       : JOURNAL_EMPTY;
}

int journal_read(struct intake *in, const char *directory, bool *partly, struct err *err)
{
	static const char *const always[] = {"journalctl", "--output=json", "--all", "--no-pager",
		"--output-fields=MESSAGE,MESSAGE_ID,SYSLOG_IDENTIFIER,_EXE,_SYSTEMD_UNIT",
		"SYSLOG_IDENTIFIER=" TAG, "+", "MESSAGE_ID=" DROPPED_ID};
	char since[48], until[48], place[4096 + 16];
	const char *argv[16];
	size_t n = 0;

	for (; n < sizeof(always) / sizeof(always[0]); n++)
		argv[n] = always[n];
	if (in->since > 0) {
		snprintf(since, sizeof(since), "--since=@%lld", (long long)in->since);
		argv[n++] = since;
	}
	if (in->until < INT64_MAX) {
		snprintf(until, sizeof(until), "--until=@%lld", (long long)in->until);
		argv[n++] = until;
	}
	if (directory) {
		snprintf(place, sizeof(place), "--directory=%s", directory);
		argv[n++] = place;
	}
	argv[n] = NULL;
	without_colours();
	if (in->since > 0)
		in->tally->reading.begins = find_begin(directory ? place : NULL);
	return run((char *const *)argv, in, partly, err);
}
