#include "tools/report/elsewhere.h"

#include "tools/doctor/loader.h"
#include "tools/doctor/unit.h"
#include "tools/doctor/unit_names.h"
#include "tools/report/report.h"
#include "tools/path.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct services {
	char (*at)[UNIT_NAME_SIZE];
	size_t count, room;
};

static int add_name(struct services *n, const char *name, size_t length)
{
	size_t room = n->room ? 2 * n->room : 256;
	void *grown;

	if (n->count == n->room) {
		grown = reallocarray(n->at, room, sizeof(*n->at));
		if (!grown)
			return -ENOMEM;
		n->at = grown;
		n->room = room;
	}
	snprintf(n->at[n->count++], UNIT_NAME_SIZE, "%.*s", (int)length, name);
	return 0;
}

/* A service by its file, or by the directory of its drop-ins: those of an instance have no file. */
static int take_entry(struct services *n, const char *entry)
{
	static const char end[] = ".service", dropins[] = ".service.d";
	size_t length = strlen(entry);

	if (length > sizeof(dropins) - 1 && length < UNIT_NAME_SIZE &&
		strcmp(entry + length - (sizeof(dropins) - 1), dropins) == 0)
		return add_name(n, entry, length - 2);
	if (length > sizeof(end) - 1 && length < UNIT_NAME_SIZE &&
		strcmp(entry + length - (sizeof(end) - 1), end) == 0)
		return add_name(n, entry, length);
	return 0;
}

static int list_place(const struct patient *p, const char *place, struct services *n)
{
	int fd = patient_open(p, place), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	for (const struct dirent *e; dir && !rc && (e = readdir(dir));)
		rc = take_entry(n, e->d_name);
	if (dir)
		closedir(dir);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int list_services(const struct patient *p, struct services *n)
{
	char room[UNIT_PLACES_SIZE], place[PATH_MAX];
	const char *list = unit_places(p, room);
	int rc = 0;

	while (!rc && unit_place_next(&list, place))
		rc = list_place(p, place, n);
	if (!rc && n->count)
		qsort(n->at, n->count, sizeof(*n->at), by_name);
	return rc;
}

/* A template stands for its instances. */
static bool is_asked_for(const char *name, const char *const *patterns)
{
	char template[UNIT_NAME_SIZE];

	if (!patterns)
		return true;
	for (; *patterns; patterns++)
		if (fnmatch(*patterns, name, 0) == 0 ||
			(unit_template_of(*patterns, template) && strcmp(template, name) == 0))
			return true;
	return false;
}

/* What `mailseal run --log TARGET` names in ExecStart=. False where there is none. */
static bool told_to_run(const struct unit *u, char target[PATH_MAX])
{
	const char *command = unit_value(u, "ExecStart");
	char word[PATH_MAX];

	if (!command)
		return false;
	command += strspn(command, "@-:+!|");
	if (!unit_word(&command, word, sizeof(word)) || strcmp(path_base(word), "mailseal") != 0 ||
		!unit_word(&command, word, sizeof(word)) || strcmp(word, "run") != 0)
		return false;
	while (unit_word(&command, word, sizeof(word)) && *word == '-' && strcmp(word, "--") != 0) {
		if (strcmp(word, "-l") == 0 || strcmp(word, "--log") == 0)
			return unit_word(&command, target, PATH_MAX);
		if (strncmp(word, "--log=", 6) == 0 || strncmp(word, "-l", 2) == 0) {
			snprintf(target, PATH_MAX, "%s", word + (word[1] == '-' ? 6 : 2));
			return true;
		}
		if (strchr(word, '=') || (word[1] != '-' && word[2]))
			continue;
		if (!unit_word(&command, word, sizeof(word)))
			return false;
	}
	return false;
}

static bool has_own_root(const struct unit *u)
{
	const char *root = unit_value(u, "RootDirectory");

	return unit_value(u, "RootImage") || (root && strcmp(root, "/") != 0);
}

/* Of a service in a root of its own: is the journal, syslog, or the system agent, to be seen there?
 */
static bool is_heard(const struct unit *u)
{
	return unit_is_on(u, "BindLogSockets", false) || unit_is_bound(u, "/dev/log") ||
	       unit_is_bound(u, "/run/systemd/journal/socket") ||
	       unit_is_bound(u, "/run/systemd/journal/dev-log") ||
	       unit_is_bound(u, "/run/mailseal/agent.sock");
}

/* False where it logs as all do, or is none of ours. */
static bool judge(const struct service *s, struct elsewhere_log *log)
{
	const char *target = service_variable(s, "MAILSEAL_LOG");
	const char *preload = service_variable(s, "LD_PRELOAD");
	bool own_root = has_own_root(&s->unit);
	char told[PATH_MAX];

	if (told_to_run(&s->unit, told))
		target = told;
	if (!target || strcmp(target, "syslog") == 0 || strcmp(target, "journal") == 0) {
		log->kind = ELSEWHERE_NOWHERE;
		return own_root && !is_heard(&s->unit) &&
		       (target || (preload && names_library(preload)));
	}
	snprintf(log->path, sizeof(log->path), "%s", target);
	if (strcmp(target, "stderr") == 0)
		log->kind = ELSEWHERE_STDERR;
	else if (own_root || *target != '/' || strchr(target, '%') ||
		 unit_hidden_by(&s->unit, target))
		log->kind = ELSEWHERE_WITHIN;
	else
		log->kind = ELSEWHERE_FILE;
	return true;
}

/* What cannot be read of a unit is as if it were not there: the report is no examination of units.
 */
static int look_at(struct elsewhere *e, struct patient *p, const char *name)
{
	struct elsewhere_log log = {0}, *grown;
	struct service s = {0};
	int rc = unit_load(&s.unit, p, name, false, NULL);

	if (!rc)
		rc = service_environment(&s, p);
	if (!rc && judge(&s, &log)) {
		snprintf(log.unit, sizeof(log.unit), "%s", name);
		grown = reallocarray(e->at, e->count + 1, sizeof(*e->at));
		if (grown) {
			e->at = grown;
			e->at[e->count++] = log;
		}
		rc = grown ? 0 : -ENOMEM;
	}
	service_environment_clear(&s);
	unit_clear(&s.unit);
	diagnosis_clear(&p->found);
	return rc == -ENOMEM ? rc : 0;
}

int elsewhere_find(struct elsewhere *e, const char *const *patterns)
{
	struct patient p = {.root = -1, .outside = -1, .root_name = ""};
	struct services n = {0};
	int rc;

	*e = (struct elsewhere){0};
	rc = list_services(&p, &n);
	for (size_t i = 0; !rc && i < n.count; i++)
		if ((i == 0 || strcmp(n.at[i - 1], n.at[i]) != 0) &&
			is_asked_for(n.at[i], patterns))
			rc = look_at(e, &p, n.at[i]);
	free(n.at);
	return rc;
}

const char *elsewhere_words(const struct elsewhere_log *log, char *out, size_t size)
{
	char path[160];

	report_plain(log->path, path, sizeof(path));
	switch (log->kind) {
	case ELSEWHERE_FILE:
		snprintf(out, size,
			"%.80s logs to %s, which was not read; mailseal report %s reads it",
			log->unit, path, path);
		break;
	case ELSEWHERE_STDERR:
		snprintf(out, size,
			"%.80s logs to standard error, which was not read; journalctl -u %.80s -o "
			"cat | mailseal report - reads it",
			log->unit, log->unit);
		break;
	case ELSEWHERE_WITHIN:
		snprintf(out, size,
			"%.80s logs to %s in a view of its own, which was not read; mailseal "
			"report "
			"FILE reads it by its name outside",
			log->unit, path);
		break;
	case ELSEWHERE_NOWHERE:
		snprintf(out, size,
			"%.80s has a root directory of its own, in which neither journal nor "
			"syslog is seen: it may log nowhere",
			log->unit);
		break;
	}
	return out;
}

void elsewhere_clear(struct elsewhere *e)
{
	free(e->at);
	*e = (struct elsewhere){0};
}
