/*
 * journal: takes a line apart again. What made it has escaped whatever could end a field.
 */
#include "shim/handoff/journal.h"

#include "shim/handoff/text.h"

#include <string.h>

#define PREFIX "MAILSEAL_"
#define NAME_MOST 64 /* the journal's */

/* Takes back what was added since: the field did not fit, or is to be another. */
static void take_back(struct text *t, size_t length)
{
	t->length = length;
	t->overflow = false;
	t->bytes[length] = '\0';
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* What stands between the quotes, as it was before it was escaped. */
static void add_unescaped(struct text *t, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (c == '\\' && i + 3 < n && text[i + 1] == 'x' && hex_digit(text[i + 2]) >= 0 &&
			hex_digit(text[i + 3]) >= 0) {
			c = (char)(hex_digit(text[i + 2]) << 4 | hex_digit(text[i + 3]));
			i += 3;
		} else if (c == '\\' && i + 1 < n) {
			c = text[++i];
		}
		text_add_bytes(t, &c, 1);
	}
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

static void add_name(struct text *t, const char *key, size_t n)
{
	text_add(t, PREFIX);
	for (size_t i = 0; i < n; i++) {
		char c = key[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
			c = '_';
		text_add_bytes(t, &c, 1);
	}
	text_add(t, "=");
}

static void add_pair(
	struct text *t, const char *key, size_t key_length, const char *value, size_t n)
{
	size_t before = t->length, from;

	if (key_length > NAME_MOST - strlen(PREFIX))
		return;
	add_name(t, key, key_length);
	from = t->length;
	add_unescaped(t, value, n);
	if (!t->overflow && !can_be_shown(t->bytes + from, t->length - from)) {
		take_back(t, from);
		text_add_bytes(t, value, n);
	}
	text_add(t, "\n");
	if (t->overflow)
		take_back(t, before);
}

/* The end of a value that begins here; quoted, that is its second quote. */
static const char *end_of(const char *value, bool quoted)
{
	for (; *value && *value != (quoted ? '"' : ' '); value++)
		if (quoted && *value == '\\' && value[1])
			value++;
	return value;
}

static void add_pairs(struct text *t, const char *text)
{
	while (*text) {
		const char *equals = strchr(text, '='), *value, *end;
		bool quoted = equals && equals[1] == '"';

		if (!equals)
			return;
		value = equals + 1 + quoted;
		end = end_of(value, quoted);
		add_pair(t, text, (size_t)(equals - text), value, (size_t)(end - value));
		text = end + (quoted && *end);
		text += *text == ' ';
	}
}

size_t journal_entry(unsigned priority, const char *text, uint64_t pid, char *out, size_t size)
{
	struct text t;

	text_init(&t, out, size);
	text_add(&t, "PRIORITY=");
	text_add_number(&t, priority);
	text_add(&t, "\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=mailseal\nSYSLOG_PID=");
	text_add_number(&t, pid);
	text_add(&t, "\nMESSAGE=");
	text_add(&t, text);
	text_add(&t, "\n");
	add_pairs(&t, text);
	return t.length;
}
