/*
 * cgroup: the service that a process belongs to, by the text of /proc/PID/cgroup: of cgroups of
 * version 2 or 1, or both beside each other.
 */
#ifndef MAILSEAL_TOOLS_SEAL_CGROUP_H
#define MAILSEAL_TOOLS_SEAL_CGROUP_H

#define SERVICE_NAME_SIZE 256

/*
 * `text` is that of the process, `init` that of process 1, which tells where systemd itself stands
 * in the tree. `unit` is the service of the system's manager, "user@1000.service" among them;
 * `user_unit` that of such a user's manager. Both are "" where the process belongs to none, as in a
 * session or a container's scope.
 */
void cgroup_service(const char *text, const char *init, char unit[SERVICE_NAME_SIZE],
	char user_unit[SERVICE_NAME_SIZE]);

#endif
