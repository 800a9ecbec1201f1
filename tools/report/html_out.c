#include "tools/report/html_out.h"

#include <string.h>
#include <time.h>

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void html_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		const char *escaped = entity(*text);

		if (escaped)
			fputs(escaped, to);
		else if (*text < 0x20 || *text > 0x7e)
			fprintf(to, "\\x%02x", (unsigned char)*text);
		else
			putc(*text, to);
	}
}

void html_number(FILE *to, uint64_t n)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			putc(',', to);
		putc(digits[i], to);
	}
}

void html_short_number(FILE *to, uint64_t n)
{
	static const char units[] = {0, 'k', 'M', 'G', 'T', 'P', 'E'};
	double value = (double)n;
	size_t unit = 0;

	if (n < 10000) {
		html_number(to, n);
		return;
	}
	for (; value >= 1000 && unit + 1 < sizeof(units); unit++)
		value /= 1000;
	fprintf(to, "%.3g%c", value, units[unit]);
}

void html_bytes(FILE *to, uint64_t n)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)n;
	size_t unit = 0;

	for (; value >= 999.5 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
		value /= 1000;
	fprintf(to, unit && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void html_time(FILE *to, int64_t when)
{
	time_t t = (time_t)when;
	char text[64];
	struct tm tm;

	if (!when || !localtime_r(&t, &tm) || !strftime(text, sizeof(text), "%F %H:%M", &tm)) {
		fputs("unknown", to);
		return;
	}
	fputs(text, to);
}

static void zone(FILE *to, const struct tm *tm)
{
	char name[64] = "", offset[16] = "";

	strftime(name, sizeof(name), "%Z", tm);
	strftime(offset, sizeof(offset), "%z", tm);
	if (*name == '+' || *name == '-')
		*name = '\0'; /* a zone without one: its offset again */
	html_text(to, name);
	if (strlen(offset) == 5 && strcmp(name, "UTC") != 0)
		fprintf(to, "%sUTC%.3s:%s", *name ? ", " : "", offset, offset + 3);
}

void html_zones(FILE *to, int64_t first, int64_t last)
{
	time_t one = (time_t)first, other = (time_t)last;
	struct tm a, b;

	if (!localtime_r(&one, &a) || !localtime_r(&other, &b))
		return;
	zone(to, &a);
	if (a.tm_gmtoff != b.tm_gmtoff) {
		fputs("; later ", to);
		zone(to, &b);
	}
}
