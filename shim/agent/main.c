/*
 * main: the command line of mailseal-agent. The preload starts it; people seldom do.
 */
#include "shim/agent/agent.h"
#include "shim/handoff/handoff.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>

/* argp looks for it by this name. */
__attribute__((visibility("default"))) const char *argp_program_version =
	"mailseal-agent " MAILSEAL_VERSION;

static char doc[] =
	"Connects for programs that run under libmailseal.so, and speaks TLS to their mail servers."
	"\vlibmailseal.so starts it by itself. MAILSEAL_IDENTITY in the environment says which "
	"requests it serves.";

enum {
	OPTION_FD = 256,
	OPTION_CONFIG,
	OPTION_DEFAULT_CONFIG,
	OPTION_LOG,
	OPTION_PORTS,
	OPTION_PRIVATE
};

static const struct argp_option table[] = {
	{"fd", OPTION_FD, "N", 0, "Listening socket, or request channel with --private (default 3)",
		0},
	{"config", OPTION_CONFIG, "PATH", 0, "Configuration; it must be there", 0},
	{"default-config", OPTION_DEFAULT_CONFIG, "PATH", 0,
		"Configuration; where it is absent the built-in default applies "
		"(" MAILSEAL_CONFIG_DEFAULT ")",
		0},
	{"log", OPTION_LOG, "TARGET", 0, "stderr, syslog or a file (default syslog)", 0},
	{"ports", OPTION_PORTS, "LIST", 0, "Mail ports, e.g. 25,587 (default 25)", 0},
	{"private", OPTION_PRIVATE, NULL, 0, "Serve the one request of this channel, then leave",
		0},
	{0},
};

static bool number(const char *text, char **end, long least, long most, long *out)
{
	errno = 0;
	*out = strtol(text, end, 10);
	return !errno && *end != text && *text >= '0' && *text <= '9' && *out >= least &&
	       *out <= most;
}

static bool take_ports(struct agent_options *o, const char *text)
{
	char *end;
	long port;

	o->port_count = 0;
	do {
		if (o->port_count == AGENT_PORTS || !number(text, &end, 1, 65535, &port))
			return false;
		o->ports[o->port_count++] = (uint16_t)port;
		text = end + 1;
	} while (*end == ',');
	return *end == '\0';
}

static error_t take(int key, char *value, struct argp_state *state)
{
	struct agent_options *o = state->input;
	char *end;
	long fd;

	switch (key) {
	case OPTION_FD:
		if (!number(value, &end, 0, INT_MAX, &fd) || *end)
			argp_failure(state, EX_USAGE, 0, "--fd: not a descriptor: %s", value);
		o->fd = (int)fd;
		return 0;
	case OPTION_CONFIG:
	case OPTION_DEFAULT_CONFIG:
		o->config = value;
		o->config_named = key == OPTION_CONFIG;
		return 0;
	case OPTION_LOG:
		o->log = value;
		return 0;
	case OPTION_PORTS:
		if (!take_ports(o, value))
			argp_failure(state, EX_USAGE, 0,
				"--ports: not a list of up to %d ports: %s", AGENT_PORTS, value);
		return 0;
	case OPTION_PRIVATE:
		o->private = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Nothing of what passes here belongs into a core file or into a program with other rights. */
static void confine(void)
{
	struct rlimit limit = {0, 0};

	setrlimit(RLIMIT_CORE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int main(int argc, char **argv)
{
	struct agent_options o = {
		.fd = HANDOFF_AGENT_FD,
		.config = MAILSEAL_CONFIG_DEFAULT,
		.log = "syslog",
		.ports = {25},
		.port_count = 1,
	};
	const struct argp argp = {.options = table, .parser = take, .doc = doc};
	const char *identity = getenv("MAILSEAL_IDENTITY");

	argp_err_exit_status = EX_USAGE;
	argp_parse(&argp, argc, argv, ARGP_NO_ARGS, NULL, &o);
	o.identity = identity ? identity : "";
	confine();
	return agent_run(&o);
}
