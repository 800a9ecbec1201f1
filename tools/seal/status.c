/*
 * mailseal status: which services are sealed, and whether that is in force now.
 * It reads unit files and /proc, and asks systemd; it changes nothing and runs nothing of a
 * service.
 */
#include "tools/seal/ask.h"
#include "tools/seal/sealed.h"
#include "tools/json.h"

#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define EXIT_NOT_IN_FORCE 1

struct names {
	char **at;
	size_t count;
};

struct arguments {
	struct names units;
	const char *root;
	bool user, json;
	int code; /* what was wrong with them, told already */
};

enum { KEY_ROOT = 256, KEY_USER };

static const struct argp_option options[] = {
	{"user", KEY_USER, NULL, 0, "services of your own manager (systemctl --user)", 0},
	{"root", KEY_ROOT, "DIR", 0, "those in the tree of DIR; nothing of it runs", 0},
	{"json", 'j', NULL, 0, "print the result as JSON", 0},
	{0},
};

static const char text[] =
	"Tell of each sealed service, or of each UNIT, whether it is sealed and whether its "
	"running "
	"processes have the library and an agent."
	"\v"
	"Each line is a finding: ok, note, warning or obstacle, with what to do. Exit status 0: "
	"all "
	"are sealed, and all that runs of them is protected. 1: something is not, or no service is "
	"sealed at all. 64: wrong usage. 66: there is no directory DIR. 77: something may not be "
	"looked at, and nothing else is wrong.";

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* 0 or -ENOMEM; known ones are not added again. */
static int add_name(struct names *n, const char *name)
{
	char **grown, *copy;

	for (size_t i = 0; i < n->count; i++) {
		if (strcmp(n->at[i], name) == 0)
			return 0;
	}
	grown = reallocarray(n->at, n->count + 1, sizeof(*n->at));
	if (!grown)
		return -ENOMEM;
	n->at = grown;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	n->at[n->count++] = copy;
	return 0;
}

static void clear_names(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->at[i]);
	free(n->at);
	*n = (struct names){0};
}

static void take_unit(struct arguments *a, const char *argument)
{
	char name[UNIT_NAME_SIZE];

	if (a->code == EX_OK)
		a->code = seal_name(argument, name);
	if (a->code == EX_OK && add_name(&a->units, name))
		a->code = complain(EX_OSERR, "out of memory");
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case KEY_USER:
		a->user = true;
		return 0;
	case KEY_ROOT:
		if (!*argument)
			argp_error(state, "--root: the name of the directory is empty");
		a->root = argument;
		return 0;
	case 'j':
		a->json = true;
		return 0;
	case ARGP_KEY_ARG:
		take_unit(a, argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- which services -------------------------------------------------------------------------- */

static int list_place(const struct patient *p, const char *place, struct names *n)
{
	static const char end[] = ".service.d";
	int fd = patient_open(p, place), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char path[PATH_MAX], name[UNIT_NAME_SIZE];
	struct stat st;

	if (!dir && fd >= 0)
		close(fd);
	for (const struct dirent *e; dir && !rc && (e = readdir(dir));) {
		size_t length = strlen(e->d_name);

		if (length < sizeof(end) || length - 2 >= sizeof(name) ||
			strcmp(e->d_name + length - (sizeof(end) - 1), end) != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)length - 2, e->d_name);
		if (snprintf(path, sizeof(path), "%s/%s.d/%s", place, name, SEAL_DROPIN) <
				(int)sizeof(path) &&
			patient_stat(p, path, &st) == 0)
			rc = add_name(n, name);
	}
	if (dir)
		closedir(dir);
	return rc;
}

/* Those that have the drop-in. */
static int list_sealed(const struct patient *p, struct names *n)
{
	char room[UNIT_PLACES_SIZE], place[PATH_MAX];
	const char *list = unit_places(p, room);
	int rc = 0;

	while (!rc && unit_place_next(&list, place))
		rc = list_place(p, place, n);
	if (n->count)
		qsort(n->at, n->count, sizeof(*n->at), by_text);
	return rc;
}

/* --- printing -------------------------------------------------------------------------------- */

struct sums {
	size_t units, good;
	bool wrong, unknown;
};

static void add_to_sums(struct sums *sums, const struct sealed *s)
{
	bool wrong = diagnosis_count(&s->found, SEVERITY_OBSTACLE) > 0;

	sums->units++;
	sums->good += !wrong && !s->unknown;
	sums->wrong = sums->wrong || wrong;
	sums->unknown = sums->unknown || s->unknown;
}

static json_t *as_json(const struct sealed *s)
{
	return json_pack("{s:o, s:s, s:b, s:s?, s:o, s:{s:i, s:i, s:i}, s:o, s:o}", "unit",
		json_text(s->name), "state", sealed_state(s), "sealed", s->by != NULL, "by", s->by,
		"drop_in", s->dropin[0] ? json_text(s->dropin) : json_null(), "processes",
		"protected", (int)s->with, "unprotected", (int)s->without, "unknown",
		(int)s->unseen, "agent", s->agent ? json_integer(s->agent) : json_null(),
		"findings", diagnosis_as_json(&s->found));
}

static void print_one(const struct sealed *s)
{
	printf("%s: %s\n", s->name, sealed_state(s));
	diagnosis_print(&s->found);
	putchar('\n');
}

static const char *verdict(const struct sums *sums, enum severity *severity, char *out, size_t size)
{
	*severity = sums->wrong || !sums->units ? SEVERITY_OBSTACLE
		    : sums->unknown		? SEVERITY_WARNING
						: SEVERITY_OK;
	if (!sums->units)
		snprintf(out, size, "No service is sealed.");
	else if (sums->units == 1)
		snprintf(out, size, "The service is %s.",
			sums->good    ? "sealed"
			: sums->wrong ? "NOT protected as it should be"
				      : "not known to be protected");
	else
		snprintf(out, size, "%zu of %zu services are sealed as they should be.", sums->good,
			sums->units);
	return out;
}

static int exit_code(const struct sums *sums)
{
	if (sums->wrong || !sums->units)
		return EXIT_NOT_IN_FORCE;
	return sums->unknown ? EX_NOPERM : EX_OK;
}

static int close_with(const struct view *view, const struct sums *sums, json_t *units, bool json)
{
	enum severity severity;
	char words[200];
	int code;

	verdict(sums, &severity, words, sizeof(words));
	if (!json) {
		if (!view->runs)
			printf("%s\n", view->why_not);
		diagnosis_print_verdict(severity, words);
		return exit_code(sums);
	}
	code = json_print(json_pack("{s:b, s:b, s:s?, s:s, s:o}", "in_force",
		severity == SEVERITY_OK, "looked_at_processes", view->runs, "why_not",
		view->runs ? NULL : view->why_not, "verdict", words, "units", units));
	return code != EX_OK ? code : exit_code(sums);
}

/* --- the command ----------------------------------------------------------------------------- */

/* An exit code, after telling. */
int view_open(struct view *view, const char *root, bool user)
{
	const struct seal_options o = {.root = root, .user = user};
	struct err err = {""};
	int code = seal_tree_open(&view->tree, &o);

	if (code == EX_OK)
		code = seal_patient(&view->tree, &view->p);
	if (code != EX_OK)
		return code;
	view->runs = !root && systemd_runs(user);
	view->why_not = root   ? "Nothing runs in that tree: only its files were read."
			: user ? "Your manager (systemd --user) does not run: only files were read."
			       : "systemd does not run here: only files were read.";
	if (view->runs && processes_load(&view->processes, &err))
		return complain(EX_OSERR, "%s", err.text);
	return EX_OK;
}

void view_close(struct view *view)
{
	processes_clear(&view->processes);
	seal_patient_done(&view->p);
	seal_tree_close(&view->tree);
}

/* Timers and the like are no services; what is meant instead is told. */
static int check_names(const struct view *view, const struct names *n)
{
	struct unit_found found;
	int code = EX_OK;

	for (size_t i = 0; code == EX_OK && i < n->count; i++) {
		const char *ending = strrchr(n->at[i], '.');

		if (strcmp(ending, ".service") != 0)
			code = seal_find(&view->tree, n->at[i], &found);
	}
	return code;
}

static int judge_all(const struct view *view, const struct arguments *a)
{
	struct sums sums = {0};
	json_t *units = a->json ? json_array() : NULL;
	struct err err = {""};
	int rc = 0;

	for (size_t i = 0; !rc && i < a->units.count; i++) {
		struct sealed s;

		rc = sealed_judge(&s, view, a->units.at[i], &err);
		if (!rc && a->json)
			json_array_append_new(units, as_json(&s));
		else if (!rc)
			print_one(&s);
		add_to_sums(&sums, &s);
		sealed_clear(&s);
	}
	if (!rc)
		return close_with(view, &sums, units, a->json);
	json_decref(units);
	return complain(EX_OSERR, "%s", err.text);
}

int command_status(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_option, "[UNIT]...", text, NULL, NULL, NULL};
	struct view view = VIEW_NONE;
	struct arguments a = {0};
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	code = a.code != EX_OK ? a.code : view_open(&view, a.root, a.user);
	if (code == EX_OK)
		code = check_names(&view, &a.units);
	if (code == EX_OK && !a.units.count && list_sealed(&view.p, &a.units))
		code = complain(EX_OSERR, "out of memory");
	if (code == EX_OK)
		code = judge_all(&view, &a);
	clear_names(&a.units);
	view_close(&view);
	return code;
}
