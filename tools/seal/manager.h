/*
 * manager: what the running systemd itself says of a service. It is asked through systemctl, which knows the ways to it.
 */
#ifndef MAILSEAL_TOOLS_SEAL_MANAGER_H
#define MAILSEAL_TOOLS_SEAL_MANAGER_H

#include "shim/base/err.h"

#include <stdbool.h>

struct manager_view {
	char *text; /* NAME=VALUE lines, each ended by \0; two at the end */
};

/*
 * The user's own manager, or the system's. 0; -ENOENT where there is no systemctl; -EHOSTDOWN where systemd does not
 * answer; -ENOMEM or another -errno; with err. Clear it in any case.
 */
int manager_ask(struct manager_view *v, bool user, const char *unit, struct err *err);
void manager_clear(struct manager_view *v);

/* "" where it was not told. */
const char *manager_value(const struct manager_view *v, const char *name);

/* Is systemd what started this machine, sd_booted(3)? Of a user: does his manager run? */
bool manager_runs(bool user);

#endif
