#include "tools/doctor/loader.h"

#include "tools/doctor/elf.h"
#include "tools/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIB "$LIB"
#define LIB_SIZE 40

bool loader_is_musl(const char *path)
{
	return strncmp(path_base(path), "ld-musl", 7) == 0;
}

bool loader_is_glibc(const char *path)
{
	static const char *const prefixes[] = {"ld-linux", "ld.so", "ld64.so", "ld-2."};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (strncmp(path_base(path), prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

/* What $LIB means is built into the loader, a string of its own. */
const char *loader_lib(const struct elf *loader)
{
	static const char *const known[] = {"lib/x86_64-linux-gnu", "lib/i386-linux-gnu",
		"lib/aarch64-linux-gnu", "lib/arm-linux-gnueabihf", "lib64", "lib32", "lib"};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		char bounded[LIB_SIZE] = ""; /* whole strings only */
		size_t length = strlen(known[i]);

		memcpy(bounded + 1, known[i], length);
		if (elf_contains(loader, bounded, length + 2))
			return known[i];
	}
	return NULL;
}

static int read_lib(const char *path, const char **lib)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;
	struct elf loader;

	if (fd < 0)
		return -errno;
	rc = elf_init(&loader, fd, NULL);
	if (!rc) {
		*lib = loader_lib(&loader);
		elf_clear(&loader);
	}
	close(fd);
	return rc || *lib ? rc : -ENOENT;
}

int loader_expand(const char *loader, const char *name, char out[PATH_MAX])
{
	const char *at = strstr(name, LIB), *lib = "";
	int n, rc = 0;

	if (!at || loader_is_musl(loader))
		n = snprintf(out, PATH_MAX, "%s", name);
	else if ((rc = read_lib(loader, &lib)))
		return rc;
	else
		n = snprintf(
			out, PATH_MAX, "%.*s%s%s", (int)(at - name), name, lib, at + strlen(LIB));
	return n > 0 && n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

bool is_library(const char *name, size_t length)
{
	static const char base[] = "libmailseal";
	const char *slash = memrchr(name, '/', length);
	size_t skip = slash ? (size_t)(slash + 1 - name) : 0;

	return length - skip >= sizeof(base) - 1 &&
	       strncmp(name + skip, base, sizeof(base) - 1) == 0;
}

const char *next_library(const char **list, size_t *length)
{
	while (*list && **list) {
		const char *at = *list + strspn(*list, LOADER_SEPARATORS);

		*length = strcspn(at, LOADER_SEPARATORS);
		*list = at + *length;
		if (is_library(at, *length))
			return at;
	}
	return NULL;
}

bool names_library(const char *list)
{
	size_t length;

	return next_library(&list, &length) != NULL;
}
