/*
 * elf_dynamic: what the dynamic section says to the loader: needed libraries, paths to look for
 * them in, and where strings, symbols and versions stand.
 */
#include "tools/doctor/elf_bytes.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#define DYNAMIC_MOST (1u << 20)	 /* octets of a dynamic section */
#define STRINGS_MOST (64u << 20) /* octets of its strings */

/* Where the octet stands in the file that is loaded at `address`; false if none is. */
static bool place_of(const struct elf *e, uint64_t address, uint64_t *at)
{
	for (unsigned i = 0; i < e->segment_count; i++) {
		const struct elf_segment *s = &e->segments[i];

		if (s->type != PT_LOAD || address < s->address || address - s->address >= s->length)
			continue;
		*at = s->offset + (address - s->address);
		return *at < e->size;
	}
	return false;
}

struct dynamic { /* what of the dynamic section is used later, by address */
	uint64_t strings, strings_size, symbols, hash, needed_versions, own_versions;
	uint64_t soname, rpath, runpath;
	bool has_soname, has_rpath, has_runpath;
};

static int add_needed(struct elf *e, uint64_t place)
{
	uint32_t *grown = reallocarray(e->needed, e->needed_count + 1, sizeof(*e->needed));

	if (!grown)
		return -ENOMEM;
	e->needed = grown;
	/* beyond the strings means no name: told apart once they are known */
	e->needed[e->needed_count++] = place > UINT32_MAX ? UINT32_MAX : (uint32_t)place;
	return 0;
}

static int take_entry(struct elf *e, struct dynamic *d, uint64_t tag, uint64_t value)
{
	switch (tag) {
	case DT_NEEDED:
		return add_needed(e, value);
	case DT_STRTAB:
		d->strings = value;
		break;
	case DT_STRSZ:
		d->strings_size = value;
		break;
	case DT_SYMTAB:
		d->symbols = value;
		break;
	case DT_HASH:
		d->hash = value;
		break;
	case DT_SONAME:
		d->soname = value;
		d->has_soname = true;
		break;
	case DT_RPATH:
		d->rpath = value;
		d->has_rpath = true;
		break;
	case DT_RUNPATH:
		d->runpath = value;
		d->has_runpath = true;
		break;
	case DT_FLAGS_1:
		e->position_independent = value & DF_1_PIE;
		e->no_default_places = value & DF_1_NODEFLIB;
		break;
	case DT_VERNEED:
		d->needed_versions = value;
		break;
	case DT_VERNEEDNUM:
		e->needed_version_count = value;
		break;
	case DT_VERDEF:
		d->own_versions = value;
		break;
	case DT_VERDEFNUM:
		e->own_version_count = value;
		break;
	case DT_AUDIT:
	case DT_DEPAUDIT:
		e->audited = true;
		break;
	default:
		break;
	}
	return 0;
}

static int read_entries(struct elf *e, const struct elf_segment *s, struct dynamic *d)
{
	size_t step = elf_is_wide(e) ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
	int rc = 0;

	if (s->length > DYNAMIC_MOST)
		return -EBADMSG;
	for (uint64_t at = 0; !rc && at + step <= s->length; at += step) {
		union {
			Elf64_Dyn wide;
			Elf32_Dyn narrow;
		} entry;
		uint64_t tag, value;

		rc = elf_bytes(e, s->offset + at, &entry, step);
		if (rc)
			break;
		tag = elf_is_wide(e) ? (uint64_t)entry.wide.d_tag : (uint32_t)entry.narrow.d_tag;
		value = elf_is_wide(e) ? entry.wide.d_un.d_val : entry.narrow.d_un.d_val;
		if (tag == DT_NULL)
			break;
		rc = take_entry(e, d, tag, value);
	}
	return rc;
}

static int read_strings(struct elf *e, const struct dynamic *d)
{
	uint64_t at;

	if (d->strings_size == 0)
		return e->needed_count ? -EBADMSG : 0;
	if (d->strings_size > STRINGS_MOST || d->strings_size > e->size ||
		!place_of(e, d->strings, &at))
		return -EBADMSG;
	e->strings = malloc((size_t)d->strings_size + 1);
	if (!e->strings)
		return -ENOMEM;
	e->strings_size = d->strings_size;
	e->strings[e->strings_size] = '\0';
	return elf_bytes(e, at, e->strings, (size_t)e->strings_size);
}

const char *elf_string(const struct elf *e, uint64_t place)
{
	return e->strings && place < e->strings_size ? e->strings + place : NULL;
}

static int take_strings(struct elf *e, const struct dynamic *d)
{
	int rc = read_strings(e, d);

	for (unsigned i = 0; !rc && i < e->needed_count; i++) {
		if (!elf_string(e, e->needed[i]))
			rc = -EBADMSG;
	}
	e->soname = d->has_soname ? elf_string(e, d->soname) : NULL;
	e->rpath = d->has_rpath ? elf_string(e, d->rpath) : NULL;
	e->runpath = d->has_runpath ? elf_string(e, d->runpath) : NULL;
	return rc;
}

int elf_read_dynamic(struct elf *e)
{
	const struct elf_segment *s = elf_find_segment(e, PT_DYNAMIC);
	struct dynamic d = {0};
	uint64_t hash = 0;
	int rc;

	if (!s)
		return 0;
	e->dynamic = true;
	rc = read_entries(e, s, &d);
	if (!rc)
		rc = take_strings(e, &d);
	if (rc)
		return rc;
	if (d.needed_versions)
		place_of(e, d.needed_versions, &e->needed_versions);
	if (d.own_versions)
		place_of(e, d.own_versions, &e->own_versions);
	if (d.hash)
		place_of(e, d.hash, &hash);
	if (d.symbols && place_of(e, d.symbols, &e->symbols))
		e->symbol_count = elf_count_symbols(
			e, hash, d.strings > d.symbols ? d.strings - d.symbols : 0);
	return 0;
}

const char *elf_needed(const struct elf *e, unsigned i)
{
	return elf_string(e, e->needed[i]);
}
