/*
 * place: writes and removes the files of drop-ins: all of them, or none.
 */
#include "tools/seal/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* What others left who were killed: whoever writes holds the lock. */
static void remove_unfinished(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	for (const struct dirent *e; dir && (e = readdir(dir));) {
		if (seal_is_unfinished(e->d_name))
			unlinkat(directory, e->d_name, 0);
	}
	if (dir)
		closedir(dir);
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
		above = seal_open_within(t, path);
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

	s->fd = seal_open_own(t, s, base, err);
	if (s->fd == -ENOENT && s->change != SEAL_REMOVED) {
		s->fd = seal_make_directory(base, s->directory);
		if (s->fd < 0)
			return seal_fail_at(t, s, NULL, -s->fd, err);
	}
	if (s->fd < 0)
		return s->fd == -ENOENT ? 0 : s->fd;
	remove_unfinished(s->fd);
	for (size_t i = 0; !rc && i < 2; i++) {
		struct seal_file *f = &s->files[i];

		if (f->text && !(f->old && strcmp(f->text, f->old) == 0)) {
			rc = put_beside(s, f, f->text);
			if (rc)
				return seal_fail_at(t, s, f->name, -rc, err);
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
			return seal_fail_at(t, s, f->name, -rc, err);
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
	base = seal_open_base(t, t->base, make, &made);
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
