/*
 * show: texts and times as all forms of the report write them.
 */
#include "tools/report/report.h"

#include <string.h>
#include <time.h>

const char *report_plain(const char *text, char *out, size_t size)
{
	size_t n = 0, step;

	for (; *text; text++, n += step) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= 0x20 && c < 0x7f;

		step = plain ? 1 : 4;
		if (n + step >= size)
			break;
		if (plain)
			out[n] = (char)c;
		else
			snprintf(out + n, size - n, "\\x%02x", c);
	}
	if (*text)
		n = n > size - 4 ? size - 4 : n;
	snprintf(out + n, size - n, "%s", *text ? "..." : "");
	return out;
}

const char *report_utc(int64_t time, char out[REPORT_TIME])
{
	time_t t = (time_t)time;
	struct tm tm;

	if (time == 0 || !gmtime_r(&t, &tm) ||
		!strftime(out, REPORT_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, REPORT_TIME, "-");
	return out;
}

const char *report_local(int64_t time, char out[REPORT_TIME])
{
	time_t t = (time_t)time;
	struct tm tm;

	if (time == 0 || !localtime_r(&t, &tm) ||
		!strftime(out, REPORT_TIME, "%Y-%m-%d %H:%M:%S %z", &tm))
		snprintf(out, REPORT_TIME, "-");
	return out;
}
