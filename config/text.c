#include "config/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct scan {
	char *text;
	size_t length;
	size_t at;
	unsigned line;
	unsigned depth;	    /* open braces */
	unsigned statement; /* line of the first word since the last section; 0 before it */
	unsigned opened;    /* line of the last brace opened at depth 0 */
	unsigned list;	    /* that of the list that is open, as long as it has no value; else 0 */
	struct text_sections sections;
	struct text_problem *problem;
};

#define FAIL(scan, where, ...)                                                                     \
	((scan)->problem->line = (where), err_fail(&(scan)->problem->err, EINVAL, __VA_ARGS__))

void text_sections_clear(struct text_sections *sections)
{
	free(sections->at);
	*sections = (struct text_sections){0};
}

/* The byte `ahead` of the current one; 0 behind the end. */
static char peek(const struct scan *s, size_t ahead)
{
	return ahead < s->length - s->at ? s->text[s->at + ahead] : '\0';
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_.:/-", c)) || (unsigned char)c >= 0x80;
}

static void blank(struct scan *s)
{
	if (s->text[s->at] == '\n')
		s->line++;
	else
		s->text[s->at] = ' ';
	s->at++;
}

static void skip_line_comment(struct scan *s)
{
	while (s->at < s->length && s->text[s->at] != '\n')
		blank(s);
}

static int skip_block_comment(struct scan *s)
{
	unsigned start = s->line;

	blank(s);
	blank(s);
	while (s->at < s->length) {
		if (peek(s, 0) == '*' && peek(s, 1) == '/') {
			blank(s);
			blank(s);
			return 0;
		}
		blank(s);
	}
	return FAIL(s, start, "comment has no end; write */ where it stops");
}

static int fail_variable(struct scan *s)
{
	return FAIL(s, s->line,
		"environment variables are not put in for ${...}; write the value itself");
}

static int skip_string(struct scan *s)
{
	char quote = s->text[s->at++];

	for (; s->at < s->length; s->at++) {
		char c = s->text[s->at];

		if (c == quote) {
			s->at++;
			return 0;
		}
		if (c == '\n' || c == '\r')
			break;
		if (c == '\0')
			return FAIL(s, s->line, "NUL byte in a string; is this a text file?");
		if ((unsigned char)c < ' ' || c == 0x7f)
			return FAIL(s, s->line, "control character in a string; remove it");
		if (c == '\\')
			return FAIL(s, s->line,
				"backslash in a string; escapes are not supported, write the "
				"character");
		if (c == '$' && peek(s, 1) == '{')
			return fail_variable(s);
	}
	return FAIL(s, s->line, "string has no end on its line; write the closing %c", quote);
}

static void note_statement(struct scan *s)
{
	s->list = 0;
	if (s->depth == 0 && s->statement == 0)
		s->statement = s->line;
}

static int open_brace(struct scan *s)
{
	struct text_sections *sections = &s->sections;

	if (s->depth == 2)
		return FAIL(s, s->line,
			"braces nest too deep; a section holds settings, and a setting at most one "
			"list");
	if (s->depth++ > 0) {
		s->list = s->line;
		return 0;
	}
	if (sections->count == TEXT_SECTIONS)
		return FAIL(s, s->line, "more than %d sections", TEXT_SECTIONS);
	if ((sections->count & (sections->count - 1)) == 0) {
		size_t room = sections->count ? 2 * sections->count : 1;
		struct text_section *at = reallocarray(sections->at, room, sizeof(*at));

		if (!at) {
			s->problem->line = s->line;
			return err_fail(&s->problem->err, ENOMEM, "out of memory");
		}
		sections->at = at;
	}
	sections->at[sections->count++] =
		(struct text_section){s->statement ? s->statement : s->line, 0};
	s->opened = s->line;
	return 0;
}

/* Of two in a section nobody could tell them apart. */
static void note_empty_list(struct scan *s)
{
	struct text_section *section = &s->sections.at[s->sections.count - 1];

	section->empty_list = section->empty_list ? section->line : s->list;
	s->list = 0;
}

static int close_brace(struct scan *s)
{
	if (s->depth == 0)
		return FAIL(s, s->line, "closing brace without an opening one");
	if (--s->depth == 0)
		s->statement = 0;
	else if (s->list)
		note_empty_list(s);
	return 0;
}

static void skip_word(struct scan *s)
{
	while (s->at < s->length && is_word_char(s->text[s->at]) &&
		!(peek(s, 0) == '/' && peek(s, 1) == '*'))
		s->at++;
}

static int fail_character(struct scan *s, char c)
{
	if (c == '\0')
		return FAIL(s, s->line, "NUL byte; is this a text file?");
	if (c == '$')
		return fail_variable(s);
	if (c == '(' || c == ')')
		return FAIL(s, s->line,
			"functions such as include() are not supported; write the sections "
			"themselves");
	if (c == '+')
		return FAIL(s, s->line, "'+' is not supported; write one list with =");
	if (c == ';')
		return FAIL(s, s->line, "unexpected ';'; settings end with their line");
	if (c < ' ' || c == 0x7f)
		return FAIL(s, s->line, "control character; remove it");
	return FAIL(s, s->line, "unexpected '%c'; text with such characters needs quotes", c);
}

static int scan_token(struct scan *s)
{
	char c = s->text[s->at];

	if (c == '\n')
		s->line++;
	if (c == ' ' || c == '\t' || c == '\n' || c == '=' || c == ',') {
		s->at++;
		return 0;
	}
	if (c == '\r' && peek(s, 1) == '\n') {
		blank(s);
		return 0;
	}
	if (c == '#' || (c == '/' && peek(s, 1) == '/')) {
		skip_line_comment(s);
		return 0;
	}
	if (c == '/' && peek(s, 1) == '*')
		return skip_block_comment(s);
	if (c == '{' || c == '}') {
		s->at++;
		return c == '{' ? open_brace(s) : close_brace(s);
	}
	if (c != '"' && c != '\'' && !is_word_char(c))
		return fail_character(s, c);
	note_statement(s);
	if (c == '"' || c == '\'')
		return skip_string(s);
	skip_word(s);
	return 0;
}

/* A byte order mark, as some editors put it at the start. */
static void blank_mark(struct scan *s)
{
	if (s->length >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0) {
		for (int i = 0; i < 3; i++)
			blank(s);
	}
}

int text_prepare(
	char *text, size_t length, struct text_sections *sections, struct text_problem *problem)
{
	struct scan s = {.text = text, .length = length, .line = 1, .problem = problem};
	int rc = 0;

	blank_mark(&s);
	while (!rc && s.at < s.length)
		rc = scan_token(&s);
	if (!rc && s.depth > 0)
		rc = FAIL(&s, s.opened, "section has no end; write the closing brace");
	if (rc) {
		text_sections_clear(&s.sections);
		return rc;
	}
	*sections = s.sections;
	return 0;
}
