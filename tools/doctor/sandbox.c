/*
 * sandbox: what the settings of a service mean for mailseal.
 * The library runs inside the service and so does the agent that it starts: both live in the
 * service's sandbox.
 */
#include "tools/doctor/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST (1u << 20)

static const char system_agent_advice[] =
	"Allow it in a drop-in, or run the system-wide agent (mailseal-agent(8))";

static void check_families(struct patient *p, const struct service *s)
{
	struct families f = families_of(&s->unit);
	const char *log = service_variable(s, "MAILSEAL_LOG");
	bool unix_sockets = families_allow(&f, FAMILY_UNIX);
	bool to_syslog = !log || strcmp(log, "syslog") == 0 || strcmp(log, "journal") == 0;

	if (!families_restrict(&f))
		return;
	if (!families_allow(&f, FAMILY_INET) && !families_allow(&f, FAMILY_INET6))
		diagnosis_add(&p->found, SEVERITY_WARNING, "no-network", NULL,
			"RestrictAddressFamilies leaves neither AF_INET nor AF_INET6: the service "
			"reaches no mail server at all");
	if (!unix_sockets && s->system_agent != SYSTEM_AGENT_NONE)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "address-families",
			"Add RestrictAddressFamilies=AF_UNIX in a drop-in",
			"RestrictAddressFamilies leaves AF_UNIX out: the system-wide agent cannot "
			"be reached, and no mail leaves the service");
	else if (!unix_sockets)
		diagnosis_add(&p->found, SEVERITY_WARNING, "address-families",
			"Add RestrictAddressFamilies=AF_UNIX in a drop-in",
			"RestrictAddressFamilies leaves AF_UNIX out: each process starts an agent "
			"of its own%s",
			to_syslog ? ", and nothing can be logged to syslog" : "");
	else
		diagnosis_add(&p->found, SEVERITY_OK, "address-families", NULL,
			"RestrictAddressFamilies leaves AF_UNIX, which mailseal needs");
}

/* Settings that are on or off, and what it means that they are on. */
static const struct {
	const char *key;
	enum severity severity;
	const char *text, *advice;
} switches[] = {
	{"NoNewPrivileges", SEVERITY_OK,
		"NoNewPrivileges: setuid programs that it starts gain nothing, so that the library "
		"reaches them too",
		NULL},
	{"MemoryDenyWriteExecute", SEVERITY_OK,
		"MemoryDenyWriteExecute: mailseal makes no memory executable", NULL},
	{"PrivateNetwork", SEVERITY_NOTE,
		"PrivateNetwork: the service reaches only itself, so its mail leaves by some other "
		"program, if at all",
		"Examine that one"},
	{"PrivateUsers", SEVERITY_NOTE,
		"PrivateUsers: other users look alike to it; only an agent of its own, or one of "
		"root, is trusted",
		NULL},
	{"LockPersonality", SEVERITY_OK, "LockPersonality does not touch mailseal", NULL},
	{"RestrictSUIDSGID", SEVERITY_OK, "RestrictSUIDSGID does not touch mailseal", NULL},
	{"RestrictNamespaces", SEVERITY_OK, "RestrictNamespaces does not touch mailseal", NULL},
};

static void check_switches(struct patient *p, const struct service *s)
{
	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++) {
		if (unit_is_on(&s->unit, switches[i].key, false))
			diagnosis_add(&p->found, switches[i].severity, switches[i].key,
				switches[i].advice, "%s", switches[i].text);
	}
}

static void check_proc(struct patient *p, const struct service *s)
{
	const char *protect = unit_value(&s->unit, "ProtectProc");
	const char *subset = unit_value(&s->unit, "ProcSubset");

	if (protect && strcmp(protect, "default") != 0)
		diagnosis_add(&p->found, SEVERITY_OK, "ProtectProc", NULL,
			"ProtectProc=%s: the library looks at its agent in /proc, which is of the "
			"same user and stays visible",
			protect);
	if (subset && strcmp(subset, "pid") == 0)
		diagnosis_add(&p->found, SEVERITY_OK, "ProcSubset", NULL,
			"ProcSubset=pid: what mailseal reads in /proc is about processes");
}

/* A number; `none` where it is not set, or infinite. */
static unsigned long limit_of(const struct unit *u, const char *key)
{
	const char *value = unit_value(u, key), *digits = value;
	char *end;
	unsigned long n;

	if (!value || *digits < '0' || *digits > '9')
		return 0;
	n = strtoul(digits, &end, 10);
	return *end == '%' ? 0 : n;
}

static void check_limits(struct patient *p, const struct service *s)
{
	unsigned long tasks = limit_of(&s->unit, "TasksMax");
	unsigned long processes = limit_of(&s->unit, "LimitNPROC");
	unsigned long files = limit_of(&s->unit, "LimitNOFILE");

	if (tasks && tasks < 8)
		diagnosis_add(&p->found, tasks < 2 ? SEVERITY_OBSTACLE : SEVERITY_WARNING,
			"TasksMax", system_agent_advice,
			"TasksMax=%lu: the agent is one more process of the service, with threads "
			"under load",
			tasks);
	if (processes && processes < 8 && p->uid != 0)
		diagnosis_add(&p->found, SEVERITY_WARNING, "LimitNPROC", system_agent_advice,
			"LimitNPROC=%lu: the agent is one more process of its user", processes);
	if (files && files < 64)
		diagnosis_add(&p->found, SEVERITY_WARNING, "LimitNOFILE",
			"Raise it, at least the hard limit",
			"LimitNOFILE=%lu: the agent needs two descriptors for each connection",
			files);
}

static const struct {
	const char *key, *what;
} domains[] = {
	{"SELinuxContext",
		"the loader ignores LD_PRELOAD where the policy does not say noatsecure"},
	{"AppArmorProfile",
		"the profile must let the service read the library and execute the agent"},
	{"SmackProcessLabel", "the loader may ignore LD_PRELOAD at the change of label"},
};

/* What modules of PAM set counts for more than all that the unit sets. */
static void check_pam(struct patient *p)
{
	static const char *const files[] = {"/etc/environment", "/etc/security/pam_env.conf"};

	diagnosis_add(&p->found, SEVERITY_NOTE, "PAMName", NULL,
		"PAMName: modules of PAM may change the environment");
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char *text = patient_read(p, files[i], FILE_MOST, NULL), *rest = NULL;

		for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
			line = strtok_r(NULL, "\n", &rest)) {
			line += strspn(line, " \t");
			if (*line != '#' && strstr(line, "LD_PRELOAD") &&
				!strstr(line, "libmailseal"))
				diagnosis_add(&p->found, SEVERITY_OBSTACLE, "pam-preload",
					"Take that line out, or PAMName out of the unit",
					"PAMName: pam_env(8) may take the library away by %s: "
					"%.200s",
					files[i], line);
		}
		free(text);
	}
}

static void check_domains(struct patient *p, const struct service *s)
{
	for (size_t i = 0; i < sizeof(domains) / sizeof(*domains); i++) {
		const char *value = unit_value(&s->unit, domains[i].key);

		if (value)
			diagnosis_add(&p->found, SEVERITY_WARNING, domains[i].key,
				"See for yourself once it runs: mailseal doctor --pid PID",
				"%s=%s: %s", domains[i].key, value, domains[i].what);
	}
	if (unit_value(&s->unit, "PAMName"))
		check_pam(p);
	if (unit_value(&s->unit, "IPAddressDeny"))
		diagnosis_add(&p->found, SEVERITY_NOTE, "IPAddressDeny", NULL,
			"IPAddressDeny holds for the agent as well, as for all of the service");
}

void doctor_sandbox(struct patient *p, const struct service *s)
{
	if (unit_is_on(&s->unit, "NoNewPrivileges", false))
		p->no_new_privileges = true;
	check_families(p, s);
	doctor_filter(p, s);
	check_switches(p, s);
	check_proc(p, s);
	if (s->system_agent == SYSTEM_AGENT_NONE)
		check_limits(p, s);
	check_domains(p, s);
}
