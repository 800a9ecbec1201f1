/*
 * overflow: the uid that the kernel shows where it cannot name somebody in this user namespace. Who
 * bears it is nobody that can be known.
 */
#ifndef MAILSEAL_PRELOAD_OVERFLOW_H
#define MAILSEAL_PRELOAD_OVERFLOW_H

#include <sys/types.h>

/* The usual one where /proc does not tell. */
uid_t overflow_uid(void);

#endif
