#include "tools/doctor/elf_bytes.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DYNAMIC_MOST (1u << 20)	 /* octets of a dynamic section */
#define STRINGS_MOST (64u << 20) /* octets of its strings */

static const unsigned char own_order =
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

int elf_bytes(const struct elf *e, uint64_t at, void *out, size_t n)
{
	size_t have = 0;

	if (at > e->size || n > e->size - at)
		return -EBADMSG;
	while (have < n) {
		ssize_t got = pread(e->fd, (char *)out + have, n - have, (off_t)(at + have));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0) /* cut while we read */
			return -EBADMSG;
		have += (size_t)got;
	}
	return 0;
}

int elf_kind_of(int fd, struct elf_kind *kind)
{
	unsigned char head[sizeof(Elf32_Ehdr)];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return -errno;
	if (n < (ssize_t)sizeof(head) || memcmp(head, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	kind->class = head[EI_CLASS];
	kind->data = head[EI_DATA];
	memcpy(&kind->machine, head + offsetof(Elf32_Ehdr, e_machine), sizeof(kind->machine));
	return 0;
}

bool elf_same_kind(const struct elf_kind *a, const struct elf_kind *b)
{
	return a->class == b->class && a->data == b->data && a->machine == b->machine;
}

static const char *machine_name(const struct elf_kind *kind)
{
	static const struct {
		uint16_t machine;
		const char *name;
	} known[] = {
		{EM_386, "x86"},
		{EM_X86_64, "x86-64"},
		{EM_ARM, "ARM"},
		{EM_AARCH64, "ARM"},
		{EM_RISCV, "RISC-V"},
		{EM_PPC, "PowerPC"},
		{EM_PPC64, "PowerPC"},
		{EM_S390, "S/390"},
		{EM_MIPS, "MIPS"},
		{EM_SPARC, "SPARC"},
		{EM_SPARCV9, "SPARC"},
		{EM_LOONGARCH, "LoongArch"},
	};
	uint16_t machine = kind->data == own_order ? kind->machine
						   : (uint16_t)__builtin_bswap16(kind->machine);

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (known[i].machine == machine)
			return known[i].name;
	}
	return NULL;
}

const char *elf_kind_name(const struct elf_kind *kind, char out[64])
{
	const char *bits = kind->class == ELFCLASS64   ? "64-bit"
			   : kind->class == ELFCLASS32 ? "32-bit"
						       : "unknown class of";
	const char *machine = machine_name(kind);

	if (machine)
		snprintf(out, 64, "%s %s", bits, machine);
	else
		snprintf(out, 64, "%s processor %u", bits, kind->machine);
	return out;
}

static bool is_wide(const struct elf *e)
{
	return e->kind.class == ELFCLASS64;
}

struct table { /* a table of headers in the file */
	uint64_t at;
	unsigned count, step;
};

static int read_header(struct elf *e, struct table *programs, struct table *sections)
{
	union {
		Elf64_Ehdr wide;
		Elf32_Ehdr narrow;
	} h = {0};
	int rc = elf_bytes(e, 0, &h, is_wide(e) ? sizeof(h.wide) : sizeof(h.narrow));

	if (rc)
		return rc;
	if (is_wide(e)) {
		e->type = h.wide.e_type;
		*programs = (struct table){h.wide.e_phoff, h.wide.e_phnum, h.wide.e_phentsize};
		*sections = (struct table){h.wide.e_shoff, h.wide.e_shnum, h.wide.e_shentsize};
		e->section_names = h.wide.e_shstrndx;
		return 0;
	}
	e->type = h.narrow.e_type;
	*programs = (struct table){h.narrow.e_phoff, h.narrow.e_phnum, h.narrow.e_phentsize};
	*sections = (struct table){h.narrow.e_shoff, h.narrow.e_shnum, h.narrow.e_shentsize};
	e->section_names = h.narrow.e_shstrndx;
	return 0;
}

static int read_segment(const struct elf *e, uint64_t at, struct elf_segment *s)
{
	union {
		Elf64_Phdr wide;
		Elf32_Phdr narrow;
	} p;
	int rc = elf_bytes(e, at, &p, is_wide(e) ? sizeof(p.wide) : sizeof(p.narrow));

	if (rc)
		return rc;
	*s = is_wide(e) ? (struct elf_segment){p.wide.p_type, p.wide.p_flags, p.wide.p_offset,
				  p.wide.p_vaddr, p.wide.p_filesz}
			: (struct elf_segment){p.narrow.p_type, p.narrow.p_flags, p.narrow.p_offset,
				  p.narrow.p_vaddr, p.narrow.p_filesz};
	return 0;
}

static int read_segments(struct elf *e, const struct table *t)
{
	size_t step = is_wide(e) ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (t->count == 0)
		return 0;
	if (t->step != step || t->at > e->size || t->count * step > e->size - t->at)
		return -EBADMSG;
	e->segments = calloc(t->count, sizeof(*e->segments));
	if (!e->segments)
		return -ENOMEM;
	for (unsigned i = 0; i < t->count; i++) {
		int rc = read_segment(e, t->at + i * step, &e->segments[i]);

		if (rc)
			return rc;
	}
	e->segment_count = t->count;
	return 0;
}

/* Sections tell no loader anything: a program whose table of them is cut off runs all the same. */
static void note_sections(struct elf *e, const struct table *t)
{
	size_t step = is_wide(e) ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);

	if (t->step != step || t->at > e->size || t->count * step > e->size - t->at)
		return;
	e->sections = t->at;
	e->section_count = t->count;
}

static const struct elf_segment *find_segment(const struct elf *e, uint32_t type)
{
	for (unsigned i = 0; i < e->segment_count; i++) {
		if (e->segments[i].type == type)
			return &e->segments[i];
	}
	return NULL;
}

static int read_interpreter(struct elf *e)
{
	const struct elf_segment *s = find_segment(e, PT_INTERP);
	int rc;

	if (!s)
		return 0;
	e->interpreted = true;
	if (s->length < 2 || s->length >= sizeof(e->interpreter))
		return -EBADMSG;
	rc = elf_bytes(e, s->offset, e->interpreter, (size_t)s->length);
	e->interpreter[s->length] = '\0';
	return rc;
}

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
	size_t step = is_wide(e) ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
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
		tag = is_wide(e) ? (uint64_t)entry.wide.d_tag : (uint32_t)entry.narrow.d_tag;
		value = is_wide(e) ? entry.wide.d_un.d_val : entry.narrow.d_un.d_val;
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

static int read_dynamic(struct elf *e)
{
	const struct elf_segment *s = find_segment(e, PT_DYNAMIC);
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

static int read_file(struct elf *e)
{
	struct table programs, sections;
	int rc = read_header(e, &programs, &sections);

	if (rc)
		return rc;
	note_sections(e, &sections);
	rc = read_segments(e, &programs);
	if (!rc)
		rc = read_interpreter(e);
	return rc ? rc : read_dynamic(e);
}

static int fail(struct elf *e, int rc, struct err *err)
{
	elf_clear(e);
	if (rc == -EBADMSG)
		return err_fail(err, EBADMSG, "the ELF file ends too early, or contradicts itself");
	return err_fail(err, -rc, "%s", strerror(-rc));
}

int elf_init(struct elf *e, int fd, struct err *err)
{
	struct stat st;
	int rc;

	*e = (struct elf){.fd = fd};
	if (fstat(fd, &st) < 0)
		return err_fail(err, errno, "%s", strerror(errno));
	e->size = (uint64_t)st.st_size;
	rc = elf_kind_of(fd, &e->kind);
	if (rc == -ENOEXEC)
		return err_fail(err, ENOEXEC, "not an ELF file");
	if (rc)
		return fail(e, rc, err);
	if (e->kind.class != ELFCLASS32 && e->kind.class != ELFCLASS64)
		return fail(e, -EBADMSG, err);
	if (e->kind.data != own_order)
		return err_fail(err, ENOTSUP, "it has the other byte order");
	rc = read_file(e);
	return rc ? fail(e, rc, err) : 0;
}

void elf_clear(struct elf *e)
{
	free(e->segments);
	free(e->strings);
	free(e->needed);
	*e = (struct elf){.fd = -1};
}

const char *elf_needed(const struct elf *e, unsigned i)
{
	return elf_string(e, e->needed[i]);
}
