/*
 * restart: the processes that run when a service is sealed or unsealed: which must be started anew,
 * and what became of them. A service whose processes have it all is left alone.
 */
#include "tools/seal/ask.h"
#include "tools/seal/sealed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* What systemctl calls the unit, all instances of a template. */
static void started_name(const struct sealing *s, char out[UNIT_NAME_SIZE + 1])
{
	if (s->is_template)
		snprintf(out, UNIT_NAME_SIZE + 1, "%.*s*.service",
			(int)(strchr(s->name, '@') + 1 - s->name), s->name);
	else
		snprintf(out, UNIT_NAME_SIZE + 1, "%s", s->name);
}

static bool is_changed(const struct sealing *s)
{
	return s->change != SEAL_NONE || s->unread;
}

const char *seal_restart_word(const struct sealing *s)
{
	static const char *const words[] = {[SEAL_NOT_ASKED] = NULL,
		[SEAL_RESTARTED] = "restarted",
		[SEAL_NOT_RUNNING] = "not-running",
		[SEAL_UP_TO_DATE] = "not-needed"};

	return words[s->restarted];
}

/* Are its processes as they would be after a restart? In doubt they are not. */
static bool is_up_to_date(const struct view *view, const struct sealing *s, bool removes)
{
	struct sealed now;
	struct err err;
	bool is = false;

	if (is_changed(s) || sealed_judge(&now, view, s->name, &err) != 0)
		return false;
	if (removes)
		is = !now.unknown && (now.by || !now.with) && (now.with || now.without);
	else
		is = strcmp(sealed_state(&now), "in-force") == 0 && !now.outdated;
	sealed_clear(&now);
	return is;
}

/* Those that are left alone. */
static int judge(const struct seal_options *o, struct sealing *list, size_t count)
{
	struct view view = VIEW_NONE;
	int code = view_open(&view, NULL, o->user);

	for (size_t i = 0; code == EX_OK && view.runs && i < count; i++) {
		if (is_up_to_date(&view, &list[i], o->removes))
			list[i].restarted = SEAL_UP_TO_DATE;
	}
	view_close(&view);
	return code;
}

static bool is_of(const char *line, const struct sealing *s)
{
	char name[UNIT_NAME_SIZE], own[UNIT_NAME_SIZE];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, " "), line);
	return strcmp(name, s->name) == 0 ||
	       (s->is_template && unit_template_of(name, own) && strcmp(own, s->name) == 0);
}

/* Is it among what systemd says is running? */
static bool runs(const struct answer *running, const struct sealing *s)
{
	for (const char *at = running->text; at && *at; at += strlen(at) + 1) {
		if (is_of(at, s))
			return true;
	}
	return false;
}

/* Of those that were changed; all of them where systemd does not say which run. */
static int ask_changed(
	const struct seal_tree *t, const struct sealing *list, size_t count, struct answer *running)
{
	char(*names)[UNIT_NAME_SIZE + 1] = calloc(count, sizeof(*names));
	const char **wanted = calloc(count + 1, sizeof(*wanted));
	struct err err = {""};
	size_t n = 0;
	int rc = -ENOMEM;

	for (size_t i = 0; names && wanted && i < count; i++) {
		if (!is_changed(&list[i]))
			continue;
		started_name(&list[i], names[n]);
		wanted[n] = names[n];
		n++;
	}
	if (names && wanted)
		rc = ask_running(running, t->user, wanted, &err);
	free(wanted);
	free(names);
	return rc;
}

static void tell_units(const struct sealing *list, size_t count, const struct answer *running)
{
	char name[UNIT_NAME_SIZE + 1];

	for (size_t i = 0; i < count; i++) {
		if (!is_changed(&list[i]) || (running && !runs(running, &list[i])))
			continue;
		started_name(&list[i], name);
		printf(strpbrk(name, "*\\") ? " '%s'" : " %s", name);
	}
}

void seal_tell_restart(const struct seal_tree *t, const struct sealing *list, size_t count)
{
	struct answer running = {NULL};
	bool any = false, known;

	for (size_t i = 0; i < count; i++)
		any = any || is_changed(&list[i]);
	if (!any)
		return;
	if (!seal_manager_runs(t)) {
		printf("No systemd%s runs here: it counts when one starts.\n",
			t->user ? " --user" : "");
		return;
	}
	known = ask_changed(t, list, count, &running) == 0;
	any = !known;
	for (size_t i = 0; known && i < count; i++)
		any = any || (is_changed(&list[i]) && runs(&running, &list[i]));
	if (!any) {
		puts("Nothing of it runs now: it counts when it starts.");
	} else {
		printf("Processes that run already stay as they are until a restart: systemctl%s "
		       "try-restart",
			t->user ? " --user" : "");
		tell_units(list, count, known ? &running : NULL);
		putchar('\n');
	}
	answer_clear(&running);
}

static void tell_running(const struct answer *running, struct sealing *s, bool tells)
{
	for (const char *at = running->text; at && *at; at += strlen(at) + 1) {
		if (!is_of(at, s))
			continue;
		s->restarted = SEAL_RESTARTED;
		if (tells)
			printf("%.*s: restarted\n", (int)strcspn(at, " "), at);
	}
}

static void tell_all(const struct seal_options *o, const struct answer *running,
	struct sealing *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sealing *s = &list[i];

		if (s->restarted == SEAL_NOT_ASKED) {
			s->restarted = SEAL_NOT_RUNNING;
			tell_running(running, s, !o->json);
		}
		if (o->json)
			continue;
		if (s->restarted == SEAL_NOT_RUNNING)
			printf("%s: it was not running%s\n", s->name,
				o->removes ? "" : "; it is sealed when it starts");
		else if (s->restarted == SEAL_UP_TO_DATE)
			printf(o->removes
					? "%s: not restarted: none of its processes is under the "
					  "drop-in\n"
					: "%s: not restarted: its processes have it all already\n",
				s->name);
	}
}

static int try_restart(const struct seal_options *o, const struct seal_tree *t,
	const char *const *names, bool *restarted)
{
	int status = names[0] ? seal_systemctl(t, "try-restart", names) : 0;

	*restarted = names[0] && status == 0;
	if (status == 0)
		return EX_OK;
	return complain(EX_UNAVAILABLE,
		"systemctl try-restart failed; the drop-ins are %s. See systemctl status",
		o->removes ? "gone" : "there (mailseal disable takes them away)");
}

int seal_restart(const struct seal_options *o, const struct seal_tree *t, struct sealing *list,
	size_t count, bool *restarted)
{
	char(*names)[UNIT_NAME_SIZE + 1] = calloc(count, sizeof(*names));
	const char **wanted = calloc(count + 1, sizeof(*wanted));
	struct answer running = {NULL};
	struct err err = {""};
	size_t n = 0;
	int code = names && wanted ? judge(o, list, count) : complain(EX_OSERR, "out of memory");

	for (size_t i = 0; code == EX_OK && i < count; i++) {
		if (list[i].restarted == SEAL_UP_TO_DATE)
			continue;
		started_name(&list[i], names[n]);
		wanted[n] = names[n];
		n++;
	}
	/* if it cannot be asked, then neither can it be told to restart */
	if (code == EX_OK && n)
		(void)ask_running(&running, o->user, wanted, &err);
	if (code == EX_OK)
		code = try_restart(o, t, wanted, restarted);
	if (code == EX_OK)
		tell_all(o, &running, list, count);
	answer_clear(&running);
	free(wanted);
	free(names);
	return code;
}
