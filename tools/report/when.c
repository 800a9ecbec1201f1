#include "tools/report/when.h"

#include "tools/report/stamp.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DAY 86400
#define LONGEST (1000LL * 366 * DAY) /* ago */

static const struct {
	const char *name;
	int64_t seconds;
} units[] = {
	{"s", 1},
	{"sec", 1},
	{"second", 1},
	{"seconds", 1},
	{"m", 60},
	{"min", 60},
	{"minute", 60},
	{"minutes", 60},
	{"h", 3600},
	{"hr", 3600},
	{"hour", 3600},
	{"hours", 3600},
	{"d", DAY},
	{"day", DAY},
	{"days", DAY},
	{"w", 7 * DAY},
	{"week", 7 * DAY},
	{"weeks", 7 * DAY},
	{"month", 2629800},
	{"months", 2629800},
	{"y", 31557600},
	{"year", 31557600},
	{"years", 31557600},
};

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

static int64_t seconds_of(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == length &&
			strncasecmp(units[i].name, name, length) == 0)
			return units[i].seconds;
	return 0;
}

/* `2h30min`, `2 days`; *p then stands behind it. */
static bool span(const char **p, int64_t *seconds)
{
	const char *q = skip_blanks(*p), *name;
	int64_t number, unit;
	char *end;

	*seconds = 0;
	while (isdigit((unsigned char)*q)) {
		errno = 0;
		number = strtoll(q, &end, 10);
		name = q = skip_blanks(end);
		while (isalpha((unsigned char)*q))
			q++;
		unit = seconds_of(name, (size_t)(q - name));
		if (errno || !unit || number > LONGEST / unit)
			return false;
		*seconds += number * unit;
		if (*seconds > LONGEST)
			return false;
		q = skip_blanks(q);
		*p = q;
	}
	return *p == q;
}

static bool ago(const char *text, int64_t now, int64_t *time)
{
	bool minus = *text == '-';
	const char *p = text + minus;
	int64_t seconds;

	if (!isdigit((unsigned char)*skip_blanks(p)) || !span(&p, &seconds))
		return false;
	if (minus ? *p : strcasecmp(p, "ago") != 0)
		return false;
	*time = now - seconds;
	return true;
}

static bool midnight(int64_t now, int days, int64_t *time)
{
	time_t t = (time_t)now;
	struct tm tm;

	if (!localtime_r(&t, &tm))
		return false;
	tm.tm_mday += days;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	*time = mktime(&tm);
	return *time != -1;
}

static bool word(const char *text, int64_t now, int64_t *time)
{
	if (strcasecmp(text, "now") == 0) {
		*time = now;
		return true;
	}
	if (strcasecmp(text, "today") == 0)
		return midnight(now, 0, time);
	if (strcasecmp(text, "yesterday") == 0)
		return midnight(now, -1, time);
	if (strcasecmp(text, "tomorrow") == 0)
		return midnight(now, 1, time);
	return false;
}

static bool epoch(const char *text, int64_t *time)
{
	char *end;

	if (*text != '@' || !isdigit((unsigned char)text[1]))
		return false;
	errno = 0;
	*time = strtoll(text + 1, &end, 10);
	return errno == 0 && !*end && *time <= LONGEST * 10;
}

/* `shape` has a 9 for each digit. */
static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; shape++, text++)
		if (*shape == '9' ? !isdigit((unsigned char)*text) : *text != *shape)
			return false;
	return !*text;
}

/* Made whole, and read as a stamp. */
static bool date(const char *text, int64_t now, int64_t *time)
{
	char whole[64], today[16];
	time_t t = (time_t)now;
	struct stamps stamps;
	struct tm tm;
	size_t n;

	if (!localtime_r(&t, &tm) || !strftime(today, sizeof(today), "%Y-%m-%d", &tm))
		return false;
	if (has_shape(text, "9999-99-99"))
		snprintf(whole, sizeof(whole), "%sT00:00:00", text);
	else if (has_shape(text, "9999-99-99 99:99") || has_shape(text, "9999-99-99T99:99"))
		snprintf(whole, sizeof(whole), "%s:00", text);
	else if (has_shape(text, "99:99"))
		snprintf(whole, sizeof(whole), "%sT%s:00", today, text);
	else if (has_shape(text, "99:99:99"))
		snprintf(whole, sizeof(whole), "%sT%s", today, text);
	else if (snprintf(whole, sizeof(whole), "%s", text) >= (int)sizeof(whole))
		return false;
	stamps_init(&stamps, now);
	n = strlen(whole);
	return whole[0] >= '0' && whole[0] <= '9' && stamp_read(&stamps, whole, n, time) == n &&
	       *time != 0;
}

int when_parse(const char *text, int64_t now, int64_t *time, struct err *err)
{
	int64_t found;

	if (!word(text, now, &found) && !epoch(text, &found) && !ago(text, now, &found) &&
		!date(text, now, &found))
		return err_fail(err, EINVAL,
			"'%.80s' is no time; write 2026-11-27, '2026-11-27 10:00', 10:00, today, "
			"yesterday, -2h, '2 days ago', or @ and seconds since 1970",
			text);
	*time = found;
	return 0;
}
