#include "tools/mailseal.h"

#include "config/nearest.h"
#include "tools/print.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int command_help(int argc, char **argv);
static int command_version(int argc, char **argv);

static const struct {
	const char *name;
	const char *title; /* what argp calls the program */
	int (*run)(int argc, char **argv);
	const char *usage;
	const char *purpose;
} commands[] = {
	{"run", "mailseal run", command_run, "[OPTION]... -- PROGRAM [ARGUMENT]...",
		"run a program so that its mail goes over TLS"},
	{"check", "mailseal check", command_check, "[--json] [FILE]",
		"check a configuration and tell what it means"},
	{"explain", "mailseal explain", command_explain, "[OPTION]...",
		"tell who decides about mail, and what becomes of it"},
	{"policy", "mailseal policy", command_policy, "list | set | unset ...",
		"show and change what holds for a domain"},
	{"doctor", "mailseal doctor", command_doctor, "[OPTION]... PROGRAM [PID] | UNIT",
		"tell whether mailseal reaches a program"},
	{"enable", "mailseal enable", command_enable, "[OPTION]... UNIT...",
		"seal services: their mail goes over TLS"},
	{"disable", "mailseal disable", command_disable, "[OPTION]... UNIT...", "undo that"},
	{"status", "mailseal status", command_status, "[OPTION]... [UNIT]...",
		"tell which services are sealed, and protected"},
	{"probe", "mailseal probe", command_probe, "[OPTION]... HOST[:PORT]",
		"tell what mailseal does with a server, and why"},
	{"report", "mailseal report", command_report, "[OPTION]... [FILE]...",
		"tell from the log what went how"},
	{"help", "mailseal help", command_help, "[COMMAND]", "show this, or the help of a command"},
	{"version", "mailseal version", command_version, "", "show the version"},
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

int complain(int code, const char *format, ...)
{
	char *text;
	va_list ap;

	fflush(stdout);
	fputs("mailseal: ", stderr);
	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	print_plain(stderr, text ? text : "out of memory");
	fputc('\n', stderr);
	free(text);
	return code;
}

const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

int absolute_path(const char *path, char out[TOOL_PATH_SIZE], struct err *err)
{
	char directory[TOOL_PATH_SIZE] = "";
	int n;

	/* nothing but longer to read */
	while (strncmp(path, "./", 2) == 0 && path[2] && path[2] != '/')
		path += 2;
	if (path[0] != '/' && !getcwd(directory, sizeof(directory)))
		return err_fail(err, errno, "current directory: %s", strerror(errno));
	if (path[0] != '/' && directory[0] != '/')
		return err_fail(err, ENOENT,
			"the current directory has no path here; write an absolute path");
	n = snprintf(out, TOOL_PATH_SIZE, "%s%s%s", directory,
		path[0] == '/' || strcmp(directory, "/") == 0 ? "" : "/", path);
	if (n < 0 || n >= TOOL_PATH_SIZE)
		return err_fail(
			err, ENAMETOOLONG, "path is longer than %d bytes", TOOL_PATH_SIZE - 1);
	for (const char *c = out; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return err_fail(err, EINVAL, "control character in the path");
	}
	return 0;
}

static void print_help(FILE *to)
{
	fprintf(to, "Usage: mailseal COMMAND ...\n\n"
		    "mailseal makes programs that only speak plaintext SMTP send their mail over "
		    "TLS.\n\nCommands:\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-8s %-37s %s\n", commands[i].name, commands[i].usage,
			commands[i].purpose);
	fprintf(to, "\nExample:\n"
		    "  mailseal run -- swaks --to a@b.example --server mx.b.example\n\n"
		    "'mailseal COMMAND --help' tells the options. Manual: mailseal(1), "
		    "mailseal.conf(5), libmailseal(8).\n");
}

static int run_command(size_t i, int argc, char **argv)
{
	argv[0] = (char *)commands[i].title;
	return commands[i].run(argc, argv);
}

static size_t find_command(const char *name)
{
	size_t i = 0;

	while (i < COMMANDS && strcmp(commands[i].name, name) != 0)
		i++;
	return i;
}

static int unknown_command(const char *name)
{
	const char *best = NULL;
	size_t distance = 3;

	for (size_t i = 0; i < COMMANDS; i++)
		nearest_word(name, commands[i].name, &best, &distance);
	if (best)
		return complain(EX_USAGE,
			"unknown command '%s'; did you mean %s? 'mailseal help' lists the commands",
			name, best);
	return complain(EX_USAGE, "unknown command '%s'; 'mailseal help' lists the commands", name);
}

static int command_help(int argc, char **argv)
{
	char option[] = "--help";
	char *arguments[] = {NULL, option, NULL};
	size_t i = argc > 1 ? find_command(argv[1]) : 0;

	if (argc > 2)
		return complain(
			EX_USAGE, "help: of one command at a time, not of '%s' too", argv[2]);
	if (argc > 1 && i == COMMANDS)
		return unknown_command(argv[1]);
	if (argc > 1 && commands[i].run != command_help && commands[i].run != command_version)
		return run_command(i, 2, arguments);
	print_help(stdout);
	return EX_OK;
}

static int command_version(int argc, char **argv)
{
	if (argc > 1)
		return complain(EX_USAGE, "version: it takes no argument, such as '%s'", argv[1]);
	printf("mailseal %s\n", MAILSEAL_VERSION);
	return EX_OK;
}

/* Standard output that could not be written (a full disk) is a failure too. */
static int finish(int code)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return code == EX_OK ? complain(EX_IOERR, "standard output: %s", strerror(errno))
				     : code;
	return code;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	size_t i;

	if (argc < 2) {
		print_help(stderr);
		return EX_USAGE;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	i = find_command(name);
	if (i == COMMANDS)
		return unknown_command(name);
	return finish(run_command(i, argc - 1, argv + 1));
}
