/*
 * source: the files that a report is made from: opened, unpacked by the tool for that, and read in
 * lines. Nothing is ever written.
 */
#ifndef MAILSEAL_TOOLS_REPORT_SOURCE_H
#define MAILSEAL_TOOLS_REPORT_SOURCE_H

#include "shim/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A program whose output is read. What it says on standard error is kept. */
struct source_child {
	pid_t pid; /* 0: there is none */
	int output;
	int errors;
};

/* Runs argv[0], looked for in PATH, with `input` (or /dev/null, -1) as standard input. 0 or
 * -errno. */
int source_spawn(struct source_child *child, char *const *argv, int input);

/* Waits for its end, which a closed output brings about; what it said, cut, goes into `said`.
 * Returns its exit status, 128 + the signal, or -errno. */
int source_reap(struct source_child *child, char *said, size_t size);

/* A line without its end, which may be written into; `whole` is false for the beginning of one that
 * is longer than any buffer. Returns 0, or -errno to end the reading. */
typedef int source_each(void *context, char *line, size_t length, bool whole);

/* All lines of a descriptor. 0 or -errno; stays open. */
int source_lines(int fd, source_each *each, void *context);

struct source {
	int fd;		 /* of what is read */
	int64_t changed; /* the file's last change, seconds since the epoch; of what is no file, now
			  */
	const char *packed; /* the tool that unpacks it; NULL: none */
	struct source_child child;
};

/* "-" is standard input. 0, or -errno with err; -ENOEXEC where the tool that unpacks it is missing.
 */
int source_open(struct source *s, const char *path, struct err *err);

/* -EIO with err where it could not be unpacked to its end. */
int source_close(struct source *s, struct err *err);

struct source_list {
	char **paths;
	size_t count;
};

/* Adds `path`, and with `rotated` what a rotation made of it (PATH.1, PATH.2.gz, PATH-20261101 ...)
 * and that was changed at `since` or later. A file that is there under two names is added once.
 * 0 or -ENOMEM. */
int source_add(struct source_list *list, const char *path, bool rotated, int64_t since);

/* The same of a file that need not be there: only regular files that were changed since. */
int source_add_present(struct source_list *list, const char *path, int64_t since);
void source_list_clear(struct source_list *list);

#endif
