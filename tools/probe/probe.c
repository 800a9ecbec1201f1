/*
 * mailseal probe: what mailseal would do with a server, and why: it connects as the agent does.
 */
#include "tools/probe/probe.h"

#include "shim/hop/hop.h"
#include "tools/json.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define TIMEOUT_DEFAULT 60

enum { OPTION_EHLO = 256, OPTION_ALL, OPTION_TIMEOUT, OPTION_EXPIRY, OPTION_MX };

static const struct argp_option options[] = {
	{"sender", 's', "ADDRESS", 0, "judge for mail of this sender; '<>' for bounces", 0},
	{"recipient", 'r', "ADDRESS", 0, "judge for mail to this recipient; again for more", 0},
	{"expiry-warning", OPTION_EXPIRY, "DAYS", 0, "fail if a certificate expires sooner", 0},
	{"all", OPTION_ALL, NULL, 0, "each address, not the first that answers", 0},
	{"mx", OPTION_MX, NULL, 0, "HOST is a domain: each of its mail servers", 0},
	{NULL, '4', NULL, 0, "IPv4 addresses only", 0},
	{NULL, '6', NULL, 0, "IPv6 addresses only", 0},
	{"ehlo", OPTION_EHLO, "NAME", 0, "what to greet with, instead of our address", 0},
	{"timeout", OPTION_TIMEOUT, "SECONDS", 0, "for all of it; 60 where it is not given", 0},
	{"config", 'c', "FILE", 0, "configuration instead of " CONFIG_PATH, 0},
	{"json", 'j', NULL, 0, "print the result as JSON", 0},
	{0},
};

static const char text[] =
	"Connect to a mail server as mailseal does, and tell what would become of mail. None is "
	"sent.\v"
	"Exit status 0: mail would go; 1: it would be blocked; 2: the server cannot be reached, or "
	"serves nobody; 78: the configuration has an error.";

static void once(struct argp_state *state, const char **place, const char *option, char *argument)
{
	if (*place)
		argp_error(state, "%s is given twice", option);
	*place = argument;
}

static unsigned number(struct argp_state *state, const char *option, const char *argument,
	unsigned least, unsigned most)
{
	unsigned long n = strlen(argument) > 6 ? most + 1UL : strtoul(argument, NULL, 10);

	if (!*argument || strspn(argument, "0123456789") != strlen(argument) || n < least ||
		n > most)
		argp_error(state, "%s '%s' is not a number from %u to %u", option, argument, least,
			most);
	return (unsigned)n;
}

/* What may stand behind EHLO (RFC 5321 4.1.1.1). */
static void check_ehlo(struct argp_state *state, const char *name)
{
	size_t n = strlen(name);

	for (const char *c = name; *c; c++) {
		if (*c <= ' ' || *c > '~')
			n = 0;
	}
	if (n == 0 || n > 255)
		argp_error(state, "--ehlo: not a name to greet with; write a host's name in ASCII, "
				  "or [192.0.2.1]");
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct probe_options *o = state->input;

	switch (key) {
	case 's':
		once(state, &o->words.sender, "--sender", argument);
		return 0;
	case 'r':
		o->words.recipients[o->words.recipient_count++] = argument;
		return 0;
	case OPTION_EXPIRY:
		o->expiry = (int)number(state, "--expiry-warning", argument, 1, 36500);
		return 0;
	case OPTION_MX:
		o->mx = true;
		return 0;
	case OPTION_ALL:
		o->all = true;
		return 0;
	case '4':
	case '6':
		if (o->family != AF_UNSPEC)
			argp_error(state, "-4 and -6: give one of them, once");
		o->family = key == '4' ? AF_INET : AF_INET6;
		return 0;
	case OPTION_EHLO:
		once(state, &o->ehlo, "--ehlo", argument);
		check_ehlo(state, argument);
		return 0;
	case OPTION_TIMEOUT:
		o->timeout = number(state, "--timeout", argument, 1, 3600);
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
		if (o->host)
			argp_error(state, "one host at a time: '%s'", argument);
		o->host = argument;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which host? write its name or address");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int load(struct probe *p)
{
	struct err err;

	if (configuration_find(&p->configuration, p->options.config, &err) ||
		configuration_load(&p->configuration, &err) ||
		hop_check(p->configuration.set, &err))
		return complain(EX_CONFIG, "%s", err.text);
	return EX_OK;
}

static int report(const struct probe *p)
{
	int code = EX_OK;

	if (p->options.json)
		code = json_print(probe_as_json(p));
	else
		probe_in_words(p);
	return code == EX_OK ? p->status : code;
}

static int probe(struct probe *p)
{
	struct err err = {""};
	int code;

	if (target_read(&p->target, p->options.host, &err))
		return complain(EX_USAGE, "%s", err.text);
	if (p->options.mx && !p->target.name)
		return complain(EX_USAGE, "--mx: write a domain, not an address");
	code = load(p);
	if (code != EX_OK)
		return code;
	if (p->options.mx)
		return domain_probe(p);
	code = host_probe(p);
	return code == EX_OK ? report(p) : code;
}

int command_probe(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_option, "HOST[:PORT]", text, NULL, NULL, NULL};
	struct probe p = {.options = {.timeout = TIMEOUT_DEFAULT, .expiry = -1}};
	int code;

	p.options.words.recipients = calloc((size_t)argc + 1, sizeof(char *));
	if (!p.options.words.recipients)
		return complain(EX_OSERR, "out of memory");
	argp_parse(&argp, argc, argv, 0, NULL, &p.options);
	code = probe(&p);
	host_clear(&p);
	configuration_clear(&p.configuration);
	free(p.options.words.recipients);
	return code;
}
