/*
 * stamp: the times that logs write at the beginning of a line.
 */
#ifndef MAILSEAL_TOOLS_REPORT_STAMP_H
#define MAILSEAL_TOOLS_REPORT_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line's time without a year is the last one that is not later than the file's last change, but
 * for a day (clocks and time zones differ). */
struct stamps {
	int64_t latest;	     /* seconds since the epoch */
	char minute[20];     /* the last stamp that was looked at, up to its minute */
	size_t length;	     /* of that; 0: none yet */
	int64_t minute_time; /* when that minute began */
};

void stamps_init(struct stamps *s, int64_t latest);

/*
 * Reads the stamp that `text` begins with:
 *   2026-11-27T10:00:00.123456+01:00  (RFC 3339; the zone also as +0100, Z, or none for local time)
 *   Nov 27 10:00:00                   (RFC 3164, local time; also with a fraction)
 *   Fri 2026-11-27 10:00:00 CET       (journalctl -o short-full; UTC or a zone of this machine)
 *   1795773600.123456                 (journalctl -o short-unix)
 * Returns its length, 0 where there is none. `*time` is 0 for a date before 2000: a clock that was
 * not set.
 */
size_t stamp_read(struct stamps *s, const char *text, size_t length, int64_t *time);

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
int64_t stamp_days(int64_t year, unsigned month, unsigned day);

#endif
