/*
 * unit: a service, by its unit and drop-ins: its environment, its programs, its sandbox.
 */
#include "tools/doctor/unit.h"

#include "tools/doctor/loader.h"
#include "tools/doctor/unit_names.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where systemd looks for a program that is named without a path. */
static const char search_default[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#define WORD 4096

static void take_groups(struct patient *p, struct service *s)
{
	const char *value, *name = unit_value(&s->unit, "Group");
	char word[256];
	size_t at = 0;

	if (name)
		patient_group(p, name, &p->gid);
	while ((value = unit_next(&s->unit, "SupplementaryGroups", &at))) {
		while (unit_word(&value, word, sizeof(word)) && s->group_count < GROUPS_MOST) {
			if (patient_group(p, word, &s->groups[s->group_count]))
				s->group_count++;
		}
	}
}

/* A user's manager starts services as that user, whatever they say. */
static void take_own_user(struct patient *p, struct service *s)
{
	p->user_given = true;
	p->uid = geteuid();
	p->gid = getegid();
	s->group_count = getgroups(GROUPS_MOST, s->groups);
	if (s->group_count < 0)
		s->group_count = 0;
}

static void take_user(struct patient *p, struct service *s)
{
	const char *value = unit_value(&s->unit, "User");
	char name[256] = "";
	const struct passwd *user;

	if (value)
		unit_expand(&s->unit, value, name, sizeof(name));
	user = *name ? patient_user(p, name) : NULL;

	p->user_given = true;
	s->dynamic_user = unit_is_on(&s->unit, "DynamicUser", false) && !user;
	if (s->dynamic_user) {
		p->uid = p->gid = (uid_t)-1;
		diagnosis_add(&p->found, SEVERITY_NOTE, "DynamicUser",
			"Put secrets that the policy names (client_key) where its Group= reads "
			"them",
			"DynamicUser: the service gets a user of its own, so that everybody must "
			"be allowed to read the configuration");
	} else if (user) {
		p->uid = user->pw_uid;
		p->gid = user->pw_gid;
		s->group_count = patient_groups(p, user, s->groups, GROUPS_MOST);
	} else if (*name) {
		p->user_given = false;
		diagnosis_add(&p->found, SEVERITY_WARNING, "user-unknown",
			"The service does not start; make the user", "User=%s: there is none",
			name);
	} else {
		p->uid = 0;
		p->gid = 0;
	}
	take_groups(p, s);
}

static void take_variables(struct patient *p, struct service *s)
{
	const char *search = service_variable(s, "PATH"), *ports, *path;
	const char *socket = service_variable(s, "MAILSEAL_SOCKET");
	const char *config = service_variable(s, "MAILSEAL_CONFIG");
	struct ports parsed;

	p->preload = service_variable(s, "LD_PRELOAD");
	p->preload_given = true;
	p->library_paths = service_variable(s, "LD_LIBRARY_PATH");
	p->search = search ? search : search_default;
	s->system_agent = patient_system_agent(p, socket, config, &path);
	if (s->system_agent == SYSTEM_AGENT_NAMED && config)
		doctor_agent_config(&p->found, p, socket, config);
	ports = service_variable(s, "MAILSEAL_PORTS");
	if (ports)
		doctor_ports(p, &parsed, ports);
}

static void tell_preload(struct patient *p)
{
	if (p->everywhere)
		diagnosis_add(&p->found, SEVERITY_OK, "preload", NULL,
			"/etc/ld.so.preload names the library, for all programs but those of musl");
	else if (!p->preload || !names_library(p->preload))
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "not-preloaded",
			p->overlays ? "What is read later takes it back: systemctl cat UNIT"
				    : "Seal it: mailseal enable UNIT",
			"the unit does not load the library: LD_PRELOAD%s%s", p->preload ? "=" : "",
			p->preload ? p->preload : " is not set");
}

/* What stands before the path in ExecStart=. */
struct signs {
	bool lifted;  /* +: without the sandbox */
	bool renamed; /* @: the second word is what the program is told its name is */
};

static struct signs cut_signs(const char **command)
{
	size_t n = strspn(*command, "@-:+!|");
	struct signs signs = {memchr(*command, '+', n) != NULL, memchr(*command, '@', n) != NULL};

	*command += n;
	return signs;
}

/* Its words up to a ";" that stands alone, with the names of the unit put in where they are known.
 * Behind that another command begins. */
static int make_command(
	struct command *c, const struct unit *u, const char **line, const struct signs *signs)
{
	char word[WORD], expanded[WORD];
	unsigned n = 0;
	int rc = 0;

	while (!rc && unit_word(line, word, sizeof(word))) {
		if (n && strcmp(word, ";") == 0 && (*line)[-1] == ';' && (*line)[-2] != '\\')
			break;
		if (n++ == 1 && signs->renamed)
			continue;
		rc = command_add(
			c, unit_expand(u, word, expanded, sizeof(expanded)) ? expanded : word);
	}
	return rc;
}

static void tell_started(struct patient *p, struct service *s, const struct followed *f)
{
	s->by_run = p->by_run;
	if (s->by_run)
		diagnosis_add(&p->found, SEVERITY_OK, "run", NULL,
			"the service is started by mailseal run");
	else if (!f->lost[0])
		tell_preload(p);
}

/* Behind what starts it. */
static int examine_started(struct patient *p, struct service *s, struct command *c, struct err *err)
{
	struct patient before = *p;
	struct followed f;
	int rc;

	if (p->root >= 0)
		p->root = fcntl(p->root, F_DUPFD_CLOEXEC, 0);
	rc = doctor_command(p, c, &f, err);
	s->chrooted = s->chrooted || p->root_name != before.root_name;
	tell_started(p, s, &f);
	if (!rc) {
		if (f.by && strcmp(f.by, "mailseal") != 0)
			diagnosis_add(&p->found, SEVERITY_OK, "wrapper", NULL,
				"%s starts %s in its place", f.by, f.path);
		doctor_command_tell(p, c, &f, NULL);
		rc = doctor_program(p, f.path, err);
	}
	doctor_command_undo(p, &before);
	return rc;
}

/* A program that cannot be examined is a finding here: the unit itself was found. */
static void examine_command(struct patient *p, struct service *s, const char **line)
{
	char word[WORD] = "", program[WORD];
	struct signs signs;
	struct command c = {0};
	struct err err = {""};
	const char *at;
	int rc;

	*line += strspn(*line, " \t\n");
	signs = cut_signs(line);
	if (signs.lifted)
		diagnosis_add(&p->found, SEVERITY_NOTE, "lifted", NULL,
			"the + before the command lifts the sandbox for it");
	at = *line;
	if (!unit_word(&at, word, sizeof(word)) ||
		!unit_expand(&s->unit, word, program, sizeof(program)) ||
		make_command(&c, &s->unit, line, &signs)) {
		*line += strlen(*line);
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "program-unknown",
			"Examine it by its path: mailseal doctor PROGRAM",
			"the program of the service is not known here: %.200s", word);
	} else if ((rc = examine_started(p, s, &c, &err))) {
		diagnosis_add(&p->found, SEVERITY_OBSTACLE,
			rc == -ENOENT ? "program-missing" : "program-unknown",
			"The service does not start so", "%s", err.text);
	}
	command_clear(&c);
}

/* Those of one setting; how many. */
static size_t examine_setting(struct patient *p, struct service *s, const char *key)
{
	const char *line;
	size_t at = 0, count = 0;

	while ((line = unit_next(&s->unit, key, &at))) {
		for (; *line; count++)
			examine_command(p, s, &line);
	}
	return count;
}

/* What runs beside the service's own program, with the same environment. It may send mail, but
 * seldom does: what does not reach it is no more than a warning. */
static void examine_beside(struct patient *p, struct service *s)
{
	static const char *const keys[] = {"ExecCondition", "ExecStartPre", "ExecStartPost",
		"ExecReload", "ExecStop", "ExecStopPost"};
	struct patient before = *p;
	bool by_run = s->by_run, chrooted = s->chrooted;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct diagnosis beside;

		p->found = (struct diagnosis){0};
		memcpy(p->found.unit, before.found.unit, sizeof(p->found.unit));
		examine_setting(p, s, keys[i]);
		beside = p->found;
		p->found = before.found;
		for (size_t n = 0; n < beside.count; n++) {
			if (beside.at[n].severity == SEVERITY_OBSTACLE)
				diagnosis_add(&p->found, SEVERITY_WARNING, beside.at[n].code,
					beside.at[n].advice, "%s: %s", keys[i], beside.at[n].text);
		}
		diagnosis_clear(&beside);
		before.found = p->found;
	}
	*p = before;
	s->by_run = by_run;
	s->chrooted = chrooted;
}

static int examine_commands(struct patient *p, struct service *s, struct err *err)
{
	if (examine_setting(p, s, "ExecStart") == 0)
		return err_fail(err, ENOEXEC,
			"%s has no ExecStart= (is it masked, or not a service?)", s->unit.name);
	examine_beside(p, s);
	return 0;
}

/* Goes into RootDirectory=. False where what is inside cannot be seen. */
static bool enter_root(struct patient *p, const struct service *s, char directory[PATH_MAX])
{
	const char *value = unit_value(&s->unit, "RootDirectory");
	int rc;

	if (unit_value(&s->unit, "RootImage")) {
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "RootImage",
			"Library, agent and configuration must be in it; once it runs, ask for its "
			"process: mailseal doctor --pid PID",
			"RootImage=%s: what is in the image cannot be seen here",
			unit_value(&s->unit, "RootImage"));
		return false;
	}
	if (!value)
		return true;
	unit_expand(&s->unit, value + (*value == '-'), directory, PATH_MAX);
	rc = patient_enter(p, directory);
	if (rc) {
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "RootDirectory",
			"The service does not start so", "RootDirectory=%s: %s", directory,
			strerror(-rc));
		return false;
	}
	diagnosis_add(&p->found, SEVERITY_NOTE, "RootDirectory",
		"Library, agent, configuration and certificates must be in it",
		"RootDirectory=%s: the service sees nothing outside of it", directory);
	if (!unit_is_on(&s->unit, "MountAPIVFS", false))
		diagnosis_add(&p->found, SEVERITY_WARNING, "MountAPIVFS",
			"Set MountAPIVFS=yes, unless /proc is mounted there by other means",
			"without MountAPIVFS there may be no /proc in it, which mailseal needs");
	return true;
}

/* What the service sees: with what is bound into it. */
static bool enter(struct patient *p, const struct service *s, char directory[PATH_MAX])
{
	struct patient bound = {.root = p->root};
	bool seen;

	if (service_binds(s, &bound))
		p->found.incomplete = true;
	seen = enter_root(p, s, directory);
	p->binds = bound.binds;
	p->bind_count = bound.bind_count;
	p->outside = bound.outside;
	if (seen)
		doctor_look_everywhere(p);
	return seen;
}

static void tell_files(struct patient *p, const struct unit *u)
{
	for (unsigned i = 0; i < u->file_count; i++)
		diagnosis_add(&p->found, SEVERITY_OK, "unit-file", NULL, "%s %s",
			i ? "drop-in" : "unit", u->files[i]);
}

static bool starts_agent(const struct unit *u)
{
	static const char *const keys[] = {"Requires", "Wants", "BindsTo"};
	const char *value;
	char word[UNIT_NAME_SIZE];

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		size_t at = 0;

		while ((value = unit_next_in(u, "Unit", keys[i], &at))) {
			while (unit_word(&value, word, sizeof(word))) {
				if (strcmp(word, "mailseal-agent.socket") == 0)
					return true;
			}
		}
	}
	return false;
}

static int examine(struct patient *p, struct service *s, struct err *err)
{
	char directory[PATH_MAX] = "";
	int rc = 0;

	p->offline = p->root >= 0;
	p->starts_agent = starts_agent(&s->unit);

	tell_files(p, &s->unit);
	if (p->user_manager)
		take_own_user(p, s);
	else
		take_user(p, s);
	take_variables(p, s);
	doctor_sandbox(p, s);
	if (enter(p, s, directory)) {
		rc = examine_commands(p, s, err);
		doctor_system_agent(p, service_variable(s, "MAILSEAL_SOCKET"),
			service_variable(s, "MAILSEAL_CONFIG"), 0);
		if (!s->chrooted)
			doctor_unit_paths(p, s);
	} else {
		tell_preload(p);
	}
	service_binds_clear(p);
	p->root_name = "";
	return rc;
}

int doctor_unit(struct patient *p, const char *name, bool is_file, struct err *err)
{
	struct service s = {0};
	int rc = unit_load(&s.unit, p, name, is_file, err);

	p->by_run = false;
	if (!rc) {
		diagnosis_name(&p->found, s.unit.name, p->user_manager);
		rc = service_environment(&s, p);
		if (rc)
			err_fail(err, -rc, "%s", strerror(-rc));
	}
	if (!rc)
		rc = examine(p, &s, err);
	service_environment_clear(&s);
	unit_clear(&s.unit);
	p->preload = p->library_paths = NULL;
	p->search = search_default;
	return rc;
}
