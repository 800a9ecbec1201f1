/*
 * limits: the resource limits that could hurt an agent: they are part of its identity, and the
 * starter raises the soft ones to the hard ones (that of the stack to what is usual, since an
 * unlimited one changes the layout of memory).
 */
#ifndef MAILSEAL_PRELOAD_LIMITS_H
#define MAILSEAL_PRELOAD_LIMITS_H

#include <stdint.h>
#include <sys/resource.h>

static const int limits_inherited[] = {RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_CPU,
	RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_STACK};

#define LIMITS_COUNT (sizeof(limits_inherited) / sizeof(limits_inherited[0]))
#define LIMITS_STACK ((uint64_t)8 << 20)

#endif
