/*
 * html_out: single values, as they may stand in the page.
 */
#ifndef MAILSEAL_TOOLS_REPORT_HTML_OUT_H
#define MAILSEAL_TOOLS_REPORT_HTML_OUT_H

#include <stdint.h>
#include <stdio.h>

/* Whatever the octets are, it stays text, in an attribute too: markup is escaped, and all but
 * printable ASCII is written \xHH, as in the log. */
void html_text(FILE *to, const char *text);

/* 1234567 as 1,234,567 */
void html_number(FILE *to, uint64_t n);

/* 10k, 2.5M: for the few round numbers along an axis */
void html_short_number(FILE *to, uint64_t n);

/* 4711 bytes as 4.7 kB */
void html_bytes(FILE *to, uint64_t n);

/* Local: "2026-11-27 10:02"; "unknown" for 0. */
void html_time(FILE *to, int64_t when);

/* "CET, UTC+01:00", and the other one where `last` has another. */
void html_zones(FILE *to, int64_t first, int64_t last);

#endif
