/*
 * elf_bytes: what the files that read ELF share among themselves.
 */
#ifndef MAILSEAL_TOOLS_ELF_BYTES_H
#define MAILSEAL_TOOLS_ELF_BYTES_H

#include "tools/doctor/elf.h"

#include <elf.h>

/* All `n` octets at `at`. 0; -EBADMSG where they leave the file; -errno. */
int elf_bytes(const struct elf *e, uint64_t at, void *out, size_t n);

/* Whether it is of 64 bit. */
static inline bool elf_is_wide(const struct elf *e)
{
	return e->kind.class == ELFCLASS64;
}

/* The first segment of a type, as PT_DYNAMIC; NULL if there is none. */
const struct elf_segment *elf_find_segment(const struct elf *e, uint32_t type);

/* Fills in what the dynamic section tells, once the segments are known. 0, -EBADMSG, or -errno. */
int elf_read_dynamic(struct elf *e);

/* A string of the dynamic section; NULL if it stands outside. */
const char *elf_string(const struct elf *e, uint64_t place);

struct elf_section {
	uint32_t name, type; /* place of the name among those of sections; SHT_NOTE and the like */
	uint64_t offset, length;
};

/* The i-th of e->section_count. */
int elf_section(const struct elf *e, unsigned i, struct elf_section *section);

/*
 * How many dynamic symbols there are. The loader does not need the number, so it stands nowhere: it
 * is found by the sections, the old hash table (at `hash` in the file, 0 if there is none), or by
 * the strings that follow the table as a rule, `gap` octets after its begin.
 */
uint64_t elf_count_symbols(const struct elf *e, uint64_t hash, uint64_t gap);

#endif
