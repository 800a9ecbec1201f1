/*
 * started: how a process was started: with which variables, and with which privileges.
 * /proc tells the environment as it was then, which is when the library reads it.
 */
#include "tools/doctor/process.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *process_variable(const struct process *x, const char *name)
{
	const char *environment = x->environment;
	size_t size = strlen(name);

	for (size_t at = 0; environment && at < x->environment_length;
		at += strlen(environment + at) + 1) {
		if (strncmp(environment + at, name, size) == 0 && environment[at + size] == '=')
			return environment + at + size + 1;
	}
	return NULL;
}

static void check_config(struct patient *p, const char *config)
{
	struct stat st;
	int rc = config[0] == '/' ? patient_stat(p, config, &st) : 0;

	if (rc)
		diagnosis_add(&p->found, SEVERITY_WARNING, "config-missing",
			"No mail passes: a file that is named must be there",
			"%s (MAILSEAL_CONFIG): %s", config, strerror(-rc));
}

static const char *const variables[] = {
	"MAILSEAL_CONFIG", "MAILSEAL_LOG", "MAILSEAL_PORTS", "MAILSEAL_AGENT", "MAILSEAL_SOCKET"};

void process_tell_variables(struct patient *p, const struct process *x)
{
	const char *value;

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		value = process_variable(x, variables[i]);
		if (value && *value)
			diagnosis_add(&p->found, SEVERITY_NOTE, "environment", NULL,
				"it was started with %s=%s", variables[i], value);
	}
	value = process_variable(x, "MAILSEAL_CONFIG");
	if (value && *value && p->loaded)
		check_config(p, value);
}

/* Which ports count: those that were asked for, else those that the process was told. */
static void take_ports(struct patient *p, struct process *x, const struct ports *asked)
{
	const char *value = process_variable(x, "MAILSEAL_PORTS");

	x->ports = (struct ports){1, {25}};
	if (asked)
		x->ports = *asked;
	else if (value && *value && doctor_ports(p, &x->ports, value))
		x->ports = (struct ports){4, {25, 465, 587, 2525}}; /* as the library does */
}

static bool is_wide_program(pid_t pid)
{
	char path[PROCESS_PATH];
	struct elf_kind kind = {0};
	int fd;

	process_path(path, pid, "exe");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	elf_kind_of(fd, &kind);
	close(fd);
	return kind.class == ELFCLASS64;
}

static uint64_t number_at(const char *at, size_t size)
{
	uint64_t wide = 0;
	uint32_t narrow = 0;

	if (size == sizeof(narrow)) {
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide;
}

/* AT_SECURE in getauxval(3): the library then ignores the environment. */
static bool gained_privileges(pid_t pid)
{
	size_t length = 0, step = is_wide_program(pid) ? 8 : 4;
	char *vector = process_read(pid, "auxv", &length);
	bool gained = false;

	for (size_t at = 0; vector && at + 2 * step <= length; at += 2 * step) {
		if (number_at(vector + at, step) == AT_SECURE)
			gained = number_at(vector + at + step, step) != 0;
	}
	free(vector);
	return gained;
}

void process_started(struct patient *p, struct process *x, const struct ports *asked)
{
	if (gained_privileges(x->pid)) {
		diagnosis_add(&p->found, SEVERITY_NOTE, "privileged",
			"The default configuration holds, and port 25 alone",
			"it gained privileges when it was started: LD_PRELOAD and the variables "
			"MAILSEAL_ are ignored in it");
		x->environment = calloc(1, 1);
	} else {
		x->environment = process_read(x->pid, "environ", &x->environment_length);
	}
	if (!x->environment)
		diagnosis_add(&p->found, SEVERITY_NOTE, "environment-unreadable", ask_as_root,
			"its environment cannot be read: %s", strerror(errno));
	take_ports(p, x, asked);
	p->preload = process_variable(x, "LD_PRELOAD");
	p->preload_given = true;
	p->library_paths = process_variable(x, "LD_LIBRARY_PATH");
}
