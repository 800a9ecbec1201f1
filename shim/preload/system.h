/*
 * system: the agent that an administrator runs for the whole machine, for programs that can start
 * none: in a chroot, or where processes are forbidden. It is found at a path, or at a name that is
 * seen from everywhere in the network namespace; its configuration and its log are its own.
 */
#ifndef MAILSEAL_PRELOAD_SYSTEM_H
#define MAILSEAL_PRELOAD_SYSTEM_H

#include <stdbool.h>

#include "shim/preload/identity.h"

/*
 * Is the system agent the one that is meant? By MAILSEAL_SOCKET; by its default path, where neither
 * that nor MAILSEAL_CONFIG is set; and always where `/` changed since the library was loaded.
 */
bool system_is_meant(bool root_changed);

/*
 * A request socket to it (SOCK_SEQPACKET, CLOEXEC, O_NONBLOCK; the caller closes it), with id's
 * text as it is to be sent; or -errno with *reason, and id->file if that is about a path. Waits
 * until `deadline` (sys_now_ms()) for one that is busy, and for none that is not there.
 */
int system_reach(struct identity *id, bool root_changed, int64_t deadline, const char **reason);

#endif
