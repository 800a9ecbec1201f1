/*
 * ask: what the running systemd itself says of a service. It is asked through systemctl, which
 * knows the ways to it.
 */
#ifndef MAILSEAL_TOOLS_SEAL_ASK_H
#define MAILSEAL_TOOLS_SEAL_ASK_H

#include "shim/base/err.h"

#include <stdbool.h>

struct answer {
	char *text; /* NAME=VALUE lines, each ended by \0; two at the end */
};

/*
 * The user's own manager, or the system's. 0; -ENOENT where there is no systemctl; -EHOSTDOWN where
 * systemd does not answer; -ENOMEM or another -errno; with err. Clear it in any case.
 */
int ask_systemd(struct answer *a, bool user, const char *unit, struct err *err);
/* Those of the units that run, or are about to: lines that begin with their names. The rest as
 * above. */
int ask_running(struct answer *a, bool user, const char *const *units, struct err *err);
void answer_clear(struct answer *a);

/* "" where it was not told. */
const char *answer_value(const struct answer *a, const char *name);

/* Is the word among those of the value? */
bool answer_lists(const struct answer *a, const char *name, const char *word);

/* Is systemd what started this machine, sd_booted(3)? Of a user: does his manager run? */
bool systemd_runs(bool user);

#endif
