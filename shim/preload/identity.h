/*
 * identity: which agent this process wants. A text of key=value lines says all that must be the
 * same for two processes to share one agent; its hash is the abstract name where that agent
 * listens. Computed anew for each connect(), since the configuration may have been edited and the
 * process may have moved.
 */
#ifndef MAILSEAL_PRELOAD_IDENTITY_H
#define MAILSEAL_PRELOAD_IDENTITY_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

#include "shim/handoff/handoff.h"
#include "shim/preload/settings.h"

struct identity_file {
	dev_t dev;
	ino_t ino;
};

struct identity {
	char text[HANDOFF_IDENTITY_SIZE];
	size_t length; /* without NUL */
	struct sockaddr_un name;
	socklen_t name_length;
	const char *agent; /* path: `beside`, or in static memory */
	const char *file;  /* what a failure is about: `agent`, in static memory, or NULL */
	uid_t euid;
	struct identity_file mount_namespace, root, executable;
	char beside[SETTINGS_PATH_SIZE]; /* mailseal-agent in this library's directory */
	char scratch[4096];
};

/* 0, or -errno with *reason saying what is wrong in words (static text). Only where the root is
 * the one of old: it is not looked at again. */
int identity_compute(struct identity *id, const char **reason);

/* Is `/` another directory than when the library was loaded? */
bool identity_root_changed(void);

#endif
