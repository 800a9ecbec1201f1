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

/* NAME or NAME=VALUE: does systemd take it for a variable? */
bool service_takes(const char *variable);

/* A variable of the service; NULL if it is not set, or empty. */
const char *service_variable(const struct service *s, const char *name);

/* --- families.c: RestrictAddressFamilies= --- */

enum family { FAMILY_UNIX, FAMILY_INET, FAMILY_INET6 };
#define FAMILIES 3

struct families {
	bool is_list;	    /* else all families are alike */
	bool lists_allowed; /* else it lists what is forbidden; without a list: nothing is allowed
			     */
	bool listed[FAMILIES];
};

/* One more line; "" is a reset. */
void families_apply(struct families *f, const char *value);
struct families families_of(const struct unit *u);
bool families_allow(const struct families *f, enum family family);
bool families_restrict(const struct families *f);

/* --- sandbox.c, filter.c, unit_paths.c: what settings mean for mailseal --- */

void doctor_sandbox(struct patient *p, const struct service *s);
void doctor_filter(struct patient *p, const struct service *s);	    /* SystemCallFilter= */
void doctor_unit_paths(struct patient *p, const struct service *s); /* what hides or shuts files */

/* The setting that hides the path from the service; NULL if none does. */
const char *unit_hidden_by(const struct unit *u, const char *path);

/* --- binds.c: BindPaths=, BindReadOnlyPaths= --- */

/* Lets the patient see them; 0 or -ENOMEM. Clear them in any case. */
int service_binds(const struct service *s, struct patient *p);
void service_binds_clear(struct patient *p);

/* Is something put there for it? And what, specifiers as they stand there. */
bool unit_is_bound(const struct unit *u, const char *path);
bool unit_bind_source(const struct unit *u, const char *path, char out[PATH_MAX]);

#endif
