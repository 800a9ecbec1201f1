/*
 * imports: what a program and its libraries import, export and contain, object by object.
 */
#ifndef MAILSEAL_TOOLS_DOCTOR_IMPORTS_H
#define MAILSEAL_TOOLS_DOCTOR_IMPORTS_H

#include "tools/doctor/doctor.h"

enum trait {
	TRAIT_CONNECTS,	     /* imports connect() or the like */
	TRAIT_OWN_CONNECT,   /* the program itself defines connect(), before any library */
	TRAIT_OTHER_CONNECT, /* a library defines it */
	TRAIT_SYSCALL,	     /* imports syscall() */
	TRAIT_RAW_CONNECT,   /* machine code that calls connect without libc */
	TRAIT_URING,	     /* io_uring, by liburing or without */
	TRAIT_OWN_TLS,	     /* needs or exports a TLS library */
	TRAIT_STARTTLS,	     /* holds the word */
	TRAIT_RESOLVER,	     /* needs a resolver besides libc's */
	TRAIT_CLEARENV,	     /* imports clearenv() */
	TRAIT_DLOPEN,	     /* the program itself imports dlopen() */
	TRAIT_DLMOPEN,	     /* loads libraries into a name space of their own */
	TRAITS
};

#define WANTED_MOST 128

struct wanted_symbol {
	char *name; /* a version: "libc.so.6" is not kept, its names are unique enough */
	bool found;
};

struct imports {
	char *where[TRAITS]; /* the first object that has the trait; NULL if none */
	char *what[TRAITS];  /* the name that gave it away */
	struct wanted_symbol symbols[WANTED_MOST], versions[WANTED_MOST];
	unsigned symbol_count, version_count;
	bool libc_seen;
};

void imports_clear(struct imports *i);

/* What the library of mailseal wants from others. */
void imports_want(struct imports *i, const struct elf *library);

/* Takes an object in; the program itself has `is_program`. */
void imports_examine(struct imports *i, const struct elf *e, const char *path, bool is_program);

/* Tells what was found. */
void imports_report(struct patient *p, const struct imports *i);

/* Does the library of mailseal itself replace this function? */
bool library_replaces(const struct patient *p, const char *function);

/* Finds a library by the name in DT_NEEDED or LD_PRELOAD, where the loader would for the program.
 * 0 or -ENOENT. */
int library_find(
	const struct patient *p, const struct elf *program, const char *name, char path[PATH_MAX]);

/* The same of a program at `path` that is started without the patient's variables. */
int library_of(const struct patient *p, const struct elf *agent, const char *path, const char *name,
	char found[PATH_MAX]);

/* Calls for each library that such a program needs, or one that it needs, and that is not found. */
void libraries_missing(const struct patient *p, const struct elf *agent, const char *path,
	void (*take)(void *context, const char *by, const char *name), void *context);

#endif
