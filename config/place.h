/*
 * place: errors that tell where in which file something is wrong.
 */
#ifndef MAILSEAL_CONFIG_PLACE_H
#define MAILSEAL_CONFIG_PLACE_H

#include "config/set.h"

#define SUBJECT_SIZE 160

/* Writes `host "label"`, as errors name a section; "default" has no label. Returns `out`. */
const char *place_subject(const char *kind, const char *label, char out[SUBJECT_SIZE]);

/*
 * file:line: subject: what is wrong; `subject` may be "". Long paths and subjects lose their
 * middle. Returns -code.
 */
int place_fail(struct err *err, int code, const char *path, unsigned line, const char *subject,
	const char *what);

/* Tells that the section at that place is for the same as `first`, which may stand in another file.
 * -EINVAL. */
int place_fail_equal(struct err *err, const char *path, unsigned line, const char *subject,
	const struct section *first);

#endif
