/*
 * line: how a line of the log is put together, in memory of the caller's.
 */
#include "shim/agent/log.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

static void add(struct log_line *line, const char *bytes, size_t n)
{
	if (n > sizeof(line->text) - 1 - line->length)
		return;
	memcpy(line->text + line->length, bytes, n);
	line->length += n;
	line->text[line->length] = '\0';
}

static void add_key(struct log_line *line, const char *key)
{
	if (line->length)
		add(line, " ", 1);
	add(line, key, strlen(key));
	add(line, "=", 1);
}

/* Events that an administrator should look at. */
static const char *const alarming[] = {"attack", "connect-refused", "overload", "failed", "log"};

void line_begin(struct log_line *line, const char *event)
{
	line->length = line->kept = 0;
	line->text[0] = '\0';
	line->priority = LOG_INFO;
	for (size_t i = 0; i < sizeof(alarming) / sizeof(alarming[0]); i++)
		if (strcmp(event, alarming[i]) == 0)
			line->priority = LOG_WARNING;
	line_word(line, "event", event);
}

void line_keep(struct log_line *line, size_t octets)
{
	line->kept = octets;
}

/* All of it or nothing: half a pair is none. */
void line_word(struct log_line *line, const char *key, const char *value)
{
	if (strlen(key) + strlen(value) + 3 > sizeof(line->text) - line->length)
		return;
	add_key(line, key);
	add(line, value, strlen(value));
}

void line_number(struct log_line *line, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	line_word(line, key, digits);
}

static void add_escaped(struct log_line *line, char c)
{
	char hex[8];

	if (c < 0x20 || c > 0x7e) {
		snprintf(hex, sizeof(hex), "\\x%02x", (unsigned char)c);
		add(line, hex, 4);
		return;
	}
	if (c == '"' || c == '\\')
		line->text[line->length++] = '\\';
	line->text[line->length++] = c;
}

void line_quoted(struct log_line *line, const char *key, const char *value, size_t limit)
{
	size_t most = sizeof(line->text) - 9, i; /* with what is added once more, and the end */

	if (line->length + strlen(key) + 12 > sizeof(line->text))
		return;
	add_key(line, key);
	add(line, "\"", 1);
	most -= line->kept < most ? line->kept : most;
	for (i = 0; value[i] && i < limit && line->length < most; i++)
		add_escaped(line, value[i]);
	add(line, value[i] && i < limit ? "...\"" : "\"", value[i] && i < limit ? 4 : 1);
}

void line_copy(struct log_line *line, const char *text)
{
	line->length = 0;
	add(line, text, strlen(text));
}
