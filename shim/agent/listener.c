/*
 * listener: takes callers in, as many as there is room for, and turns the others away.
 */
#include "shim/agent/agent.h"
#include "shim/agent/caller.h"
#include "shim/agent/handover.h"
#include "shim/agent/log.h"
#include "shim/agent/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#define AT_ONCE 64   /* callers taken in one round */
#define PAUSE_MS 100 /* after running out of descriptors */
#define COMPLAIN_MS 10000

/* Whoever can make us log can fill a disk: these come seldom. */
static bool may_complain(struct agent *agent)
{
	uint64_t now = loop_now(agent->loop);

	if (agent->complained && now - agent->complained < COMPLAIN_MS)
		return false;
	agent->complained = now;
	return true;
}

/* The uid is the kernel's word. One that the kernel cannot name is nobody's; the system agent
 * serves it all the same, for it gives it nothing that it has not. */
static bool may_call(struct agent *agent, const struct ucred *peer)
{
	if (agent->options.system || (peer->uid == agent->uid && peer->uid != agent->overflow_uid))
		return true;
	if (may_complain(agent))
		report_caller(peer, NULL, "this agent does not serve this user");
	return false;
}

/* Answers one caller without serving it. */
static void turn_away(int fd, enum handoff_stage stage, int error)
{
	struct request r;

	if (request_receive(fd, &r) == 0)
		request_clear(&r);
	handover_reply(fd, stage, error, NULL);
	close(fd);
}

static bool find_seat(struct agent *agent, const struct ucred *peer)
{
	if (seats_take(agent->seats, peer->uid, loop_now(agent->loop)))
		return true;
	if (may_complain(agent))
		log_event("overload",
			"user %u has as many connections as are still free for all others, or "
			"disturbed them",
			(unsigned)peer->uid);
	return false;
}

static void welcome(struct agent *agent, int fd)
{
	struct ucred peer = {0};
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 || !may_call(agent, &peer))
		close(fd);
	else if (find_seat(agent, &peer))
		caller_new(agent, fd, &peer);
	else
		turn_away(fd, HANDOFF_ACK, ENFILE);
}

static void take_spare(struct agent *agent)
{
	if (agent->spare < 0)
		agent->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void listen_for(struct agent *agent, uint32_t events)
{
	unsigned i;

	for (i = 0; i < agent->listener_count; i++)
		loop_rewatch(agent->loop, agent->listeners[i], events, &agent->listening);
}

static void resume(void *context)
{
	struct agent *agent = context;

	if (!agent->leaving && !agent->stopping)
		listen_for(agent, EPOLLIN);
}

static int accept_next(int listener)
{
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* No descriptor is left: whoever waits is told so with the help of the spare one, and nobody is
 * taken in for a moment. */
static void out_of_descriptors(struct agent *agent)
{
	unsigned i;
	int fd, n;

	if (may_complain(agent))
		log_event("overload", "no descriptors left");
	if (agent->spare >= 0)
		close(agent->spare);
	agent->spare = -1;
	for (i = 0; i < agent->listener_count; i++)
		for (n = 0; n < AT_ONCE && (fd = accept_next(agent->listeners[i])) >= 0; n++)
			turn_away(fd, HANDOFF_ACK, EMFILE);
	take_spare(agent);
	listen_for(agent, 0);
	loop_timer_set(agent->loop, &agent->pause, loop_now(agent->loop) + PAUSE_MS);
}

/* False: no descriptors are left. */
static bool accept_from(struct agent *agent, int listener)
{
	int fd, i;

	for (i = 0; i < AT_ONCE && !agent->leaving && !agent->stopping; i++) {
		fd = accept_next(listener);
		if (fd >= 0)
			welcome(agent, fd);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			return false;
		else if (errno != EINTR && errno != ECONNABORTED)
			break;
	}
	return true;
}

static void accept_callers(void *context)
{
	struct agent *agent = context;
	unsigned i;

	for (i = 0; i < agent->listener_count; i++)
		if (!accept_from(agent, agent->listeners[i])) {
			out_of_descriptors(agent);
			return;
		}
}

static void listening_ready(void *context, uint32_t events)
{
	struct agent *agent = context;

	(void)events;
	loop_defer(agent->loop, &agent->accepting);
}

static int watch_listener(struct agent *agent, int fd)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	agent->listeners[agent->listener_count++] = fd;
	return loop_watch(agent->loop, fd, EPOLLIN, &agent->listening);
}

static int serve_channel(struct agent *agent)
{
	struct ucred peer = {0};
	socklen_t n = sizeof(peer);

	if (getsockopt(agent->options.fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return -errno;
	return caller_new(agent, agent->options.fd, &peer);
}

int listener_open(struct agent *agent)
{
	const struct system_sockets *system = agent->options.system;
	unsigned i;
	int rc = 0;

	if (agent->options.private)
		return serve_channel(agent);
	agent->listening = (struct watch){listening_ready, agent};
	agent->accepting = (struct task){.run = accept_callers, .context = agent};
	agent->pause = (struct timer){.expired = resume, .context = agent};
	take_spare(agent);
	if (!system)
		return watch_listener(agent, agent->options.fd);
	for (i = 0; i < system->count && rc == 0; i++)
		rc = watch_listener(agent, system->fds[i]);
	return rc;
}

/* Those of a service manager stay as they are: it listens on, and starts another agent for whoever
 * waits. Others are shut down first: nobody gets in any more, while those who were in the queue
 * still get their answer. */
static void close_one(struct agent *agent, int listener)
{
	int fd;

	loop_unwatch(agent->loop, listener);
	if (!agent->options.system || !agent->options.system->activated) {
		shutdown(listener, SHUT_RDWR);
		while ((fd = accept_next(listener)) >= 0)
			turn_away(fd, HANDOFF_STALE, 0);
	}
	close(listener);
}

void listener_close(struct agent *agent)
{
	callers_dismiss(agent);
	loop_timer_stop(agent->loop, &agent->pause);
	loop_undefer(agent->loop, &agent->accepting);
	if (agent->options.system && agent->listener_count)
		system_unlink(agent->options.system);
	while (agent->listener_count)
		close_one(agent, agent->listeners[--agent->listener_count]);
}
