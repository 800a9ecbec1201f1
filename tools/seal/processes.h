/*
 * processes: which processes run, and which service each belongs to, by the cgroup that systemd put
 * it into. /proc is read once; no process is touched.
 */
#ifndef MAILSEAL_TOOLS_SEAL_PROCESSES_H
#define MAILSEAL_TOOLS_SEAL_PROCESSES_H

#include "shim/base/err.h"
#include "tools/seal/cgroup.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct process_of {
	pid_t pid, parent;
	uid_t uid;		      /* effective */
	char name[32];		      /* as the kernel has it; any bytes */
	char unit[SERVICE_NAME_SIZE]; /* of the system's manager, "user@1000.service" among them */
	char user_unit[SERVICE_NAME_SIZE]; /* of that user's manager; "" */
	bool is_agent;
	long long started; /* ns since the epoch at the latest, by the clock as it goes now */
};

struct processes {
	struct process_of *at; /* those of services alone */
	size_t count;
	bool hidden; /* those of others cannot be seen (hidepid) */
};

/* 0; -ENOENT where there is no /proc, -ENOMEM, with err. Clear it in any case. */
int processes_load(struct processes *p, struct err *err);
void processes_clear(struct processes *p);

#endif
