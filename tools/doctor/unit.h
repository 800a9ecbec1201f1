/*
 * unit: what the files that examine a service share among themselves.
 */
#ifndef MAILSEAL_TOOLS_DOCTOR_UNIT_H
#define MAILSEAL_TOOLS_DOCTOR_UNIT_H

#include "tools/doctor/doctor.h"
#include "tools/doctor/unit_file.h"

#define GROUPS_MOST 64

struct service {
	struct unit unit;
	char **variables; /* NAME=VALUE, as the service gets them */
	size_t variable_count;
	gid_t groups[GROUPS_MOST]; /* beside the patient's gid */
	int group_count;
	bool dynamic_user;
	enum system_agent system_agent;
	bool chrooted; /* by a command of its own: what that sees is not what the unit tells */
	bool by_run;   /* mailseal run starts it, which names library and agent by itself */
};

/* --- environment.c: Environment=, EnvironmentFile=, UnsetEnvironment= --- */

/* 0 or -ENOMEM. */
int service_environment(struct service *s, struct patient *p);
void service_environment_clear(struct service *s);

/* A variable of the service; NULL if it is not set, or empty. */
const char *service_variable(const struct service *s, const char *name);

/* --- sandbox.c, filter.c, unit_paths.c: what settings mean for mailseal --- */

void doctor_sandbox(struct patient *p, const struct service *s);
void doctor_filter(struct patient *p, const struct service *s);	    /* SystemCallFilter= */
void doctor_unit_paths(struct patient *p, const struct service *s); /* what hides or shuts files */

#endif
