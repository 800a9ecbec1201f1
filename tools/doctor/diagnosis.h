/*
 * diagnosis: findings, in the order they were made, and how they are told.
 */
#ifndef MAILSEAL_TOOLS_DIAGNOSIS_H
#define MAILSEAL_TOOLS_DIAGNOSIS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum severity {
	SEVERITY_OK,	  /* as it should be */
	SEVERITY_NOTE,	  /* worth knowing */
	SEVERITY_WARNING, /* may leave some mail unprotected, or unsent */
	SEVERITY_OBSTACLE /* mail goes unprotected, or nothing works */
};

struct finding {
	enum severity severity;
	const char *code; /* one word for scripts; static */
	char *text;
	char *advice; /* what to do; NULL if there is nothing */
};

struct diagnosis {
	struct finding *at;
	size_t count;
	bool incomplete; /* out of memory: a finding is missing */
	char unit[300];	 /* stands for UNIT in advice, and the process for PID; "", 0: not known */
	pid_t pid;
};

/* What advice is to name; a name that a shell would take apart is not taken. */
void diagnosis_name(struct diagnosis *d, const char *unit, bool user);

void diagnosis_clear(struct diagnosis *d);

/* A finding that was made before, word for word, is not added again. */
void diagnosis_add(struct diagnosis *d, enum severity severity, const char *code,
	const char *advice, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Takes the findings of a code back. */
void diagnosis_drop(struct diagnosis *d, const char *code);

size_t diagnosis_count(const struct diagnosis *d, enum severity severity);

/* One finding a line, broken between words and in colour on a terminal only. */
void diagnosis_print(const struct diagnosis *d);

/* The same, without those that are less severe. */
void diagnosis_print_from(const struct diagnosis *d, enum severity least);

/* The closing line, in the colour of the severity on a terminal. */
void diagnosis_print_verdict(enum severity severity, const char *text);

json_t *diagnosis_as_json(const struct diagnosis *d);

#endif
