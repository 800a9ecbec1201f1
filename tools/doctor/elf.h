/*
 * elf: what an ELF file says of itself: its kind, its loader, what it needs, its symbols.
 * It reads the file through a descriptor and never runs or maps it. Every number in it is a
 * stranger's: each is held against the size of the file before it is used. Files of the other byte
 * order are known by their kind alone.
 */
#ifndef MAILSEAL_TOOLS_ELF_H
#define MAILSEAL_TOOLS_ELF_H

#include "shim/base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What of an ELF header is the same in both classes, and must agree for a library to be loaded. */
struct elf_kind {
	unsigned char class, data; /* ELFCLASS32 and the like, ELFDATA2LSB and the like */
	uint16_t machine;	   /* EM_X86_64 and the like; as stored */
};

/* 0; -ENOEXEC where the file is none, or is shorter than any header; -errno. */
int elf_kind_of(int fd, struct elf_kind *kind);

/* Would one loader load both? */
bool elf_same_kind(const struct elf_kind *a, const struct elf_kind *b);

/* "64-bit x86-64", "32-bit ARM"; a processor without a name is told by its number. */
const char *elf_kind_name(const struct elf_kind *kind, char out[64]);

struct elf_segment {
	uint32_t type, flags; /* PT_LOAD and the like; PF_X and the like */
	uint64_t offset, address, length;
};

struct elf {
	int fd; /* the caller's */
	uint64_t size;
	struct elf_kind kind;
	uint16_t type; /* ET_EXEC, ET_DYN ... */
	uint64_t sections;
	unsigned section_count, section_names;
	struct elf_segment *segments;
	unsigned segment_count;
	char interpreter[PATH_MAX]; /* the loader; "" if none is named */
	bool interpreted;	    /* there is a loader: not a static program */
	bool dynamic;		    /* there is a dynamic section */
	bool position_independent;  /* a program linked as such, not a library (DF_1_PIE) */
	bool no_default_places;	    /* DF_1_NODEFLIB */
	bool audited;		    /* asks for audit libraries of its own */
	char *strings;		    /* of the dynamic section; ends with \0 */
	uint64_t strings_size;
	uint32_t *needed; /* places in `strings` */
	unsigned needed_count;
	const char *soname, *rpath, *runpath; /* NULL if not set */
	uint64_t symbols, symbol_count;	      /* place in the file */
	uint64_t needed_versions, needed_version_count;
	uint64_t own_versions, own_version_count;
};

/*
 * 0; -ENOEXEC if the file is no ELF file; -EBADMSG where it ends too early or contradicts itself;
 * -ENOTSUP for the other byte order; -ENOMEM or another -errno; always with err. Only after 0 is
 * there something to clear.
 */
int elf_init(struct elf *e, int fd, struct err *err);
void elf_clear(struct elf *e);

/* The i-th DT_NEEDED. */
const char *elf_needed(const struct elf *e, unsigned i);

struct elf_symbol {
	const char *name; /* of the dynamic symbol table, never empty; valid until elf_clear() */
	bool defined;	  /* exported; else imported */
	bool weak;
};

/*
 * Calls `visit` for each dynamic symbol with a name until it returns false. 0, also where there are
 * none; -EBADMSG where the table leaves the file.
 */
int elf_each_symbol(const struct elf *e,
	bool (*visit)(void *context, const struct elf_symbol *symbol), void *context);

bool elf_imports(const struct elf *e, const char *name);
bool elf_exports(const struct elf *e, const char *name);

/* A symbol that `wanted_by` cannot do without and `e` does not export; NULL if there is none. Valid
 * until elf_clear(wanted_by). */
const char *elf_missing(const struct elf *e, const struct elf *wanted_by);

/* Versions of other libraries' symbols that it wants (DT_VERNEED): `library` is a DT_NEEDED, both
 * are valid until elf_clear(). Broken tables end silently: only a warning rests on them. */
void elf_each_needed_version(const struct elf *e,
	void (*visit)(void *context, const char *library, const char *version), void *context);

/* Does it define this version (DT_VERDEF)? */
bool elf_has_version(const struct elf *e, const char *version);

/* The language, "Go" or "Free Pascal", if it is one whose network code makes system calls without
 * libc, be there a loader or not; else NULL. Seen by notes and sections, also where the program is
 * stripped. */
const char *elf_past_libc(const struct elf *e);

/* Do the bytes stand anywhere in what is loaded of the file? */
bool elf_contains(const struct elf *e, const void *bytes, size_t length);

/*
 * Does the machine code set this number of a system call and make the call at once, without libc?
 * Known for x86-64, i386 and 64-bit ARM; a hint only: numbers may come by other ways.
 */
bool elf_makes_call(const struct elf *e, unsigned number);

#endif
