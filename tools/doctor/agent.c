/*
 * agent: the system-wide agent, as the library looks for it (libmailseal(8)). It is never
 * connected to: a connection would be a job, and start it.
 */
#include "tools/doctor/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

/* The kernel looks whether there is a file, whether we may write to it, and whether a socket that
 * lives is bound to it, before it refuses the type (EPROTOTYPE). */
int patient_knock(const struct patient *p, const char *path, int type)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int at = patient_open_path(p, path), fd, rc = 0;

	if (at < 0)
		return at;
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d", at);
	fd = socket(AF_UNIX, (type == SOCK_DGRAM ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
		(connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EPROTOTYPE))
		rc = -errno;
	if (fd >= 0)
		close(fd);
	close(at);
	return rc;
}

static void tell_silent(struct patient *p, const char *path, int rc)
{
	bool of_others = rc == -EACCES && p->user_given && p->uid != geteuid();

	if (p->starts_agent)
		diagnosis_add(&p->found, SEVERITY_WARNING, "system-agent-missing",
			"Until then no mail passes: systemctl start mailseal-agent.socket",
			"the system agent does not listen at %s now (%s): systemd starts it with "
			"the service",
			path, strerror(-rc));
	else if (of_others)
		diagnosis_add(&p->found, SEVERITY_WARNING, "system-agent-unseen", "Ask as root",
			"whether the system agent listens at %s cannot be seen: %s", path,
			strerror(-rc));
	else if (rc == -ENOENT)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "system-agent-missing",
			"No mail passes: start it (mailseal-agent(8))",
			"no socket is at %s (MAILSEAL_SOCKET)", path);
	else
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "system-agent-silent",
			"No mail passes: systemctl start mailseal-agent.socket; or remove that "
			"file, where it is not to serve any more",
			"the system agent does not listen at %s: %s", path, strerror(-rc));
}

bool doctor_system_agent(struct patient *p, const char *socket, const char *config, pid_t pid)
{
	const char *path;
	enum system_agent which = patient_system_agent(p, socket, config, &path);
	int rc = 0;

	if (which != SYSTEM_AGENT_NONE) {
		rc = patient_knock(p, path, SOCK_SEQPACKET);
		if (!rc) {
			diagnosis_add(&p->found, SEVERITY_OK, "system-agent", NULL,
				"the system-wide agent serves it: its socket is %s", path);
			return true;
		}
	}
	if (which != SYSTEM_AGENT_NONE && !p->left_root && !p->offline) {
		tell_silent(p, path, rc);
		return false;
	}
	if (!pid || !is_in_table(pid, abstract_name))
		return false;
	diagnosis_add(&p->found, SEVERITY_NOTE, "system-agent", NULL,
		"a system-wide agent listens at %s, for those that go into a chroot",
		abstract_name);
	return true;
}
