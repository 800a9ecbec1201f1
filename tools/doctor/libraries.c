/*
 * libraries: finds the libraries of a program as its loader does, without the loader:
 * ldd(1) may run the program.
 */
#include "tools/doctor/imports.h"

#include "tools/doctor/ld_cache.h"
#include "tools/doctor/loader.h"
#include "tools/path.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OBJECTS_MOST 1024
#define PRELOADS_MOST 16
#define NEEDED_MOST 512	    /* of one object */
#define DIRECTORIES_MOST 64 /* of one list */

struct object {
	char *name, *path, *rpath, *runpath; /* rpath NULL where runpath is set */
	bool no_default_places;
	int parent; /* who needed it first; -1: the program itself */
};

struct walk {
	const struct patient *p;
	struct elf_kind kind;
	bool musl;
	struct ld_cache cache;
	struct object *at;
	int count;
	void (*missing)(void *context, const char *by, const char *name); /* NULL: a finding */
	void *context;
};

bool is_libc_name(const char *name)
{
	static const char *const prefixes[] = {"libc.", "libpthread.", "libdl.", "librt.", "libm.",
		"libresolv.", "libutil.", "libnsl.", "libanl.", "libnss_", "libxnet.", "ld-linux",
		"ld-musl", "ld.so", "ld64.so", "ld-2.", "libmvec.", "libthread_db."};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void walk_clear(struct walk *w)
{
	for (int i = 0; i < w->count; i++) {
		free(w->at[i].name);
		free(w->at[i].path);
		free(w->at[i].rpath);
		free(w->at[i].runpath);
	}
	free(w->at);
	ld_cache_clear(&w->cache);
}

static bool fits(const struct walk *w, const char *path)
{
	int fd = patient_open(w->p, path);
	struct elf_kind kind;
	bool is;

	if (fd < 0)
		return false;
	is = elf_kind_of(fd, &kind) == 0 && elf_same_kind(&kind, &w->kind);
	close(fd);
	return is;
}

/* One directory of a list, $ORIGIN replaced; false where it is too long or holds what is not known.
 */
static bool expand(const struct object *o, const char *from, size_t length, char out[PATH_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < length;) {
		const char *put = from + i, *slash = strrchr(o->path, '/');
		size_t size = 1, skip = 1;

		if (from[i] == '$') {
			bool braced = length - i >= 9 && strncmp(from + i, "${ORIGIN}", 9) == 0;

			if (!braced && (length - i < 7 || strncmp(from + i, "$ORIGIN", 7) != 0))
				return false;
			put = o->path;
			size = slash ? (size_t)(slash - o->path) : 0;
			skip = braced ? 9 : 7;
		}
		if (n + size >= PATH_MAX)
			return false;
		memcpy(out + n, put, size);
		n += size;
		i += skip;
	}
	out[n] = '\0';
	return true;
}

static bool find_in(const struct walk *w, const struct object *o, const char *list,
	const char *separators, const char *name, char path[PATH_MAX])
{
	for (unsigned i = 0; list && *list && i < DIRECTORIES_MOST; i++) {
		size_t length = strcspn(list, separators);
		char directory[PATH_MAX];
		int n;

		if (length && expand(o, list, length, directory)) {
			n = snprintf(path, PATH_MAX, "%s/%s", directory, name);
			if (n > 0 && n < PATH_MAX && fits(w, path))
				return true;
		}
		list += length + (list[length] != '\0');
	}
	return false;
}

static bool find_by_cache(const struct walk *w, const char *name, char path[PATH_MAX])
{
	const char *candidate;

	for (unsigned i = 0; (candidate = ld_cache_find(&w->cache, name, i)); i++) {
		if (strlen(candidate) < PATH_MAX && fits(w, candidate)) {
			snprintf(path, PATH_MAX, "%s", candidate);
			return true;
		}
	}
	return false;
}

static const char *multiarch(const struct elf_kind *kind)
{
	switch (kind->machine) {
	case EM_X86_64:
		return "x86_64-linux-gnu";
	case EM_386:
		return "i386-linux-gnu";
	case EM_AARCH64:
		return "aarch64-linux-gnu";
	case EM_ARM:
		return "arm-linux-gnueabihf";
	case EM_RISCV:
		return "riscv64-linux-gnu";
	case EM_PPC64:
		return "powerpc64le-linux-gnu";
	case EM_S390:
		return "s390x-linux-gnu";
	default:
		return "none";
	}
}

static bool find_by_default(
	const struct walk *w, const struct object *o, const char *name, char path[PATH_MAX])
{
	const char *triplet = multiarch(&w->kind);
	char list[300];

	if (w->musl)
		snprintf(list, sizeof(list), "/lib:/usr/local/lib:/usr/lib");
	else
		snprintf(list, sizeof(list), "/lib/%s:/usr/lib/%s:/lib64:/usr/lib64:/lib:/usr/lib",
			triplet, triplet);
	return find_in(w, o, list, ":", name, path);
}

/* As ld.so(8) tells the order; musl's differs in that RPATH and RUNPATH are one. */
static bool find(const struct walk *w, int i, const char *name, char path[PATH_MAX])
{
	const struct object *o = &w->at[i];

	if (strchr(name, '/'))
		return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX && fits(w, path);
	for (int up = i; up >= 0 && (w->musl || !o->runpath); up = w->at[up].parent) {
		if (find_in(w, &w->at[up], w->at[up].rpath, ":", name, path))
			return true;
	}
	if (find_in(w, o, w->p->library_paths, ":;", name, path) ||
		find_in(w, o, o->runpath, ":", name, path))
		return true;
	if (o->no_default_places)
		return false;
	return find_by_cache(w, name, path) || find_by_default(w, o, name, path);
}

static bool is_known(const struct walk *w, const char *name)
{
	for (int i = 0; i < w->count; i++) {
		if (strcmp(w->at[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Where it looks for what it needs itself is known once it is opened. */
static void add_object(struct walk *w, const char *name, const char *path, int parent)
{
	struct object *grown;

	if (w->count == OBJECTS_MOST ||
		!(grown = reallocarray(w->at, (size_t)w->count + 1, sizeof(*w->at))))
		return;
	w->at = grown;
	w->at[w->count] =
		(struct object){.name = strdup(name), .path = strdup(path), .parent = parent};
	if (w->at[w->count].name && w->at[w->count].path)
		w->count++;
}

static void take_places(struct object *o, const struct elf *e)
{
	free(o->rpath);
	free(o->runpath);
	o->rpath = e->runpath ? NULL : copy(e->rpath);
	o->runpath = copy(e->runpath);
	o->no_default_places = e->no_default_places;
}

/* Adds what the i-th object needs; by breadth, as the loader does. */
static void follow(struct walk *w, struct patient *p, const struct elf *e, int i)
{
	take_places(&w->at[i], e);
	for (unsigned n = 0; n < e->needed_count && n < NEEDED_MOST; n++) {
		const char *name = elf_needed(e, n);
		char path[PATH_MAX];

		if (!*name || is_known(w, name))
			continue;
		if (w->musl && is_libc_name(name))
			continue; /* it is the loader itself */
		if (find(w, i, name, path))
			add_object(w, name, path, i);
		else if (w->missing)
			w->missing(w->context, w->at[i].path, name);
		else
			diagnosis_add(&p->found, SEVERITY_WARNING, "library-missing",
				"If it is not found when the program starts either, the program "
				"does not start",
				"%s needs %s, which was not found", w->at[i].path, name);
	}
}

/* What stands behind the program in the list, and what comes behind that. The library of mailseal
 * is there for what it brings along: a program of Go may have a loader, and no libc. */
static void follow_all(struct walk *w, struct patient *p, struct imports *imports)
{
	for (int i = 1; i < w->count; i++) {
		int fd = patient_open(p, w->at[i].path);
		struct elf e;

		if (fd < 0)
			continue;
		if (elf_init(&e, fd, NULL) == 0) {
			if (imports && strcmp(w->at[i].path, p->library) != 0)
				imports_examine(imports, &e, w->at[i].path, false);
			follow(w, p, &e, i);
			elf_clear(&e);
		}
		close(fd);
	}
}

static void walk_init(
	struct walk *w, const struct patient *p, const struct elf *program, const char *path)
{
	*w = (struct walk){.p = p, .kind = program->kind};
	w->musl = loader_is_musl(program->interpreter);
	if (!w->musl)
		ld_cache_load(&w->cache, p);
	add_object(w, path, path, -1);
	if (w->count)
		take_places(&w->at[0], program);
}

int library_find(
	const struct patient *p, const struct elf *program, const char *name, char path[PATH_MAX])
{
	struct walk w;
	bool found;

	walk_init(&w, p, program, p->program);
	found = w.count > 0 && find(&w, 0, name, path);
	walk_clear(&w);
	return found ? 0 : -ENOENT;
}

/* It is started with an environment of its own. */
static struct patient without_variables(const struct patient *p)
{
	struct patient own = *p;

	own.library_paths = own.preload = NULL;
	own.library[0] = '\0';
	return own;
}

int library_of(const struct patient *p, const struct elf *agent, const char *path, const char *name,
	char found[PATH_MAX])
{
	struct patient own = without_variables(p);
	struct walk w;
	bool is;

	walk_init(&w, &own, agent, path);
	is = w.count > 0 && find(&w, 0, name, found);
	walk_clear(&w);
	return is ? 0 : -ENOENT;
}

void libraries_missing(const struct patient *p, const struct elf *agent, const char *path,
	void (*take)(void *context, const char *by, const char *name), void *context)
{
	struct patient own = without_variables(p);
	struct walk w;

	walk_init(&w, &own, agent, path);
	w.missing = take;
	w.context = context;
	if (w.count > 0) {
		follow(&w, &own, agent, 0);
		follow_all(&w, &own, NULL);
	}
	walk_clear(&w);
}

/* Of a process, what it has mapped is seen: more than it asked for at its start, as a rule. */
static void examine_mapped(const struct patient *p, struct imports *imports)
{
	for (size_t i = 0; i < p->mapped_count; i++) {
		int fd = mapped_open(p, &p->mapped[i]);
		struct elf e;

		if (fd < 0)
			continue;
		if (elf_init(&e, fd, NULL) == 0) {
			imports_examine(imports, &e, p->mapped[i].path, false);
			elf_clear(&e);
		}
		close(fd);
	}
}

static void add_preloads(struct walk *w, const struct patient *p, const struct elf *program)
{
	char paths[PRELOADS_MOST][PATH_MAX];
	unsigned count = doctor_preload_others(p, program, paths, PRELOADS_MOST);

	for (unsigned i = 0; i < count; i++)
		add_object(w, paths[i], paths[i], -1);
}

void doctor_libraries(struct patient *p, const struct elf *program, struct imports *imports)
{
	struct walk w;

	imports_examine(imports, program, p->program, true);
	if (p->is_process) {
		examine_mapped(p, imports);
		return;
	}
	walk_init(&w, p, program, p->program);
	if (w.count > 0) {
		add_preloads(&w, p, program);
		add_object(&w, path_base(program->interpreter), program->interpreter, 0);
		follow(&w, p, program, 0);
		if (p->library[0])
			add_object(&w, p->library, p->library, -1);
		follow_all(&w, p, imports);
	}
	walk_clear(&w);
}
