/*
 * process: what the files that examine a process share among themselves.
 */
#ifndef MAILSEAL_TOOLS_DOCTOR_PROCESS_H
#define MAILSEAL_TOOLS_DOCTOR_PROCESS_H

#include "tools/doctor/doctor.h"

#define PROCESS_PATH 64

struct process {
	pid_t pid;
	char root[PROCESS_PATH]; /* once it is looked at: what the patient's root is called */
	char *environment;	 /* as it was started; NULL if it cannot be read */
	size_t environment_length;
	struct ports ports;
};

/* What to do where a process may not be looked at. */
extern const char *const ask_as_root;

/* "/proc/PID/what" */
void process_path(char out[PROCESS_PATH], pid_t pid, const char *what);

/* The whole of a file there, \0 behind it; free it. NULL with errno. */
char *process_read(pid_t pid, const char *what, size_t *length);

/* The path of its program, as /proc/PID/exe tells it. 0 or -errno: -ENOENT where it has ended,
 * though nobody has waited for it. */
int process_program(pid_t pid, char out[PATH_MAX]);

/* Does it run mailseal-agent? False too where that may not be seen. */
bool process_is_agent(pid_t pid);

/* Fills in the environment and the ports (those asked for, NULL: those that it was told), and what
 * of it the patient needs to know. */
void process_started(struct patient *p, struct process *x, const struct ports *asked);
void process_tell_variables(struct patient *p, const struct process *x);

/* --- look.c --- */

/* What a process has to do with the library: `p` and `x` as far as that needs. */
struct look {
	struct patient p;
	struct process x;
	int rc;		 /* -errno: it cannot be seen; -ENOENT, -ESRCH: it has ended */
	bool is_systemd; /* not yet what it will be: systemd prepares the sandbox in it */
};

/* Looks at it; again, for a fifth of a second at most, while it may yet load the library. Look away
 * afterwards. */
void process_look(struct look *l, pid_t pid);
void process_look_away(struct look *l);

/* A variable that it was started with; NULL if it was not. */
const char *process_variable(const struct process *x, const char *name);

/* Its TCP connections to mail ports, which no agent stands between, and io_uring. 0 or -errno where
 * its descriptors cannot be seen. */
int doctor_sockets(struct patient *p, const struct process *x, struct err *err);

#endif
