/*
 * mailseal enable, disable: several units at once are all examined before any is changed.
 */
#include "tools/seal/ask.h"
#include "tools/seal/seal.h"

#include "tools/print.h"
#include "tools/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct work {
	struct seal_options o;
	struct seal_tree t;
	struct sealing *list;
	size_t count;
	bool reloaded, restarted;
};

/* --- each unit --- */

static bool is_listed(const struct work *w, const char *name)
{
	for (size_t i = 0; i < w->count; i++) {
		if (strcmp(w->list[i].name, name) == 0)
			return true;
	}
	return false;
}

static int plan_enable(struct work *w, const char *given)
{
	struct unit_found *found = malloc(sizeof(*found));
	char name[UNIT_NAME_SIZE];
	int code = found ? seal_name(given, name) : complain(EX_OSERR, "out of memory");

	if (code == EX_OK)
		code = seal_find(&w->t, name, found);
	if (code == EX_OK && found->masked)
		code = complain(EX_UNAVAILABLE,
			"%s is masked, so it never starts: systemctl unmask %s first",
			found->names[0], found->names[0]);
	if (code == EX_OK && !is_listed(w, found->names[0])) {
		sealing_init(&w->list[w->count], found->names[0]);
		code = seal_plan(&w->o, &w->t, &w->list[w->count++]);
	}
	free(found);
	return code;
}

/* What enable started with it stays. */
static void tell_system_agent(const struct work *w, struct sealing *s)
{
	const char *old = s->files[SEAL_FILE_DROPIN].old;

	if (old && !w->t.user && strstr(old, "\nRequires=mailseal-agent.socket\n"))
		diagnosis_add(&s->found, SEVERITY_NOTE, "system-agent-stays",
			"Where nothing needs it any more: systemctl disable --now "
			"mailseal-agent.socket "
			"mailseal-agent.service",
			"the system agent served it, and goes on for all other programs under "
			"mailseal");
}

/* Looks for a drop-in under one name. */
static int plan_removal(struct work *w, const char *name, bool *found)
{
	struct sealing *s = &w->list[w->count];
	struct err err;
	int rc;

	if (is_listed(w, name)) {
		*found = true;
		return EX_OK;
	}
	sealing_init(s, name);
	rc = seal_look(&w->t, s, &err);
	if (!rc && (s->files[0].old || s->files[1].old || s->left_over)) {
		s->change = SEAL_REMOVED;
		tell_system_agent(w, s);
		*found = true;
		w->count++;
		return EX_OK;
	}
	sealing_clear(s);
	if (rc)
		return complain(
			rc == -EACCES || rc == -EPERM ? EX_NOPERM : EX_CANTCREAT, "%s", err.text);
	return EX_OK;
}

/* The unit may have gone in the meantime, or have got another name: what was written is what
 * counts. */
static int plan_disable(struct work *w, const char *given)
{
	struct unit_found *unit = malloc(sizeof(*unit));
	char name[UNIT_NAME_SIZE];
	struct patient p;
	bool found = false, known = false;
	int code = unit ? seal_name(given, name) : complain(EX_OSERR, "out of memory");

	if (code == EX_OK)
		code = plan_removal(w, name, &found);
	if (code == EX_OK && !found)
		code = seal_patient(&w->t, &p);
	if (code == EX_OK && !found) {
		known = unit_find(&p, name, unit, NULL) == 0;
		seal_patient_done(&p);
		if (known)
			code = plan_removal(w, unit->names[0], &found);
	}
	if (code == EX_OK && !found) {
		code = known ? EX_OK : seal_find(&w->t, name, unit);
		sealing_init(&w->list[w->count++], known ? unit->names[0] : name);
	}
	free(unit);
	return code;
}

static int plan_all(struct work *w)
{
	int code = EX_OK;

	w->list = calloc(w->o.count, sizeof(*w->list));
	if (!w->list)
		return complain(EX_OSERR, "out of memory");
	for (size_t i = 0; i < w->o.count && code == EX_OK; i++)
		code = w->o.removes ? plan_disable(w, w->o.units[i])
				    : plan_enable(w, w->o.units[i]);
	return code;
}

/* --- what is told --- */

static const char *word_of(const struct work *w, const struct sealing *s)
{
	static const char *const words[][2] = {
		[SEAL_NONE] = {"unchanged", "unchanged"},
		[SEAL_FRESH] = {"written", "would be written"},
		[SEAL_CHANGED] = {"rewritten", "would be rewritten"},
		[SEAL_REMOVED] = {"removed", "would be removed"},
	};

	return words[s->change][w->o.dry_run];
}

static void tell_file(const struct work *w, const struct sealing *s, const struct seal_file *f)
{
	char path[PATH_MAX];

	sealing_path(&w->t, s, f->name, path);
	if (w->o.dry_run && f->text) {
		printf("# %s%s\n", w->t.shown, path);
		print_plain_lines(stdout, f->text);
		putchar('\n');
	} else if (f->text || f->old) {
		printf("%s: %s %s%s\n", s->name,
			f->text	       ? word_of(w, s)
			: w->o.dry_run ? "would be removed"
				       : "removed",
			w->t.shown, path);
	}
}

static void tell_unit(const struct work *w, const struct sealing *s)
{
	bool told = false;

	for (size_t i = 0; i < s->found.count; i++)
		told = told || s->found.at[i].severity > SEVERITY_OK;
	if (told && w->count > 1)
		printf("%s:\n", s->name);
	diagnosis_print_from(&s->found, SEVERITY_NOTE);
	if (s->change == SEAL_NONE && !w->o.dry_run) {
		printf(w->o.removes ? "%s is not sealed: nothing to do\n"
				    : "%s is sealed already: nothing changed\n",
			s->name);
		return;
	}
	if (s->change == SEAL_NONE && w->o.removes)
		printf("%s is not sealed: nothing to do\n", s->name);
	for (size_t i = 2; i-- > 0;)
		tell_file(w, s, &s->files[i]);
}

static bool changes(const struct work *w)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->list[i].change != SEAL_NONE)
			return true;
	}
	return false;
}

static json_t *unit_as_json(const struct work *w, const struct sealing *s, bool failed)
{
	const struct seal_file *dropin = &s->files[SEAL_FILE_DROPIN];
	const struct seal_file *variables = &s->files[SEAL_FILE_VARIABLES];
	char path[PATH_MAX];

	sealing_path(&w->t, s, SEAL_DROPIN, path);
	return json_pack("{s:o, s:o, s:o, s:s, s:s?, s:o, s:o, s:o}", "unit", json_text(s->name),
		"root", w->t.shown[0] ? json_text(w->t.shown) : json_null(), "drop_in",
		json_text(path), "change", failed ? "unchanged" : word_of(w, s), "restart",
		seal_restart_word(s), "text", dropin->text ? json_text(dropin->text) : json_null(),
		"variables", variables->text ? json_text(variables->text) : json_null(), "findings",
		diagnosis_as_json(&s->found));
}

static int tell_json(const struct work *w, int failed)
{
	json_t *units = json_array();
	int code;

	for (size_t i = 0; i < w->count; i++)
		json_array_append_new(units, unit_as_json(w, &w->list[i], failed != EX_OK));
	code = json_print(json_pack("{s:o, s:b, s:b, s:b}", "units", units, "failed",
		failed != EX_OK, "reloaded", w->reloaded, "restarted", w->restarted));
	return failed != EX_OK ? failed : code;
}

/* --- doing it --- */

static int write_all(struct work *w)
{
	struct err err;
	int rc = seal_write(&w->t, w->list, w->count, &err);

	if (!rc)
		return EX_OK;
	return complain(rc == -EACCES || rc == -EPERM ? EX_NOPERM : EX_CANTCREAT,
		"%s. Nothing is changed", err.text);
}

static int reload(struct work *w)
{
	const char *so_far = w->o.removes ? "the drop-ins are gone, but systemd goes by them yet"
					  : "the drop-ins are there, but not read yet";
	int status = seal_systemctl(&w->t, "daemon-reload", NULL);

	w->reloaded = status == 0;
	if (status < 0)
		return complain(EX_OSERR, "systemctl: %s; %s", strerror(-status), so_far);
	if (status > 0)
		return complain(EX_OSERR,
			"systemctl daemon-reload failed (%d); %s. Once it works, "
			"give this command again",
			status, so_far);
	return EX_OK;
}

/* Has systemd not read the files as they are, because somebody was interrupted, or it was out of
 * order? What it knows of templates is their instances'. */
static bool is_unread(const struct work *w, const struct sealing *s)
{
	char path[PATH_MAX];
	struct answer a;
	struct err err;
	bool unread;

	if (s->is_template || ask_systemd(&a, w->t.user, s->name, &err))
		return false;
	sealing_path(&w->t, s, SEAL_DROPIN, path);
	unread = strcmp(answer_value(&a, "NeedDaemonReload"), "yes") == 0 ||
		 (strcmp(answer_value(&a, "LoadState"), "loaded") == 0 &&
			 answer_lists(&a, "DropInPaths", path) == w->o.removes);
	answer_clear(&a);
	return unread;
}

static bool any_unread(struct work *w)
{
	bool any = false;

	for (size_t i = 0; i < w->count; i++) {
		if (w->list[i].change == SEAL_NONE)
			w->list[i].unread = is_unread(w, &w->list[i]);
		any = any || w->list[i].unread;
	}
	return any;
}

static bool needs_reload(struct work *w)
{
	if (w->o.dry_run || !seal_manager_runs(&w->t))
		return false;
	/* of a template it is not known whether it was read */
	return any_unread(w) || changes(w) || w->o.now;
}

static int carry_out(struct work *w)
{
	int code = plan_all(w);

	if (code == EX_OK && !w->o.dry_run && changes(w))
		code = write_all(w);
	if (code != EX_OK)
		return w->o.json ? tell_json(w, code) : code;
	for (size_t i = 0; i < w->count && !w->o.json; i++)
		tell_unit(w, &w->list[i]);
	if (needs_reload(w))
		code = reload(w);
	if (code == EX_OK && w->o.now)
		code = seal_restart(&w->o, &w->t, w->list, w->count, &w->restarted);
	if (w->o.json)
		return tell_json(w, code);
	if (code == EX_OK && !w->o.dry_run && !w->o.now && !w->t.offline)
		seal_tell_restart(&w->t, w->list, w->count);
	return code;
}

static int command(int argc, char **argv, bool removes)
{
	struct work w = {.o = {.removes = removes}, .t = {.root = -1}};
	int code;

	code = seal_parse(&w.o, argc, argv);
	if (code == EX_OK)
		code = seal_tree_open(&w.t, &w.o);
	if (code == EX_OK && w.o.now && !seal_manager_runs(&w.t))
		code = complain(EX_UNAVAILABLE, "--now: no systemd%s runs here; nothing is changed",
			w.t.user ? " --user" : "");
	if (code == EX_OK)
		code = carry_out(&w);
	for (size_t i = 0; i < w.count; i++)
		sealing_clear(&w.list[i]);
	free(w.list);
	seal_tree_close(&w.t);
	return code;
}

int command_enable(int argc, char **argv)
{
	return command(argc, argv, false);
}

int command_disable(int argc, char **argv)
{
	return command(argc, argv, true);
}
