/*
 * overflow: the uid that stands for whoever has none here.
 */
#include "shim/preload/overflow.h"

#include <stdint.h>

#include "shim/preload/sys.h"

#define OVERFLOW_UID 65534u

/* Read once: it is the kernel's for as long as the machine runs, as a rule. */
uid_t overflow_uid(void)
{
	static uint32_t known; /* 0: not read yet */
	uid_t uid = __atomic_load_n(&known, __ATOMIC_RELAXED);
	char digits[16];

	if (uid)
		return uid;
	if (sys_read_file("/proc/sys/kernel/overflowuid", digits, sizeof(digits)) <= 0)
		return OVERFLOW_UID;
	for (const char *at = digits; *at >= '0' && *at <= '9'; at++)
		uid = uid * 10 + (uid_t)(*at - '0');
	__atomic_store_n(&known, uid, __ATOMIC_RELAXED);
	return uid;
}
