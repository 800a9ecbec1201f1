#include "tools/report/options.h"

#include "tools/report/tally.h"
#include "tools/report/when.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEY_CSV = 256, KEY_HTML, KEY_JOURNAL, KEY_FAIL_ON, KEY_ALL, KEY_ROTATED };

#define ROWS 20 /* where nothing is told: with its headings, a screen */

static const struct argp_option options[] = {
	{"since", 'S', "TIME", 0, "from then on: '2026-11-27 10:00', yesterday, -2h", 0},
	{"until", 'U', "TIME", 0, "up to then", 0},
	{"unit", 'u', "UNIT", 0, "of that systemd unit alone; may be repeated", 0},
	{"only", 'o', "OUTCOMES", 0, "rows and reasons of would-block,cleartext ...", 0},
	{"by", 'b', "KEYS", 0, "rows by unit,program,host,sender,recipient", 0},
	{"rows", 'n', "NUMBER", 0, "show so many rows and reasons, instead of 20", 0},
	{"all", KEY_ALL, NULL, 0, "show all", 0},
	{"rotated", KEY_ROTATED, NULL, 0, "read also FILE.1, FILE.2.gz and the like", 0},
	{"journal", KEY_JOURNAL, "DIR", OPTION_ARG_OPTIONAL, "read the journal, or that in DIR", 0},
	{"json", 'j', NULL, 0, "print the result as JSON", 0},
	{"csv", KEY_CSV, NULL, 0, "print the rows as CSV", 0},
	{"html", KEY_HTML, NULL, 0, "print a page for a browser, with plots", 0},
	{"fail-on", KEY_FAIL_ON, "OUTCOMES", 0, "exit with 1 if there are any, or doubt", 0},
	{0},
};

static const char text[] =
	"Tell from the log what went how: over TLS, in the clear, blocked, and why. Without FILE: "
	"what MAILSEAL_LOG names, else the journal, else /var/log/mail.log. - is standard input."
	"\v"
	"Outcomes: tls-verified tls-unverified cleartext blocked would-block undecided attack "
	"failed relayed application-tls no-mail. Example:\n"
	"  mailseal report --since yesterday --only would-block\n"
	"Exit status 65: no line of mailseal; 66: no such file; 77: it may not be read.";

/* The position of a word of `length` octets among `count` names; `count` if it is none. */
static unsigned position(
	const char *word, size_t length, unsigned count, const char *(*name)(unsigned))
{
	unsigned i = 0;

	while (i < count && (strlen(name(i)) != length || memcmp(name(i), word, length) != 0))
		i++;
	return i;
}

static const char *outcome(unsigned i)
{
	return i < TALLY_OUTCOMES ? tally_outcome_name((enum tally_outcome)i) : "doubt";
}

static const char *key_name(unsigned i)
{
	return tally_key_name((enum tally_key)i);
}

/* A list of names as a set. */
static unsigned set_of(struct argp_state *state, const char *option, const char *list,
	unsigned count, const char *(*name)(unsigned))
{
	unsigned set = 0, i;
	char known[400] = "";
	size_t length, n = 0;

	for (const char *p = list;; p += length + 1) {
		length = strcspn(p, ",");
		i = position(p, length, count, name);
		if (i == count)
			break;
		set |= 1u << i;
		if (!p[length])
			return set;
	}
	for (i = 0; i < count; i++)
		n += (size_t)snprintf(known + n, sizeof(known) - n, " %s", name(i));
	argp_error(
		state, "%s: '%s' is no list of these, with commas between:%s", option, list, known);
	return 0;
}

static void read_time(
	struct argp_state *state, const char *option, const char *argument, int64_t *time_)
{
	struct err err;

	if (when_parse(argument, time(NULL), time_, &err))
		argp_error(state, "%s: %s", option, err.text);
}

static void read_rows(struct argp_state *state, struct options *o, const char *argument)
{
	size_t digits = strspn(argument, "0123456789");

	if (digits == 0 || digits > 9 || argument[digits])
		argp_error(state, "--rows: '%s' is no number of up to nine digits", argument);
	o->rows = strtoul(argument, NULL, 10);
	o->rows_told = true;
}

static error_t add_unit(struct argp_state *state, struct options *o, const char *name)
{
	char **more = realloc(o->units, (o->unit_count + 2) * sizeof(*more));
	char *unit;

	if (!*name)
		argp_error(state, "--unit: the name is empty");
	if (!more)
		return ENOMEM;
	o->units = more;
	if (asprintf(&unit, "%s%s", name, strchr(name, '.') ? "" : ".service") < 0)
		return ENOMEM;
	o->units[o->unit_count++] = unit;
	o->units[o->unit_count] = NULL;
	return 0;
}

static void set_form(struct argp_state *state, struct options *o, enum form form)
{
	if (o->form != FORM_TEXT && o->form != form)
		argp_error(state, "--json, --csv and --html: one of them");
	o->form = form;
}

static void check(struct argp_state *state, const struct options *o)
{
	if (o->journal && o->file_count)
		argp_error(state, "--journal and FILE: one of them");
	if (o->rotated && !o->file_count)
		argp_error(state, "--rotated goes with a FILE");
	if (o->by_told && o->form == FORM_HTML)
		argp_error(state, "--html has a table by each key; leave --by away");
	if (o->rows_told && o->form != FORM_TEXT)
		argp_error(state, "--rows and --all are of the text alone");
	if (o->since >= o->until)
		argp_error(state, "--since is not before --until");
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'S':
		read_time(state, "--since", argument, &o->since);
		return 0;
	case 'U':
		read_time(state, "--until", argument, &o->until);
		return 0;
	case 'u':
		return add_unit(state, o, argument);
	case 'o':
		o->only = set_of(state, "--only", argument, TALLY_OUTCOMES, outcome);
		return 0;
	case 'b':
		o->by = set_of(state, "--by", argument, TALLY_KEYS, key_name);
		o->by_told = true;
		return 0;
	case KEY_ROTATED:
		o->rotated = true;
		return 0;
	case 'n':
		read_rows(state, o, argument);
		return 0;
	case KEY_ALL:
		o->rows = SIZE_MAX;
		o->rows_told = true;
		return 0;
	case 'j':
		set_form(state, o, FORM_JSON);
		return 0;
	case KEY_CSV:
		set_form(state, o, FORM_CSV);
		return 0;
	case KEY_HTML:
		set_form(state, o, FORM_HTML);
		return 0;
	case KEY_JOURNAL:
		o->journal = true;
		o->directory = argument;
		return 0;
	case KEY_FAIL_ON:
		o->fail_on = set_of(state, "--fail-on", argument, TALLY_OUTCOMES + 1, outcome);
		o->fail_on_doubt = o->fail_on >> TALLY_OUTCOMES & 1;
		return 0;
	case ARGP_KEY_ARG:
		if (!*argument)
			argp_error(state, "the name of a file is empty");
		o->files[o->file_count++] = argument;
		return 0;
	case ARGP_KEY_END:
		check(state, o);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int options_read(struct options *o, int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_option, "[FILE]...", text, NULL, NULL, NULL};

	*o = (struct options){.until = INT64_MAX,
		.by = (1u << TALLY_KEYS) - 1,
		.only = (1u << TALLY_OUTCOMES) - 1,
		.rows = ROWS,
		.files = calloc((size_t)argc + 1, sizeof(char *))};
	if (!o->files)
		return -ENOMEM;
	return -argp_parse(&argp, argc, argv, 0, NULL, o);
}

void options_clear(struct options *o)
{
	for (size_t i = 0; i < o->unit_count; i++)
		free(o->units[i]);
	free(o->units);
	free(o->files);
	*o = (struct options){0};
}
