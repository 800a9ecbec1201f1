#include "shim/agent/room.h"

#include "shim/agent/agent.h"

#include <limits.h>
#include <sys/resource.h>

#define KEPT_MOST 32 /* of the descriptors */
#define KEPT_PART 8  /* or one of so many */

unsigned room_limit(void)
{
	struct rlimit limit = {0, 0};

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	return limit.rlim_cur < UINT_MAX ? (unsigned)limit.rlim_cur : UINT_MAX;
}

void room_init(struct agent *agent)
{
	unsigned limit = room_limit(), kept = limit / KEPT_PART;

	agent->usable = limit - (kept < KEPT_MOST ? kept : KEPT_MOST);
}

bool room_for(const struct agent *agent, int fd)
{
	return (unsigned)fd < agent->usable;
}

void room_complain(struct agent *agent)
{
	repeats_event(loop_now(agent->loop), "overload",
		"the limit of %u descriptors is reached, and a connection turned "
		"away; " ROOM_ADVICE,
		room_limit());
}
