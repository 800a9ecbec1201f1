#include "tools/doctor/imports.h"

#include "tools/path.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IO_URING_SETUP 425 /* the same on all processors */

static const struct {
	const char *name;
	enum trait trait;
	bool defined;	   /* by the object, else wanted by it */
	bool program_only; /* in a library it means nothing */
} tell_tales[] = {
	{"connect", TRAIT_CONNECTS, false, false},
	{"__connect", TRAIT_CONNECTS, false, false},
	{"sendto", TRAIT_CONNECTS, false, false},
	{"sendmsg", TRAIT_CONNECTS, false, false},
	{"sendmmsg", TRAIT_CONNECTS, false, false},
	{"connect", TRAIT_OWN_CONNECT, true, true},
	{"connect", TRAIT_OTHER_CONNECT, true, false},
	{"syscall", TRAIT_SYSCALL, false, true},
	{"io_uring_queue_init", TRAIT_URING, false, false},
	{"io_uring_queue_init_params", TRAIT_URING, false, false},
	{"io_uring_queue_init_mem", TRAIT_URING, false, false},
	{"io_uring_setup", TRAIT_URING, false, false},
	{"SSL_CTX_new", TRAIT_OWN_TLS, true, false},
	{"gnutls_init", TRAIT_OWN_TLS, true, false},
	{"SSL_ImportFD", TRAIT_OWN_TLS, true, false},
	{"mbedtls_ssl_setup", TRAIT_OWN_TLS, true, false},
	{"clearenv", TRAIT_CLEARENV, false, false},
	{"dlopen", TRAIT_DLOPEN, false, true},
	{"dlmopen", TRAIT_DLMOPEN, false, false},
};

static const struct {
	const char *prefix;
	enum trait trait;
} needs[] = {
	{"liburing.so", TRAIT_URING},
	{"liburing-ffi.so", TRAIT_URING},
	{"libssl.so", TRAIT_OWN_TLS},
	{"libgnutls.so", TRAIT_OWN_TLS},
	{"libssl3.so", TRAIT_OWN_TLS},
	{"libnss3.so", TRAIT_OWN_TLS},
	{"libmbedtls.so", TRAIT_OWN_TLS},
	{"libwolfssl.so", TRAIT_OWN_TLS},
	{"libtls.so", TRAIT_OWN_TLS},
	{"libcares.so", TRAIT_RESOLVER},
	{"libunbound.so", TRAIT_RESOLVER},
	{"libldns.so", TRAIT_RESOLVER},
	{"libadns.so", TRAIT_RESOLVER},
};

void imports_clear(struct imports *i)
{
	for (enum trait t = 0; t < TRAITS; t++) {
		free(i->where[t]);
		free(i->what[t]);
	}
	for (unsigned n = 0; n < i->symbol_count; n++)
		free(i->symbols[n].name);
	for (unsigned n = 0; n < i->version_count; n++)
		free(i->versions[n].name);
	*i = (struct imports){0};
}

static void want(struct wanted_symbol *list, unsigned *count, const char *name)
{
	for (unsigned n = 0; n < *count; n++) {
		if (strcmp(list[n].name, name) == 0)
			return;
	}
	if (*count == WANTED_MOST || !(list[*count].name = strdup(name)))
		return;
	list[(*count)++].found = false;
}

static bool want_symbol(void *context, const struct elf_symbol *symbol)
{
	struct imports *i = context;

	if (!symbol->defined && !symbol->weak)
		want(i->symbols, &i->symbol_count, symbol->name);
	return true;
}

static void want_version(void *context, const char *library, const char *version)
{
	struct imports *i = context;

	(void)library;
	want(i->versions, &i->version_count, version);
}

void imports_want(struct imports *i, const struct elf *library)
{
	elf_each_symbol(library, want_symbol, i);
	elf_each_needed_version(library, want_version, i);
}

static void note_trait(struct imports *i, enum trait trait, const char *path, const char *what)
{
	if (i->where[trait])
		return;
	i->where[trait] = strdup(path);
	i->what[trait] = strdup(what);
}

struct examination {
	struct imports *imports;
	const char *path;
	bool is_program, is_libc;
};

static void provide(struct imports *i, const char *name)
{
	for (unsigned n = 0; n < i->symbol_count; n++) {
		if (strcmp(i->symbols[n].name, name) == 0)
			i->symbols[n].found = true;
	}
}

static bool examine_symbol(void *context, const struct elf_symbol *symbol)
{
	const struct examination *x = context;

	if (symbol->defined)
		provide(x->imports, symbol->name);
	for (size_t n = 0; !x->is_libc && n < sizeof(tell_tales) / sizeof(*tell_tales); n++) {
		if (tell_tales[n].defined == symbol->defined &&
			(!tell_tales[n].program_only || x->is_program) &&
			strcmp(tell_tales[n].name, symbol->name) == 0)
			note_trait(x->imports, tell_tales[n].trait, x->path, tell_tales[n].name);
	}
	return true;
}

static void examine_needed(const struct examination *x, const struct elf *e)
{
	for (unsigned i = 0; i < e->needed_count; i++) {
		const char *name = elf_needed(e, i);

		for (size_t n = 0; n < sizeof(needs) / sizeof(*needs); n++) {
			if (strncmp(name, needs[n].prefix, strlen(needs[n].prefix)) == 0)
				note_trait(x->imports, needs[n].trait, x->path, name);
		}
	}
}

static unsigned connect_number(const struct elf *e)
{
	switch (e->kind.machine) {
	case EM_X86_64:
		return 42;
	case EM_386:
		return 362;
	case EM_AARCH64:
		return 203;
	default:
		return 0;
	}
}

static void examine_contents(const struct examination *x, const struct elf *e)
{
	unsigned number = connect_number(e);

	if (number && elf_makes_call(e, number))
		note_trait(x->imports, TRAIT_RAW_CONNECT, x->path, "connect");
	if (elf_makes_call(e, IO_URING_SETUP))
		note_trait(x->imports, TRAIT_URING, x->path, "io_uring_setup");
	if (x->is_program &&
		(elf_contains(e, "OpenSSL 1.", 10) || elf_contains(e, "OpenSSL 3.", 10)))
		note_trait(x->imports, TRAIT_OWN_TLS, x->path, "OpenSSL");
	if (elf_contains(e, "STARTTLS", 8))
		note_trait(x->imports, TRAIT_STARTTLS, x->path, "STARTTLS");
}

void imports_examine(struct imports *i, const struct elf *e, const char *path, bool is_program)
{
	struct examination x = {i, path, is_program, !is_program && is_libc_name(path_base(path))};

	elf_each_symbol(e, examine_symbol, &x);
	for (unsigned n = 0; n < i->version_count; n++) {
		if (elf_has_version(e, i->versions[n].name))
			i->versions[n].found = true;
	}
	if (x.is_libc) {
		i->libc_seen = true;
		return;
	}
	examine_needed(&x, e);
	examine_contents(&x, e);
}

bool library_replaces(const struct patient *p, const char *function)
{
	int fd = p->library[0] ? patient_open(p, p->library) : -ENOENT;
	bool interposed = false;
	struct elf e;

	if (fd < 0 && p->is_process) /* loaded before the process went into a chroot */
		fd = open(p->library, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return false;
	if (elf_init(&e, fd, NULL) == 0) {
		interposed = elf_exports(&e, function);
		elf_clear(&e);
	}
	close(fd);
	return interposed;
}

static void report_connecting(struct patient *p, const struct imports *i)
{
	if (i->where[TRAIT_OWN_CONNECT])
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "own-connect",
			"Nothing that is preloaded comes before the program itself; use another "
			"build of it",
			"%s brings a connect() of its own", i->where[TRAIT_OWN_CONNECT]);
	else if (i->where[TRAIT_OTHER_CONNECT])
		diagnosis_add(&p->found, SEVERITY_WARNING, "other-connect",
			"What it leads elsewhere (to a proxy, say) mailseal does not know for "
			"mail: name libmailseal.so first in LD_PRELOAD, or do without it",
			"%s replaces connect() too", i->where[TRAIT_OTHER_CONNECT]);
	if (i->where[TRAIT_RAW_CONNECT])
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "raw-system-call",
			"No preload sees that; use another build of it, or hold its mail port shut "
			"by a firewall rule",
			"%s holds code that makes the system call connect without the C library",
			i->where[TRAIT_RAW_CONNECT]);
	else if (i->where[TRAIT_SYSCALL] && !library_replaces(p, "syscall"))
		diagnosis_add(&p->found, SEVERITY_NOTE, "syscall",
			"Should it connect that way, it is not reached; examine it while it sends: "
			"mailseal doctor --pid PID",
			"%s makes some system calls by syscall()", i->where[TRAIT_SYSCALL]);
	if (!i->where[TRAIT_CONNECTS] && !i->where[TRAIT_RAW_CONNECT] && !p->past_libc)
		diagnosis_add(&p->found, SEVERITY_NOTE, "connects-not",
			"What it starts, or loads as it runs, may; examine that too",
			"neither the program nor its libraries connect to anything");
}

static void report_tls(struct patient *p, const struct imports *i)
{
	if (i->where[TRAIT_OWN_TLS] && i->where[TRAIT_STARTTLS])
		diagnosis_add(&p->found, SEVERITY_NOTE, "own-tls",
			"What becomes of that, application_tls in mailseal.conf(5) decides",
			"it may speak STARTTLS by itself: there is a TLS library (%s, in %s), and "
			"%s knows the word",
			i->what[TRAIT_OWN_TLS], i->where[TRAIT_OWN_TLS], i->where[TRAIT_STARTTLS]);
	else if (i->where[TRAIT_OWN_TLS])
		diagnosis_add(&p->found, SEVERITY_NOTE, "tls-library", NULL,
			"there is a TLS library (%s, in %s), but nothing in it knows STARTTLS",
			i->what[TRAIT_OWN_TLS], i->where[TRAIT_OWN_TLS]);
}

void imports_report(struct patient *p, const struct imports *i)
{
	report_connecting(p, i);
	if (i->where[TRAIT_URING])
		diagnosis_add(&p->found, SEVERITY_WARNING, "io_uring",
			"A connection made that way is not reached; turn io_uring off in the "
			"program (or by kernel.io_uring_disabled), or examine it while it sends",
			"%s uses io_uring (%s)", i->where[TRAIT_URING], i->what[TRAIT_URING]);
	report_tls(p, i);
	if (i->where[TRAIT_RESOLVER])
		diagnosis_add(&p->found, SEVERITY_NOTE, "own-resolver",
			"Where a certificate must be valid, give the server's address a host "
			"section with match",
			"%s can look names up without the C library (%s), so that mailseal may not "
			"know the server's name",
			i->where[TRAIT_RESOLVER], i->what[TRAIT_RESOLVER]);
	if (i->where[TRAIT_CLEARENV])
		diagnosis_add(&p->found, SEVERITY_NOTE, "clearenv",
			"It is itself protected; what it starts afterwards is not, unless "
			"/etc/ld.so.preload names the library",
			"%s can clear the environment (clearenv)", i->where[TRAIT_CLEARENV]);
	if (i->where[TRAIT_DLMOPEN])
		diagnosis_add(&p->found, SEVERITY_NOTE, "dlmopen",
			"What is loaded so has a C library of its own and is not reached",
			"%s can load libraries into a name space of their own (dlmopen)",
			i->where[TRAIT_DLMOPEN]);
	if (i->where[TRAIT_DLOPEN] && !p->is_process)
		diagnosis_add(&p->found, SEVERITY_NOTE, "dlopen", NULL,
			"the program loads further libraries as it runs (dlopen), which are not "
			"seen here");
}
