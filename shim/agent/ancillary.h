/*
 * ancillary: a message with a descriptor beside it (SCM_RIGHTS, unix(7)).
 */
#ifndef MAILSEAL_AGENT_ANCILLARY_H
#define MAILSEAL_AGENT_ANCILLARY_H

#include <stddef.h>

/* One message, without waiting. `fd` goes along unless it is -1, and stays the caller's as well. 0
 * or -errno. */
int ancillary_send(int to, const void *bytes, size_t size, int fd);

#endif
