/*
 * mailseal doctor: says before the administrator trusts it whether the preload reaches a program,
 * and of a running process, whether it is protected.
 */
#include "tools/doctor/doctor.h"

#include "tools/doctor/loader.h"
#include "tools/json.h"

#include <argp.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define EXIT_UNREACHED 1

struct arguments {
	const char *program, *unit, *user, *ports, *pid_text;
	pid_t pid; /* 0: none given */
	bool json;
};

enum { KEY_PID = 256, KEY_USER };

static const struct argp_option options[] = {
	{"pid", KEY_PID, "PID", 0, "examine a running process", 0},
	{"unit", 'u', "NAME|FILE", 0, "examine a service by its unit and drop-ins", 0},
	{"user", KEY_USER, "NAME", 0, "who runs it (counts for setuid programs)", 0},
	{"ports", 'p', "LIST", 0, "ports of mail servers, instead of 25 alone", 0},
	{"json", 'j', NULL, 0, "print the result as JSON", 0},
	{0},
};

static const char text[] =
	"Tell whether the preload reaches PROGRAM, a name along PATH or a file; and of a running "
	"process whether it is protected. A name that ends in .service is a unit. Nothing of it "
	"is run."
	"\v"
	"Each line is a finding: ok, note, warning or obstacle, with what to do. Exit status 0: "
	"it is reached. 1: it is not, or the process is unprotected. 64: wrong usage. 65: no "
	"program. 66: there is none of that name. 77: it may not be looked at.";

static pid_t parse_pid(struct argp_state *state, const char *argument)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(argument, &end, 10);
	if (errno || end == argument || *end || pid < 1 || pid > INT_MAX)
		argp_error(state, "'%s' is not the number of a process", argument);
	return (pid_t)pid;
}

static void take_argument(struct arguments *a, char *argument, struct argp_state *state)
{
	size_t length = strlen(argument);

	if (!*argument)
		argp_error(state, "the name of the program is empty");
	if (a->program && !a->pid)
		a->pid = parse_pid(state, argument);
	else if (a->program)
		argp_error(state, "too many arguments");
	else if (length > 8 && strcmp(argument + length - 8, ".service") == 0)
		a->unit = argument;
	else
		a->program = argument;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case KEY_PID:
		a->pid = parse_pid(state, argument);
		return 0;
	case 'u':
		if (!*argument)
			argp_error(state, "the name of the unit is empty");
		a->unit = argument;
		return 0;
	case KEY_USER:
		a->user = argument;
		return 0;
	case 'p':
		a->ports = argument;
		return 0;
	case 'j':
		a->json = true;
		return 0;
	case ARGP_KEY_ARG:
		take_argument(a, argument, state);
		return 0;
	case ARGP_KEY_END:
		if (!a->program && !a->unit && !a->pid)
			argp_error(state, "no program, process or unit given");
		if (a->unit && (a->program || a->pid))
			argp_error(state, "a unit goes alone");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

bool ports_parse(struct ports *ports, const char *list)
{
	ports->count = 0;
	for (;;) {
		size_t digits = strspn(list, "0123456789");
		unsigned long port = digits > 0 && digits < 10 ? strtoul(list, NULL, 10) : 0;

		if (port < 1 || port > 65535 || ports->count == DOCTOR_PORTS)
			return false;
		ports->at[ports->count++] = (uint16_t)port;
		list += digits;
		if (!*list)
			return true;
		if (*list++ != ',')
			return false;
	}
}

bool ports_have(const struct ports *ports, uint16_t port)
{
	for (unsigned i = 0; i < ports->count; i++) {
		if (ports->at[i] == port)
			return true;
	}
	return false;
}

int doctor_ports(struct patient *p, struct ports *ports, const char *list)
{
	if (!ports_parse(ports, list)) {
		diagnosis_add(&p->found, p->is_process ? SEVERITY_WARNING : SEVERITY_OBSTACLE,
			"ports-malformed", "Write it as 25,587",
			"MAILSEAL_PORTS=%s is no list of ports: no mail passes", list);
		return -EINVAL;
	}
	if (!ports_have(ports, 25))
		diagnosis_add(&p->found, SEVERITY_WARNING, "port-25", "Add it, as in 25,587",
			"MAILSEAL_PORTS=%s leaves port 25 out, which then goes untouched", list);
	return 0;
}

static int take_user(struct patient *p, const char *name)
{
	const struct passwd *entry = getpwnam(name);
	char *end;
	unsigned long uid;

	if (!entry) {
		errno = 0;
		uid = strtoul(name, &end, 10);
		if (end == name || *end || errno || uid >= UINT_MAX)
			return complain(EX_NOUSER, "--user: there is no user %s", name);
		entry = getpwuid((uid_t)uid);
		p->uid = (uid_t)uid;
		p->gid = entry ? entry->pw_gid : (gid_t)uid;
	} else {
		p->uid = entry->pw_uid;
		p->gid = entry->pw_gid;
	}
	p->user_given = true;
	return EX_OK;
}

void doctor_look_everywhere(struct patient *p)
{
	char *list = patient_read(p, "/etc/ld.so.preload", 65536, NULL);

	p->everywhere = list && names_library(list);
	free(list);
}

static int examine_program(struct patient *p, const char *name, struct err *err)
{
	char found[PATH_MAX], *whole;
	int rc = patient_find(p, name, found);

	if (rc == -EACCES)
		return err_fail(err, ENOENT, "%s: found along PATH, but not executable", name);
	if (rc == -ENOENT && !strchr(name, '/'))
		return err_fail(err, ENOENT, "%s: not found along PATH", name);
	if (rc)
		return err_fail(err, -rc, "%s: %s", name, strerror(-rc));
	/* what the loader calls $ORIGIN */
	whole = realpath(found, NULL);
	rc = doctor_program(p, whole ? whole : found, err);
	free(whole);
	return rc;
}

static int examine(struct patient *p, const struct arguments *a, struct err *err)
{
	struct ports ports = {1, {25}};

	if (a->ports && !ports_parse(&ports, a->ports))
		return err_fail(err, EINVAL,
			"--ports: '%s' is not a list of up to %d ports from 1 to 65535", a->ports,
			DOCTOR_PORTS);
	if (a->unit)
		return doctor_unit(p, a->unit, strchr(a->unit, '/') != NULL, err);
	if (a->pid)
		return doctor_process(p, a->pid, a->program, a->ports ? &ports : NULL, err);
	return examine_program(p, a->program, err);
}

static int exit_code(int rc)
{
	switch (-rc) {
	case EINVAL:
		return EX_USAGE;
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	case ENOEXEC:
	case EBADMSG:
	case ELOOP:
		return EX_DATAERR;
	case ENOMEM:
		return EX_OSERR;
	default:
		return EX_NOINPUT;
	}
}

/* "process 17", "billing.service", or the program. */
static void name_of(const struct arguments *a, char *out, size_t size)
{
	if (a->pid)
		snprintf(out, size, "process %d", (int)a->pid);
	else
		snprintf(out, size, "%s", a->unit ? a->unit : a->program);
}

static enum severity verdict(
	const struct patient *p, const struct arguments *a, char *out, size_t size)
{
	size_t warnings = diagnosis_count(&p->found, SEVERITY_WARNING);
	char name[300];

	name_of(a, name, sizeof(name));
	if (diagnosis_count(&p->found, SEVERITY_OBSTACLE)) {
		snprintf(out, size,
			a->pid ? "%s is NOT protected by mailseal." : "mailseal does NOT reach %s.",
			name);
		return SEVERITY_OBSTACLE;
	}
	if (p->unjudged && !a->pid) {
		snprintf(out, size,
			"mailseal reaches %s itself; what that starts was not judged: mind the "
			"warnings above.",
			name);
		return SEVERITY_WARNING;
	}
	snprintf(out, size, a->pid ? "%s is protected by mailseal%s." : "mailseal reaches %s%s.",
		name, warnings ? ", but mind the warnings above" : "");
	return warnings ? SEVERITY_WARNING : SEVERITY_OK;
}

static int tell(const struct patient *p, const struct arguments *a)
{
	char words[400];
	enum severity severity = verdict(p, a, words, sizeof(words));
	bool reached = severity != SEVERITY_OBSTACLE;
	int code = EX_OK;

	if (p->found.incomplete)
		return complain(EX_OSERR, "out of memory");
	if (a->json) {
		code = json_print(json_pack("{s:o, s:o, s:o, s:b, s:o, s:o}", "program",
			p->program[0] ? json_text(p->program) : json_null(), "unit",
			a->unit ? json_text(a->unit) : json_null(), "pid",
			a->pid ? json_integer(a->pid) : json_null(), "reached", reached, "verdict",
			json_text(words), "findings", diagnosis_as_json(&p->found)));
	} else {
		diagnosis_print(&p->found);
		diagnosis_print_verdict(severity, words);
	}
	return code != EX_OK ? code : reached ? EX_OK : EXIT_UNREACHED;
}

static int fail(const struct arguments *a, int rc, const struct err *err)
{
	if (a->json)
		json_print(json_pack("{s:n, s:o}", "reached", "error", json_text(err->text)));
	return complain(exit_code(rc), "%s", err->text);
}

int command_doctor(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_option, "PROGRAM [PID]\nUNIT", text, NULL, NULL, NULL};
	struct patient p = {.root = -1, .root_name = ""};
	struct arguments a = {0};
	struct err err;
	int code = EX_OK, rc;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	p.search = environment("PATH") ? environment("PATH") : "/usr/bin:/bin";
	p.library_paths = environment("LD_LIBRARY_PATH");
	if (a.user)
		code = take_user(&p, a.user);
	if (code != EX_OK)
		return code;
	p.by_run = environment("LD_PRELOAD") && names_library(environment("LD_PRELOAD"));
	doctor_look_everywhere(&p);
	rc = examine(&p, &a, &err);
	code = rc ? fail(&a, rc, &err) : tell(&p, &a);
	diagnosis_clear(&p.found);
	if (p.root >= 0)
		close(p.root);
	return code;
}
