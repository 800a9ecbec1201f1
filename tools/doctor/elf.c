#include "tools/doctor/elf_bytes.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	int rc = elf_bytes(e, 0, &h, elf_is_wide(e) ? sizeof(h.wide) : sizeof(h.narrow));

	if (rc)
		return rc;
	if (elf_is_wide(e)) {
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
	int rc = elf_bytes(e, at, &p, elf_is_wide(e) ? sizeof(p.wide) : sizeof(p.narrow));

	if (rc)
		return rc;
	*s = elf_is_wide(e) ? (struct elf_segment){p.wide.p_type, p.wide.p_flags, p.wide.p_offset,
				      p.wide.p_vaddr, p.wide.p_filesz}
			    : (struct elf_segment){p.narrow.p_type, p.narrow.p_flags,
				      p.narrow.p_offset, p.narrow.p_vaddr, p.narrow.p_filesz};
	return 0;
}

static int read_segments(struct elf *e, const struct table *t)
{
	size_t step = elf_is_wide(e) ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

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
	size_t step = elf_is_wide(e) ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);

	if (t->step != step || t->at > e->size || t->count * step > e->size - t->at)
		return;
	e->sections = t->at;
	e->section_count = t->count;
}

const struct elf_segment *elf_find_segment(const struct elf *e, uint32_t type)
{
	for (unsigned i = 0; i < e->segment_count; i++) {
		if (e->segments[i].type == type)
			return &e->segments[i];
	}
	return NULL;
}

static int read_interpreter(struct elf *e)
{
	const struct elf_segment *s = elf_find_segment(e, PT_INTERP);
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
	return rc ? rc : elf_read_dynamic(e);
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
