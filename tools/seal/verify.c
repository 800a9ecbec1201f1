/*
 * verify: whether what the drop-in sets is still so when all files of the unit are read.
 */
#include "tools/seal/plan.h"

#include "config/load.h"
#include "tools/doctor/loader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* The place among the unit's files; the number of files where it is none of them. */
static unsigned own_file(const struct planning *g)
{
	unsigned i = 0;

	while (i < g->then.unit.file_count && strcmp(g->then.unit.files[i], g->dropin) != 0)
		i++;
	return i;
}

static bool touches(const struct unit_setting *s, const char *variable)
{
	if (strcmp(s->section, "Service") != 0)
		return false;
	if (strcmp(s->key, "EnvironmentFile") == 0)
		return true;
	if (strcmp(s->key, "Environment") == 0)
		return !*s->value || strstr(s->value, variable);
	return strcmp(s->key, "UnsetEnvironment") == 0 && strstr(s->value, variable);
}

static void tell_undone(struct planning *g, const char *variable, enum severity severity)
{
	const struct unit *u = &g->then.unit;
	const struct unit_setting *by = NULL;
	unsigned own = own_file(g);

	for (size_t i = 0; i < u->setting_count; i++) {
		if (u->settings[i].file > own && touches(&u->settings[i], variable))
			by = &u->settings[i];
	}
	if (by)
		diagnosis_add(&g->s->found, severity, "undone",
			"Change it there, or give that file a name that comes before 50-mailseal",
			"%s:%u: %s=%s is read after the drop-in and takes %s back",
			u->files[by->file], by->line, by->key, by->value, variable);
	else
		diagnosis_add(&g->s->found, severity, "undone",
			own < u->file_count ? "See what systemctl cat tells"
					    : "Remove the other file of that name, or see whether "
					      "SYSTEMD_UNIT_PATH is set",
			own < u->file_count ? "%s does not come out as the drop-in sets it"
					    : "another drop-in hides it: %s is not set",
			variable);
}

static int check_variables(struct planning *g)
{
	struct seal_variable list[SEAL_VARIABLES_MOST];

	if (seal_variables(&g->wish, list))
		return complain(EX_OSERR, "out of memory");
	for (size_t i = 0; list[i].name; i++) {
		const char *value = service_variable(&g->then, list[i].name);
		/* whether that one can be loaded, was examined */
		bool does = i == 0 && value && names_library(value);

		if (!value || strcmp(value, list[i].value) != 0)
			tell_undone(g, list[i].name, does ? SEVERITY_WARNING : SEVERITY_OBSTACLE);
	}
	seal_variables_clear(list);
	return EX_OK;
}

/* An empty assertion of any kind takes back all that were made. */
static void check_assertions(struct planning *g)
{
	const struct unit *u = &g->then.unit;
	unsigned own = own_file(g);

	for (size_t i = 0; i < u->setting_count; i++) {
		const struct unit_setting *s = &u->settings[i];

		if (s->file > own && strcmp(s->section, "Unit") == 0 &&
			strncmp(s->key, "Assert", 6) == 0 && !*s->value)
			diagnosis_add(&g->s->found, SEVERITY_WARNING, "assertion-undone",
				"Give that file a name that comes before 50-mailseal",
				"%s:%u: %s= takes the assertion back by which the service does not "
				"start without the library",
				u->files[s->file], s->line, s->key);
	}
}

/* What is not known cannot be written anew. */
static void check_specifiers(struct planning *g)
{
	const char *value;
	char word[4096], expanded[4096];
	size_t at = 0;

	while ((value = unit_next(&g->base.unit, "Environment", &at))) {
		while (unit_word(&value, word, sizeof(word))) {
			if (strncmp(word, "LD_PRELOAD=", 11) == 0 && g->wish.preload &&
				!unit_expand(&g->base.unit, word, expanded, sizeof(expanded)) &&
				strcmp(expanded + 11, g->wish.preload) == 0)
				diagnosis_add(&g->s->found, SEVERITY_OBSTACLE, "specifier",
					"Write it out in a drop-in of your own",
					"Environment=%s: what %% stands for is not known here",
					word);
		}
	}
}

/* Before the drop-in: what it replaces. */
static void tell_before(struct planning *g)
{
	const char *value;
	char word[256];
	size_t at = 0;

	value = service_variable(&g->base, "MAILSEAL_SOCKET");
	if (value && strcmp(value, "none") != 0 && seal_has_own_agent(g->o))
		diagnosis_add(&g->s->found, SEVERITY_WARNING, "socket-replaced", NULL,
			"MAILSEAL_SOCKET=%s named a system agent; with %s the service has an agent "
			"of its "
			"own, which goes by %s",
			value, g->o->log[0] ? "--log" : "--ports",
			g->o->config[0] ? g->o->config : CONFIG_PATH);
	if (g->wish.preload && names_library(g->wish.preload))
		diagnosis_add(&g->s->found, SEVERITY_NOTE, "named-before", NULL,
			"LD_PRELOAD=%s named the library already; now the drop-in does",
			g->wish.preload);
	while ((value = unit_next(&g->base.unit, "PassEnvironment", &at))) {
		while (unit_word(&value, word, sizeof(word))) {
			if (strcmp(word, "LD_PRELOAD") == 0)
				diagnosis_add(&g->s->found, SEVERITY_WARNING, "pass-environment",
					"Name in a drop-in of your own what must be preloaded "
					"besides",
					"PassEnvironment=LD_PRELOAD: what the manager was started "
					"with is not known here, and no longer counts");
		}
	}
}

/* What loads the library besides. */
static void tell_besides(struct planning *g)
{
	struct diagnosis *found = &g->s->found;

	for (size_t i = 0, count = found->count; i < count; i++) {
		if (strcmp(found->at[i].code, "run") == 0 ||
			strcmp(found->at[i].code, "preload") == 0)
			diagnosis_add(found, SEVERITY_NOTE, "loaded-already", NULL,
				"%s: the library is loaded without the drop-in, too",
				found->at[i].text);
	}
}

static bool machine_agent_config(const struct planning *g, char out[PATH_MAX])
{
	struct patient p;
	bool is;

	if (seal_patient(g->t, &p) != EX_OK)
		return false;
	is = system_agent_config(&p, out);
	seal_patient_done(&p);
	return is;
}

/* A policy that cannot be read lets no mail out. That of another tree is not opened: what it names
 * would be this machine's. */
static void check_policy(struct planning *g)
{
	const char *named = service_variable(&g->then, "MAILSEAL_CONFIG");
	const char *socket = service_variable(&g->then, "MAILSEAL_SOCKET");
	bool own = !socket || strcmp(socket, "none") == 0;
	struct policy_set *policy = NULL;
	char its[PATH_MAX];
	struct err err;

	if (g->t->offline || (own && (g->inside || (named && *named != '/'))))
		return;
	if (!own) {
		if (!g->o->system_agent || !machine_agent_config(g, its))
			return;
		named = strcmp(its, CONFIG_PATH) == 0 ? NULL : its;
	}
	if (policy_set_load(named ? named : CONFIG_PATH, !named, &policy, NULL, &err))
		diagnosis_add(&g->s->found, SEVERITY_OBSTACLE, "configuration",
			"No mail would leave: mailseal check tells more", "%s", err.text);
	policy_set_free(policy);
}

/* It is no matter of the service alone: see README. */
static void tell_machine(struct planning *g, const struct patient *p)
{
	char its[PATH_MAX];
	struct stat st;
	bool is = patient_stat(p, MAILSEAL_SOCKET_DEFAULT, &st) == 0 && S_ISSOCK(st.st_mode);

	(void)system_agent_config(p, its);
	diagnosis_add(&g->s->found, SEVERITY_NOTE, "whole-machine",
		"mailseal-agent(8) tells of it; an agent of its own has who names a configuration "
		"(MAILSEAL_CONFIG) or forbids this one (MAILSEAL_SOCKET=none)",
		"%s: the system agent serves every program under mailseal on this machine, other "
		"sealed "
		"services too, from the next connection on, by %s and with its own log and ports",
		is ? "mailseal-agent.socket is there already" : "this starts mailseal-agent.socket",
		its);
}

/* The drop-in requires its socket. */
static int check_agent(struct planning *g)
{
	static struct unit_found found;
	struct patient p;
	int code;

	if (!g->o->system_agent || g->t->user)
		return EX_OK;
	code = seal_patient(g->t, &p);
	if (code != EX_OK)
		return code;
	if (unit_find(&p, "mailseal-agent.socket", &found, NULL))
		diagnosis_add(&g->s->found, SEVERITY_OBSTACLE, "system-agent-unit",
			"Install it, as mailseal-agent(8) tells",
			"there is no unit mailseal-agent.socket%s%s", g->t->shown[0] ? " in " : "",
			g->t->shown);
	else {
		diagnosis_drop(&g->s->found, "system-agent-missing"); /* it is started before */
		tell_machine(g, &p);
	}
	seal_patient_done(&p);
	return EX_OK;
}

int seal_verify(struct planning *g)
{
	int code = check_variables(g);

	if (code == EX_OK)
		code = check_agent(g);
	check_assertions(g);
	check_policy(g);
	check_specifiers(g);
	tell_before(g);
	tell_besides(g);
	return code;
}
