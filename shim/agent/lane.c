/*
 * lane: its thread, and how sessions come to it.
 */
#include "shim/agent/lane.h"

#include "shim/agent/agent.h"
#include "shim/agent/log.h"
#include "shim/agent/pool.h"
#include "shim/agent/session.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define STACK_BYTES (512 * 1024) /* of addresses; what is never used takes no memory */

static bool is_first(const struct lane *lane)
{
	return lane == &lane->agent->lane;
}

static void stop_sessions(void *context)
{
	sessions_stop(context);
}

static void end_loop(void *context)
{
	struct lane *lane = context;

	loop_stop(lane->loop);
}

static void yield(void *context)
{
	struct lane *lane = context;

	atomic_store(&lane->yield_posted, 0);
	pool_clear(lane->pool);
}

static void *work(void *context)
{
	struct lane *lane = context;
	int rc = lane->agent->options.worker ? loop_guard(lane->loop) : 0;

	prctl(PR_SET_NAME, "seal-lane", 0, 0, 0);
	lane->error = rc;
	sem_post(&lane->up);
	if (rc < 0)
		return NULL;
	rc = loop_run(lane->loop);
	if (rc < 0)
		log_event("failed", "%s", strerror(-rc));
	sessions_free(lane);
	return NULL;
}

/* All signals are for the first lane, but for the guard's. */
static int start_thread(struct lane *lane)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int rc = pthread_attr_init(&attr);

	if (rc)
		return rc;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	sigdelset(&all, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&lane->thread, &attr, work, lane);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return rc;
}

static bool come_up(struct lane *lane)
{
	if (start_thread(lane) != 0)
		return false;
	while (sem_wait(&lane->up) < 0)
		;
	if (lane->error < 0)
		pthread_join(lane->thread, NULL);
	return lane->error == 0;
}

static void lane_free(struct lane *lane)
{
	loop_free(lane->loop);
	sem_destroy(&lane->up);
	free(lane);
}

struct lane *lane_start(struct agent *agent)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		return NULL;
	lane->agent = agent;
	sem_init(&lane->up, 0, 0);
	lane->stopping = (struct task){.run = stop_sessions, .context = lane};
	lane->ending = (struct task){.run = end_loop, .context = lane};
	lane->yielding = (struct task){.run = yield, .context = lane};
	lane->loop = loop_new();
	if (lane->loop && loop_open(agent->loop) == 0 && loop_open(lane->loop) == 0 &&
		come_up(lane))
		return lane;
	lane_free(lane);
	return NULL;
}

void lane_end(struct lane *lane)
{
	loop_post(lane->loop, &lane->ending);
	pthread_join(lane->thread, NULL);
	lane_free(lane);
}

void lane_give(struct lane *lane, struct task *task)
{
	atomic_fetch_add(&lane->session_count, 1);
	atomic_fetch_add(&lane->agent->session_count, 1);
	if (is_first(lane))
		task->run(task->context);
	else
		loop_post(lane->loop, task);
}

void lane_done(struct lane *lane)
{
	struct agent *agent = lane->agent;
	bool first = is_first(lane), last;

	atomic_fetch_sub(&lane->session_count, 1);
	last = atomic_fetch_sub(&agent->session_count, 1) == 1;
	if (first)
		agent_settle(agent);
	else if (last && !atomic_exchange(&agent->last_gone_posted, 1))
		loop_post(agent->loop, &agent->last_gone);
}

void lane_stop(struct lane *lane)
{
	if (is_first(lane))
		sessions_stop(lane);
	else
		loop_post(lane->loop, &lane->stopping);
}

void lane_yield(struct lane *lane)
{
	if (!atomic_exchange(&lane->yield_posted, 1))
		loop_post(lane->loop, &lane->yielding);
}
