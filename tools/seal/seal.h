/*
 * seal: puts services under mailseal by a drop-in of their units, and takes it away again.
 * It never touches the units themselves, nor a drop-in that it did not write; what it examines, it
 * examines as doctor does, and it runs nothing but systemctl.
 */
#ifndef MAILSEAL_TOOLS_SEAL_SEAL_H
#define MAILSEAL_TOOLS_SEAL_SEAL_H

#include "tools/doctor/doctor.h"
#include "tools/doctor/unit_names.h"
#include "tools/mailseal.h"

#define SEAL_DROPIN "50-mailseal.conf"
#define SEAL_VARIABLES "50-mailseal.env" /* no name of a drop-in: systemd passes it over */

struct seal_options {
	bool removes; /* disable */
	const char *root;
	bool user, dry_run, now, force, json, system_agent;
	char config[TOOL_PATH_SIZE], log[TOOL_PATH_SIZE]; /* "" where not given */
	const char *ports;
	const char *config_given, *log_given; /* as they were written; NULL */
	char **units;
	size_t count;
};

/* Where units are looked for and drop-ins stand. */
struct seal_tree {
	int root;	      /* descriptor of "/", or of the tree that was named */
	bool offline;	      /* that tree is not the machine's */
	char shown[PATH_MAX]; /* what stands before paths in messages: "" or the tree */
	bool user;
	char base[PATH_MAX];	       /* /etc/systemd/system */
	char places[UNIT_PLACES_SIZE]; /* "": the system's */
};

enum seal_change { SEAL_NONE, SEAL_FRESH, SEAL_CHANGED, SEAL_REMOVED };

/* What --now did with its processes. */
enum seal_restarted {
	SEAL_NOT_ASKED,
	SEAL_RESTARTED,
	SEAL_NOT_RUNNING,
	SEAL_UP_TO_DATE, /* they have it all, or nothing of it, as is wanted */
};

/* One file of a drop-in. */
struct seal_file {
	const char *name;
	char *text; /* that is to be there; NULL: no file */
	char *old;  /* that was there */
	char temporary[64];
	bool done;
};

/* One unit. */
struct sealing {
	char name[UNIT_NAME_SIZE];
	char directory[UNIT_NAME_SIZE + 2]; /* NAME.d */
	struct seal_file files[2];	    /* the variables, then the drop-in that names them */
	struct diagnosis found;
	enum seal_change change;
	bool is_template;
	int fd;		/* of the directory while it is written, else -1 */
	bool left_over; /* its directory holds what somebody left who was killed, no more */
	unsigned made;	/* directories that are made for it, it among them */
	bool unread;	/* nothing is written, but systemd has not read what is there */
	enum seal_restarted restarted;
};

#define SEAL_FILE_VARIABLES 0
#define SEAL_FILE_DROPIN 1

void sealing_init(struct sealing *s, const char *name);
void sealing_clear(struct sealing *s);
void sealing_path(
	const struct seal_tree *t, const struct sealing *s, const char *name, char out[PATH_MAX]);

/* --- options.c --- */

/* `o->removes` is set before. An exit code, after telling what is wrong; wrong usage ends here. */
int seal_parse(struct seal_options *o, int argc, char **argv);

/* --- name.c --- */

/* The name of a service as it is meant: "billing" is billing.service. An exit code, after telling
 * what is wrong. */
int seal_name(const char *given, char name[UNIT_NAME_SIZE]);

/* Finds its unit. An exit code, after telling; nearest names where there is none. */
int seal_find(const struct seal_tree *t, const char *name, struct unit_found *found);

/* --- plan.c --- */

/* What a patient in this tree is to begin with; patient_done() is due. */
int seal_patient(const struct seal_tree *t, struct patient *p);
void seal_patient_done(struct patient *p);

/* Examines the unit and fills in what is to be written. An exit code, after telling. */
int seal_plan(const struct seal_options *o, const struct seal_tree *t, struct sealing *s);

/* --- dropin.c --- */

struct seal_wish {
	const struct seal_options *options;
	const struct seal_tree *tree;
	const char *library; /* as LD_PRELOAD names it */
	char *exists[2]; /* files without which the service must not start, as units name them; NULL
			  */
	const char *binds[2]; /* what is put into its RootDirectory=; NULL */
	bool log;	      /* and the sockets of the log */
	bool mounts;	      /* the file systems of the kernel, too */
	const char *preload;  /* LD_PRELOAD as it is without the drop-in; NULL */
	const char *const
		*unset; /* UnsetEnvironment= without what would undo this; NULL: leave it */
	bool families;	/* AF_UNIX must be added to a list */
	bool variables; /* environment files count for more than the drop-in */
};

/* Both texts; 0 or -ENOMEM. */
int seal_write_texts(const struct seal_wish *w, struct sealing *s);

/* The variables that are set; NULL behind the last. Values are for the service. */
struct seal_variable {
	const char *name;
	char *value;
};
#define SEAL_VARIABLES_MOST 6
bool seal_has_own_agent(const struct seal_options *o);
int seal_variables(const struct seal_wish *w, struct seal_variable out[SEAL_VARIABLES_MOST]);
void seal_variables_clear(struct seal_variable list[SEAL_VARIABLES_MOST]);

/* Did enable write it? And how many directories were made for it? */
bool seal_is_own(const char *text);
unsigned seal_made(const char *text);

/* --- place.c --- */

/* Opens the tree. An exit code, after telling. */
int seal_tree_open(struct seal_tree *t, const struct seal_options *o);
void seal_tree_close(struct seal_tree *t);

/* What is there now: fills s->files[].old and s->made (what would have to be made). 0 or -errno
 * with err; -EEXIST where it is not ours. */
int seal_look(const struct seal_tree *t, struct sealing *s, struct err *err);

/* Makes all of them so, or none. 0 or -errno with err, which names the file. */
int seal_write(const struct seal_tree *t, struct sealing *list, size_t count, struct err *err);

/* --- restart.c --- */

/* Restarts those that run and need it, for --now, and tells of each unless it is for JSON. An exit
 * code, after telling. */
int seal_restart(const struct seal_options *o, const struct seal_tree *t, struct sealing *list,
	size_t count, bool *restarted);
const char *seal_restart_word(const struct sealing *s);

/* Without --now: that it is left to the administrator. */
void seal_tell_restart(const struct seal_tree *t, const struct sealing *list, size_t count);

/* --- manager.c --- */

bool seal_manager_runs(const struct seal_tree *t);

/* Runs systemctl; its exit status, or -errno. */
int seal_systemctl(const struct seal_tree *t, const char *verb, const char *const *units);

#endif
