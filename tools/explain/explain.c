/*
 * mailseal explain: which section decides about mail, and what becomes of it, whatever the server
 * is like. It connects nowhere.
 */
#include "tools/explain/explain.h"

#include "tools/json.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct options {
	const char *config;
	bool json;
	struct question_words words;
};

enum { OPTION_HOST = 256, OPTION_ADDRESS, OPTION_HEADER };

static const struct argp_option options[] = {
	{"host", OPTION_HOST, "NAME", 0, "the server's name; again for one more", 0},
	{"address", OPTION_ADDRESS, "IP", 0, "its address; alone: no name is known", 0},
	{"sender", 's', "ADDRESS", 0, "the envelope's sender; '<>' for bounces", 0},
	{"recipient", 'r', "ADDRESS", 0, "a recipient; again for more, in one transaction", 0},
	{"header", OPTION_HEADER, "FIELD", 0, "a header field, e.g. 'Mailseal-Require-TLS: yes'",
		0},
	{"config", 'c', "FILE", 0, "configuration instead of " CONFIG_PATH, 0},
	{"json", 'j', NULL, 0, "print the result as JSON", 0},
	{0},
};

static const char text[] =
	"Tell which section decides about mail, and what becomes of it, whatever the server offers."
	"\v"
	"What is not given counts as one that no section speaks of. Without --config the "
	"environment's MAILSEAL_CONFIG counts. Exit status 65: an address, name or field is none; "
	"78: the configuration has an error.";

static void once(struct argp_state *state, const char **place, const char *option, char *argument)
{
	if (*place)
		argp_error(state, "%s is given twice", option);
	*place = argument;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *o = state->input;
	struct question_words *w = &o->words;

	switch (key) {
	case OPTION_HOST:
		w->hosts[w->host_count++] = argument;
		return 0;
	case 'r':
		w->recipients[w->recipient_count++] = argument;
		return 0;
	case OPTION_HEADER:
		w->headers[w->header_count++] = argument;
		return 0;
	case OPTION_ADDRESS:
		once(state, &w->address, "--address", argument);
		return 0;
	case 's':
		once(state, &w->sender, "--sender", argument);
		return 0;
	case 'c':
		once(state, &o->config, "--config", argument);
		if (!*argument)
			argp_error(state, "--config: the name of the file is empty");
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' belongs to no option; is it a --recipient?", argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int explain(struct explain *e, const struct options *o)
{
	struct err err;
	int code = question_read(&e->question, &o->words);

	if (code != EX_OK)
		return code;
	if (configuration_find(&e->configuration, o->config, &err) ||
		configuration_load(&e->configuration, &err))
		return complain(EX_CONFIG, "%s", err.text);
	if (explanation_make(&e->explanation, e->configuration.set, &e->question))
		return complain(EX_OSERR, "out of memory");
	if (o->json)
		return json_print(explain_as_json(e));
	explain_in_words(e);
	return EX_OK;
}

int command_explain(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "", text, NULL, NULL, NULL};
	char **room = calloc(3 * (size_t)argc, sizeof(*room));
	struct options o = {.words = {.hosts = room}};
	struct explain e = {0};
	int code;

	if (!room)
		return complain(EX_OSERR, "out of memory");
	o.words.recipients = room + argc;
	o.words.headers = room + 2 * argc;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	code = explain(&e, &o);
	explanation_clear(&e.explanation);
	question_clear(&e.question);
	configuration_clear(&e.configuration);
	free(room);
	return code;
}
