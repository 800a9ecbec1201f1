#include "tools/report/stamp.h"

#include <string.h>
#include <time.h>

#define DAY 86400
#define CLOCK_WAS_SET 946684800 /* 2000-01-01 */

void stamps_init(struct stamps *s, int64_t latest)
{
	*s = (struct stamps){.latest = latest};
}

/* As in Howard Hinnant's chrono-compatible algorithms. */
int64_t stamp_days(int64_t year, unsigned month, unsigned day)
{
	int64_t era;
	unsigned of_era, of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	of_era = (unsigned)(year - era * 400);
	of_year = (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* A number of `digits` digits; -1 where there is none. */
static int number(const char *p, unsigned digits)
{
	int value = 0;

	for (; digits; digits--, p++) {
		if (*p < '0' || *p > '9')
			return -1;
		value = value * 10 + *p - '0';
	}
	return value;
}

static bool clock_of(const char *p, int *hour, int *minute, int *second)
{
	*hour = number(p, 2);
	*minute = number(p + 3, 2);
	*second = number(p + 6, 2);
	return p[2] == ':' && p[5] == ':' && *hour >= 0 && *hour < 24 && *minute >= 0 &&
	       *minute < 60 && *second >= 0 && *second <= 60;
}

static int64_t local_time(int year, int month, int day, int hour, int minute)
{
	struct tm tm = {.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_isdst = -1};
	time_t time = mktime(&tm);

	return time != -1 && tm.tm_mday == day && tm.tm_mon == month - 1 ? time : 0;
}

/* .123456; its length, 0 where there is none */
static size_t fraction(const char *text, const char *end)
{
	const char *p = text;

	if (p == end || (*p != '.' && *p != ','))
		return 0;
	for (p++; p < end && *p >= '0' && *p <= '9';)
		p++;
	return (size_t)(p - text);
}

/* Behind the seconds: a fraction and a zone, both optional. Sets *offset; false where there is
 * no zone. */
static bool zone(const char **p, const char *end, int *offset)
{
	const char *q = *p += fraction(*p, end);
	int hours, minutes, sign;
	bool colon;

	*offset = 0;
	if (q < end && (*q == 'Z' || *q == 'z')) {
		*p = q + 1;
		return true;
	}
	if (end - q < 5 || (*q != '+' && *q != '-'))
		return false;
	sign = *q == '-' ? -1 : 1;
	hours = number(q + 1, 2);
	colon = q[3] == ':';
	if (end - q < 5 + colon)
		return false;
	minutes = number(q + 3 + colon, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*p = q + 5 + colon;
	*offset = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool same_minute(const struct stamps *s, const char *text, size_t length)
{
	return s->length == length && memcmp(s->minute, text, length) == 0;
}

static void keep_minute(struct stamps *s, const char *text, size_t length, int64_t time)
{
	memcpy(s->minute, text, length);
	s->length = length;
	s->minute_time = time;
}

/* 2026-11-27T10:00:00 */
static size_t read_iso(struct stamps *s, const char *text, size_t length, int64_t *time)
{
	int year = number(text, 4), month = number(text + 5, 2), day = number(text + 8, 2);
	int hour, minute, second, offset;
	const char *p = text + 19;

	if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || text[7] != '-' ||
		(text[10] != 'T' && text[10] != 't' && text[10] != ' ') ||
		!clock_of(text + 11, &hour, &minute, &second))
		return 0;
	if (zone(&p, text + length, &offset)) {
		*time = (stamp_days(year, (unsigned)month, (unsigned)day) * 24 + hour) * 3600 +
			minute * 60 + second - offset;
	} else {
		if (!same_minute(s, text, 16))
			keep_minute(s, text, 16, local_time(year, month, day, hour, minute));
		*time = s->minute_time ? s->minute_time + second : 0;
	}
	return (size_t)(p - text);
}

static int month_of(const char *text)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int m = 0; m < 12; m++)
		if (memcmp(names + 3 * m, text, 3) == 0)
			return m + 1;
	return 0;
}

/* Of the year before, where this one's would be later than the file; of up to eight years before
 * that for 29 February. */
static int64_t without_year(const struct stamps *s, int month, int day, int hour, int minute)
{
	time_t latest = (time_t)s->latest + DAY;
	struct tm tm;
	int64_t time;

	if (!localtime_r(&latest, &tm))
		return 0;
	for (int year = tm.tm_year + 1900, last = year - 9; year > last; year--) {
		time = local_time(year, month, day, hour, minute);
		if (time && time <= latest)
			return time;
	}
	return 0;
}

/* Nov 27 10:00:00, Nov  7 10:00:00 */
static size_t read_bsd(struct stamps *s, const char *text, size_t length, int64_t *time)
{
	int month = month_of(text), hour, minute, second;
	int day = text[4] == ' ' ? number(text + 5, 1) : number(text + 4, 2);

	if (!month || text[3] != ' ' || day < 1 || day > 31 || text[6] != ' ' ||
		!clock_of(text + 7, &hour, &minute, &second))
		return 0;
	if (!same_minute(s, text, 12))
		keep_minute(s, text, 12, without_year(s, month, day, hour, minute));
	*time = s->minute_time ? s->minute_time + second : 0;
	return 15 + fraction(text + 15, text + length);
}

/* Of a zone that this machine does not know the time is not known. */
static int64_t in_zone(const char *text, const char *name, size_t length)
{
	struct tm tm = {.tm_year = number(text, 4) - 1900,
		.tm_mon = number(text + 5, 2) - 1,
		.tm_mday = number(text + 8, 2),
		.tm_hour = number(text + 11, 2),
		.tm_min = number(text + 14, 2),
		.tm_isdst = -1};
	int hours, minutes;

	if (length == 3 && (memcmp(name, "UTC", 3) == 0 || memcmp(name, "GMT", 3) == 0))
		return timegm(&tm);
	for (int dst = 0; dst < 2; dst++)
		if (strlen(tzname[dst]) == length && memcmp(tzname[dst], name, length) == 0)
			tm.tm_isdst = dst;
	if (tm.tm_isdst >= 0)
		return mktime(&tm);
	hours = length > 2 ? number(name + 1, 2) : -1;
	minutes = length == 5 ? number(name + 3, 2) : 0;
	if ((*name != '+' && *name != '-') || (length != 3 && length != 5) || hours < 0 ||
		minutes < 0)
		return 0;
	return timegm(&tm) - (*name == '-' ? -60 : 60) * (hours * 60 + minutes);
}

/* Fri 2026-11-27 10:00:00 CET, behind the day of the week */
static size_t read_full(struct stamps *s, const char *text, size_t length, int64_t *time)
{
	const char *end = text + length, *zone_name, *p;
	size_t n = read_iso(s, text, length, time);
	int64_t minute;

	if (n < 19 || text[10] != ' ')
		return 0;
	p = text + n;
	zone_name = p + 1;
	if (p == end || *p != ' ')
		return 0;
	for (p++; p<end && * p> ' ' && *p != ':';)
		p++;
	if (p == zone_name || p == end || *p != ' ')
		return 0;
	minute = in_zone(text, zone_name, (size_t)(p - zone_name));
	*time = minute ? minute + number(text + 17, 2) : 0;
	return (size_t)(p - text);
}

/* 1795773600.123456; the clock of a machine that was just started has fewer digits */
static size_t read_unix(const char *text, size_t length, int64_t *time)
{
	size_t n = 0;

	for (; n < length && n < 12 && text[n] >= '0' && text[n] <= '9'; n++)
		*time = *time * 10 + text[n] - '0';
	if (n < 9 || n == length || text[n] != '.')
		return 0;
	return n + fraction(text + n, text + length);
}

static bool is_weekday(const char *text)
{
	static const char names[] = "SunMonTueWedThuFriSat";

	for (size_t i = 0; i < sizeof(names) - 1; i += 3)
		if (memcmp(names + i, text, 3) == 0)
			return text[3] == ' ';
	return false;
}

size_t stamp_read(struct stamps *s, const char *text, size_t length, int64_t *time)
{
	size_t n = 0;

	*time = 0;
	if (length >= 19 && text[4] == '-')
		n = read_iso(s, text, length, time);
	else if (length >= 23 && text[8] == '-' && is_weekday(text))
		n = read_full(s, text + 4, length - 4, time);
	else if (length >= 15 && text[0] >= '0' && text[0] <= '9')
		n = read_unix(text, length, time);
	else if (length >= 15)
		n = read_bsd(s, text, length, time);
	if (n && text[4] != '-' && is_weekday(text))
		n += 4;
	if (*time < CLOCK_WAS_SET)
		*time = 0;
	return n;
}
