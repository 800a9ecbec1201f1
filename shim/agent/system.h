/*
 * system: what only an agent for the whole machine does before it runs: it opens its sockets, or
 * takes those that the service manager opened, and leaves the rights that it does not need.
 */
#ifndef MAILSEAL_AGENT_SYSTEM_H
#define MAILSEAL_AGENT_SYSTEM_H

#include "shim/base/err.h"
#include "shim/handoff/handoff.h"

#include <stdbool.h>
#include <sys/types.h>

#define SYSTEM_SOCKETS 16

struct system_sockets {
	int fds[SYSTEM_SOCKETS];
	unsigned count;
	bool activated; /* the service manager's, who keeps them and listens on: never shut down */
	const char *path; /* of the socket that was made here, or NULL */
	dev_t dev;
	ino_t ino;
};

/*
 * Listens at `path` (mode 0666), in place of a socket on which nobody answers any more; and, as
 * root, at the abstract name, unless somebody has it: *remark then says so. The path stays the
 * caller's. 0, or -errno with err.
 */
int system_listen(
	const char *path, struct system_sockets *sockets, struct err *remark, struct err *err);

/*
 * The number of sockets that the environment says were passed by the protocol of sd_listen_fds(3),
 * and takes the variables away. 0 if none were, or not to this process; -EINVAL with err.
 */
int system_passed(struct err *err);

/* Takes `count` passed sockets, which must be AF_UNIX, SOCK_SEQPACKET, and listening. 0, or -errno
 * with err. */
int system_inherit(unsigned count, struct system_sockets *sockets, struct err *err);

/* Becomes that user, with its groups, for good. 0; -ENOENT if there is none; or -errno, with err.
 */
int system_become(const char *user, struct err *err);

/* Why a request is none of the system agent's, whose configuration is at `config`; NULL if it is.
 */
const char *system_objection(
	const struct handoff_request_view *view, const char *config, struct err *err);

/* Takes the socket's file away, if it is still the one that was made. */
void system_unlink(const struct system_sockets *sockets);

#endif
