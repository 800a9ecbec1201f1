/*
 * elsewhere: the services of this machine whose log is not where a report looks by itself, by their
 * units. It reads unit files, and runs nothing.
 */
#ifndef MAILSEAL_TOOLS_REPORT_ELSEWHERE_H
#define MAILSEAL_TOOLS_REPORT_ELSEWHERE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum elsewhere_kind {
	ELSEWHERE_FILE,
	ELSEWHERE_STDERR,  /* in the journal, or wherever the unit sends it, under its own name */
	ELSEWHERE_WITHIN,  /* a file, but the service has a view of its own of the files */
	ELSEWHERE_NOWHERE, /* a log daemon, of which nothing is in its RootDirectory= */
};

struct elsewhere_log {
	enum elsewhere_kind kind;
	char unit[256];
	char path[PATH_MAX]; /* of a file */
	bool read;	     /* the report has read it, or there is nothing to read */
};

struct elsewhere {
	struct elsewhere_log *at;
	size_t count;
};

/* Of all services, or of those that match one of the patterns (up to NULL). 0 or -ENOMEM. */
int elsewhere_find(struct elsewhere *e, const char *const *patterns);
/* One sentence that tells where it logs, and by which command that is read. Returns `out`. */
const char *elsewhere_words(const struct elsewhere_log *log, char *out, size_t size);
void elsewhere_clear(struct elsewhere *e);

#endif
