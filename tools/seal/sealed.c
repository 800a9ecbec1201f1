#include "tools/seal/sealed.h"

#include "config/load.h"
#include "tools/doctor/loader.h"
#include "tools/doctor/unit_names.h"
#include "tools/seal/ask.h"
#include "tools/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DROPIN_MOST (1u << 20)

const char *const sealed_variables[SEALED_SETTINGS] = {
	"LD_PRELOAD", "MAILSEAL_CONFIG", "MAILSEAL_LOG", "MAILSEAL_PORTS", "MAILSEAL_SOCKET"};

static void take_settings(struct sealed *s, const struct service *service)
{
	for (size_t i = 0; i < SEALED_SETTINGS; i++) {
		const char *value = service_variable(service, sealed_variables[i]);

		s->settings[i] = value ? strdup(value) : NULL;
		s->outdated = s->outdated || (value && !s->settings[i]);
	}
}

static void take_dropin(struct sealed *s, const struct unit *u)
{
	for (unsigned i = 1; i < u->file_count; i++) {
		if (strcmp(path_base(u->files[i]), SEAL_DROPIN) == 0)
			snprintf(s->dropin, sizeof(s->dropin), "%s", u->files[i]);
	}
}

/* Is there an AssertPathExists= for the library? */
static bool asserts(const struct unit *u, char out[PATH_MAX])
{
	const char *value;
	size_t at = 0;

	while ((value = unit_next_in(u, "Unit", "AssertPathExists", &at))) {
		value += strspn(value, "|");
		if (unit_expand(u, value, out, PATH_MAX) && is_library(out, strlen(out)))
			return true;
	}
	return false;
}

/* The first word of ExecStart= is mailseal, the second run. */
static bool starts_by_run(const struct unit *u)
{
	const char *command = unit_value(u, "ExecStart");
	char word[PATH_MAX];

	if (!command)
		return false;
	command += strspn(command, "@-:+!|");
	return unit_word(&command, word, sizeof(word)) &&
	       strcmp(path_base(word), "mailseal") == 0 &&
	       unit_word(&command, word, sizeof(word)) && strcmp(word, "run") == 0;
}

/* By which of the files, where it is not ours. */
static const char *setter_of(const struct unit *u)
{
	const char *file = "";

	for (size_t i = 0; i < u->setting_count; i++) {
		if (strcmp(u->settings[i].key, "Environment") == 0 &&
			strstr(u->settings[i].value, "LD_PRELOAD="))
			file = u->files[u->settings[i].file];
	}
	return *file ? file : "a file that EnvironmentFile= names";
}

/* As the service sees it, by its RootDirectory=. False where that cannot be told. */
static bool path_within(const struct unit *u, const char *name, size_t length, char out[PATH_MAX])
{
	const char *root = unit_value(u, "RootDirectory");
	char directory[PATH_MAX] = "";
	int n;

	if (unit_value(u, "RootImage") ||
		(root && !unit_expand(u, root + (*root == '-'), directory, sizeof(directory))))
		return false;
	n = snprintf(out, PATH_MAX, "%s%.*s", directory, (int)length, name);
	return n > 0 && n < PATH_MAX;
}

static void tell_library(
	struct sealed *s, const struct view *view, const struct unit *u, const char *preload)
{
	char path[PATH_MAX];
	const char *name;
	struct stat st;
	size_t length;
	int rc;

	if (asserts(u, path)) {
		rc = patient_stat(&view->p, path, &st);
		if (rc) {
			s->unfit = true;
			diagnosis_add(&s->found, SEVERITY_OBSTACLE, "library-missing",
				"The service does not start until it is back. mailseal enable UNIT "
				"seals it with the library of this mailseal, mailseal disable UNIT "
				"takes the seal away",
				"%s: %s", path, strerror(-rc));
		}
		return;
	}
	diagnosis_add(&s->found, SEVERITY_WARNING, "no-assert", "Add AssertPathExists= for it",
		"should the library go missing, the service would start without it");
	name = next_library(&preload, &length);
	if (!name || memchr(name, '$', length) || !path_within(u, name, length, path))
		return;
	rc = patient_stat(&view->p, path, &st);
	if (rc)
		diagnosis_add(&s->found, SEVERITY_OBSTACLE, "library-missing",
			"Whenever it starts, it runs unprotected", "%s: %s", path, strerror(-rc));
}

static void tell_not_sealed(struct sealed *s, const struct view *view, const char *preload)
{
	char *written = s->dropin[0] ? patient_read(&view->p, s->dropin, DROPIN_MOST, NULL) : NULL;
	bool foreign = written && !seal_is_own(written);

	free(written);
	if (s->dropin[0])
		diagnosis_add(&s->found, SEVERITY_OBSTACLE, "overridden",
			foreign ? "mailseal did not write that file, and leaves it alone: rename "
				  "it, then mailseal enable UNIT"
				: "See systemctl cat UNIT; mailseal enable UNIT writes the drop-in "
				  "anew, but what is read later goes on counting",
			"%s does not seal it: what counts in the end is LD_PRELOAD=%s", s->dropin,
			preload ? preload : "");
	else
		diagnosis_add(&s->found, SEVERITY_OBSTACLE, "not-sealed",
			"Seal it: mailseal enable UNIT", "it is not sealed");
}

static void tell_dropin(struct sealed *s, const struct view *view, const char *preload)
{
	char *written = patient_read(&view->p, s->dropin, DROPIN_MOST, NULL);

	diagnosis_add(&s->found, SEVERITY_OK, "drop-in", NULL, "sealed by %s", s->dropin);
	if (written && !seal_is_own(written))
		diagnosis_add(&s->found, SEVERITY_NOTE, "not-ours",
			"mailseal disable leaves it alone",
			"mailseal enable did not write that drop-in");
	else if (written)
		sealed_compare_preload(s, view, preload);
	free(written);
}

static void judge_seal(struct sealed *s, const struct view *view, const struct service *service)
{
	const char *preload = service_variable(service, "LD_PRELOAD");
	bool named = preload && names_library(preload);

	take_dropin(s, &service->unit);
	if (named && s->dropin[0]) {
		s->by = "drop-in";
		tell_dropin(s, view, preload);
	} else if (named) {
		s->by = "unit";
		diagnosis_add(&s->found, SEVERITY_NOTE, "by-hand", NULL,
			"sealed by hand: LD_PRELOAD is set in %s", setter_of(&service->unit));
	} else if (starts_by_run(&service->unit)) {
		s->by = "run";
		diagnosis_add(&s->found, SEVERITY_NOTE, "run", NULL, "mailseal run starts it");
	} else if (view->p.everywhere) {
		s->by = "ld.so.preload";
		diagnosis_add(&s->found, SEVERITY_NOTE, "ld.so.preload", NULL,
			"/etc/ld.so.preload names the library, for all programs but those of musl");
	} else {
		tell_not_sealed(s, view, preload);
	}
	if (named)
		tell_library(s, view, &service->unit, preload);
}

/* What lets no mail out, though all has the library. */
static void judge_policy(struct sealed *s, const struct view *view, const struct service *service)
{
	const char *named = service_variable(service, "MAILSEAL_CONFIG");
	const char *ports = service_variable(service, "MAILSEAL_PORTS");
	const char *socket = service_variable(service, "MAILSEAL_SOCKET");
	struct policy_set *policy = NULL;
	struct ports parsed;
	struct err err = {""};
	int rc = 0;

	s->no_mail = ports && !ports_parse(&parsed, ports);
	if (s->no_mail)
		diagnosis_add(&s->found, SEVERITY_OBSTACLE, "ports-malformed", "Write it as 25,587",
			"MAILSEAL_PORTS=%s is no list of ports: no mail passes", ports);
	else if (ports && !ports_have(&parsed, 25))
		diagnosis_add(&s->found, SEVERITY_WARNING, "port-25", "Add it, as in 25,587",
			"MAILSEAL_PORTS=%s leaves port 25 out, which then goes untouched", ports);
	if (socket && named && doctor_agent_config(&s->found, &view->p, socket, named))
		s->no_mail = true;
	/* that of another tree names files of another tree; the system agent has its own */
	if (view->tree.offline || unit_value(&service->unit, "RootDirectory") ||
		unit_value(&service->unit, "RootImage") ||
		service_variable(service, "MAILSEAL_SOCKET") || (named && *named != '/'))
		return;
	rc = policy_set_load(named ? named : CONFIG_PATH, !named, &policy, NULL, &err);
	policy_set_free(policy);
	if (rc == -EACCES) {
		s->unknown = true;
		diagnosis_add(&s->found, SEVERITY_WARNING, "policy-unseen", "Ask as root", "%s",
			err.text);
	} else if (rc) {
		s->no_mail = true;
		diagnosis_add(&s->found, SEVERITY_OBSTACLE, "configuration",
			"No mail passes: mailseal check tells more", "%s", err.text);
	}
}

/* An unreadable environment file leaves open what counts. */
static void take_doubts(struct sealed *s, const struct patient *p)
{
	for (size_t i = 0; i < p->found.count; i++) {
		const struct finding *f = &p->found.at[i];

		diagnosis_add(&s->found, f->severity, f->code, f->advice, "%s", f->text);
		s->unknown = true;
	}
}

static int judge_files(struct sealed *s, const struct view *view, struct err *err)
{
	struct service service = {0};
	struct patient p = view->p;
	struct err why = {""};
	int rc;

	rc = unit_load(&service.unit, &p, s->name, false, &why);
	if (rc == -EACCES) {
		s->unknown = true;
		diagnosis_add(
			&s->found, SEVERITY_WARNING, "unreadable", "Ask as root", "%s", why.text);
	} else if (rc && rc != -ENOMEM) {
		s->unfit = true;
		diagnosis_add(&s->found, SEVERITY_OBSTACLE, "no-unit",
			"systemd cannot start it: is the name right, is it installed?", "%s",
			why.text);
	} else if (!rc) {
		rc = service_environment(&service, &p);
		snprintf(s->name, sizeof(s->name), "%s", service.unit.name);
		diagnosis_name(&s->found, s->name, view->tree.user);
		if (!rc)
			take_settings(s, &service);
		if (!rc)
			judge_seal(s, view, &service);
		if (!rc && s->by)
			judge_policy(s, view, &service);
		take_doubts(s, &p);
	}
	service_environment_clear(&service);
	unit_clear(&service.unit);
	diagnosis_clear(&p.found);
	return rc == -ENOMEM ? err_fail(err, ENOMEM, "out of memory") : 0;
}

/* The file of variables that systemd reads last, "" where there is none. */
static const char *last_file(const struct answer *a)
{
	static const char name[] = "EnvironmentFiles=";
	const char *last = "";

	for (const char *at = a->text; at && *at; at += strlen(at) + 1) {
		if (strncmp(at, name, sizeof(name) - 1) == 0)
			last = at + sizeof(name) - 1;
	}
	return last;
}

/* Does the unit name the library, as systemd has read it? */
static bool is_named_as_read(const struct answer *a)
{
	const char *set = strstr(answer_value(a, "Environment"), "LD_PRELOAD=");
	const char *last = last_file(a);
	char value[PATH_MAX];

	if (!set)
		return false;
	set += strlen("LD_PRELOAD=");
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(set, " \""), set);
	return names_library(value) && !strstr(answer_value(a, "UnsetEnvironment"), "LD_PRELOAD") &&
	       (!*last || strstr(last, "/" SEAL_VARIABLES " "));
}

static void tell_loaded(struct sealed *s, const struct answer *a)
{
	const char *state = answer_value(a, "LoadState");
	bool changed = strcmp(answer_value(a, "NeedDaemonReload"), "yes") == 0;

	if (strcmp(state, "masked") == 0) {
		diagnosis_add(&s->found, SEVERITY_NOTE, "masked", NULL,
			"it is masked, and cannot be started");
	} else if (strcmp(state, "loaded") != 0) {
		s->unfit = true;
		diagnosis_add(&s->found, SEVERITY_OBSTACLE, "not-loaded-by-systemd",
			"systemctl status UNIT and systemd-analyze verify UNIT tell more",
			"systemd does not load it: %s%s%s", state,
			*answer_value(a, "LoadError") ? ": " : "", answer_value(a, "LoadError"));
	} else if (s->dropin[0] && !answer_lists(a, "DropInPaths", s->dropin)) {
		s->stale = true;
		diagnosis_add(&s->found, SEVERITY_OBSTACLE, "not-read",
			"systemctl daemon-reload, then restart the service",
			"systemd has not read the drop-in: it would start the service without it");
	} else if (changed && s->dropin[0] && !is_named_as_read(a)) {
		s->stale = true;
		diagnosis_add(&s->found, SEVERITY_OBSTACLE, "not-read",
			"systemctl daemon-reload, then restart the service",
			"its files were changed since systemd has read them: as they were then, "
			"the library was not loaded");
	} else if (changed) {
		diagnosis_add(&s->found, SEVERITY_WARNING, "changed",
			"systemctl daemon-reload, then restart the service",
			"its files were changed since systemd has read them");
	}
	if (strcmp(answer_value(a, "ActiveState"), "failed") == 0)
		diagnosis_add(&s->found, SEVERITY_WARNING, "failed",
			"systemctl status UNIT tells why", "it has failed");
}

/* A template is nothing that systemd knows by itself. */
static void judge_loaded(struct sealed *s, const struct view *view)
{
	struct answer a = {NULL};
	struct err err = {""};

	if (unit_is_template(s->name))
		return;
	if (ask_systemd(&a, view->tree.user, s->name, &err)) {
		s->unknown = true;
		diagnosis_add(&s->found, SEVERITY_WARNING, "not-asked",
			"Ask as root: whether systemd has read the drop-in is not known here",
			"systemd cannot be asked: %s", err.text);
	} else {
		tell_loaded(s, &a);
	}
	answer_clear(&a);
}

int sealed_judge(struct sealed *s, const struct view *view, const char *name, struct err *err)
{
	int rc;

	*s = (struct sealed){0};
	snprintf(s->name, sizeof(s->name), "%s", name);
	diagnosis_name(&s->found, name, view->tree.user);
	rc = judge_files(s, view, err);
	if (rc)
		return rc;
	s->looked_at = view->runs;
	if (s->by && view->runs)
		judge_loaded(s, view);
	if (view->runs)
		sealed_judge_processes(s, view);
	if (s->by)
		sealed_examine(s, view);
	if (s->found.incomplete)
		return err_fail(err, ENOMEM, "out of memory");
	return 0;
}

const char *sealed_state(const struct sealed *s)
{
	if (s->without && s->by)
		return s->without == s->older ? "restart-needed" : "unprotected";
	if (!s->by)
		return s->unfit ? "no-unit" : s->unknown ? "unknown" : "not-sealed";
	if (s->unfit)
		return "cannot-start";
	if (s->stale)
		return "not-read";
	if (diagnosis_count(&s->found, SEVERITY_OBSTACLE))
		return s->no_mail && !s->past ? "no-mail" : "unprotected";
	if (s->unknown)
		return "unknown";
	return s->with ? "in-force" : s->looked_at ? "stopped" : "sealed";
}

void sealed_clear(struct sealed *s)
{
	diagnosis_clear(&s->found);
	for (size_t i = 0; i < SEALED_SETTINGS; i++)
		free(s->settings[i]);
}
