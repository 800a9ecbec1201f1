/*
 * command: the program behind commands that start it in their place, what becomes of
 * LD_PRELOAD on the way, and what is told where the way cannot be followed.
 */
#include "tools/doctor/doctor.h"
#include "tools/doctor/loader.h"
#include "tools/doctor/lost.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STEPS_MOST 16

static const char script_advice[] =
	"Take that out of the #! line, or name the library in /etc/ld.so.preload";
static const char cleaned_advice[] =
	"Take that out of the command, put mailseal run -- behind it, or name the library in "
	"/etc/ld.so.preload";
static const char unjudged_advice[] = "Ask for what sends the mail by itself: mailseal doctor "
				      "PROGRAM, or, once it runs, mailseal "
				      "doctor --pid PID";

static int find(const struct patient *p, const char *name, struct followed *f, const char *root,
	struct err *err)
{
	int rc = patient_find(p, name, f->path);

	if (rc && f->by)
		return err_fail(
			err, -rc, "%s would look for %s in vain: %s", f->by, name, strerror(-rc));
	return rc ? err_fail(err, -rc, "%s%s: %s", root, name, strerror(-rc)) : 0;
}

static void take_preload(struct patient *p, const struct wrapper *w, struct followed *f)
{
	if (w->cleaned) {
		snprintf(f->lost, sizeof(f->lost), "%s %s", w->name, w->cleaned);
		p->preload = NULL;
	}
	if (w->preload) {
		f->lost[0] = '\0';
		if (!names_library(w->preload))
			snprintf(f->lost, sizeof(f->lost), "%s LD_PRELOAD=%s", w->name, w->preload);
		p->preload = w->preload;
	}
	if (w->cleaned || w->preload) {
		p->by_run = false;
		p->preload_given = true;
	}
	if (w->run) {
		f->lost[0] = '\0';
		p->by_run = true;
		p->preload_given = false;
	}
}

static int enter_root(struct patient *p, const struct wrapper *w, struct err *err)
{
	int rc = patient_enter(p, w->root);

	if (rc)
		return err_fail(err, -rc, "%s %s: %s", w->name, w->root, strerror(-rc));
	doctor_look_everywhere(p);
	diagnosis_add(&p->found, SEVERITY_WARNING, "chroot",
		"Library, agent, configuration and certificates must be in it",
		"%s %s: what it starts sees nothing outside of that directory", w->name, w->root);
	return 0;
}

/* What a wrapper changes for what it starts. */
static int pass(struct patient *p, const struct wrapper *w, struct followed *f, struct err *err)
{
	f->by = w->name;
	take_preload(p, w, f);
	if (w->cleaned && w->cleaned[0] == '-' && w->cleaned[1] != 'u')
		p->search = "/bin:/usr/bin"; /* PATH is gone, too */
	if (w->search)
		p->search = w->search;
	if (w->changes_user)
		p->user_given = false;
	if (w->no_new_privileges)
		p->no_new_privileges = true;
	return w->root ? enter_root(p, w, err) : 0;
}

int doctor_command(struct patient *p, struct command *c, struct followed *f, struct err *err)
{
	int rc;

	memset(f, 0, sizeof(*f));
	for (unsigned steps = 0; steps <= STEPS_MOST; steps++) {
		rc = find(p, c->words[0], f, p->root_name ? p->root_name : "", err);
		if (rc)
			return rc;
		f->kind = wrapper_cut(c, &f->wrapper);
		if (f->kind != WRAPPER_FOLLOWED)
			return 0;
		rc = pass(p, &f->wrapper, f, err);
		if (rc)
			return rc;
	}
	return err_fail(err, ELOOP, "%s: too many commands that start others", c->words[0]);
}

void doctor_command_undo(struct patient *p, const struct patient *before)
{
	if (p->root >= 0)
		close(p->root);
	p->root = before->root;
	p->root_name = before->root_name;
	p->bind_count = before->bind_count;
	p->search = before->search;
	p->preload = before->preload;
	p->preload_given = before->preload_given;
	p->by_run = before->by_run;
	p->everywhere = before->everywhere;
	p->user_given = before->user_given;
	p->no_new_privileges = before->no_new_privileges;
}

static void tell_lost(struct patient *p, const struct followed *f, const char *script)
{
	/* glibc's loader reads that file whatever the environment; of musl's, doctor_program tells
	 */
	if (!f->lost[0] || p->everywhere)
		return;
	if (script)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "environment-cleaned", script_advice,
			"%s starts its interpreter without LD_PRELOAD (%s)", script, f->lost);
	else
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "environment-cleaned", cleaned_advice,
			"%s is started without LD_PRELOAD (%s)", f->path, f->lost);
}

static void tell_opaque(struct patient *p, const struct command *c, const struct followed *f)
{
	char by[LOST_SIZE];

	p->unjudged = true;
	lost_by_command(c, by);
	if (*by && !p->everywhere)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "environment-cleaned", cleaned_advice,
			"what %s starts does not get LD_PRELOAD (%s)", f->path, by);
	diagnosis_add(&p->found, SEVERITY_WARNING, "only-wrapper", unjudged_advice,
		"only %s was judged, not what it starts", f->path);
	for (size_t i = 1; i < c->count; i++)
		doctor_word(p, f->path, c->words[i]);
}

/* Of a text that stands in the command itself. */
static void tell_text(struct patient *p, const char *name, const char *text, bool shell)
{
	char by[LOST_SIZE] = "";

	if (shell)
		lost_by_shell(text, by);
	if (*by && !p->everywhere)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "environment-cleaned", cleaned_advice,
			"what %s starts does not get LD_PRELOAD (%s)", name, by);
	if (!shell && strstr(text, "LD_PRELOAD")) {
		p->unjudged = true;
		diagnosis_add(&p->found, SEVERITY_WARNING, "script-preload",
			"See that it leaves libmailseal.so in there", "%s mentions 'LD_PRELOAD'",
			name);
	}
	doctor_words(p, name, text, shell);
}

void doctor_command_tell(
	struct patient *p, const struct command *c, const struct followed *f, const char *script)
{
	char name[PATH_MAX + 20];
	bool shell = wrapper_is_shell(f->path);

	tell_lost(p, f, script);
	if (f->kind == WRAPPER_OPAQUE) {
		tell_opaque(p, c, f);
	} else if (f->kind == WRAPPER_SHELL && f->wrapper.text) {
		snprintf(name, sizeof(name), "the text for %s", f->path);
		tell_text(p, name, f->wrapper.text, shell);
	} else if (f->kind == WRAPPER_SHELL && !script) {
		doctor_words_of(p, f->wrapper.script, shell);
	}
}
