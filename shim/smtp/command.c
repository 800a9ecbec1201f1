#include "shim/smtp/command.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	enum verb verb;
} verbs[] = {
	{"EHLO", VERB_EHLO},
	{"HELO", VERB_HELO},
	{"MAIL", VERB_MAIL},
	{"RCPT", VERB_RCPT},
	{"DATA", VERB_DATA},
	{"BDAT", VERB_BDAT},
	{"RSET", VERB_RSET},
	{"NOOP", VERB_NOOP},
	{"QUIT", VERB_QUIT},
	{"AUTH", VERB_AUTH},
	{"STARTTLS", VERB_STARTTLS},
	{"VRFY", VERB_VRFY},
	{"EXPN", VERB_EXPN},
	{"HELP", VERB_HELP},
	{"BURL", VERB_DESYNCHRONISING},
	{"TURN", VERB_DESYNCHRONISING},
	{"ATRN", VERB_DESYNCHRONISING},
	{"XCLIENT", VERB_DESYNCHRONISING},
	{"XFORWARD", VERB_DESYNCHRONISING},
	{"XEXCH50", VERB_DESYNCHRONISING},
	{"SEND", VERB_DESYNCHRONISING},
	{"SOML", VERB_DESYNCHRONISING},
	{"SAML", VERB_DESYNCHRONISING},
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static enum verb verb_lookup(const char *word, size_t n)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strlen(verbs[i].name) == n && strncasecmp(verbs[i].name, word, n) == 0)
			return verbs[i].verb;
	}
	return VERB_UNKNOWN;
}

void command_parse(const struct line *line, struct command *command)
{
	const char *end = line->text + line->length;
	const char *p = line->text;

	*command = (struct command){.verb = VERB_BAD, .argument = end};
	if (line->length == 0 || !is_letter(*p) || !line_is_clean(line))
		return;
	while (p < end && !is_blank(*p))
		p++;
	command->verb = verb_lookup(line->text, (size_t)(p - line->text));
	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	command->argument = p;
	command->argument_length = (size_t)(end - p);
}

int command_bdat_size(const struct command *command, uint64_t *size)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < command->argument_length && !is_blank(command->argument[i]); i++) {
		char c = command->argument[i];

		if (c < '0' || c > '9' || value > (UINT64_C(1) << 58))
			return -EINVAL;
		value = value * 10 + (uint64_t)(c - '0');
	}
	if (i == 0)
		return -EINVAL;
	*size = value;
	return 0;
}

/* The octet behind the closing '>' decides; a quoted local part may hold any other (RFC
 * 5321 4.1.2). */
static size_t path_length(const char *p, size_t n)
{
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		if (quoted && p[i] == '\\' && i + 1 < n)
			i++;
		else if (p[i] == '"')
			quoted = !quoted;
		else if (p[i] == '>' && !quoted)
			return i;
	}
	return n;
}

void command_path(const struct command *command, char *out, size_t size)
{
	const char *end = command->argument + command->argument_length;
	const char *p = command->argument + (command->verb == VERB_MAIL ? 5 : 3);
	size_t n;

	/* another argument may be anything, a password for example */
	out[0] = '\0';
	if (end < p || strncasecmp(command->argument, command->verb == VERB_MAIL ? "FROM:" : "TO:",
			       (size_t)(p - command->argument)) != 0)
		return;
	while (p < end && is_blank(*p))
		p++;
	if (p < end && *p == '<') {
		p++;
		n = path_length(p, (size_t)(end - p));
	} else {
		for (n = 0; p + n < end && !is_blank(p[n]);)
			n++;
	}
	line_sanitize(out, size, p, n, false);
}
