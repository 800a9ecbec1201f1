/*
 * users: users and groups: those of this machine, or of the tree that is examined.
 */
#include "tools/doctor/doctor.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *open_table(const struct patient *p, const char *path)
{
	int fd = patient_open(p, path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file && fd >= 0)
		close(fd);
	return file;
}

/* A number, or -1. */
static long number_of(const char *name)
{
	char *end;
	unsigned long id = strtoul(name, &end, 10);

	return *name >= '0' && *name <= '9' && !*end && id < (uid_t)-1 ? (long)id : -1;
}

const struct passwd *patient_user(const struct patient *p, const char *name)
{
	long id = number_of(name);
	const struct passwd *user;
	FILE *table;

	if (p->root < 0)
		return id >= 0 ? getpwuid((uid_t)id) : getpwnam(name);
	table = open_table(p, "/etc/passwd");
	if (!table)
		return NULL;
	do
		user = fgetpwent(table);
	while (user && (id >= 0 ? user->pw_uid != (uid_t)id : strcmp(user->pw_name, name) != 0));
	fclose(table);
	return user;
}

bool patient_group(const struct patient *p, const char *name, gid_t *gid)
{
	long id = number_of(name);
	const struct group *group;
	FILE *table;

	if (p->root < 0) {
		group = id >= 0 ? NULL : getgrnam(name);
	} else {
		table = open_table(p, "/etc/group");
		group = NULL;
		while (table && (group = fgetgrent(table)) && strcmp(group->gr_name, name) != 0)
			;
		if (table)
			fclose(table);
	}
	if (!group && id < 0)
		return false;
	*gid = group ? group->gr_gid : (gid_t)id;
	return true;
}

static bool has_member(const struct group *group, const char *name)
{
	for (char **member = group->gr_mem; *member; member++) {
		if (strcmp(*member, name) == 0)
			return true;
	}
	return false;
}

int patient_groups(const struct patient *p, const struct passwd *user, gid_t *groups, int most)
{
	const struct group *group;
	int count = most;
	FILE *table;

	if (p->root < 0)
		return getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0 ? most : count;
	table = open_table(p, "/etc/group");
	count = 0;
	while (table && count < most && (group = fgetgrent(table))) {
		if (has_member(group, user->pw_name))
			groups[count++] = group->gr_gid;
	}
	if (table)
		fclose(table);
	return count;
}
