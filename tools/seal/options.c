/*
 * options: what enable and disable are told, and what of it can be known to be wrong before any
 * unit is looked at.
 */
#include "tools/seal/seal.h"

#include "config/log_target.h"

#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define SMTPS_PORT 465

enum { KEY_NOW = 256, KEY_FORCE, KEY_AGENT, KEY_ROOT, KEY_USER, KEY_DRY_RUN };

#define COMMON_OPTIONS                                                                             \
	{"root", KEY_ROOT, "DIR", 0, "work on the tree in DIR, which does not run", 0},            \
		{"user", KEY_USER, NULL, 0, "units of your own systemd --user", 0},                \
		{"now", KEY_NOW, NULL, 0, "restart what runs and needs it", 0},                    \
		{"dry-run", KEY_DRY_RUN, NULL, 0, "show what would be done; change nothing", 0},   \
	{                                                                                          \
		"json", 'j', NULL, 0, "print the result as JSON", 0                                \
	}

static const struct argp_option enable_options[] = {
	{"config", 'c', "FILE", 0, "configuration instead of " CONFIG_PATH, 0},
	{"log", 'l', "TARGET", 0, "stderr, journal, syslog (the default) or a file", 0},
	{"ports", 'p', "LIST", 0, "ports to protect instead of 25, e.g. 25,587", 0},
	{"system-agent", KEY_AGENT, NULL, 0, "the system agent serves it, and then all others", 0},
	{"force", KEY_FORCE, NULL, 0, "write it in spite of obstacles", 0},
	COMMON_OPTIONS,
	{0},
};

static const struct argp_option disable_options[] = {
	COMMON_OPTIONS,
	{0},
};

static const char enable_text[] =
	"Seal services: put a drop-in beside their units, so that their mail goes over TLS as the "
	"policy demands. The units themselves are not touched."
	"\v"
	"A name without an ending is a service. All units are examined before any is changed. Exit "
	"status 0: sealed, now or before. 64: wrong usage. 66: no such unit. 69: it would not be "
	"protected. 73: the drop-in cannot be written. 77: not root. 78: the policy has an error.";

static const char disable_text[] =
	"Take the drop-ins of mailseal enable away; nothing else is touched."
	"\v"
	"A unit that is not sealed is no error. Exit status 0: not sealed any more. 64: wrong "
	"usage. "
	"66: no such unit. 73: the drop-in is another's, or cannot be removed. 77: not root.";

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct seal_options *o = state->input;
	struct err err;

	switch (key) {
	case 'c':
		if (!*argument)
			argp_error(state, "--config: the name of the file is empty");
		o->config_given = argument;
		if (absolute_path(argument, o->config, &err))
			argp_error(state, "--config: %s", err.text);
		return 0;
	case 'l':
		if (log_target_check(argument, &err))
			argp_error(state, "--log: %s", err.text);
		o->log_given = argument;
		if (log_target_is_word(argument))
			snprintf(o->log, sizeof(o->log), "%s", argument);
		else if (absolute_path(argument, o->log, &err))
			argp_error(state, "--log: %s", err.text);
		return 0;
	case 'p':
		o->ports = argument;
		return 0;
	case KEY_AGENT:
		o->system_agent = true;
		return 0;
	case KEY_FORCE:
		o->force = true;
		return 0;
	case KEY_ROOT:
		o->root = argument;
		return 0;
	case KEY_USER:
		o->user = true;
		return 0;
	case KEY_NOW:
		o->now = true;
		return 0;
	case KEY_DRY_RUN:
		o->dry_run = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case ARGP_KEY_ARGS:
		o->units = state->argv + state->next;
		o->count = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no unit given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What goes into a unit file must be text; systemd passes over what is not UTF-8. */
static bool is_text(const char *value)
{
	json_t *text = json_string(value);
	bool is = text != NULL;

	json_decref(text);
	return is;
}

static int check_values(const struct seal_options *o)
{
	const char *config = o->config_given, *log = o->log_given;
	struct ports ports;

	if (o->root &&
		((config && *config != '/') || (log && *log != '/' && !log_target_is_word(log))))
		return complain(EX_USAGE,
			"--config, --log: with --root write absolute paths, as they are within the "
			"tree");
	if (!is_text(o->config) || !is_text(o->log))
		return complain(EX_USAGE,
			"--config, --log: the path is no text in UTF-8, which units "
			"must be");
	if (o->ports && !ports_parse(&ports, o->ports))
		return complain(EX_USAGE,
			"--ports: '%s' is not a list of up to %d ports from 1 to 65535, such as "
			"25,587",
			o->ports, DOCTOR_PORTS);
	if (o->ports && ports_have(&ports, SMTPS_PORT))
		return complain(EX_USAGE,
			"--ports: port %d is for smtps, which speaks TLS from the first byte; "
			"leave "
			"it out",
			SMTPS_PORT);
	if (o->system_agent && (o->config[0] || o->log[0] || o->ports))
		return complain(EX_USAGE,
			"--system-agent: it has a configuration, a log and ports of its own, for "
			"all that it "
			"serves; leave %s out",
			o->config[0] ? "--config"
			: o->log[0]  ? "--log"
				     : "--ports");
	return EX_OK;
}

/* All that can be known before any unit is looked at. */
static int check_options(const struct seal_options *o)
{
	if (o->root && o->user)
		return complain(EX_USAGE, "--root is for the system's units: not with --user");
	if (o->root && o->now)
		return complain(EX_USAGE, "--now: nothing runs in the tree of --root");
	if (o->dry_run && o->now)
		return complain(EX_USAGE, "--dry-run changes nothing: not with --now");
	if (o->root && !*o->root)
		return complain(EX_USAGE, "--root: the name of the directory is empty");
	if (!o->root && !o->user && !o->dry_run && geteuid() != 0)
		return complain(EX_NOPERM,
			"only root may %s the system's services; your own: --user; to see what "
			"would be %s: --dry-run",
			o->removes ? "unseal" : "seal", o->removes ? "removed" : "written");
	return EX_OK;
}

int seal_parse(struct seal_options *o, int argc, char **argv)
{
	static const char usage[] = "UNIT...";
	const struct argp argp = {o->removes ? disable_options : enable_options, parse_option,
		usage, o->removes ? disable_text : enable_text, NULL, NULL, NULL};
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, o);
	code = check_options(o);
	return code == EX_OK ? check_values(o) : code;
}
