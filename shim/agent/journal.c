/*
 * journal: takes a line apart again. What made it has escaped whatever could end a field.
 */
#include "shim/agent/journal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#define PREFIX "MAILSEAL_"
#define NAME_MAX_LENGTH 64 /* the journal's */

struct entry {
	char *out;
	size_t size, length;
};

/* Whole or not at all. */
static bool add(struct entry *e, const char *bytes, size_t n)
{
	if (n > e->size - e->length)
		return false;
	memcpy(e->out + e->length, bytes, n);
	e->length += n;
	return true;
}

static void add_field(
	struct entry *e, const char *name, size_t name_length, const char *value, size_t n)
{
	size_t before = e->length;

	if (!add(e, name, name_length) || !add(e, "=", 1) || !add(e, value, n) || !add(e, "\n", 1))
		e->length = before;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* What stands between the quotes, as it was before it was escaped. */
static size_t unescape(const char *text, size_t n, char *out)
{
	size_t i, length = 0;

	for (i = 0; i < n; i++) {
		char c = text[i];

		if (c == '\\' && i + 3 < n && text[i + 1] == 'x' && hex_digit(text[i + 2]) >= 0 &&
			hex_digit(text[i + 3]) >= 0) {
			c = (char)(hex_digit(text[i + 2]) << 4 | hex_digit(text[i + 3]));
			i += 3;
		} else if (c == '\\' && i + 1 < n) {
			c = text[++i];
		}
		out[length++] = c;
	}
	return length;
}

/* The length of one character that can be shown; 0: there is none. */
static size_t character(const unsigned char *s, size_t n)
{
	size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (length == 0 || length > n || s[0] > 0xf4)
		return 0;
	if (length == 1)
		return s[0] >= 0x20 && s[0] != 0x7f;
	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
		(s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
		(s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

static bool can_be_shown(const char *text, size_t n)
{
	size_t i, length;

	for (i = 0; i < n; i += length) {
		length = character((const unsigned char *)text + i, n - i);
		if (!length)
			return false;
	}
	return true;
}

static void add_pair(
	struct entry *e, const char *key, size_t key_length, const char *value, size_t n)
{
	char name[NAME_MAX_LENGTH] = PREFIX, raw[LOG_LINE_MAX];
	size_t length = sizeof(PREFIX) - 1, raw_length;

	if (key_length > sizeof(name) - length || n > sizeof(raw))
		return;
	for (size_t i = 0; i < key_length; i++)
		name[length++] =
			isalnum((unsigned char)key[i]) ? (char)toupper((unsigned char)key[i]) : '_';
	raw_length = unescape(value, n, raw);
	if (can_be_shown(raw, raw_length))
		add_field(e, name, length, raw, raw_length);
	else
		add_field(e, name, length, value, n);
}

/* The end of a value that begins here; quoted, that is its second quote. */
static const char *end_of(const char *value, bool quoted)
{
	for (; *value && *value != (quoted ? '"' : ' '); value++)
		if (quoted && *value == '\\' && value[1])
			value++;
	return value;
}

static void add_pairs(struct entry *e, const char *text)
{
	while (*text) {
		const char *equals = strchr(text, '='), *value, *end;
		bool quoted = equals && equals[1] == '"';

		if (!equals)
			return;
		value = equals + 1 + quoted;
		end = end_of(value, quoted);
		add_pair(e, text, (size_t)(equals - text), value, (size_t)(end - value));
		text = end + (quoted && *end);
		text += *text == ' ';
	}
}

size_t journal_entry(int priority, const char *text, long pid, char *out, size_t size)
{
	struct entry e = {out, size, 0};
	char head[128];
	int n = snprintf(head, sizeof(head),
		"PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=mailseal\nSYSLOG_PID=%ld\n",
		priority, LOG_FAC(LOG_MAIL), pid);

	add(&e, head, (size_t)n);
	add_field(&e, "MESSAGE", strlen("MESSAGE"), text, strlen(text));
	add_pairs(&e, text);
	return e.length;
}

bool journal_is_syslog(const char *dev_log)
{
	struct stat theirs, given;

	if (stat(JOURNAL_DEV_LOG, &theirs) < 0)
		return false;
	return stat(dev_log, &given) < 0 ||
	       (given.st_dev == theirs.st_dev && given.st_ino == theirs.st_ino);
}
