/*
 * claim: of several threads that connect one socket at the same time, one does it.
 */
#include "shim/preload/claim.h"

#include <errno.h>
#include <sys/stat.h>

#include "shim/preload/sys.h"

#define CLAIMS 64

/* Process and the low half of the socket's inode; 0: free. */
static uint64_t claims[CLAIMS];

static uint32_t process_of(uint64_t claim)
{
	return (uint32_t)(claim >> 32);
}

static bool is_free(uint64_t claim, uint32_t own)
{
	return !claim ||
	       (process_of(claim) != own && sys(SYS_kill, process_of(claim), 0) == -ESRCH);
}

static bool is_held(uint64_t mine, int except)
{
	for (int i = 0; i < CLAIMS; i++)
		if (i != except && __atomic_load_n(&claims[i], __ATOMIC_SEQ_CST) == mine)
			return true;
	return false;
}

/* Written first, looked for others afterwards: of two at the same time at least one sees the other,
 * and gives way. */
bool claim_take(struct claim *claim, int fd)
{
	uint32_t own = (uint32_t)sys(SYS_getpid);
	struct stat st;
	uint64_t mine;

	claim->place = -1;
	if (sys_fstat(fd, &st) != 0)
		return true;
	mine = (uint64_t)own << 32 | (uint32_t)st.st_ino;
	for (int i = 0; i < CLAIMS && claim->place < 0; i++) {
		uint64_t seen = __atomic_load_n(&claims[i], __ATOMIC_SEQ_CST);

		if (seen == mine)
			return false;
		if (is_free(seen, own) && __atomic_compare_exchange_n(&claims[i], &seen, mine,
						  false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			claim->place = i;
	}
	if (claim->place < 0 || !is_held(mine, claim->place))
		return true;
	claim_release(claim);
	return false;
}

void claim_release(struct claim *claim)
{
	if (claim->place >= 0)
		__atomic_store_n(&claims[claim->place], 0, __ATOMIC_SEQ_CST);
	claim->place = -1;
}
