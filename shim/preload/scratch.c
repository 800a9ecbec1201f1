/*
 * scratch: one block for all, and where that is taken one from the kernel. A block that was taken
 * when the process forked, or by somebody whom a signal handler jumped out of, stays taken.
 */
#include "shim/preload/scratch.h"

#include <stdbool.h>

#include "shim/preload/sys.h"

static _Alignas(64) char block[SCRATCH_SIZE];
static bool taken;

void *scratch_take(void)
{
	if (!__atomic_exchange_n(&taken, true, __ATOMIC_ACQUIRE))
		return block;
	return sys_memory(SCRATCH_SIZE, false);
}

void scratch_give_back(void *scratch)
{
	if (scratch == block)
		__atomic_store_n(&taken, false, __ATOMIC_RELEASE);
	else
		sys_memory_free(scratch, SCRATCH_SIZE);
}
