/*
 * unit: the systemd unit that a process is in, as its control group's path tells it.
 * Only text is looked at; what it says is for the log, and never trusted.
 */
#ifndef MAILSEAL_HANDOFF_UNIT_H
#define MAILSEAL_HANDOFF_UNIT_H

#include <stddef.h>

#define UNIT_NAME_SIZE 256 /* systemd's own limit, NUL included */

/*
 * From the bytes of /proc/PID/cgroup: the last name in the path that is a service's, a scope's or
 * whatever else has processes, so that of a user's service it is that one and not
 * user@1000.service. The name as systemd writes it, with its \x2d; "" if there is none.
 */
void unit_of_cgroup(const char *text, size_t length, char out[UNIT_NAME_SIZE]);

#endif
