/*
 * dispatcher: the first process of a system agent. It lets callers in, learns from the kernel who
 * they are, and passes them on to the worker of their user. It reads nothing of theirs, so that
 * none of their descriptors ever gets into it.
 */
#ifndef MAILSEAL_AGENT_DISPATCHER_H
#define MAILSEAL_AGENT_DISPATCHER_H

#include "shim/agent/agent.h"

/* Runs until the system agent ends. An exit status. The log is open. */
int dispatcher_run(const struct agent_options *options);

#endif
