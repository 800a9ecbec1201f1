/*
 * mailseal policy: the sections of domains, shown and changed on the command line. What it changes
 * stands in a file of its own, which the configuration includes.
 */
#include "tools/policy/policy.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct options {
	const char *config;
	bool json;
	char **words;
	unsigned count;
};

static const struct argp_option options[] = {
	{"config", 'c', "FILE", 0, "configuration instead of " CONFIG_PATH, 0},
	{"json", 'j', NULL, 0, "list: print it as JSON", 0},
	{0},
};

static const char arguments[] = "list\n"
				"set KIND DOMAIN SETTING=VALUE...\n"
				"unset KIND DOMAIN [SETTING]...";

static const char text[] =
	"Show what holds for a domain or host, and change it. KIND is sender, recipient or host."
	"\v"
	"Changes go into domains.conf in the directory named like the configuration, with .d in "
	"place of .conf; unset without a SETTING removes the section. New connections follow at "
	"once. Example:\n"
	"  mailseal policy set sender example.com require_tls=true\n"
	"Exit status 65: an argument is wrong; 78: the configuration has an error; nothing was "
	"changed then.";

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'c':
		if (!*argument)
			argp_error(state, "--config: the name of the file is empty");
		o->config = argument;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case ARGP_KEY_ARG:
		o->words[o->count++] = argument;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "say list, set or unset");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int wrong_usage(const char *problem)
{
	return complain(EX_USAGE, "policy: %s; 'mailseal policy --help' tells how", problem);
}

static int change(struct configuration *c, const struct options *o, bool set)
{
	const struct policy_words words = {
		.kind = o->words[1],
		.domain = o->words[2],
		.settings = o->words + 3,
		.count = o->count > 3 ? o->count - 3 : 0,
	};

	if (o->json)
		return wrong_usage("--json goes with list");
	if (o->count < 3)
		return wrong_usage(set ? "set needs KIND DOMAIN SETTING=VALUE..."
				       : "unset needs KIND DOMAIN [SETTING]...");
	if (set && words.count == 0)
		return wrong_usage("set needs a SETTING=VALUE, such as require_tls=true");
	return set ? policy_set_settings(c, &words) : policy_unset_settings(c, &words);
}

static int run(struct configuration *c, const struct options *o)
{
	const char *verb = o->words[0];
	struct err err;

	if (configuration_find(c, o->config, &err))
		return complain(EX_CONFIG, "%s", err.text);
	if (strcmp(verb, "set") == 0)
		return change(c, o, true);
	if (strcmp(verb, "unset") == 0)
		return change(c, o, false);
	if (strcmp(verb, "list") != 0)
		return complain(EX_USAGE, "policy: '%s' is none of list, set and unset", verb);
	if (o->count > 1)
		return wrong_usage("list takes no arguments");
	return policy_list(c, o->json);
}

int command_policy(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, arguments, text, NULL, NULL, NULL};
	struct options o = {.words = calloc((size_t)argc + 4, sizeof(char *))};
	struct configuration c = {0};
	int code;

	if (!o.words)
		return complain(EX_OSERR, "out of memory");
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	code = run(&c, &o);
	configuration_clear(&c);
	free(o.words);
	return code;
}
