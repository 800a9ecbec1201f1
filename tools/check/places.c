/*
 * places: who besides root and the caller could change the policy by the rights of its files, or of
 * the directories on the way to them. Access control lists are not looked into.
 */
#include "tools/check/check.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MOST 40 /* as the kernel follows */
#define TOLD_MOST 16

struct places {
	void (*warn)(void *context, const struct warning *warning);
	void *context;
	struct {
		dev_t device;
		ino_t inode;
	} told[TOLD_MOST]; /* directories: one warning each is enough */
	unsigned count;
};

static void warn(const struct places *p, const char *path, const char *text)
{
	struct warning warning = {path, 0, NULL, text};

	p->warn(p->context, &warning);
}

static bool is_stranger(uid_t uid)
{
	return uid != 0 && uid != geteuid();
}

static void look_at_file(const struct places *p, const char *path, const struct stat *st)
{
	char text[160];

	if (is_stranger(st->st_uid)) {
		snprintf(text, sizeof(text),
			"belongs to uid %u, who may write the file, and with it the policy",
			(unsigned)st->st_uid);
		warn(p, path, text);
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		warn(p, path, "others than its owner may write the file, and with it the policy");
}

static bool told_before(struct places *p, const struct stat *st)
{
	for (unsigned i = 0; i < p->count; i++) {
		if (p->told[i].device == st->st_dev && p->told[i].inode == st->st_ino)
			return true;
	}
	if (p->count < TOLD_MOST) {
		p->told[p->count].device = st->st_dev;
		p->told[p->count++].inode = st->st_ino;
	}
	return false;
}

/*
 * The sticky bit keeps others from renaming what stands there, so it helps further up; where the
 * files are it does not: one that is missing yet can be made.
 */
static void look_at_directory(struct places *p, const char *path, bool sticky_helps)
{
	bool open, strange;
	char text[160];
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	open = st.st_mode & (S_IWGRP | S_IWOTH) && !(sticky_helps && st.st_mode & S_ISVTX);
	strange = is_stranger(st.st_uid);
	if ((!open && !strange) || told_before(p, &st))
		return;
	if (open)
		warn(p, path,
			"others than its owner may put files there, and with them another policy");
	if (!strange)
		return;
	snprintf(text, sizeof(text),
		"belongs to uid %u, who may put files there, and with them another policy",
		(unsigned)st.st_uid);
	warn(p, path, text);
}

/* The directory of `path` and all above it. */
static void look_at_way(struct places *p, const char *path)
{
	char copy[PATH_MAX], real[PATH_MAX];
	bool above = false;

	snprintf(copy, sizeof(copy), "%s", path);
	if (!realpath(dirname(copy), real))
		return;
	for (;; above = true) {
		look_at_directory(p, real, above);
		if (strcmp(real, "/") == 0)
			return;
		dirname(real);
	}
}

/* Where the link at `path` leads, in its place; false where there is none. */
static bool follow(char path[PATH_MAX])
{
	char target[PATH_MAX], next[PATH_MAX * 2];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	if (target[0] == '/')
		snprintf(next, sizeof(next), "%s", target);
	else
		snprintf(next, sizeof(next), "%s/%s", dirname(path), target);
	if (strlen(next) >= PATH_MAX)
		return false;
	memcpy(path, next, strlen(next) + 1);
	return true;
}

static void look_at(struct places *p, const char *path, const struct stat *st)
{
	char place[PATH_MAX];
	unsigned links = 0;

	if (st)
		look_at_file(p, path, st);
	snprintf(place, sizeof(place), "%s", path);
	do {
		look_at_way(p, place);
	} while (links++ < LINKS_MOST && follow(place));
}

void check_places(const struct configuration *c,
	void (*tell)(void *context, const struct warning *warning), void *context)
{
	struct places places = {.warn = tell, .context = context};

	look_at(&places, c->path, c->seen.main_present ? &c->seen.main : NULL);
	look_at(&places, c->domains, c->seen.domains_present ? &c->seen.domains : NULL);
}
