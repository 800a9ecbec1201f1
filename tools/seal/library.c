/*
 * library: where the library is, for a service that may live in a directory of its own, and what
 * must be there for it to start.
 */
#include "tools/seal/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* The library in a tree that is not the machine's, where it will be looked for. */
static int locate_in_tree(struct planning *g)
{
	struct parts *parts = &g->parts;
	struct patient p;
	struct stat st;
	int code = seal_patient(g->t, &p), rc;

	if (code != EX_OK)
		return code;
	snprintf(parts->library, sizeof(parts->library), "%s", MAILSEAL_LIBDIR "/libmailseal.so");
	rc = patient_stat(&p, parts->library, &st);
	if (rc)
		code = complain(EX_UNAVAILABLE, "%s%s: %s; install mailseal in that tree first",
			g->t->shown, parts->library, strerror(-rc));
	if (patient_stat(&p, MAILSEAL_LIBDIR "/lib32/libmailseal.so", &st) == 0) {
		snprintf(parts->library32, sizeof(parts->library32), "%s",
			MAILSEAL_LIBDIR "/lib32/libmailseal.so");
		if (patient_stat(&p, MAILSEAL_LIBDIR "/$LIB/libmailseal.so", &st) == 0)
			snprintf(parts->each, sizeof(parts->each), "%s",
				MAILSEAL_LIBDIR "/$LIB/libmailseal.so");
	}
	seal_patient_done(&p);
	return code;
}

int seal_locate(struct planning *g)
{
	struct err err;

	if (g->t->offline)
		return locate_in_tree(g);
	if (locate_parts(&g->parts, &err))
		return complain(EX_UNAVAILABLE, "%s. Is mailseal installed whole?", err.text);
	if (strpbrk(g->parts.library, " \t:$"))
		return complain(EX_UNAVAILABLE,
			"%s: a path with a blank, a colon or a dollar sign cannot be preloaded; "
			"put mailseal elsewhere",
			g->parts.library);
	return EX_OK;
}

/* The directory in which the service lives, as the unit names it; NULL: it sees all. */
const char *seal_root_of(const struct planning *g)
{
	const char *root = unit_value(&g->base.unit, "RootDirectory");

	root = root && *root == '-' ? root + 1 : root;
	return root && strcmp(root, "/") != 0 ? root : NULL;
}

/* Does it see the file, in that directory or bound into it? */
static bool sees(const struct planning *g, const char *path)
{
	char root[PATH_MAX];
	struct patient p;
	struct stat st;
	bool is = false;

	if (unit_is_bound(&g->base.unit, path))
		return true;
	if (!unit_expand(&g->base.unit, seal_root_of(g), root, sizeof(root)) ||
		seal_patient(g->t, &p) != EX_OK)
		return false;
	is = patient_enter(&p, root) == 0 && patient_stat(&p, path, &st) == 0;
	seal_patient_done(&p);
	return is;
}

static void directory_of(const char *path, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s", path);
	*strrchr(out, '/') = '\0';
}

/* For the system agent, little is needed in a directory that the service lives in: the library, and
 * the socket. */
void seal_take_root(struct planning *g)
{
	struct seal_wish *w = &g->wish;
	bool does = w->options->system_agent && seal_root_of(g) &&
		    !unit_value(&g->base.unit, "RootImage");

	directory_of(g->parts.library, g->library_directory);
	directory_of(MAILSEAL_SOCKET_DEFAULT, g->socket_directory);
	w->binds[0] = does && !sees(g, g->parts.library) ? g->library_directory : NULL;
	w->binds[1] = does && !unit_is_bound(&g->base.unit, MAILSEAL_SOCKET_DEFAULT)
			      ? g->socket_directory
			      : NULL;
	/* an agent of its own writes from within */
	w->log = !w->options->system_agent && g->inside;
	w->mounts = does && !unit_value(&g->base.unit, "MountAPIVFS");
}

/* The file outside of what the service sees, with specifiers where the unit has them. */
static char *outside(const struct planning *g, const char *path)
{
	char source[PATH_MAX], *text = NULL;
	const char *root = g->wish.binds[0] ? NULL : seal_root_of(g);
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	if (unit_bind_source(&g->base.unit, path, source)) {
		fputs(source, to);
	} else {
		fputs(root ? root : "", to);
		for (; *path; path++)
			fputs(*path == '%' ? "%%" : (char[]){*path, '\0'}, to);
	}
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Which files the service must not start without. */
int seal_take_library(struct planning *g, const char *library)
{
	const struct parts *parts = &g->parts;
	const char *files[] = {library == parts->library32 ? parts->library32 : parts->library,
		library == parts->each ? parts->library32 : NULL};

	g->wish.library = library;
	for (size_t i = 0; i < 2; i++) {
		free(g->wish.exists[i]);
		g->wish.exists[i] = NULL;
		/* what is in an image cannot be asserted */
		if (!files[i] || unit_value(&g->base.unit, "RootImage"))
			continue;
		g->wish.exists[i] = outside(g, files[i]);
		if (!g->wish.exists[i])
			return complain(EX_OSERR, "out of memory");
	}
	return EX_OK;
}
