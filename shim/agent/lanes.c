/*
 * lanes: started one by one when those that are there are loaded, ended when they have been idle.
 *
 * Few sessions stay on the agent's own thread, since to wake another one takes longer than they
 * have to wait. A session that has just come counts for much, since nobody knows what it will do;
 * later its lane's load tells that, and the session itself counts for what it may still do.
 */
#include "shim/agent/lanes.h"

#include "shim/agent/agent.h"
#include "shim/agent/pool.h"
#include "shim/agent/room.h"
#include "shim/agent/session.h"

#include <sched.h>
#include <unistd.h>

#define FRESH_WEIGHT 200 /* in thousandths of a processor */
#define OLD_WEIGHT 20
#define LOADED 400	/* from here on others are better */
#define FRESH_MS 200	/* after that the load tells */
#define IDLE_MS 10000	/* a lane without sessions stays so long */
#define RETRY_MS 10000	/* after one did not start */
#define DESCRIPTORS 128 /* each lane takes two: one lane for so many */

static unsigned count_of(const struct lane *lane)
{
	return atomic_load_explicit(&lane->session_count, memory_order_relaxed);
}

/* Sessions that came and went leave a lane as it was, whatever it had to do for them. */
static unsigned load_of(struct lane *lane, uint64_t now)
{
	unsigned count = count_of(lane), fresh = now - lane->burst < FRESH_MS ? lane->fresh : 0;

	if (!count)
		return 0;
	if (fresh > count)
		fresh = count;
	return loop_load(lane->loop) + fresh * FRESH_WEIGHT + (count - fresh) * OLD_WEIGHT;
}

/* --- how many --- */

static void wait_for_idle(struct agent *agent)
{
	loop_timer_set(agent->loop, &agent->lanes.idle, loop_now(agent->loop) + IDLE_MS / 2);
}

static void end_idle(void *context)
{
	struct agent *agent = context;
	struct lanes *lanes = &agent->lanes;
	uint64_t now = loop_now(agent->loop);
	unsigned i;

	for (i = lanes->count; i-- > 0;) {
		struct lane *lane = lanes->more[i];

		if (count_of(lane)) {
			lane->used = now;
		} else if (now - lane->used >= IDLE_MS) {
			lane_end(lane);
			lanes->more[i] = lanes->more[--lanes->count];
		}
	}
	if (lanes->count)
		wait_for_idle(agent);
}

static unsigned processors(void)
{
	cpu_set_t set;
	long online;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	online = sysconf(_SC_NPROCESSORS_ONLN); /* more of them than such a set has */
	return online > 0 ? (unsigned)online : 1;
}

static unsigned least(unsigned a, unsigned b)
{
	return b < a ? b : a;
}

/* Asked only under load: a program's filter of system calls may kill for what it never needs. */
static unsigned most_of(struct agent *agent)
{
	unsigned most = agent->options.lanes;

	if (agent->lanes.most)
		return agent->lanes.most;
	most = least(most ? most : processors(), room_limit() / DESCRIPTORS);
	most = least(most, LANES_MOST);
	return agent->lanes.most = most ? most : 1;
}

void lanes_init(struct agent *agent)
{
	agent->lanes.idle = (struct timer){.expired = end_idle, .context = agent};
}

static struct lane *start_another(struct agent *agent)
{
	struct lanes *lanes = &agent->lanes;
	uint64_t now = loop_now(agent->loop);
	struct lane *lane;

	if (now < lanes->retry || lanes->count + 1 >= most_of(agent))
		return NULL;
	lane = lane_start(agent);
	if (!lane) {
		lanes->retry = now + RETRY_MS;
		return NULL;
	}
	lanes->more[lanes->count++] = lane;
	wait_for_idle(agent);
	return lane;
}

/* --- which one --- */

static struct lane *choose(struct agent *agent, uint64_t now)
{
	struct lane *best = &agent->lane, *another;
	unsigned load, best_load = load_of(best, now), i;

	for (i = 0; best_load >= LOADED && i < agent->lanes.count; i++) {
		load = load_of(agent->lanes.more[i], now);
		if (load < best_load) {
			best = agent->lanes.more[i];
			best_load = load;
		}
	}
	another = best_load >= LOADED ? start_another(agent) : NULL;
	return another ? another : best;
}

struct lane *lanes_choose(struct agent *agent)
{
	uint64_t now = loop_now(agent->loop);
	struct lane *lane = choose(agent, now);

	if (now - lane->burst >= FRESH_MS) {
		lane->burst = now;
		lane->fresh = 0;
	}
	lane->fresh++;
	lane->used = now;
	return lane;
}

/* --- all of them --- */

void lanes_stop(struct agent *agent)
{
	unsigned i;

	for (i = 0; i < agent->lanes.count; i++)
		lane_stop(agent->lanes.more[i]);
	lane_stop(&agent->lane);
}

bool lanes_yield(struct agent *agent)
{
	unsigned i;

	for (i = 0; i < agent->lanes.count; i++)
		lane_yield(agent->lanes.more[i]);
	return pool_gives_way(agent->lane.pool);
}

void lanes_clear(struct agent *agent)
{
	while (agent->lanes.count)
		lane_end(agent->lanes.more[--agent->lanes.count]);
	sessions_free(&agent->lane);
}
