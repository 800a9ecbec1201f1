/*
 * journal: the journal of systemd, by journalctl(1) and its JSON.
 */
#ifndef MAILSEAL_TOOLS_REPORT_JOURNAL_H
#define MAILSEAL_TOOLS_REPORT_JOURNAL_H

#include "tools/report/intake.h"

#include "shim/base/err.h"

/* One entry as `journalctl -o json` writes it, counted in in->tally. What is none is no line of a
 * log. 0 or -ENOMEM. */
int journal_line(struct intake *in, char *line, size_t length);

/* 0, or -errno with err: -ENOENT where there is no journalctl, -EACCES where the journal may not be
 * read. `*partly`: only the caller's own part of it could be read. `directory` may be NULL. */
int journal_read(struct intake *in, const char *directory, bool *partly, struct err *err);

enum journal_state { JOURNAL_ABSENT, JOURNAL_EMPTY, JOURNAL_FORBIDDEN, JOURNAL_HAS_LINES };

/* Whether there is a line under our name in it. */
enum journal_state journal_look(void);

#endif
