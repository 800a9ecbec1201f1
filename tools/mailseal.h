/*
 * mailseal: the administrator's command. One file a subcommand; main.c holds the table.
 * What it prints is for a person, unless --json is asked for; exit codes are those of sysexits.h.
 */
#ifndef MAILSEAL_TOOLS_MAILSEAL_H
#define MAILSEAL_TOOLS_MAILSEAL_H

#include "shim/base/err.h"

#include <limits.h>
#include <stdbool.h>

/* As main(): argv[0] is "mailseal run" and the like. */
int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_policy(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_enable(int argc, char **argv);
int command_disable(int argc, char **argv);
int command_status(int argc, char **argv);
int command_probe(int argc, char **argv);
int command_report(int argc, char **argv);

/* The default place, and what MAILSEAL_CONFIG or --config may override. */
#define CONFIG_PATH MAILSEAL_CONFIG_DEFAULT

/* Prints "mailseal: ..." to standard error: one line, control characters as question marks. Returns
 * `code`, so that a failing command ends in return complain(...). */
int complain(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A variable of the environment; NULL too where it is empty, as the library reads it. */
const char *environment(const char *name);

/*
 * `path` made absolute by the current directory; symbolic links stay as they are. 0 or -errno with
 * err. -ENAMETOOLONG where it would not fit into what library and agent hold (1023 bytes).
 */
#define TOOL_PATH_SIZE 1024
int absolute_path(const char *path, char out[TOOL_PATH_SIZE], struct err *err);

#endif
