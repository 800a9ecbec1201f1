/*
 * env_file: what stands in a file of EnvironmentFile=, as systemd reads it: not as a shell would.
 * It knows the syntax, not which names are good ones.
 */
#include "tools/doctor/unit_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\n\r"
#define LINE_ENDS "\n\r"

enum state {
	BEFORE_NAME,
	IN_NAME,
	BEFORE_VALUE, /* behind a quoted part, too */
	IN_VALUE,
	ESCAPED,
	IN_SINGLE_QUOTES,
	IN_DOUBLE_QUOTES,
	ESCAPED_IN_QUOTES,
	IN_COMMENT
};

struct reading {
	enum state state;
	char *out;   /* NAME=VALUE so far */
	size_t n;    /* octets in it */
	size_t kept; /* without blanks at the end that do not count */
};

static bool is_in(char c, const char *set)
{
	return strchr(set, c) != NULL;
}

static void put(struct reading *r, char c, bool counts)
{
	r->out[r->n++] = c;
	if (counts)
		r->kept = r->n;
}

static void read_name(struct reading *r, char c)
{
	if (is_in(c, LINE_ENDS)) {
		r->state = BEFORE_NAME;
	} else if (c == '=') {
		r->n = r->kept;
		put(r, c, true);
		r->state = BEFORE_VALUE;
	} else {
		put(r, c, !is_in(c, BLANKS));
	}
}

static void read_value(struct reading *r, char c)
{
	if (r->state == BEFORE_VALUE && (c == '\'' || c == '"')) {
		r->state = c == '"' ? IN_DOUBLE_QUOTES : IN_SINGLE_QUOTES;
	} else if (c == '\\') {
		r->kept = r->n;
		r->state = ESCAPED;
	} else if (r->state == IN_VALUE || !is_in(c, BLANKS)) {
		put(r, c, !is_in(c, BLANKS));
		r->state = IN_VALUE;
	}
}

static void read_quoted(struct reading *r, char c)
{
	bool is_double = r->state == IN_DOUBLE_QUOTES;

	if (c == (is_double ? '"' : '\''))
		r->state = BEFORE_VALUE;
	else if (is_double && c == '\\')
		r->state = ESCAPED_IN_QUOTES;
	else
		put(r, c, true);
}

static void read_escaped(struct reading *r, char c)
{
	if (r->state == ESCAPED) {
		if (!is_in(c, LINE_ENDS))
			put(r, c, true);
		r->state = IN_VALUE;
		return;
	}
	if (!is_in(c, "\"\\`$") && c != '\n')
		put(r, '\\', true);
	if (c != '\n')
		put(r, c, true);
	r->state = IN_DOUBLE_QUOTES;
}

/* True where an assignment is complete. */
static bool read_one(struct reading *r, char c)
{
	switch (r->state) {
	case BEFORE_NAME:
		r->n = r->kept = 0;
		if (c == '#' || c == ';') {
			r->state = IN_COMMENT;
		} else if (!is_in(c, BLANKS)) {
			put(r, c, true);
			r->state = IN_NAME;
		}
		return false;
	case IN_NAME:
		read_name(r, c);
		return false;
	case BEFORE_VALUE:
	case IN_VALUE:
		if (is_in(c, LINE_ENDS)) {
			r->state = BEFORE_NAME;
			return true;
		}
		read_value(r, c);
		return false;
	case IN_SINGLE_QUOTES:
	case IN_DOUBLE_QUOTES:
		read_quoted(r, c);
		return false;
	case ESCAPED:
	case ESCAPED_IN_QUOTES:
		read_escaped(r, c);
		return false;
	case IN_COMMENT:
		if (is_in(c, LINE_ENDS))
			r->state = BEFORE_NAME;
		return false;
	}
	return false;
}

static int give(struct reading *r, env_file_take *take, void *context)
{
	r->out[r->kept] = '\0';
	return take(context, r->out);
}

int env_file_parse(const char *text, env_file_take *take, void *context)
{
	struct reading r = {BEFORE_NAME, malloc(strlen(text) + 2), 0, 0};
	int rc = r.out ? 0 : -ENOMEM;

	for (; !rc && *text; text++) {
		if (read_one(&r, *text))
			rc = give(&r, take, context);
	}
	if (!rc && r.state != BEFORE_NAME && r.state != IN_NAME && r.state != IN_COMMENT)
		rc = give(&r, take, context);
	free(r.out);
	return rc;
}
