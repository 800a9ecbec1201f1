/*
 * doctor: whether the preload reaches a program, a service or a process.
 * It reads files and /proc; it runs nothing of what it examines, and changes nothing.
 */
#ifndef MAILSEAL_TOOLS_DOCTOR_H
#define MAILSEAL_TOOLS_DOCTOR_H

#include "tools/doctor/diagnosis.h"
#include "tools/doctor/elf.h"
#include "tools/mailseal.h"
#include "tools/doctor/wrapper.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#define DOCTOR_PORTS 16
#define OVERFLOW_UID 65534u /* as the library and the agent have it */

struct mapped {
	char *path; /* as /proc/PID/maps has it */
	ino_t inode;
};

/* A file that is taken to be so, whatever is there. */
struct overlay {
	const char *path; /* NULL ends the list */
	const char *text; /* NULL: it is not there */
};

/* A file or directory that stands at another place, too. */
struct bind {
	char *source, *target;
};

struct passwd;

/* What is examined, and what is known of how it is started. */
struct patient {
	struct diagnosis found;
	int root;	    /* a directory in whose tree all paths are looked up; -1: "/" */
	struct bind *binds; /* in that tree; their sources are outside of it */
	size_t bind_count;
	int outside;			/* the root directory for those; -1: "/" */
	const char *root_name;		/* what it is called, "" for "/" */
	const struct overlay *overlays; /* drop-ins and environment files; NULL: none */
	const char *unit_places;   /* where units are looked for; NULL: as the system's manager */
	bool user_manager;	   /* services are those of this user's own manager */
	const char *search;	   /* PATH */
	const char *library_paths; /* LD_LIBRARY_PATH, NULL if not set */
	const char *preload;	   /* LD_PRELOAD if it is known what it will be, else NULL */
	bool preload_given;	   /* what is in `preload` counts, NULL for none */
	bool by_run;		   /* mailseal run starts it, or what does as much */
	bool everywhere; /* /etc/ld.so.preload loads the library, unless musl's loader is asked */
	bool user_given; /* who runs it: */
	uid_t uid;
	gid_t gid;
	bool no_new_privileges; /* setuid bits and file capabilities do not count */
	bool is_process;	/* it runs: what is loaded is seen, not guessed */
	bool loaded;		/* it has loaded the library */
	bool offline;		/* its tree is not this machine's: nothing runs in it */
	bool starts_agent;	/* systemd starts the system agent with it */
	bool left_root;		/* and went into a chroot afterwards */
	char program[PATH_MAX]; /* the ELF file that is run in the end; "" until it is known */
	struct elf_kind kind;	/* of that */
	char library[PATH_MAX]; /* of mailseal, that its loader takes; "" if none is, or it is not
				   known */
	bool is_static;
	bool unjudged;	       /* it starts what was not judged */
	bool past_libc;	       /* its network code makes system calls of its own */
	struct mapped *mapped; /* the files that a process executes, without program and library */
	size_t mapped_count;
};

/* --- files.c: paths in the patient's tree ------------------------------------------- */

/* As open(2) with O_RDONLY, within the tree. A descriptor or -errno. */
int patient_open(const struct patient *p, const char *path);
int patient_open_path(const struct patient *p, const char *path); /* with O_PATH */
void doctor_look_everywhere(struct patient *p);
int patient_stat(const struct patient *p, const char *path, struct stat *st);

/* open(2) within the tree, without a look at what is bound; bound.c: with it. */
int patient_open_as(const struct patient *p, const char *path, int flags);
int bound_open(const struct patient *p, const char *path, int flags);

/* Is it the directory, or something in it? */
bool path_is_beneath(const char *path, const char *directory);

/* Makes `path` the root of the tree; the string stays the caller's, and must last as long as it is.
 * 0 or -errno. */
int patient_enter(struct patient *p, const char *path);

/* Looks a name up along p->search, a path as it is. 0; -ENOENT, -EACCES, -ENAMETOOLONG. */
int patient_find(const struct patient *p, const char *name, char path[PATH_MAX]);

/* The whole of a small file, \0 behind it; free it. NULL with errno. */
char *patient_read(const struct patient *p, const char *path, size_t most, size_t *length);
char *read_all(int fd, size_t most, size_t *length);

/* The target of a symbolic link: its length; -EINVAL where it is none. */
ssize_t patient_readlink(const struct patient *p, const char *path, char out[PATH_MAX]);

/* What the overlays say of the path; NULL: nothing. */
const struct overlay *patient_overlay(const struct patient *p, const char *path);

/* --- glob.c, users.c ---------------------------------------------------------------- */

/* Calls for each path that the pattern stands for, until it returns other than 0. What that
 * returned; -ENOENT where there is none; -ENOMEM. */
int patient_glob(const struct patient *p, const char *pattern,
	int (*take)(void *context, const char *path), void *context);

/* By name or number. The user is valid until the next call; NULL where there is none. */
const struct passwd *patient_user(const struct patient *p, const char *name);
bool patient_group(const struct patient *p, const char *name, gid_t *gid);
int patient_groups(const struct patient *p, const struct passwd *user, gid_t *groups, int most);

/* --- program.c, script.c, known.c ------------------------------------------------------------ */

/*
 * Examines the program at `path`, through scripts and interpreters, its libraries, and whether the
 * library of mailseal can be loaded into it. 0, whatever was found; -errno with err where there is
 * nothing to examine.
 */
int doctor_program(struct patient *p, const char *path, struct err *err);

/* The same of a file that is open already. */
int doctor_program_file(struct patient *p, int fd, const char *path, struct err *err);

/* A file that begins with #!, `line` behind that; `depth` counts the interpreters. */
int doctor_script(struct patient *p, const char *path, char *line, unsigned depth, struct err *err);
int doctor_program_at(struct patient *p, const char *path, unsigned depth, struct err *err);

/* --- command.c, words.c ------------------------------------------------------ */

/* Where a command leads through those that start another in their place (tools/doctor/wrapper.h).
 */
struct followed {
	char path[PATH_MAX];	/* the program in the end */
	const char *by;		/* what starts it; NULL: nothing stands before it */
	enum wrapper_kind kind; /* of the program */
	struct wrapper wrapper;
	char lost[300]; /* what takes LD_PRELOAD away, as "env -i"; "" */
};

/*
 * Follows a command. What is known of its environment, root directory and privileges is kept in the
 * patient, in part within the command, until doctor_command_undo(). 0 or -errno with err.
 */
int doctor_command(struct patient *p, struct command *c, struct followed *f, struct err *err);
void doctor_command_undo(struct patient *p, const struct patient *before);

/* Tells what gets lost on the way, and what could not be followed; `script` is that whose #! line
 * it is, else NULL. */
void doctor_command_tell(
	struct patient *p, const struct command *c, const struct followed *f, const char *script);

/* What the words of a script may mean, and the programs that they name. Hints only: nobody reads
 * the script. */
void doctor_words_of(struct patient *p, const char *path, bool shell);
void doctor_words(struct patient *p, const char *name, const char *text, bool shell);

/* Tells of a word of `name` if it is a program that is out of reach. False if it is no program. */
bool doctor_word(struct patient *p, const char *name, const char *word);

/* --- maps.c: what a process has loaded ---------------------------------------------- */

/* Fills p->loaded, p->library and p->mapped, and tells. 0 or -errno with err. */
int doctor_maps(struct patient *p, pid_t pid, struct err *err);
void doctor_maps_clear(struct patient *p);

/* The very file: within the process's root, or where this command sees it. A descriptor, or -errno;
 * -ESTALE where another stands there by now. */
int mapped_open(const struct patient *p, const struct mapped *m);

/* What is known of a program of that name. */
void doctor_known(struct patient *p, const char *path);

/* --- libraries.c, imports.c, preload.c -------------------------------- */

struct imports; /* what the program and its libraries import and export */

/* Follows DT_NEEDED from the program on. */
void doctor_libraries(struct patient *p, const struct elf *program, struct imports *imports);

/* Is it a name of the C library or of a part of it? */
bool is_libc_name(const char *name);

/* The library that the loader will take into a program of this kind. Reports what is wrong with it,
 * and whether the program's libc has the symbols that it wants. */
void doctor_preload_prepare(struct patient *p, const struct elf *program, struct imports *imports);
void doctor_preload_check(struct patient *p, const struct elf *program, struct imports *imports);

/* The files that LD_PRELOAD names besides; how many. */
unsigned doctor_preload_others(
	const struct patient *p, const struct elf *program, char (*paths)[PATH_MAX], unsigned most);

/* --- unit.c, process.c ------------------------------------------------------- */

/* A service, by name or by its file. 0 or -errno with err. */
int doctor_unit(struct patient *p, const char *name, bool is_file, struct err *err);

/* --- agent.c: the system-wide agent ------------------------------------------------- */

enum system_agent {
	SYSTEM_AGENT_NONE,   /* each user and service has an agent of its own */
	SYSTEM_AGENT_NAMED,  /* MAILSEAL_SOCKET: that one or none */
	SYSTEM_AGENT_DEFAULT /* its socket is at the default path, and nothing speaks against it */
};

/* Which one the library would use, by the variables (NULL or "" if not set), and its path. */
enum system_agent patient_system_agent(
	const struct patient *p, const char *socket, const char *config, const char **path);

/* Tells whether it is there and listens, and returns that: in the process's namespace of networks,
 * where one is given. */
bool doctor_system_agent(struct patient *p, const char *socket, const char *config, pid_t pid);

/* agent_config.c: the configuration that the unit of the system agent names, of that machine. False
 * where there is no such unit. */
bool system_agent_config(const struct patient *machine, char out[PATH_MAX]);

/* Tells where the system agent at `socket` would refuse a program for its MAILSEAL_CONFIG; true if
 * it surely does. Both are set. */
bool doctor_agent_config(struct diagnosis *found, const struct patient *machine, const char *socket,
	const char *config);

/* Does a local socket listen there? 0; -ENOENT, -ECONNREFUSED, -EACCES or another -errno. Nobody
 * notices: it is connected to by a `type` that is not its own (SOCK_SEQPACKET, SOCK_DGRAM). */
int patient_knock(const struct patient *p, const char *path, int type);

/* --- agent_file.c: the agent that the library starts by itself ---------------------- */

/* Where the library will look for it: `named` (NULL or "": it is not), beside itself, the installed
 * place. */
void doctor_agent_path(const struct patient *p, const char *named, char out[PATH_MAX]);

/* Tells what keeps that file from running in the patient's tree. */
void doctor_agent_file(struct patient *p, const char *path);

/* --- log_target.c ------------------------------------------------------------------- */

/* As shim/handoff/journal.h has them. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_DEV_LOG "/run/systemd/journal/dev-log"
#define DEV_LOG "/dev/log"

extern const char *const log_advice;

/* Tells where nobody takes the lines of the log. MAILSEAL_LOG, NULL if not set; files are not
 * looked at. */
void doctor_log_target(struct patient *p, const char *target);

struct ports {
	unsigned count;
	uint16_t at[DOCTOR_PORTS];
};

/* "25,587"; false if it is none. */
bool ports_parse(struct ports *ports, const char *list);
/* Tells what it means that MAILSEAL_PORTS is set so; -EINVAL where it is no list. */
int doctor_ports(struct patient *p, struct ports *ports, const char *list);
bool ports_have(const struct ports *ports, uint16_t port);

/*
 * A running process. `program` if one was named, else NULL; `ports` too. 0; -ESRCH; -EACCES where
 * it may not be looked at; with err.
 */
int doctor_process(struct patient *p, pid_t pid, const char *program, const struct ports *ports,
	struct err *err);

#endif
