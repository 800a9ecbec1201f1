/*
 * mailseal run: sets the environment for the preload and becomes the program. Whatever would leave
 * the program unprotected or without a usable policy is told before, and the program does not
 * start.
 */
#include "config/load.h"
#include "config/log_target.h"
#include "tools/locate.h"
#include "tools/mailseal.h"
#include "tools/run/reach.h"

#include <argp.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define EXIT_CANNOT_EXECUTE 126 /* as env(1) */
#define EXIT_NOT_FOUND 127
#define SMTPS_PORT 465
#define PORTS_MOST 16 /* as many as the library holds */

struct run {
	const char *config; /* as given, NULL if not */
	const char *log;
	const char *ports;
	char **program;
};

static const struct argp_option options[] = {
	{"config", 'c', "FILE", 0, "configuration instead of " CONFIG_PATH, 0},
	{"log", 'l', "TARGET", 0, "stderr, journal, syslog (the default) or a file", 0},
	{"ports", 'p', "LIST", 0, "ports to protect instead of 25, e.g. 25,587", 0},
	{0},
};

static const char text[] = "Run PROGRAM so that its connections to mail ports go over TLS, as the "
			   "configuration demands."
			   "\v"
			   "Options stand before PROGRAM. Its exit status, signals and terminal "
			   "are its own. Where it could not be "
			   "protected it is not run: 69 if library or agent are missing or cannot "
			   "get into the program, "
			   "78 if the configuration has an error, 126 if the program cannot be "
			   "executed, 127 if it is not found.\n\n"
			   "Without an option the environment counts: MAILSEAL_CONFIG, "
			   "MAILSEAL_LOG, MAILSEAL_PORTS, MAILSEAL_AGENT.";

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct run *run = state->input;

	if (argument && (key == 'c' || key == 'l' || key == 'p') && strcmp(argument, "--") == 0)
		argp_error(state, "option -%c has no value: -- stands there", key);
	switch (key) {
	case 'c':
		run->config = argument;
		return 0;
	case 'l':
		run->log = argument;
		return 0;
	case 'p':
		run->ports = argument;
		return 0;
	case ARGP_KEY_ARG:
		run->program = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no program given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int set(const char *name, const char *value)
{
	if (setenv(name, value, 1) < 0)
		return complain(EX_OSERR, "%s: %s", name, strerror(errno));
	return EX_OK;
}

/* A comma-separated list of ports from 1 to 65535. */
static bool ports_are_valid(const char *list)
{
	unsigned count = 0;

	for (;;) {
		size_t digits = strspn(list, "0123456789");
		unsigned long port = digits > 0 && digits < 10 ? strtoul(list, NULL, 10) : 0;

		if (port < 1 || port > 65535 || ++count > PORTS_MOST)
			return false;
		list += digits;
		if (!*list)
			return true;
		if (*list++ != ',')
			return false;
	}
}

/* Of a list that is valid. */
static bool ports_contain(const char *list, unsigned long port)
{
	for (char *end = NULL;; list = end + 1) {
		if (strtoul(list, &end, 10) == port)
			return true;
		if (*end != ',')
			return false;
	}
}

static int take_ports(const struct run *run)
{
	const char *ports = run->ports ? run->ports : environment("MAILSEAL_PORTS");
	const char *where = run->ports ? "--ports" : "MAILSEAL_PORTS";

	if (!ports)
		return EX_OK;
	if (!ports_are_valid(ports))
		return complain(EX_USAGE,
			"%s: '%s' is not a list of up to %d ports from 1 to 65535, such as "
			"25,587,2525",
			where, ports, PORTS_MOST);
	if (ports_contain(ports, SMTPS_PORT))
		return complain(EX_USAGE,
			"%s: port %d is for smtps, which speaks TLS from the first byte; mailseal "
			"would wait for words in the clear, and no mail would pass. Leave it out: "
			"what connects there encrypts by itself",
			where, SMTPS_PORT);
	return set("MAILSEAL_PORTS", ports);
}

/* The log file may not exist yet; then its directory must take it. */
static int check_log_file(char *path)
{
	struct stat st;
	char *slash = strrchr(path, '/');
	int rc;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return -EISDIR;
		return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 ? -errno : 0;
	}
	if (errno != ENOENT)
		return -errno;
	slash[0] = '\0';
	rc = faccessat(AT_FDCWD, path[0] ? path : "/", W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
	slash[0] = '/';
	return rc;
}

static int take_log(const struct run *run)
{
	const char *log = run->log ? run->log : environment("MAILSEAL_LOG");
	char path[TOOL_PATH_SIZE];
	struct err err;
	int rc;

	if (!log)
		return EX_OK;
	if (log_target_check(log, &err))
		return complain(EX_USAGE, "%s: %s", run->log ? "--log" : "MAILSEAL_LOG", err.text);
	if (log_target_is_word(log))
		return set("MAILSEAL_LOG", log);
	if (absolute_path(log, path, &err))
		return complain(EX_USAGE, "log %s: %s", log, err.text);
	rc = check_log_file(path);
	if (rc)
		return complain(EX_CANTCREAT, "log %s: %s", path, strerror(-rc));
	return set("MAILSEAL_LOG", path);
}

/* Only a missing file at the default place is no error: the built-in default applies. */
static int take_config(const struct run *run)
{
	const char *named = run->config ? run->config : environment("MAILSEAL_CONFIG");
	struct policy_set *policy = NULL;
	char path[TOOL_PATH_SIZE];
	struct err err;
	int rc;

	if (named && !*named)
		return complain(EX_USAGE, "--config: the name of the file is empty");
	if (absolute_path(named ? named : CONFIG_PATH, path, &err))
		return complain(EX_CONFIG, "configuration %s: %s", named, err.text);
	rc = policy_set_load(path, !named, &policy, NULL, &err);
	policy_set_free(policy);
	if (rc)
		return complain(EX_CONFIG, "%s", err.text);
	return named ? set("MAILSEAL_CONFIG", path) : EX_OK;
}

/* The system agent has a log and ports of its own, which would count instead. Who names one by the
 * environment means that one. */
static int take_socket(const struct run *run)
{
	if ((!run->log && !run->ports) || environment("MAILSEAL_SOCKET"))
		return EX_OK;
	return set("MAILSEAL_SOCKET", "none");
}

static int take_agent(const struct parts *parts)
{
	const char *named = environment("MAILSEAL_AGENT");
	char path[TOOL_PATH_SIZE];
	struct err err;

	if (!named)
		return set("MAILSEAL_AGENT", parts->agent);
	if (absolute_path(named, path, &err))
		return complain(EX_UNAVAILABLE, "agent %s: %s", named, err.text);
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return complain(
			EX_UNAVAILABLE, "agent %s (MAILSEAL_AGENT): %s", path, strerror(errno));
	return set("MAILSEAL_AGENT", path);
}

/* ld.so(8) takes LD_PRELOAD apart at blanks and colons, and replaces $ORIGIN and the like.
 * `preload` is `library` or in its directory. */
static int take_library(const char *library, const char *preload)
{
	const char *others = environment("LD_PRELOAD");
	char *value;
	int code;

	if (strpbrk(library, " \t:$"))
		return complain(EX_UNAVAILABLE,
			"%s: a path with a blank, a colon or a dollar sign cannot be preloaded; "
			"put mailseal elsewhere",
			library);
	if (!others)
		return set("LD_PRELOAD", preload);
	if (asprintf(&value, "%s:%s", preload, others) < 0)
		return complain(EX_OSERR, "out of memory");
	code = set("LD_PRELOAD", value);
	free(value);
	return code;
}

static int find_program(const char *name, char path[PATH_MAX])
{
	int rc = reach_find(name, path);

	if (rc == -EACCES)
		return complain(EXIT_CANNOT_EXECUTE, "%s: found, but it cannot be executed", name);
	if (rc)
		return complain(EXIT_NOT_FOUND, "%s: %s", name, strerror(-rc));
	return EX_OK;
}

static int check_program(
	const char *path, char **words, const struct parts *parts, const char **preload)
{
	struct err err;
	int rc = reach_program(path, words, parts, preload, &err);

	if (!rc)
		return EX_OK;
	complain(EX_UNAVAILABLE, "%s.", err.text);
	if (rc == -ELIBBAD)
		return EX_UNAVAILABLE;
	return complain(EX_UNAVAILABLE, "It would send its mail unprotected, so it is not run.");
}

/* The kernel says "No such file" of a program whose interpreter is missing. */
static int cannot_execute(const char *path, int error)
{
	int code = error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
	char interpreter[PATH_MAX];
	int rc = reach_interpreter(path, interpreter);
	size_t end = strcspn(interpreter, "\r");

	if (rc)
		return complain(code, "%s: its interpreter %.*s%s: %s", path, (int)end, interpreter,
			interpreter[end] ? "\\r (the file has CRLF line ends)" : "", strerror(-rc));
	return complain(code, "%s: %s", path, strerror(error));
}

static bool is_elf(const char *path)
{
	char head[SELFMAG] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

	if (fd >= 0)
		close(fd);
	return n == SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0;
}

/* A text without #! is run by the shell, as execvp(3) does. */
static int execute_by_shell(const char *path, char **program)
{
	size_t count = 0;
	char **arguments;

	while (program[count])
		count++;
	arguments = calloc(count + 2, sizeof(*arguments));
	if (!arguments)
		return complain(EX_OSERR, "out of memory");
	arguments[0] = program[0];
	arguments[1] = (char *)path;
	memcpy(arguments + 2, program + 1, (count - 1) * sizeof(*arguments));
	execv("/bin/sh", arguments);
	free(arguments);
	return complain(EXIT_CANNOT_EXECUTE, "/bin/sh: %s", strerror(errno));
}

static int execute(const char *path, char **program)
{
	fflush(NULL);
	execv(path, program);
	if (errno == ENOEXEC && is_elf(path))
		return complain(EXIT_CANNOT_EXECUTE,
			"%s: an ELF file that this system cannot execute: cut off, damaged, or "
			"for another processor",
			path);
	if (errno == ENOEXEC)
		return execute_by_shell(path, program);
	return cannot_execute(path, errno);
}

int command_run(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_option, "-- PROGRAM [ARGUMENT]...", text, NULL, NULL, NULL};
	struct run run = {0};
	struct parts parts;
	struct err err;
	const char *preload = NULL;
	char path[PATH_MAX];
	int code;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &run);
	if (locate_parts(&parts, &err)) {
		complain(EX_UNAVAILABLE, "%s.", err.text);
		return complain(EX_UNAVAILABLE,
			"Without it nothing would be protected, so nothing is run. "
			"Is mailseal installed whole?");
	}
	if ((code = take_ports(&run)) || (code = take_log(&run)) || (code = take_config(&run)) ||
		(code = take_socket(&run)) || (code = take_agent(&parts)) ||
		(code = find_program(run.program[0], path)) ||
		(code = check_program(path, run.program, &parts, &preload)) ||
		(code = take_library(parts.library, preload)))
		return code;
	return execute(path, run.program);
}
