/* ELF files: whatever stands in them, reading stays in bounds, in the file and in memory. */
#include "tools/doctor/elf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool count_symbol(void *context, const struct elf_symbol *symbol)
{
	*(size_t *)context += strlen(symbol->name);
	return true;
}

static void count_version(void *context, const char *library, const char *version)
{
	*(size_t *)context += strlen(library) + strlen(version);
}

static void use(const struct elf *e)
{
	size_t sum = 0;

	if (strlen(e->interpreter) >= sizeof(e->interpreter))
		abort();
	for (unsigned i = 0; i < e->needed_count; i++)
		sum += strlen(elf_needed(e, i));
	sum += e->soname ? strlen(e->soname) : 0;
	sum += e->rpath ? strlen(e->rpath) : 0;
	sum += e->runpath ? strlen(e->runpath) : 0;
	elf_each_symbol(e, count_symbol, &sum);
	elf_each_needed_version(e, count_version, &sum);
	(void)elf_has_version(e, "GLIBC_2.34");
	(void)elf_missing(e, e);
	(void)elf_past_libc(e);
	(void)elf_contains(e, "STARTTLS", 8);
	(void)elf_makes_call(e, 42);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct elf_kind kind;
	char name[64];
	struct elf e;

	if (fd < 0)
		fd = memfd_create("elf", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (elf_kind_of(fd, &kind) == 0)
		elf_kind_name(&kind, name);
	if (elf_init(&e, fd, NULL))
		return 0;
	use(&e);
	elf_clear(&e);
	return 0;
}
