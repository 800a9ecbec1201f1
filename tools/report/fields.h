/*
 * fields: a few fields of a flat JSON object, as `journalctl -o json` writes one a line. Made for
 * many lines: no allocation, and what is not asked for is passed over unread.
 */
#ifndef MAILSEAL_TOOLS_REPORT_FIELDS_H
#define MAILSEAL_TOOLS_REPORT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

struct field {
	const char *name;
	char *text;    /* NULL where it is absent, or is no string; else ends with NUL */
	size_t length; /* octets of text, of which NUL may be one */
	bool other;    /* it is there, but is no string */
};

/*
 * Takes the object apart and writes into it: texts are unescaped in place, and valid as long as the
 * line. Of a name that is there twice, the last one. False where it is no JSON object; an escape
 * that is none in a text that was not asked for goes unnoticed.
 */
bool fields_take(char *json, size_t length, struct field *fields, size_t count);

#endif
