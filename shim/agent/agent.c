/*
 * agent: begins, waits, and knows when to go: idle for a while; its private caller served; the log
 * that it shares with others no longer needed; told to stop.
 */
#include "shim/agent/agent.h"

#include "shim/agent/caller.h"
#include "shim/agent/dispatcher.h"
#include "shim/agent/log.h"
#include "shim/agent/pool.h"
#include "shim/agent/room.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#define OVERFLOW_UID 65534
#define TIDY_MS 3000 /* warm connections are mostly gone by then as well */

static uid_t read_overflow_uid(void)
{
	char digits[16] = "";
	int fd = open("/proc/sys/kernel/overflowuid", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, digits, sizeof(digits) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 ? (uid_t)strtoul(digits, NULL, 10) : OVERFLOW_UID;
}

void agent_leave(struct agent *agent)
{
	if (agent->leaving)
		return;
	agent->leaving = true;
	agent_settle(agent);
}

static bool nothing_to_wait_for(const struct agent *agent)
{
	return agent->stopping || agent->leaving || agent->options.private ||
	       (!agent->options.system && log_is_stderr() && agent->served > 0);
}

static int wait_for_somebody(struct agent *agent)
{
	return loop_timer_set(agent->loop, &agent->idle, loop_now(agent->loop) + AGENT_IDLE_MS);
}

static int open_source(struct agent *agent)
{
	return agent->options.worker ? worker_open(agent) : listener_open(agent);
}

static void close_source(struct agent *agent)
{
	callers_dismiss(agent);
	if (agent->options.worker)
		worker_close(agent);
	else
		listener_close(agent);
}

static void tidy_up(void *context)
{
	struct agent *agent = context;

	malloc_trim(0);
	agent->crowd = agent->session_count;
}

/* What many sessions held goes back once most are gone, but not at each coming and going. */
static void watch_crowd(struct agent *agent)
{
	unsigned count = agent->session_count;

	if (agent->crowd < count + 1)
		agent->crowd = count + 1;
	if (count <= agent->crowd / 2 && !agent->tidying.place)
		loop_timer_set(agent->loop, &agent->tidying, loop_now(agent->loop) + TIDY_MS);
}

/* Nobody is here: stay for a while, or go. */
static void settle(void *context)
{
	struct agent *agent = context;

	if (agent->leaving || agent->stopping) {
		close_source(agent);
		pool_clear(agent->lane.pool);
	}
	watch_crowd(agent);
	if (agent->session_count || agent->callers)
		return;
	if (nothing_to_wait_for(agent)) {
		close_source(agent);
		if (!agent->sourced)
			loop_stop(agent->loop);
	} else {
		wait_for_somebody(agent);
	}
}

void agent_settle(struct agent *agent)
{
	loop_defer(agent->loop, &agent->settling);
}

static void last_gone_elsewhere(void *context)
{
	struct agent *agent = context;

	atomic_store(&agent->last_gone_posted, 0);
	settle(agent);
}

static void idle_long_enough(void *context)
{
	agent_leave(context);
}

static void last_call_over(void *context)
{
	struct agent *agent = context;

	log_event("stopped", "%u sessions were cut off", atomic_load(&agent->session_count));
	loop_stop(agent->loop);
}

static void stop(struct agent *agent)
{
	if (agent->stopping)
		return;
	agent->stopping = true;
	loop_timer_set(agent->loop, &agent->last_call, loop_now(agent->loop) + AGENT_LAST_CALL_MS);
	lanes_stop(agent);
	agent_settle(agent);
}

static void read_signals(void *context)
{
	struct agent *agent = context;
	struct signalfd_siginfo info;

	while (read(agent->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		stop(agent);
}

static void signalled(void *context, uint32_t events)
{
	struct agent *agent = context;

	(void)events;
	loop_defer(agent->loop, &agent->on_signal);
}

/* A terminal's hangup is not for us: the last of its processes ends, and the agent after it. */
static int catch_signals(struct agent *agent)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a log that may not grow must not end the sessions */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	agent->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (agent->signals < 0)
		return -errno;
	agent->signalled = (struct watch){signalled, agent};
	agent->on_signal = (struct task){.run = read_signals, .context = agent};
	return loop_watch(agent->loop, agent->signals, EPOLLIN, &agent->signalled);
}

static int set_up(struct agent *agent)
{
	int rc;

	agent->loop = loop_new();
	if (!agent->loop)
		return -errno;
	recap_begin(&agent->recap, agent->loop);
	agent->lane = (struct lane){.agent = agent, .loop = agent->loop};
	lanes_init(agent);
	room_init(agent);
	agent->rules = rules_new(agent->options.config, agent->options.config_named);
	if (!agent->rules)
		return -ENOMEM;
	rc = agent->options.worker ? loop_guard(agent->loop) : 0;
	if (rc < 0)
		return rc;
	agent->settling = (struct task){.run = settle, .context = agent};
	agent->last_gone = (struct task){.run = last_gone_elsewhere, .context = agent};
	agent->idle = (struct timer){.expired = idle_long_enough, .context = agent};
	agent->tidying = (struct timer){.expired = tidy_up, .context = agent};
	agent->last_call = (struct timer){.expired = last_call_over, .context = agent};
	rc = catch_signals(agent);
	if (rc == 0)
		rc = wait_for_somebody(agent);
	return rc < 0 ? rc : open_source(agent);
}

static void tear_down(struct agent *agent)
{
	lanes_clear(agent);
	repeats_end();
	log_close();
	rules_free(agent->rules);
	loop_free(agent->loop);
	if (agent->signals >= 0)
		close(agent->signals);
	if (agent->spare >= 0)
		close(agent->spare);
}

int agent_run(const struct agent_options *options)
{
	struct agent agent = {.options = *options,
		.listener = -1,
		.held = -1,
		.spare = -1,
		.signals = -1,
		.uid = geteuid()};
	int rc;

	agent.overflow_uid = read_overflow_uid();
	rc = log_open(options->log);
	if (rc < 0)
		log_event("log", "%s: %s; logging to syslog", options->log, strerror(-rc));
	if (options->system && !options->worker)
		return dispatcher_run(options);
	rc = set_up(&agent);
	if (rc == 0)
		rc = loop_run(agent.loop);
	if (rc < 0)
		log_event("failed", "%s", strerror(-rc));
	tear_down(&agent);
	return rc < 0 ? EX_OSERR : EX_OK;
}
