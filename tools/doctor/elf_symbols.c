/*
 * elf_symbols: the dynamic symbol table of an ELF file, and the versions of symbols.
 */
#include "tools/doctor/elf_bytes.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define SYMBOLS_MOST (4u << 20)
#define VERSIONS_MOST 4096

static size_t symbol_size(const struct elf *e)
{
	return elf_is_wide(e) ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
}

int elf_section(const struct elf *e, unsigned i, struct elf_section *section)
{
	union {
		Elf64_Shdr wide;
		Elf32_Shdr narrow;
	} h;
	size_t step = elf_is_wide(e) ? sizeof(h.wide) : sizeof(h.narrow);
	int rc = elf_bytes(e, e->sections + i * step, &h, step);

	if (rc)
		return rc;
	*section = elf_is_wide(e) ? (struct elf_section){h.wide.sh_name, h.wide.sh_type,
					    h.wide.sh_offset, h.wide.sh_size}
				  : (struct elf_section){h.narrow.sh_name, h.narrow.sh_type,
					    h.narrow.sh_offset, h.narrow.sh_size};
	return 0;
}

static uint64_t count_by_section(const struct elf *e)
{
	for (unsigned i = 0; i < e->section_count; i++) {
		struct elf_section section;

		if (elf_section(e, i, &section) == 0 && section.type == SHT_DYNSYM &&
			section.offset == e->symbols)
			return section.length / symbol_size(e);
	}
	return 0;
}

uint64_t elf_count_symbols(const struct elf *e, uint64_t hash, uint64_t gap)
{
	uint64_t count = count_by_section(e), room = (e->size - e->symbols) / symbol_size(e);
	uint32_t head[2]; /* buckets, chains: as many chains as symbols */

	if (count == 0 && hash && elf_bytes(e, hash, head, sizeof(head)) == 0)
		count = head[1];
	if (count == 0)
		count = gap / symbol_size(e);
	if (count > room)
		count = room;
	return count > SYMBOLS_MOST ? SYMBOLS_MOST : count;
}

static bool visit_one(const struct elf *e, const void *bytes,
	bool (*visit)(void *context, const struct elf_symbol *symbol), void *context)
{
	struct elf_symbol symbol;
	Elf64_Sym wide;
	Elf32_Sym narrow;
	unsigned char info;

	if (elf_is_wide(e)) {
		memcpy(&wide, bytes, sizeof(wide));
		symbol.name = elf_string(e, wide.st_name);
		symbol.defined = wide.st_shndx != SHN_UNDEF;
		info = wide.st_info;
	} else {
		memcpy(&narrow, bytes, sizeof(narrow));
		symbol.name = elf_string(e, narrow.st_name);
		symbol.defined = narrow.st_shndx != SHN_UNDEF;
		info = narrow.st_info;
	}
	symbol.weak = ELF64_ST_BIND(info) == STB_WEAK;
	if (!symbol.name || !*symbol.name || ELF64_ST_BIND(info) == STB_LOCAL)
		return true;
	return visit(context, &symbol);
}

int elf_each_symbol(const struct elf *e,
	bool (*visit)(void *context, const struct elf_symbol *symbol), void *context)
{
	size_t step = symbol_size(e);
	char bytes[256 * sizeof(Elf64_Sym)];

	for (uint64_t done = 0; done < e->symbol_count;) {
		uint64_t left = e->symbol_count - done;
		size_t n = left < 256 ? (size_t)left : 256;
		int rc = elf_bytes(e, e->symbols + done * step, bytes, n * step);

		if (rc)
			return rc;
		for (size_t i = 0; i < n; i++) {
			if (!visit_one(e, bytes + i * step, visit, context))
				return 0;
		}
		done += n;
	}
	return 0;
}

struct wanted {
	const char *name;
	bool defined, found;
};

static bool look_for(void *context, const struct elf_symbol *symbol)
{
	struct wanted *w = context;

	if (symbol->defined == w->defined && strcmp(symbol->name, w->name) == 0)
		w->found = true;
	return !w->found;
}

static bool has_symbol(const struct elf *e, const char *name, bool defined)
{
	struct wanted w = {name, defined, false};

	elf_each_symbol(e, look_for, &w);
	return w.found;
}

bool elf_imports(const struct elf *e, const char *name)
{
	return has_symbol(e, name, false);
}

bool elf_exports(const struct elf *e, const char *name)
{
	return has_symbol(e, name, true);
}

struct comparison {
	const struct elf *provider;
	const char *missing;
};

static bool compare_symbol(void *context, const struct elf_symbol *symbol)
{
	struct comparison *c = context;

	if (!symbol->defined && !symbol->weak && !elf_exports(c->provider, symbol->name))
		c->missing = symbol->name;
	return !c->missing;
}

const char *elf_missing(const struct elf *e, const struct elf *wanted_by)
{
	struct comparison c = {e, NULL};

	elf_each_symbol(wanted_by, compare_symbol, &c);
	return c.missing;
}

/* The records are the same in both classes. */
static void visit_versions_of(const struct elf *e, uint64_t at, const Elf64_Verneed *need,
	void (*visit)(void *context, const char *library, const char *version), void *context)
{
	const char *library = elf_string(e, need->vn_file);
	Elf64_Vernaux one;

	at += need->vn_aux;
	for (unsigned i = 0; i < need->vn_cnt && i < VERSIONS_MOST; i++) {
		const char *version;

		if (elf_bytes(e, at, &one, sizeof(one)))
			return;
		version = elf_string(e, one.vna_name);
		if (library && version)
			visit(context, library, version);
		if (one.vna_next == 0)
			return;
		at += one.vna_next;
	}
}

void elf_each_needed_version(const struct elf *e,
	void (*visit)(void *context, const char *library, const char *version), void *context)
{
	uint64_t at = e->needed_versions;
	Elf64_Verneed need;

	if (!at)
		return;
	for (unsigned i = 0; i < e->needed_version_count && i < VERSIONS_MOST; i++) {
		if (elf_bytes(e, at, &need, sizeof(need)))
			return;
		visit_versions_of(e, at, &need, visit, context);
		if (need.vn_next == 0)
			return;
		at += need.vn_next;
	}
}

bool elf_has_version(const struct elf *e, const char *version)
{
	uint64_t at = e->own_versions;
	Elf64_Verdef own;
	Elf64_Verdaux name;

	if (!at)
		return false;
	for (unsigned i = 0; i < e->own_version_count && i < VERSIONS_MOST; i++) {
		const char *text;

		if (elf_bytes(e, at, &own, sizeof(own)) ||
			elf_bytes(e, at + own.vd_aux, &name, sizeof(name)))
			return false;
		text = elf_string(e, name.vda_name);
		if (text && strcmp(text, version) == 0)
			return true;
		if (own.vd_next == 0)
			return false;
		at += own.vd_next;
	}
	return false;
}
