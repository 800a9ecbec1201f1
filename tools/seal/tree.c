/*
 * tree: the directories of drop-ins, in the tree where they belong. Links on the way there are
 * followed within the tree; the directory of a unit's drop-ins and the files in it must be none,
 * for what they lead to may belong to other units.
 */
#include "tools/seal/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#define FILE_MOST (1u << 20)

int seal_tree_open(struct seal_tree *t, const struct seal_options *o)
{
	const char *config = environment("XDG_CONFIG_HOME"), *home = environment("HOME");
	size_t length;

	*t = (struct seal_tree){.root = -1, .offline = o->root != NULL, .user = o->user};
	snprintf(t->base, sizeof(t->base), "/etc/systemd/system");
	if (o->root)
		snprintf(t->shown, sizeof(t->shown), "%s", o->root);
	for (length = strlen(t->shown); length && t->shown[length - 1] == '/';)
		t->shown[--length] = '\0';
	if (o->user) {
		if (!unit_places_user(t->places, sizeof(t->places)))
			return complain(EX_USAGE,
				"--user: HOME is no absolute path, so it is not known where your "
				"units are");
		if (config && *config == '/')
			snprintf(t->base, sizeof(t->base), "%.4000s/systemd/user", config);
		else
			snprintf(t->base, sizeof(t->base), "%.4000s/.config/systemd/user", home);
	}
	t->root = open(o->root ? o->root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->root < 0)
		return complain(
			EX_NOINPUT, "--root %s: %s", o->root ? o->root : "/", strerror(errno));
	return EX_OK;
}

void seal_tree_close(struct seal_tree *t)
{
	if (t->root >= 0)
		close(t->root);
	t->root = -1;
}

/* A directory within the tree. A descriptor or -errno. */
int seal_open_within(const struct seal_tree *t, const char *path)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_IN_ROOT};
	int fd = (int)syscall(SYS_openat2, t->root, path, &how, sizeof(how));

	if (fd < 0 && errno == ENOSYS && !t->offline)
		fd = open(path, flags);
	return fd < 0 ? -errno : fd;
}

/* The same whatever the umask. */
int seal_make_directory(int parent, const char *name)
{
	int fd;

	if (mkdirat(parent, name, 0755) < 0)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fchmod(fd, 0755) < 0) {
		close(fd);
		fd = -1;
	}
	return fd < 0 ? -errno : fd;
}

/* The directory of all drop-ins, made with those above it if `make`; *made counts them. */
int seal_open_base(const struct seal_tree *t, const char *path, bool make, unsigned *made)
{
	char above[PATH_MAX], *slash;
	int fd = seal_open_within(t, path), parent;

	if (fd != -ENOENT || strcmp(path, "/") == 0)
		return fd;
	++*made;
	snprintf(above, sizeof(above), "%s", path);
	slash = strrchr(above, '/');
	if (slash == above)
		slash++;
	*slash = '\0';
	parent = seal_open_base(t, above, make, made);
	if (parent < 0)
		return parent;
	fd = make ? seal_make_directory(parent, strrchr(path, '/') + 1) : -ENOENT;
	close(parent);
	return fd;
}

int seal_fail_at(const struct seal_tree *t, const struct sealing *s, const char *name, int code,
	struct err *err)
{
	const char *slash = name ? "/" : "";

	return err_fail(err, code, "%s: %s%s/%s%s%s: %s", s->name, t->shown, t->base, s->directory,
		slash, name ? name : "", strerror(code));
}

/* NAME.d in the base. A descriptor; -ENOENT; -errno with err. */
int seal_open_own(const struct seal_tree *t, const struct sealing *s, int base, struct err *err)
{
	int fd = openat(base, s->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), code;
	struct stat st;

	if (fd >= 0)
		return fd;
	code = errno;
	if (code == ENOENT)
		return -ENOENT;
	if (fstatat(base, s->directory, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		return err_fail(err, ELOOP,
			"%s: %s%s/%s is a symbolic link: what stands behind it may count for other "
			"units, too. Make it a directory",
			s->name, t->shown, t->base, s->directory);
	return seal_fail_at(t, s, NULL, code, err);
}

static int read_old(const struct seal_tree *t, struct sealing *s, struct seal_file *f,
	int directory, struct err *err)
{
	int fd = openat(directory, f->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno != ELOOP)
		return seal_fail_at(t, s, f->name, errno, err);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		f->old = read_all(fd, FILE_MOST, NULL);
	if (fd >= 0)
		close(fd);
	if (!f->old || !seal_is_own(f->old))
		return err_fail(err, EEXIST,
			"%s: %s%s/%s/%s was not written by mailseal enable, and is left alone. "
			"Rename or remove it if it is not needed",
			s->name, t->shown, t->base, s->directory, f->name);
	return 0;
}

bool seal_is_unfinished(const char *name)
{
	return strncmp(name, UNFINISHED, strlen(UNFINISHED)) == 0;
}

/* Does the directory hold what somebody left who was killed, and nothing else? */
static bool is_left_over(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool any = false, others = false;

	if (!dir && fd >= 0)
		close(fd);
	for (const struct dirent *e; dir && (e = readdir(dir));) {
		bool is_dot = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;

		any = any || seal_is_unfinished(e->d_name);
		others = others || !(is_dot || seal_is_unfinished(e->d_name));
	}
	if (dir)
		closedir(dir);
	return any && !others;
}

int seal_look(const struct seal_tree *t, struct sealing *s, struct err *err)
{
	int base, own, rc = 0;

	s->made = 1;
	base = seal_open_base(t, t->base, false, &s->made);
	if (base == -ENOENT)
		return 0;
	if (base < 0)
		return seal_fail_at(t, s, NULL, -base, err);
	own = seal_open_own(t, s, base, err);
	close(base);
	if (own < 0)
		return own == -ENOENT ? 0 : own;
	s->made = 0;
	for (size_t i = 0; !rc && i < 2; i++)
		rc = read_old(t, s, &s->files[i], own, err);
	s->left_over = !rc && is_left_over(own);
	/* a removal that was killed: the drop-in told whose the directory was */
	s->made = s->left_over ||
		  (s->files[SEAL_FILE_VARIABLES].old && !s->files[SEAL_FILE_DROPIN].old);
	close(own);
	if (!rc && s->files[SEAL_FILE_DROPIN].old)
		s->made = seal_made(s->files[SEAL_FILE_DROPIN].old);
	return rc;
}
