/*
 * maps: what a process has loaded, by /proc/PID/maps.
 */
#include "tools/doctor/process.h"

#include "tools/doctor/loader.h"
#include "tools/locate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DELETED " (deleted)"

struct line {
	char *path; /* within the line; "(deleted)" cut off */
	ino_t inode;
	bool deleted;
};

/* A mapping of a file, from which code is run: who only reads the library has not loaded it. */
static bool parse_line(char *text, struct line *line)
{
	size_t length, cut = sizeof(DELETED) - 1;
	unsigned long inode;
	char flags[5];

	line->path = strchr(text, '/');
	if (!line->path || sscanf(text, "%*s %4s %*s %*s %lu", flags, &inode) != 2 ||
		flags[2] != 'x')
		return false;
	line->inode = inode;
	length = strlen(line->path);
	line->deleted = length > cut && strcmp(line->path + length - cut, DELETED) == 0;
	if (line->deleted)
		line->path[length - cut] = '\0';
	return true;
}

static int open_if(int fd, ino_t inode)
{
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && st.st_ino == inode)
		return fd;
	close(fd);
	return -ESTALE;
}

static int open_within(const struct patient *p, const struct mapped *m)
{
	return open_if(patient_open(p, m->path), m->inode);
}

int mapped_open(const struct patient *p, const struct mapped *m)
{
	int fd = open_within(p, m);

	/* of a process that went into a chroot, the kernel tells the path from here */
	if (fd < 0 && p->root >= 0)
		fd = open_if(open(m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), m->inode);
	return fd;
}

static bool is_there(struct patient *p, const struct line *line)
{
	struct mapped m = {line->path, line->inode};
	int fd = line->deleted ? -ESTALE : open_within(p, &m);

	if (fd < 0 && !line->deleted) {
		fd = mapped_open(p, &m);
		p->left_root = fd >= 0;
	}
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool is_file(const char *path, ino_t inode)
{
	struct stat st;

	return path[0] && stat(path, &st) == 0 && st.st_ino == inode;
}

/* Is it still what stands at its path, and what belongs to this command? */
static void take_library(struct patient *p, const struct line *line)
{
	struct parts parts;

	if (p->loaded)
		return;
	p->loaded = true;
	snprintf(p->library, sizeof(p->library), "%s", line->path);
	diagnosis_add(&p->found, SEVERITY_OK, "loaded", NULL, "it has loaded %s", line->path);
	if (!is_there(p, line))
		diagnosis_add(&p->found, SEVERITY_WARNING, "library-replaced",
			"Restart it, so that it takes the new one",
			"the library that it has loaded is not the one that is now at %s",
			line->path);
	else if (locate_parts(&parts, NULL) == 0 && !is_file(parts.library, line->inode) &&
		 !is_file(parts.library32, line->inode))
		diagnosis_add(&p->found, SEVERITY_NOTE, "other-library", NULL,
			"it is another copy than that of this command (%s)", parts.library);
}

static void add_mapped(struct patient *p, const struct line *line, ino_t program)
{
	struct mapped *grown;

	if (line->deleted || line->inode == program)
		return;
	for (size_t i = 0; i < p->mapped_count; i++) {
		if (strcmp(p->mapped[i].path, line->path) == 0)
			return;
	}
	grown = reallocarray(p->mapped, p->mapped_count + 1, sizeof(*p->mapped));
	if (!grown)
		return;
	p->mapped = grown;
	grown[p->mapped_count] = (struct mapped){strdup(line->path), line->inode};
	if (grown[p->mapped_count].path)
		p->mapped_count++;
}

static ino_t program_inode(pid_t pid)
{
	char path[PROCESS_PATH];
	struct stat st;

	process_path(path, pid, "exe");
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

int doctor_maps(struct patient *p, pid_t pid, struct err *err)
{
	char *maps = process_read(pid, "maps", NULL), *save = NULL;
	ino_t program = program_inode(pid);

	if (!maps)
		return err_fail(err, errno, "process %d: what it has loaded cannot be seen: %s. %s",
			(int)pid, strerror(errno), ask_as_root);
	for (char *text = strtok_r(maps, "\n", &save); text; text = strtok_r(NULL, "\n", &save)) {
		struct line line;

		if (!parse_line(text, &line))
			continue;
		if (names_library(line.path))
			take_library(p, &line);
		else
			add_mapped(p, &line, program);
	}
	free(maps);
	return 0;
}

void doctor_maps_clear(struct patient *p)
{
	for (size_t i = 0; i < p->mapped_count; i++)
		free(p->mapped[i].path);
	free(p->mapped);
	p->mapped = NULL;
	p->mapped_count = 0;
}
