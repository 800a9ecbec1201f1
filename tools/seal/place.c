/*
 * place: the files of drop-ins, in the tree where they belong. Links on the way there are followed
 * within the tree; the directory of a unit's drop-ins and the files in it must be none, for what
 * they lead to may belong to other units.
 */
#include "tools/seal/seal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#define FILE_MOST (1u << 20)
/* systemd passes over what begins with a dot. */
#define UNFINISHED ".mailseal-unfinished-"

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
static int open_within(const struct seal_tree *t, const char *path)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_IN_ROOT};
	int fd = (int)syscall(SYS_openat2, t->root, path, &how, sizeof(how));

	if (fd < 0 && errno == ENOSYS && !t->offline)
		fd = open(path, flags);
	return fd < 0 ? -errno : fd;
}

/* The same whatever the umask. */
static int make_directory(int parent, const char *name)
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
static int open_base(const struct seal_tree *t, const char *path, bool make, unsigned *made)
{
	char above[PATH_MAX], *slash;
	int fd = open_within(t, path), parent;

	if (fd != -ENOENT || strcmp(path, "/") == 0)
		return fd;
	++*made;
	snprintf(above, sizeof(above), "%s", path);
	slash = strrchr(above, '/');
	if (slash == above)
		slash++;
	*slash = '\0';
	parent = open_base(t, above, make, made);
	if (parent < 0)
		return parent;
	fd = make ? make_directory(parent, strrchr(path, '/') + 1) : -ENOENT;
	close(parent);
	return fd;
}

static int fail_at(const struct seal_tree *t, const struct sealing *s, const char *name, int code,
	struct err *err)
{
	const char *slash = name ? "/" : "";

	return err_fail(err, code, "%s: %s%s/%s%s%s: %s", s->name, t->shown, t->base, s->directory,
		slash, name ? name : "", strerror(code));
}

/* NAME.d in the base. A descriptor; -ENOENT; -errno with err. */
static int open_own(const struct seal_tree *t, const struct sealing *s, int base, struct err *err)
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
	return fail_at(t, s, NULL, code, err);
}

static int read_old(const struct seal_tree *t, struct sealing *s, struct seal_file *f,
	int directory, struct err *err)
{
	int fd = openat(directory, f->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno != ELOOP)
		return fail_at(t, s, f->name, errno, err);
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

static bool is_unfinished(const char *name)
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

		any = any || is_unfinished(e->d_name);
		others = others || !(is_dot || is_unfinished(e->d_name));
	}
	if (dir)
		closedir(dir);
	return any && !others;
}

/* What others left who were killed: whoever writes holds the lock. */
static void remove_unfinished(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	for (const struct dirent *e; dir && (e = readdir(dir));) {
		if (is_unfinished(e->d_name))
			unlinkat(directory, e->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

int seal_look(const struct seal_tree *t, struct sealing *s, struct err *err)
{
	int base, own, rc = 0;

	s->made = 1;
	base = open_base(t, t->base, false, &s->made);
	if (base == -ENOENT)
		return 0;
	if (base < 0)
		return fail_at(t, s, NULL, -base, err);
	own = open_own(t, s, base, err);
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

static int write_all(int fd, const char *text)
{
	size_t length = strlen(text);

	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* The text beside its place, whole and on the disk. 0 or -errno. */
static int put_beside(struct sealing *s, struct seal_file *f, const char *text)
{
	uint64_t random;
	int fd, rc;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	snprintf(f->temporary, sizeof(f->temporary), UNFINISHED "%016llx",
		(unsigned long long)random);
	fd = openat(
		s->fd, f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	rc = fd < 0 ? -errno : fchmod(fd, 0644) < 0 ? -errno : write_all(fd, text);
	if (fd >= 0 && close(fd) < 0 && !rc)
		rc = -errno;
	if (rc) {
		unlinkat(s->fd, f->temporary, 0);
		f->temporary[0] = '\0';
	}
	return rc;
}

/* What nobody saw there is not replaced, where the file system knows how. */
static int rename_over(int directory, const char *from, const char *to, bool fresh)
{
	if (fresh && renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (fresh && errno != EINVAL && errno != ENOSYS)
		return -errno;
	return renameat(directory, from, directory, to) < 0 ? -errno : 0;
}

static int put_in_place(struct sealing *s, struct seal_file *f)
{
	int rc = 0;

	if (f->text && f->old && strcmp(f->text, f->old) == 0)
		return 0;
	if (f->text)
		rc = rename_over(s->fd, f->temporary, f->name, !f->old);
	else if (f->old && unlinkat(s->fd, f->name, 0) < 0 && errno != ENOENT)
		rc = -errno;
	if (!rc) {
		f->temporary[0] = '\0';
		f->done = true;
	}
	return rc;
}

/* As it was before, as far as the disk allows. */
static void put_back(struct sealing *s, struct seal_file *f)
{
	if (f->temporary[0])
		unlinkat(s->fd, f->temporary, 0);
	f->temporary[0] = '\0';
	if (!f->done)
		return;
	if (!f->old)
		unlinkat(s->fd, f->name, 0);
	else if (put_beside(s, f, f->old) == 0)
		renameat(s->fd, f->temporary, s->fd, f->name);
}

/* The directory if nothing is in it, and those above that were made with it. */
static void remove_directories(const struct seal_tree *t, const struct sealing *s, unsigned made)
{
	char path[PATH_MAX], name[NAME_MAX + 1], *slash;
	int above;

	snprintf(path, sizeof(path), "%.3800s/%s", t->base, s->directory);
	for (; made > 0; made--) {
		slash = strrchr(path, '/');
		if (!slash || slash == path)
			return;
		snprintf(name, sizeof(name), "%.255s", slash + 1);
		*slash = '\0';
		above = open_within(t, path);
		if (above < 0)
			return;
		if (unlinkat(above, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			made = 1;
		close(above);
	}
}

/* Others may have written between the look and the lock. */
static int look_again(const struct seal_tree *t, const struct sealing *s, struct err *err)
{
	struct sealing now;
	bool same;
	int rc;

	sealing_init(&now, s->name);
	rc = seal_look(t, &now, err);
	same = !now.made == !s->made;
	for (size_t i = 0; !rc && i < 2; i++) {
		const char *a = s->files[i].old, *b = now.files[i].old;

		same = same && (a && b ? strcmp(a, b) == 0 : !a && !b);
	}
	sealing_clear(&now);
	if (rc || same)
		return rc;
	return err_fail(
		err, EAGAIN, "%s: somebody else changed its drop-in just now; try again", s->name);
}

static int prepare(const struct seal_tree *t, struct sealing *s, int base, struct err *err)
{
	int rc = 0;

	s->fd = open_own(t, s, base, err);
	if (s->fd == -ENOENT && s->change != SEAL_REMOVED) {
		s->fd = make_directory(base, s->directory);
		if (s->fd < 0)
			return fail_at(t, s, NULL, -s->fd, err);
	}
	if (s->fd < 0)
		return s->fd == -ENOENT ? 0 : s->fd;
	remove_unfinished(s->fd);
	for (size_t i = 0; !rc && i < 2; i++) {
		struct seal_file *f = &s->files[i];

		if (f->text && !(f->old && strcmp(f->text, f->old) == 0)) {
			rc = put_beside(s, f, f->text);
			if (rc)
				return fail_at(t, s, f->name, -rc, err);
		}
	}
	return rc;
}

/* The variables are there before what names them, and leave after it. */
static int commit(const struct seal_tree *t, struct sealing *s, struct err *err)
{
	int rc = 0;

	if (s->fd < 0)
		return 0;
	for (size_t i = 0; !rc && i < 2; i++) {
		struct seal_file *f =
			&s->files[s->change == SEAL_FRESH || s->files[0].text ? i : 1 - i];

		rc = put_in_place(s, f);
		if (rc)
			return fail_at(t, s, f->name, -rc, err);
	}
	/* some file systems have nothing to sync for a directory */
	(void)fsync(s->fd);
	return 0;
}

static void finish(const struct seal_tree *t, struct sealing *s, bool failed)
{
	bool fresh = s->change == SEAL_FRESH;

	if (failed && s->fd >= 0) {
		for (size_t i = 0; i < 2; i++)
			put_back(s, &s->files[i]);
	}
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (failed ? fresh : s->change == SEAL_REMOVED)
		remove_directories(t, s, s->made);
}

int seal_write(const struct seal_tree *t, struct sealing *list, size_t count, struct err *err)
{
	unsigned made = 0;
	bool make = false;
	int base, rc = 0;

	for (size_t i = 0; i < count; i++)
		make = make || list[i].change == SEAL_FRESH;
	base = open_base(t, t->base, make, &made);
	if (base < 0)
		return err_fail(err, -base, "%s%s: %s", t->shown, t->base, strerror(-base));
	while ((rc = flock(base, LOCK_EX)) < 0 && errno == EINTR)
		;
	if (rc < 0)
		rc = err_fail(err, errno, "%s%s: %s", t->shown, t->base, strerror(errno));
	for (size_t i = 0; !rc && i < count; i++) {
		if (list[i].change != SEAL_NONE)
			rc = look_again(t, &list[i], err);
	}
	for (size_t i = 0; !rc && i < count; i++) {
		if (list[i].change != SEAL_NONE)
			rc = prepare(t, &list[i], base, err);
	}
	for (size_t i = 0; !rc && i < count; i++) {
		if (list[i].change != SEAL_NONE)
			rc = commit(t, &list[i], err);
	}
	for (size_t i = count; i-- > 0;) {
		if (list[i].change != SEAL_NONE)
			finish(t, &list[i], rc != 0);
	}
	(void)fsync(base);
	close(base);
	return rc;
}
