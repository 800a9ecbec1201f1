/*
 * when: a point in time as a person says it, for --since and --until.
 */
#ifndef MAILSEAL_TOOLS_REPORT_WHEN_H
#define MAILSEAL_TOOLS_REPORT_WHEN_H

#include "shim/base/err.h"

#include <stdint.h>

/*
 * `2026-11-27`, `2026-11-27 10:00[:00]`, with a T and a zone too, `10:00`, `now`, `today`,
 * `yesterday`, `-2h30min`, `2 days ago`, `@1795773600`. Without a zone: local time. Days begin at
 * midnight. 0, or -EINVAL with err that says what can be written.
 */
int when_parse(const char *text, int64_t now, int64_t *time, struct err *err);

#endif
