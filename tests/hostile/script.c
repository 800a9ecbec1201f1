/*
 * script: loads scenario files. What a step does is server.c's affair.
 */
#include "tests/hostile/script.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands behind the verb. */
enum shape {
	NOTHING,
	NUMBER,
	NUMBER_TEXT,
	TEXT_LINE,
	TEXT_RAW,
	WORD_REST,
	WORD_OPTIONAL,
	TWO_WORDS,
	WORD_TEXT
};

static const struct {
	const char *name;
	enum verb verb;
	enum shape shape;
} verbs[] = {
	{"connection", STEP_CONNECTION, NOTHING},
	{"send", STEP_SEND, TEXT_LINE},
	{"sendraw", STEP_SENDRAW, TEXT_RAW},
	{"fill", STEP_FILL, NUMBER_TEXT},
	{"garbage", STEP_GARBAGE, NUMBER},
	{"expect", STEP_EXPECT, WORD_REST},
	{"readdata", STEP_READDATA, NOTHING},
	{"readsome", STEP_READSOME, NUMBER},
	{"readall", STEP_READALL, NOTHING},
	{"sleep", STEP_SLEEP, NUMBER},
	{"stall", STEP_STALL, NOTHING},
	{"keywords", STEP_KEYWORDS, WORD_REST},
	{"cert", STEP_CERT, WORD_REST},
	{"protocols", STEP_PROTOCOLS, TWO_WORDS},
	{"ciphers", STEP_CIPHERS, WORD_REST},
	{"ciphersuites", STEP_CIPHERSUITES, WORD_REST},
	{"client", STEP_CLIENT, WORD_REST},
	{"ticketkey", STEP_TICKETKEY, NUMBER},
	{"tickets", STEP_TICKETS, NUMBER_TEXT},
	{"offered", STEP_OFFERED, WORD_REST},
	{"starttls", STEP_STARTTLS, NOTHING},
	{"reply", STEP_REPLY, WORD_TEXT},
	{"silent", STEP_SILENT, WORD_REST},
	{"serve", STEP_SERVE, WORD_OPTIONAL},
	{"repeat", STEP_REPEAT, NUMBER},
	{"end", STEP_END, NOTHING},
	{"shutdown", STEP_SHUTDOWN, NOTHING},
	{"close", STEP_CLOSE, NOTHING},
	{"cut", STEP_CUT, NOTHING},
	{"rst", STEP_RST, NOTHING},
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads one escape behind a backslash; the number of characters used, 0 if it is none. */
static size_t escape(const char *in, char *out)
{
	static const char from[] = "rnt0\\", to[] = "\r\n\t\0\\";
	const char *p;

	if (in[0] == 'x' && hex_digit(in[1]) >= 0 && hex_digit(in[2]) >= 0) {
		*out = (char)(hex_digit(in[1]) << 4 | hex_digit(in[2]));
		return 3;
	}
	if (in[0] && (p = strchr(from, in[0]))) {
		*out = to[p - from];
		return 1;
	}
	return 0;
}

static int set_text(struct step *s, const char *in, int crlf)
{
	s->text = malloc(strlen(in) + 3);
	if (!s->text)
		return -1;
	while (*in) {
		char c = *in++;

		if (c == '\\') {
			size_t used = escape(in, &c);

			if (!used)
				return -1;
			in += used;
		}
		s->text[s->len++] = c;
	}
	if (crlf) {
		s->text[s->len++] = '\r';
		s->text[s->len++] = '\n';
	}
	s->text[s->len] = '\0';
	return 0;
}

static int set_word(struct step *s, const char *in, size_t len)
{
	s->word = strndup(in, len);
	return s->word ? 0 : -1;
}

static int set_number(struct step *s, const char *in, const char **rest)
{
	char *end;

	errno = 0;
	s->number = strtoul(in, &end, 10);
	if (errno || end == in || (*end && *end != ' '))
		return -1;
	*rest = end + strspn(end, " ");
	return 0;
}

static int set_arguments(struct step *s, enum shape shape, const char *in)
{
	size_t word = strcspn(in, " ");
	const char *rest = in + word + strspn(in + word, " ");

	switch (shape) {
	case NOTHING:
		return *in ? -1 : 0;
	case NUMBER:
		return set_number(s, in, &rest) || *rest ? -1 : 0;
	case NUMBER_TEXT:
		return set_number(s, in, &rest) ? -1 : set_text(s, rest, 0);
	case TEXT_LINE:
		return set_text(s, in, 1);
	case TEXT_RAW:
		return set_text(s, in, 0);
	case WORD_REST:
		return set_word(s, in, strlen(in));
	case WORD_OPTIONAL:
		return *rest ? -1 : set_word(s, in, word);
	case TWO_WORDS:
		return set_word(s, in, word) ? -1 : set_text(s, rest, 0);
	case WORD_TEXT:
		return set_word(s, in, word) ? -1 : set_text(s, rest, 1);
	}
	return -1;
}

static int parse_line(struct step *s, const char *line)
{
	size_t len = strcspn(line, " ");

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strlen(verbs[i].name) != len || strncmp(verbs[i].name, line, len))
			continue;
		s->verb = verbs[i].verb;
		if (set_arguments(s, verbs[i].shape, line + len + strspn(line + len, " ")))
			return -1;
		if (!s->word && set_word(s, "", 0))
			return -1;
		return s->text ? 0 : set_text(s, "", 0);
	}
	return -1;
}

static int add_step(struct script *s, const char *line, int number)
{
	struct step *grown = realloc(s->steps, (s->count + 1) * sizeof(*grown));

	if (!grown)
		return -1;
	s->steps = grown;
	memset(&grown[s->count], 0, sizeof(*grown));
	grown[s->count].line = number;
	if (parse_line(&grown[s->count], line))
		return -1;
	if (grown[s->count].verb == STEP_CONNECTION)
		s->connections++;
	s->count++;
	return 0;
}

/* Every repeat has its end, within one connection, and they do not nest. */
static int check_repeats(const struct script *s)
{
	int open = 0;

	for (size_t i = 0; i < s->count; i++) {
		enum verb v = s->steps[i].verb;

		if ((v == STEP_REPEAT && open) || (v == STEP_END && !open) ||
			(v == STEP_CONNECTION && open))
			return s->steps[i].line;
		open = v == STEP_REPEAT ? 1 : v == STEP_END ? 0 : open;
	}
	return open ? s->steps[s->count - 1].line : 0;
}

int script_load(struct script *s, const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int number = 0, bad = 0;

	memset(s, 0, sizeof(*s));
	if (!f) {
		fprintf(stderr, "hostile: %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (!bad && getline(&line, &size, f) >= 0) {
		char *p = line + strspn(line, " \t");

		number++;
		p[strcspn(p, "\n")] = '\0';
		if (*p && *p != '#' && add_step(s, p, number))
			bad = number;
	}
	if (!bad)
		bad = check_repeats(s);
	if (bad)
		fprintf(stderr, "hostile: %s:%d: not understood\n", path, bad);
	free(line);
	fclose(f);
	return bad ? -1 : 0;
}

size_t script_start(const struct script *s, int number)
{
	int seen = 0;
	size_t last = 0;

	/* Steps before the first `connection` belong to connection 1. */
	if (s->count && s->steps[0].verb != STEP_CONNECTION)
		seen = 1;
	for (size_t i = 0; i < s->count; i++) {
		if (seen == number)
			return last;
		if (s->steps[i].verb == STEP_CONNECTION) {
			seen++;
			last = i + 1;
		}
	}
	return last;
}
