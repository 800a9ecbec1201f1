/*
 * reach: finds a program and tells whether a preloaded library can get into it.
 * It reads the program's file and never runs it. What it cannot see (a program that makes system
 * calls without libc, one that starts another with a cleaned environment) it does not promise.
 */
#ifndef MAILSEAL_TOOLS_REACH_H
#define MAILSEAL_TOOLS_REACH_H

#include "tools/locate.h"
#include "tools/mailseal.h"

#define REACH_SCRIPT_DEPTH 5 /* interpreters of interpreters; Linux stops there too */

/*
 * Looks `name` up as execvp(3) does: with a slash it is a path, else along PATH. The file exists
 * and may be executed then. 0; -ENOENT; -EACCES (found, but not executable); -ENAMETOOLONG.
 */
int reach_find(const char *name, char path[PATH_MAX]);

/* The same along another list than PATH; NULL: the standard one. */
int reach_find_along(const char *list, const char *name, char path[PATH_MAX]);

/* Cuts the next word out of a #! line; NULL if there is none. */
char *reach_next_word(char **line);

/*
 * Can a library of `parts` be preloaded into the program at `path`? Scripts are followed to their
 * interpreter, and `words`, of which it is the first, through commands that start another program
 * in their place (tools/doctor/wrapper.h). 0 also where the file cannot be examined, and *preload
 * (in `parts`) is what to write into LD_PRELOAD: the form that serves what the program starts as
 * well, if its loader understands it. -EPERM with err telling why not; -ELIBBAD where the library
 * would keep it from starting.
 */
int reach_program(const char *path, char **words, const struct parts *parts, const char **preload,
	struct err *err);

/*
 * The first interpreter that cannot be executed: that of `path`, in its #! line or ELF header, or
 * that of an interpreter. -ENOENT or -EACCES, and the path as it stands there; 0 and "" if there is
 * none.
 */
int reach_interpreter(const char *path, char interpreter[PATH_MAX]);

#endif
