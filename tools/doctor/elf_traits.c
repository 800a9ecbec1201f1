/*
 * elf_traits: what the contents of an ELF file give away: its language, words, system calls.
 */
#include "tools/doctor/elf_bytes.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define BLOCK 65536
#define OVERLAP 64 /* more than whatever is looked for */
#define NOTES_MOST 65536
#define NAMES_MOST (1u << 20)

/*
 * Hands the segments with `flags` over in blocks that overlap, so that nothing that is looked for
 * is cut, until `look` returns true.
 */
static bool scan(const struct elf *e, uint32_t flags,
	bool (*look)(const unsigned char *bytes, size_t length, const void *wanted),
	const void *wanted)
{
	static _Thread_local unsigned char block[BLOCK + OVERLAP];
	uint64_t budget = e->size + BLOCK; /* segments that overlap do not make it endless */

	for (unsigned i = 0; i < e->segment_count && budget > 0; i++) {
		const struct elf_segment *s = &e->segments[i];
		uint64_t room = s->offset < e->size ? e->size - s->offset : 0;
		uint64_t length = s->length < room ? s->length : room;

		if (s->type != PT_LOAD || (s->flags & flags) != flags)
			continue;
		length = length < budget ? length : budget;
		budget -= length;
		for (uint64_t at = 0; at < length; at += BLOCK) {
			uint64_t left = length - at;
			size_t n = left < sizeof(block) ? (size_t)left : sizeof(block);

			if (elf_bytes(e, s->offset + at, block, n))
				break;
			if (look(block, n, wanted))
				return true;
		}
	}
	return false;
}

struct text {
	const void *bytes;
	size_t length;
};

static bool look_for_text(const unsigned char *bytes, size_t length, const void *wanted)
{
	const struct text *t = wanted;

	return memmem(bytes, length, t->bytes, t->length) != NULL;
}

bool elf_contains(const struct elf *e, const void *bytes, size_t length)
{
	struct text t = {bytes, length};

	return length > 0 && length <= OVERLAP && scan(e, PF_R, look_for_text, &t);
}

static const unsigned char *find_number(
	const unsigned char *bytes, size_t length, const unsigned char number[5])
{
	return memmem(bytes, length, number, 5);
}

/* mov $number, %eax, and syscall or int $0x80 within the next octets. */
static bool look_for_x86(const unsigned char *bytes, size_t length, unsigned number)
{
	const unsigned char move[5] = {0xb8, (unsigned char)number, (unsigned char)(number >> 8),
		(unsigned char)(number >> 16), (unsigned char)(number >> 24)};
	const unsigned char *end = bytes + length, *at = bytes;

	while ((at = find_number(at, (size_t)(end - at), move))) {
		size_t room = (size_t)(end - at) < 24 ? (size_t)(end - at) : 24;

		if (memmem(at + 5, room - 5, "\x0f\x05", 2) ||
			memmem(at + 5, room - 5, "\xcd\x80", 2))
			return true;
		at++;
	}
	return false;
}

/* movz w8 or x8, #number, and svc #0 within the next instructions. */
static bool look_for_arm(const unsigned char *bytes, size_t length, unsigned number)
{
	uint32_t move = 0x52800008u | (number & 0xffff) << 5, call = 0xd4000001u;

	for (size_t at = 0; at + 4 <= length; at += 4) {
		uint32_t word;

		memcpy(&word, bytes + at, sizeof(word));
		if ((word & 0x7fffffffu) != move)
			continue;
		for (size_t next = at + 4; next < at + 28 && next + 4 <= length; next += 4) {
			memcpy(&word, bytes + next, sizeof(word));
			if (word == call)
				return true;
		}
	}
	return false;
}

static bool look_for_call_x86(const unsigned char *bytes, size_t length, const void *wanted)
{
	return look_for_x86(bytes, length, *(const unsigned *)wanted);
}

static bool look_for_call_arm(const unsigned char *bytes, size_t length, const void *wanted)
{
	return look_for_arm(bytes, length, *(const unsigned *)wanted);
}

bool elf_makes_call(const struct elf *e, unsigned number)
{
	switch (e->kind.machine) {
	case EM_X86_64:
	case EM_386:
		return scan(e, PF_X, look_for_call_x86, &number);
	case EM_AARCH64:
		return scan(e, PF_X, look_for_call_arm, &number);
	default:
		return false;
	}
}

static size_t aligned(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* The notes of a segment; those of Go's linker are signed "Go". */
static bool has_go_note(const struct elf *e, const struct elf_segment *s)
{
	_Alignas(4) unsigned char bytes[4096];
	size_t length = s->length < sizeof(bytes) ? (size_t)s->length : sizeof(bytes);

	if (elf_bytes(e, s->offset, bytes, length))
		return false;
	for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= length;) {
		Elf64_Nhdr note;
		size_t name, skip;

		memcpy(&note, bytes + at, sizeof(note));
		name = at + sizeof(note);
		if (note.n_namesz > NOTES_MOST || note.n_descsz > NOTES_MOST)
			return false;
		skip = aligned(note.n_namesz) + aligned(note.n_descsz);
		if (note.n_namesz == 4 && name + 4 <= length &&
			memcmp(bytes + name, "Go\0", 4) == 0)
			return true;
		at = name + skip;
	}
	return false;
}

static bool has_section(const struct elf *e, const char *const wanted[])
{
	struct elf_section names, section;

	if (e->section_names >= e->section_count || elf_section(e, e->section_names, &names) ||
		names.length > NAMES_MOST)
		return false;
	for (unsigned i = 0; i < e->section_count; i++) {
		char name[32] = "";
		uint64_t room;

		if (elf_section(e, i, &section) || section.name >= names.length)
			continue;
		room = names.length - section.name;
		if (elf_bytes(e, names.offset + section.name, name,
			    room < sizeof(name) ? (size_t)room : sizeof(name)))
			continue;
		name[sizeof(name) - 1] = '\0';
		for (unsigned w = 0; wanted[w]; w++) {
			if (strcmp(name, wanted[w]) == 0)
				return true;
		}
	}
	return false;
}

static bool is_go(const struct elf *e)
{
	static const char *const sections[] = {
		".go.buildinfo", ".note.go.buildid", ".gopclntab", NULL};
	static const char mark[] = "\xff Go buildinf:"; /* stands in data also where stripped */
	static const struct text text = {mark, sizeof(mark) - 1};

	for (unsigned i = 0; i < e->segment_count; i++) {
		if (e->segments[i].type == PT_NOTE && has_go_note(e, &e->segments[i]))
			return true;
	}
	return has_section(e, sections) || scan(e, PF_R | PF_W, look_for_text, &text);
}

/* Its run-time library calls the kernel, unless the program was made to take libc's sockets. */
static bool is_pascal(const struct elf *e)
{
	static const char *const sections[] = {".fpcdata", NULL};

	return has_section(e, sections) && !elf_imports(e, "connect");
}

const char *elf_past_libc(const struct elf *e)
{
	return is_go(e) ? "Go" : is_pascal(e) ? "Free Pascal" : NULL;
}
