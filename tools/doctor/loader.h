/*
 * loader: what a program's dynamic loader makes of a name in LD_PRELOAD.
 */
#ifndef MAILSEAL_TOOLS_LOADER_H
#define MAILSEAL_TOOLS_LOADER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct elf;

/* Whose loader is it? By its name. */
bool loader_is_musl(const char *path);
bool loader_is_glibc(const char *path);

/* What this loader of glibc's puts in for $LIB; NULL if it is not known. */
const char *loader_lib(const struct elf *loader);

/*
 * The file that `name` means to the loader at the path `loader`: glibc's puts in its directory for
 * $LIB, musl's takes the name as it stands. 0, or -errno where the loader cannot be read or the
 * name is not understood.
 */
int loader_expand(const char *loader, const char *name, char out[PATH_MAX]);

/* What takes names apart in LD_PRELOAD and /etc/ld.so.preload, and those among them that stand for
 * the library of mailseal: is it one, which comes next (NULL: none), is there any? */
#define LOADER_SEPARATORS " \t\n:"
bool is_library(const char *name, size_t length);
const char *next_library(const char **list, size_t *length);
bool names_library(const char *list);

#endif
