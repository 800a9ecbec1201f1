/*
 * sealed: whether one service is sealed, and whether that is in force: by its files, by what
 * systemd has read of them, and by the processes that run.
 */
#ifndef MAILSEAL_TOOLS_SEAL_SEALED_H
#define MAILSEAL_TOOLS_SEAL_SEALED_H

#include "tools/doctor/unit.h"
#include "tools/seal/seal.h"
#include "tools/seal/processes.h"

/* Where services are looked for. */
struct view {
	struct seal_tree tree;
	struct patient p; /* of that tree; nothing is found by it */
	bool runs; /* a manager that can be asked runs here, and its processes are to be seen */
	const char *why_not; /* else: why not; static */
	struct processes processes;
};

#define SEALED_SETTINGS 5
extern const char *const sealed_variables[SEALED_SETTINGS];

struct sealed {
	char name[UNIT_NAME_SIZE]; /* the unit's own, where an alias was asked for */
	struct diagnosis found;
	char dropin[PATH_MAX]; /* ours; "" where there is none */
	const char *by; /* "drop-in", "unit", "ld.so.preload", "run"; NULL: it is not sealed */
	bool stale;	/* systemd has not read the drop-in */
	bool unfit;	/* it cannot start, or not as it is */
	bool no_mail;	/* no mail passes, protected or not */
	bool past;	/* but what goes past the library */
	bool looked_at; /* at its processes */
	bool unknown;	/* something could not be looked at */
	unsigned with, without, unseen; /* processes, agents not among them */
	unsigned older; /* of those without: started before the drop-in was written */
	pid_t agent;
	bool agent_elsewhere;		 /* the system agent serves it */
	char *settings[SEALED_SETTINGS]; /* what its files set, by sealed_variables; NULL */
	bool outdated; /* a process with the library may have been started with other settings */
};

/* An exit code, after telling; status.c. Close it in any case, from `*view = VIEW_NONE` on. */
#define VIEW_NONE                                                                                  \
	(struct view)                                                                              \
	{                                                                                          \
		.tree.root = -1, .p.root = -1                                                      \
	}
int view_open(struct view *view, const char *root, bool user);
void view_close(struct view *view);

/* `name` is a service or a template. 0, or -ENOMEM with err: what else went wrong is a finding. */
int sealed_judge(struct sealed *s, const struct view *view, const char *name, struct err *err);
void sealed_clear(struct sealed *s);

/* One word: "in-force", "stopped", "sealed" (processes were not looked at), "restart-needed",
 * "unprotected", "no-mail" (passes), "not-sealed", "not-read" (by systemd), "cannot-start",
 * "no-unit", "unknown". */
const char *sealed_state(const struct sealed *s);

/* examined.c: what doctor says of its unit; its processes are judged before. */
void sealed_examine(struct sealed *s, const struct view *view);

/* merged.c: does the drop-in, which mailseal wrote, still merge what the service preloads? `now` is
 * LD_PRELOAD with it. */
void sealed_compare_preload(struct sealed *s, const struct view *view, const char *now);

/* live.c: its processes. */
void sealed_judge_processes(struct sealed *s, const struct view *view);

#endif
