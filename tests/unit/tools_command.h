/*
 * tools_command: runs a copy of build/mailseal as a user would, for the tests of its subcommands.
 * It stands in a directory of its own beside a library and an agent that are only looked at.
 */
#ifndef MAILSEAL_TESTS_TOOLS_COMMAND_H
#define MAILSEAL_TESTS_TOOLS_COMMAND_H

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <confuse.h>
#include <cmocka.h>

static char directory[] = "/tmp/tools_test.XXXXXX";
static bool have_command;
static char output[20000]; /* what the last command printed, on both streams */

/* Runs a shell command in the directory; its exit status, or 256 + signal. */
static inline int sh(const char *format, ...)
{
	char command[2000], whole[4000];
	size_t n;
	int status;
	FILE *pipe;
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	snprintf(whole, sizeof(whole), "cd %s && { %s; } 2>&1", directory, command);
	pipe = popen(whole, "r");
	assert_non_null(pipe);
	n = fread(output, 1, sizeof(output) - 1, pipe);
	output[n] = '\0';
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static inline void assert_says(const char *text)
{
	if (!strstr(output, text))
		fail_msg("expected: %s\ngot: %s", text, output);
}

static inline void assert_sh(int status, const char *command, const char *text)
{
	int got = sh("%s", command);

	if (got != status)
		fail_msg("%s: ended with %d, not %d: %s", command, got, status, output);
	assert_says(text);
}

static inline void write_file(const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* The command that was built beside this test; without it (make unit alone) the tests are skipped.
 */
static inline bool find_command(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 20);

	if (n <= 0)
		return false;
	path[n] = '\0';
	dirname(dirname(path));
	n = (ssize_t)strlen(path);
	snprintf(path + n, PATH_MAX - (size_t)n, "/mailseal");
	return access(path, X_OK) == 0;
}

static inline int prepare(void **state)
{
	char path[PATH_MAX];
	Dl_info info;

	(void)state;
	unsetenv("MAILSEAL_CONFIG");
	unsetenv("MAILSEAL_LOG");
	unsetenv("MAILSEAL_PORTS");
	unsetenv("MAILSEAL_AGENT");
	unsetenv("LD_PRELOAD");
	if (!find_command(path))
		return 0;
	have_command = true;
	/* Any library will do: it is preloaded, and has nothing to say. */
	if (!mkdtemp(directory) || !dladdr((void *)cfg_init, &info))
		return -1;
	write_file("good.conf", "default { require_tls = true }\n");
	write_file("bad.conf", "\ndefault { require_tls = maybe }\n");
	return sh("cp %s mailseal && cp %s libmailseal.so && cp /bin/true mailseal-agent", path,
		info.dli_fname);
}

static inline int clean_up(void **state)
{
	(void)state;
	if (have_command && chdir("/") == 0)
		sh("chmod -R u+rwx . && rm -rf %s", directory);
	return 0;
}

static inline void need_command(void)
{
	if (!have_command) {
		print_message("build/mailseal is not built: skipped\n");
		skip();
	}
}

#endif
