/*
 * plan: what a unit's drop-in must say, and whether it would do: the unit is examined with the
 * drop-in as it will be, before anything is written.
 */
#include "tools/seal/plan.h"

#include "config/load.h"
#include "tools/doctor/loader.h"
#include "tools/print.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

void sealing_init(struct sealing *s, const char *name)
{
	*s = (struct sealing){.fd = -1};
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->directory, sizeof(s->directory), "%s.d", name);
	s->files[SEAL_FILE_VARIABLES].name = SEAL_VARIABLES;
	s->files[SEAL_FILE_DROPIN].name = SEAL_DROPIN;
	s->is_template = unit_is_template(name);
}

void sealing_clear(struct sealing *s)
{
	for (size_t i = 0; i < 2; i++) {
		free(s->files[i].text);
		free(s->files[i].old);
	}
	diagnosis_clear(&s->found);
	*s = (struct sealing){.fd = -1};
}

void sealing_path(
	const struct seal_tree *t, const struct sealing *s, const char *name, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%.3500s/%s/%s", t->base, s->directory, name);
}

int seal_patient(const struct seal_tree *t, struct patient *p)
{
	*p = (struct patient){.root = -1,
		.root_name = t->shown,
		.search = "/usr/bin:/bin",
		.unit_places = t->places[0] ? t->places : unit_places_system,
		.user_manager = t->user};
	if (t->offline) {
		p->root = fcntl(t->root, F_DUPFD_CLOEXEC, 0);
		if (p->root < 0)
			return complain(EX_OSERR, "%s: %s", t->shown, strerror(errno));
	}
	doctor_look_everywhere(p);
	return EX_OK;
}

void seal_patient_done(struct patient *p)
{
	diagnosis_clear(&p->found);
	if (p->root >= 0)
		close(p->root);
	p->root = -1;
}

/* The unit and its variables as they are with the given files; clear `service` in any case. */
static int load(struct planning *g, const struct overlay *overlays, struct service *service)
{
	struct patient p;
	struct err err;
	int code = seal_patient(g->t, &p), rc;

	*service = (struct service){0};
	if (code != EX_OK)
		return code;
	p.overlays = overlays;
	rc = unit_load(&service->unit, &p, g->s->name, false, &err);
	if (rc)
		code = complain(rc == -EACCES ? EX_NOPERM : EX_NOINPUT, "%s", err.text);
	else if (service_environment(service, &p))
		code = complain(EX_OSERR, "out of memory");
	seal_patient_done(&p);
	return code;
}

static void unload(struct service *service)
{
	service_environment_clear(service);
	unit_clear(&service->unit);
}

/* --- what the drop-in must say --- */

/* What systemd does not take, for its octets, cannot be written either. */
static bool is_written(const char *word)
{
	for (const char *at = word; *at; at++) {
		if (*at > 0 && *at < ' ' && *at != '\t' && *at != '\n')
			return false;
	}
	return is_utf8(word);
}

/* The words of UnsetEnvironment= but those that would take away what is set here. */
static int keep_unset(struct planning *g)
{
	struct seal_variable list[SEAL_VARIABLES_MOST];
	const char *value;
	char word[4096];
	size_t at = 0, n = 0;
	bool undoes = false;
	int rc = seal_variables(&g->wish, list);

	while (!rc && (value = unit_next(&g->base.unit, "UnsetEnvironment", &at))) {
		while (!rc && unit_word(&value, word, sizeof(word))) {
			const char **grown;
			bool ours = false;

			if (!is_written(word))
				continue;
			grown = reallocarray(g->unset, n + 2, sizeof(*grown));
			for (size_t i = 0; list[i].name; i++)
				ours = ours ||
				       (strncmp(word, list[i].name, strcspn(word, "=")) == 0 &&
					       strlen(list[i].name) == strcspn(word, "="));
			undoes = undoes || ours;
			if (grown)
				g->unset = grown;
			rc = !grown ? -ENOMEM : 0;
			if (!rc && !ours && !(grown[n++] = strdup(word)))
				rc = -ENOMEM;
			if (!rc)
				grown[n] = NULL;
		}
	}
	seal_variables_clear(list);
	g->wish.unset = undoes ? g->unset : NULL;
	return rc;
}

static int make_texts(struct planning *g)
{
	if (keep_unset(g) || seal_write_texts(&g->wish, g->s))
		return complain(EX_OSERR, "out of memory");
	g->with[0].text = g->s->files[SEAL_FILE_DROPIN].text;
	g->with[1].text = g->s->files[SEAL_FILE_VARIABLES].text;
	return EX_OK;
}

/* AF_UNIX is added where there is a list without it, and only if that changes nothing else: where
 * there is no list, or a later file makes it, the line would be one. */
static int try_families(struct planning *g)
{
	struct families before = families_of(&g->base.unit), after;
	struct service then;
	bool does;
	int code;

	if (families_allow(&before, FAMILY_UNIX))
		return EX_OK;
	g->wish.families = true;
	code = make_texts(g);
	if (code != EX_OK)
		return code;
	code = load(g, g->with, &then);
	if (code == EX_OK) {
		after = families_of(&then.unit);
		does = families_allow(&after, FAMILY_UNIX);
		for (unsigned i = FAMILY_INET; i < FAMILIES; i++)
			does = does && families_allow(&after, (enum family)i) ==
					       families_allow(&before, (enum family)i);
		g->wish.families = does;
	}
	unload(&then);
	return code;
}

/* --- would it do? --- */

static int examine(struct planning *g, struct diagnosis *found)
{
	struct patient p;
	struct err err;
	int code = seal_patient(g->t, &p), rc;

	if (code != EX_OK)
		return code;
	p.overlays = g->with;
	rc = doctor_unit(&p, g->s->name, false, &err);
	if (rc)
		code = complain(rc == -EACCES ? EX_NOPERM : EX_DATAERR, "%s", err.text);
	if (p.found.incomplete)
		code = complain(EX_OSERR, "out of memory");
	*found = p.found;
	p.found = (struct diagnosis){0};
	seal_patient_done(&p);
	return code;
}

static bool has(const struct diagnosis *d, const char *code)
{
	for (size_t i = 0; i < d->count; i++) {
		if (strcmp(d->at[i].code, code) == 0)
			return true;
	}
	return false;
}

/* The one name for libraries of both kinds if there are both and all programs understand it; else
 * the one that fits. */
static int choose_library(struct planning *g)
{
	const char *const names[] = {
		g->parts.each, g->parts.library, g->parts.library32, g->parts.library};
	int code = EX_OK;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && code == EX_OK; i++) {
		if (!*names[i])
			continue;
		diagnosis_clear(&g->s->found);
		code = seal_take_library(g, names[i]);
		if (code == EX_OK)
			code = make_texts(g);
		if (code == EX_OK)
			code = examine(g, &g->s->found);
		if (code == EX_OK && !has(&g->s->found, "library-unfit"))
			break;
	}
	return code;
}

/* Would the system agent do where an agent of its own does not? */
static bool agent_would_do(struct planning *g)
{
	const struct seal_options *asked = g->o;
	struct seal_options with = *asked;
	struct diagnosis found = g->s->found;
	bool would = false;

	if (asked->system_agent || asked->config[0])
		return false;
	with.log[0] = '\0';
	with.ports = NULL;
	with.system_agent = true;
	g->o = g->wish.options = &with;
	g->s->found = (struct diagnosis){0};
	seal_take_root(g);
	unload(&g->then);
	if (seal_take_library(g, g->wish.library) == EX_OK && make_texts(g) == EX_OK &&
		examine(g, &g->s->found) == EX_OK && load(g, g->with, &g->then) == EX_OK &&
		seal_verify(g) == EX_OK) {
		diagnosis_drop(&g->s->found, "system-agent-unit"); /* then it says so itself */
		would = diagnosis_count(&g->s->found, SEVERITY_OBSTACLE) == 0 &&
			!has(&g->s->found, "system-agent-config");
	}
	diagnosis_clear(&g->s->found);
	g->s->found = found;
	g->o = g->wish.options = asked; /* the texts are not: nothing is written now */
	return would;
}

static int judge(struct planning *g)
{
	struct sealing *s = g->s;
	bool configuration = has(&s->found, "configuration");

	if (g->o->force || diagnosis_count(&s->found, SEVERITY_OBSTACLE) == 0)
		return EX_OK;
	if (g->o->json)
		return configuration ? EX_CONFIG : EX_UNAVAILABLE;
	printf("%s:\n", s->name);
	diagnosis_print_from(&s->found, SEVERITY_NOTE);
	if (agent_would_do(g))
		return complain(EX_UNAVAILABLE,
			"%s would not be protected so, or could send no mail: nothing is changed. "
			"By "
			"the system agent it would: mailseal enable --system-agent %s",
			s->name, s->name);
	return complain(configuration ? EX_CONFIG : EX_UNAVAILABLE,
		"%s would not be protected so, or could send no mail: nothing is changed. Remove "
		"the "
		"obstacles; --force writes the drop-in all the same",
		s->name);
}

static int compare(struct planning *g)
{
	struct sealing *s = g->s;
	bool same = true;

	for (size_t i = 0; i < 2; i++) {
		const struct seal_file *f = &s->files[i];

		same = same &&
		       (f->text && f->old ? strcmp(f->text, f->old) == 0 : !f->text && !f->old);
	}
	s->change = same ? SEAL_NONE : s->files[SEAL_FILE_DROPIN].old ? SEAL_CHANGED : SEAL_FRESH;
	return EX_OK;
}

static int plan(struct planning *g)
{
	size_t at = 0;
	int code = seal_locate(g);

	if (code == EX_OK)
		code = load(g, g->without, &g->base);
	if (code != EX_OK)
		return code;
	g->wish.options = g->o;
	g->wish.tree = g->t;
	g->wish.preload = service_variable(&g->base, "LD_PRELOAD");
	g->wish.variables = unit_next(&g->base.unit, "EnvironmentFile", &at) != NULL;
	g->inside = seal_root_of(g) || unit_value(&g->base.unit, "RootImage");
	seal_take_root(g);
	code = seal_take_library(g, g->parts.library);
	if (code == EX_OK)
		code = try_families(g);
	if (code == EX_OK)
		code = choose_library(g);
	if (code == EX_OK)
		code = load(g, g->with, &g->then);
	if (code == EX_OK)
		code = seal_verify(g);
	if (code == EX_OK)
		code = judge(g);
	return code == EX_OK ? compare(g) : code;
}

static int look(struct planning *g)
{
	struct err err;
	int rc = seal_look(g->t, g->s, &err);

	if (rc)
		return complain(
			rc == -EACCES || rc == -EPERM ? EX_NOPERM : EX_CANTCREAT, "%s", err.text);
	return EX_OK;
}

/* What an earlier enable was told is not kept: whoever leaves it out is to know. */
static void tell_dropped(struct sealing *s)
{
	static const char *const given[][2] = {
		{"--config", "\nEnvironment=\"MAILSEAL_CONFIG="},
		{"--log", "\nEnvironment=\"MAILSEAL_LOG="},
		{"--ports", "\nEnvironment=\"MAILSEAL_PORTS="},
	};
	const struct seal_file *dropin = &s->files[SEAL_FILE_DROPIN];

	for (size_t i = 0; dropin->old && dropin->text && i < sizeof(given) / sizeof(*given); i++)
		if (strstr(dropin->old, given[i][1]) && !strstr(dropin->text, given[i][1]))
			diagnosis_add(&s->found, SEVERITY_WARNING, "option-dropped",
				"Give it again if it is still to hold",
				"%s, with which it was sealed before, was not given: it holds no "
				"more",
				given[i][0]);
}

int seal_plan(const struct seal_options *o, const struct seal_tree *t, struct sealing *s)
{
	struct planning *g = calloc(1, sizeof(*g));
	int code = g ? EX_OK : complain(EX_OSERR, "out of memory");

	if (!g)
		return code;
	*g = (struct planning){.o = o, .t = t, .s = s};
	sealing_path(t, s, SEAL_DROPIN, g->dropin);
	sealing_path(t, s, SEAL_VARIABLES, g->variables);
	g->without[0].path = g->with[0].path = g->dropin;
	g->without[1].path = g->with[1].path = g->variables;
	code = look(g);
	if (code == EX_OK)
		code = plan(g);
	if (code == EX_OK)
		tell_dropped(s);
	unload(&g->base);
	unload(&g->then);
	for (const char **word = g->unset; word && *word; word++)
		free((char *)*word);
	free(g->unset);
	free(g->wish.exists[0]);
	free(g->wish.exists[1]);
	free(g);
	return code;
}
