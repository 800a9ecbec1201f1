/*
 * main: the command line of mailseal-agent. The preload starts it, to serve one service; an
 * administrator or a service manager starts one that serves all (--listen, LISTEN_FDS).
 */
#include "config/log_target.h"
#include "shim/agent/agent.h"
#include "shim/agent/log.h"
#include "shim/handoff/handoff.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* argp looks for it by this name. */
__attribute__((visibility("default"))) const char *argp_program_version =
	"mailseal-agent " MAILSEAL_VERSION;

extern const char HANDOFF_AGENT_MARK[];
__attribute__((visibility("default"))) const char HANDOFF_AGENT_MARK[] = MAILSEAL_VERSION;

static char doc[] =
	"Connects for programs that run under libmailseal.so, and speaks TLS to their mail servers."
	"\vlibmailseal.so starts it by itself, and MAILSEAL_IDENTITY in the environment then says "
	"which "
	"requests it serves. With --listen, or with sockets from systemd (LISTEN_FDS), it is the "
	"system "
	"agent: it serves all users, by its own configuration.";

enum {
	OPTION_FD = 256,
	OPTION_CONFIG,
	OPTION_DEFAULT_CONFIG,
	OPTION_LOG,
	OPTION_PORTS,
	OPTION_PRIVATE,
	OPTION_LISTEN,
	OPTION_USER
};

static const struct argp_option table[] = {
	{"fd", OPTION_FD, "N", 0, "Listening socket, or request channel with --private (default 3)",
		0},
	{"config", OPTION_CONFIG, "PATH", 0, "Configuration; it must be there", 0},
	{"default-config", OPTION_DEFAULT_CONFIG, "PATH", 0,
		"Configuration; where it is absent the built-in default applies "
		"(" MAILSEAL_CONFIG_DEFAULT ")",
		0},
	{"log", OPTION_LOG, "TARGET", 0, "stderr, journal, syslog or a file (default syslog)", 0},
	{"ports", OPTION_PORTS, "LIST", 0, "Mail ports, e.g. 25,587 (default 25)", 0},
	{"private", OPTION_PRIVATE, NULL, 0, "Serve the one request of this channel, then leave",
		0},
	{"listen", OPTION_LISTEN, "PATH", 0,
		"Serve all users: listen at PATH and, as root, at a name that is seen from a "
		"chroot",
		0},
	{"user", OPTION_USER, "NAME", 0, "With --listen, as root: become NAME once it listens", 0},
	{0},
};

struct command {
	struct agent_options agent;
	bool fd_given;
	const char *listen, *user;
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
	struct command *command = state->input;
	struct agent_options *o = &command->agent;
	struct err err;
	char *end;
	long fd;

	switch (key) {
	case OPTION_FD:
		if (!number(value, &end, 0, INT_MAX, &fd) || *end)
			argp_failure(state, EX_USAGE, 0, "--fd: not a descriptor: %s", value);
		o->fd = (int)fd;
		command->fd_given = true;
		return 0;
	case OPTION_CONFIG:
	case OPTION_DEFAULT_CONFIG:
		o->config = value;
		o->config_named = key == OPTION_CONFIG;
		return 0;
	case OPTION_LOG:
		if (log_target_check(value, &err))
			argp_failure(state, EX_USAGE, 0, "--log: %s", err.text);
		o->log = value;
		return 0;
	case OPTION_PORTS:
		if (!take_ports(o, value))
			argp_failure(state, EX_USAGE, 0,
				"--ports: not a list of up to %d ports: %s", AGENT_PORTS, value);
		return 0;
	case OPTION_PRIVATE:
		o->private = command->fd_given = true;
		return 0;
	case OPTION_LISTEN:
		command->listen = value;
		return 0;
	case OPTION_USER:
		command->user = value;
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

static int complain(int status, const char *what)
{
	fprintf(stderr, "mailseal-agent: %s\n", what);
	return status;
}

/* A path as it stays right in another directory; others, and NULL without memory, as they are. */
static const char *absolute(const char *path)
{
	char here[PATH_MAX], *whole;

	if (*path == '/' || !getcwd(here, sizeof(here)) ||
		asprintf(&whole, "%s/%s", strcmp(here, "/") == 0 ? "" : here, path) < 0)
		return path;
	return whole;
}

/* The system agent is what its command line says: the environment counts for the log's time zone
 * alone. */
static void forget_environment(void)
{
	const char *zone = getenv("TZ");
	char *kept = zone ? strdup(zone) : NULL;

	clearenv();
	if (kept)
		setenv("TZ", kept, 1);
	free(kept);
}

/* In the order that lets root listen, and nobody read this process or get its rights. */
static int run_system(struct command *c, unsigned passed)
{
	struct system_sockets sockets;
	struct err err = {""}, remark = {""};
	int rc;

	forget_environment();
	c->agent.config = absolute(c->agent.config);
	if (log_is_file(c->agent.log))
		c->agent.log = absolute(c->agent.log);
	rc = passed ? system_inherit(passed, &sockets, &err)
		    : system_listen(absolute(c->listen), &sockets, &remark, &err);
	if (rc < 0)
		return complain(passed ? EX_USAGE : EX_CANTCREAT, err.text);
	if (*remark.text)
		complain(EX_OK, remark.text);
	rc = c->user ? system_become(c->user, &err) : 0;
	if (rc < 0) {
		system_unlink(&sockets);
		return complain(rc == -ENOENT ? EX_NOUSER : EX_NOPERM, err.text);
	}
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	umask(027);
	if (chdir("/") < 0)
		return complain(EX_OSERR, strerror(errno));
	c->agent.system = &sockets;
	return agent_run(&c->agent);
}

int main(int argc, char **argv)
{
	struct command c = {.agent = {
				    .fd = HANDOFF_AGENT_FD,
				    .config = MAILSEAL_CONFIG_DEFAULT,
				    .log = "syslog",
				    .ports = {25},
				    .port_count = 1,
				    .identity = "",
				    .lanes = MAILSEAL_LANES,
			    }};
	const struct argp argp = {.options = table, .parser = take, .doc = doc};
	const char *identity = getenv("MAILSEAL_IDENTITY");
	struct err err = {""};
	int passed = 0;

	argp_err_exit_status = EX_USAGE;
	argp_parse(&argp, argc, argv, ARGP_NO_ARGS, NULL, &c);
	if (!c.fd_given)
		passed = system_passed(&err);
	if (passed < 0)
		return complain(EX_USAGE, err.text);
	if (c.listen && (c.fd_given || passed))
		return complain(EX_USAGE,
			c.fd_given ? "--listen goes with neither --fd nor --private"
				   : "--listen, and sockets in LISTEN_FDS as well: one of "
				     "them is enough");
	if (c.user && !c.listen && !passed)
		return complain(EX_USAGE, "--user goes with --listen");
	confine();
	if (c.listen || passed)
		return run_system(&c, (unsigned)passed);
	c.agent.identity = identity ? identity : "";
	return agent_run(&c.agent);
}
