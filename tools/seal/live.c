/*
 * live: the processes of a service: has each of them loaded the library, and who is their agent?
 */
#include "tools/seal/sealed.h"

#include "tools/doctor/loader.h"
#include "tools/doctor/process.h"
#include "tools/doctor/unit_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOLD_MOST 8 /* processes without the library that are told one by one */

static bool is_instance_of(const char *name, const char *template)
{
	char own[UNIT_NAME_SIZE];

	return unit_template_of(name, own) && strcmp(own, template) == 0;
}

static bool belongs(const struct sealed *s, const struct view *view, const struct process_of *x)
{
	const char *unit = view->tree.user ? x->user_unit : x->unit;
	char manager[64];

	snprintf(manager, sizeof(manager), "user@%u.service", geteuid());
	if (view->tree.user && strcmp(x->unit, manager) != 0)
		return false;
	return strcmp(unit, s->name) == 0 || is_instance_of(unit, s->name);
}

static bool is_older(const struct sealed *s, const struct process_of *x)
{
	struct stat st;

	return s->dropin[0] && stat(s->dropin, &st) == 0 &&
	       x->started <= st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec;
}

/* By when it was started, to two ticks of the clock, and by what it was told. A program may have
 * written over what it was told: then that is not known. */
static bool may_be_outdated(
	const struct sealed *s, const struct process_of *x, const struct look *l)
{
	struct process_of earlier = *x;

	earlier.started -= 2 * (1000000000LL / sysconf(_SC_CLK_TCK));
	if (is_older(s, &earlier))
		return true;
	for (size_t i = 0; i < SEALED_SETTINGS; i++) {
		const char *told = process_variable(&l->x, sealed_variables[i]);

		told = told && *told ? told : NULL;
		if (!told != !s->settings[i] || (told && strcmp(told, s->settings[i]) != 0))
			return true;
	}
	return false;
}

static void tell_without(struct sealed *s, const struct process_of *x, const struct look *l)
{
	const char *unsealed =
		s->by ? NULL : "Seal the service, and restart it: mailseal enable --now UNIT";
	const char *why, *advice = "mailseal doctor --pid PID tells more";

	s->without++;
	if (!l->p.preload || !names_library(l->p.preload)) {
		bool older = is_older(s, x);

		s->older += older;
		why = older ? "it was started before the drop-in was written"
			    : "LD_PRELOAD was not in the environment that it was started with";
		advice = older ? "Restart the service"
			       : "Restart the service; a program that clears the environment of "
				 "what it "
				 "starts takes the library away from that";
	} else {
		why = "LD_PRELOAD names the library, but it is out of reach (static, setuid or of "
		      "another "
		      "architecture), or its loader did not find the library";
	}
	s->found.pid = x->pid;
	if (s->without <= TOLD_MOST)
		diagnosis_add(&s->found, SEVERITY_OBSTACLE, "not-loaded",
			unsealed ? unsealed : advice,
			"process %d (%s) runs without the library: %s", (int)x->pid, x->name, why);
	s->found.pid = 0;
}

static void tell_unseen(struct sealed *s, const struct process_of *x, int error)
{
	s->unseen++;
	s->unknown = true;
	if (s->unseen <= TOLD_MOST)
		diagnosis_add(&s->found, SEVERITY_WARNING, "unseen", ask_as_root,
			"process %d (%s): what it has loaded cannot be seen: %s", (int)x->pid,
			x->name, strerror(error));
}

/* A library that was replaced since still protects. */
static void take_findings(struct sealed *s, const struct look *l)
{
	for (size_t i = 0; i < l->p.found.count; i++) {
		const struct finding *f = &l->p.found.at[i];

		if (strcmp(f->code, "library-replaced") == 0 ||
			strcmp(f->code, "other-library") == 0)
			diagnosis_add(&s->found, f->severity, f->code, f->advice, "%s", f->text);
	}
}

/* What keeps mail from passing, and whether lines of the log arrive. */
static void take_all(struct sealed *s, const struct diagnosis *found)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct finding *f = &found->at[i];

		s->no_mail = s->no_mail || f->severity == SEVERITY_OBSTACLE;
		diagnosis_add(&s->found, f->severity, f->code, f->advice, "%s", f->text);
	}
}

/* The first one that has the library tells whose agent serves the service; one of its own that runs
 * needs no further look. */
static void look_for_agent(struct sealed *s, struct look *l)
{
	const char *socket = process_variable(&l->x, "MAILSEAL_SOCKET"), *path;
	const char *config = process_variable(&l->x, "MAILSEAL_CONFIG");
	char file[PATH_MAX];
	struct patient p = l->p;

	p.found = (struct diagnosis){0};
	if (patient_system_agent(&p, socket, config, &path) != SYSTEM_AGENT_NONE) {
		doctor_system_agent(&p, socket, config, 0);
		s->agent_elsewhere = true;
	} else {
		doctor_agent_path(&p, process_variable(&l->x, "MAILSEAL_AGENT"), file);
		if (!s->agent)
			doctor_agent_file(&p, file);
		doctor_log_target(&p, process_variable(&l->x, "MAILSEAL_LOG"));
	}
	take_all(s, &p.found);
	diagnosis_clear(&p.found);
}

static void judge_process(struct sealed *s, const struct process_of *x)
{
	struct look l;

	process_look(&l, x->pid);
	if (l.rc == -ENOENT || l.rc == -ESRCH || (l.is_systemd && !l.p.loaded)) {
		; /* it has ended, or does not run yet */
	} else if (l.rc) {
		tell_unseen(s, x, -l.rc);
	} else if (!l.p.loaded) {
		tell_without(s, x, &l);
	} else {
		if (s->with++ == 0)
			look_for_agent(s, &l);
		s->outdated = s->outdated || may_be_outdated(s, x, &l);
		take_findings(s, &l);
	}
	process_look_away(&l);
}

static void tell_sums(struct sealed *s)
{
	if (s->without > TOLD_MOST)
		diagnosis_add(&s->found, SEVERITY_OBSTACLE, "not-loaded", NULL,
			"and %u more processes without the library", s->without - TOLD_MOST);
	if (s->unseen > TOLD_MOST)
		diagnosis_add(&s->found, SEVERITY_WARNING, "unseen", ask_as_root,
			"and %u more processes that cannot be looked at", s->unseen - TOLD_MOST);
	if (s->with)
		diagnosis_add(&s->found, SEVERITY_OK, "loaded", NULL,
			s->with == 1 ? "%u process has loaded the library"
				     : "%u processes have loaded the library",
			s->with);
	if (s->agent)
		diagnosis_add(&s->found, SEVERITY_OK, "agent", NULL, "its agent runs (process %d)",
			(int)s->agent);
	else if (s->with && !s->agent_elsewhere)
		diagnosis_add(&s->found, SEVERITY_NOTE, "agent-idle", NULL,
			"no agent of its own runs now; the next connection starts one");
	if (!s->with && !s->without && !s->unseen)
		diagnosis_add(&s->found, SEVERITY_NOTE, "stopped", NULL, "no process of it runs");
}

void sealed_judge_processes(struct sealed *s, const struct view *view)
{
	for (size_t i = 0; i < view->processes.count; i++) {
		const struct process_of *x = &view->processes.at[i];

		if (x->is_agent && belongs(s, view, x))
			s->agent = x->pid;
	}
	for (size_t i = 0; i < view->processes.count; i++) {
		const struct process_of *x = &view->processes.at[i];

		if (!x->is_agent && belongs(s, view, x))
			judge_process(s, x);
	}
	if (view->processes.hidden) {
		s->unknown = true;
		diagnosis_add(&s->found, SEVERITY_WARNING, "hidden", ask_as_root,
			"the processes of others are hidden from you here");
	}
	tell_sums(s);
}
