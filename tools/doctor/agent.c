/*
 * agent: the system-wide agent, as the library looks for it (libmailseal(8)). Nothing is
 * connected to: a connection would be a job.
 */
#include "tools/doctor/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char abstract_name[] = "@mailseal/1/system"; /* as /proc/net/unix writes it */

static bool is_set(const char *value)
{
	return value && *value;
}

static bool is_socket(const struct patient *p, const char *path)
{
	struct stat st;

	return patient_stat(p, path, &st) == 0 && S_ISSOCK(st.st_mode);
}

enum system_agent patient_system_agent(
	const struct patient *p, const char *socket, const char *config, const char **path)
{
	*path = is_set(socket) ? socket : MAILSEAL_SOCKET_DEFAULT;
	if (is_set(socket))
		return strcmp(socket, "none") == 0 ? SYSTEM_AGENT_NONE : SYSTEM_AGENT_NAMED;
	return !is_set(config) && is_socket(p, *path) ? SYSTEM_AGENT_DEFAULT : SYSTEM_AGENT_NONE;
}

/* Is the name, or path, in the table of local sockets of the process's network namespace? Known as
 * a whole word at the end of a line. */
static bool is_in_table(pid_t pid, const char *name)
{
	char *table = process_read(pid, "net/unix", NULL);
	size_t length = strlen(name);
	bool found = false;

	for (const char *at = table; at && !found && (at = strstr(at, name)); at += length)
		found = at > table && at[-1] == ' ' && (at[length] == '\n' || !at[length]);
	free(table);
	return found;
}

bool doctor_system_agent(struct patient *p, const char *socket, const char *config, pid_t pid)
{
	const char *path;
	enum system_agent which = patient_system_agent(p, socket, config, &path);

	if (which != SYSTEM_AGENT_NONE && is_socket(p, path)) {
		diagnosis_add(&p->found, SEVERITY_OK, "system-agent", NULL,
			"the system-wide agent serves it: its socket is %s", path);
		return true;
	}
	if (which == SYSTEM_AGENT_NAMED && !p->left_root)
		diagnosis_add(&p->found, SEVERITY_WARNING, "system-agent-missing",
			"No mail passes: start it (mailseal-agent(8))",
			"no socket is at %s (MAILSEAL_SOCKET)", path);
	else if (pid && is_in_table(pid, abstract_name))
		diagnosis_add(&p->found, SEVERITY_NOTE, "system-agent", NULL,
			"a system-wide agent listens at %s, for those that go into a chroot",
			abstract_name);
	else
		return false;
	return which != SYSTEM_AGENT_NAMED || p->left_root;
}
