/*
 * listener: takes callers in, as many as there is room for, and turns the others away.
 */
#include "shim/agent/agent.h"
#include "shim/agent/caller.h"
#include "shim/agent/handover.h"
#include "shim/agent/parts.h"
#include "shim/agent/room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#define AT_ONCE 64   /* callers turned away in one round */
#define PAUSE_MS 100 /* after running out of descriptors */

/* The uid is the kernel's word. One that the kernel cannot name is nobody's. */
static bool may_call(struct agent *agent, const struct ucred *peer)
{
	if (peer->uid == agent->uid && peer->uid != agent->overflow_uid)
		return true;
	report_caller(agent, peer, NULL, "this agent does not serve this user");
	return false;
}

static void welcome(struct agent *agent, int fd)
{
	struct ucred peer = {0};
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 || !may_call(agent, &peer)) {
		close(fd);
	} else if (room_for(agent, fd) || lanes_yield(agent)) {
		caller_new(agent, fd, &peer);
	} else {
		room_complain(agent);
		caller_turn_away(fd, HANDOFF_ACK, EMFILE);
	}
}

static void take_spare(struct agent *agent)
{
	if (agent->spare < 0)
		agent->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void listen_for(struct agent *agent, uint32_t events)
{
	loop_rewatch(agent->loop, agent->listener, events, &agent->listening);
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
	int fd, n;

	lanes_yield(agent);
	if (agent->spare >= 0)
		close(agent->spare);
	agent->spare = -1;
	for (n = 0; n < AT_ONCE && (fd = accept_next(agent->listener)) >= 0; n++) {
		room_complain(agent);
		caller_turn_away(fd, HANDOFF_ACK, EMFILE);
	}
	take_spare(agent);
	listen_for(agent, 0);
	loop_timer_set(agent->loop, &agent->pause, loop_now(agent->loop) + PAUSE_MS);
}

/* One at a time: if there are more, epoll says so at once, and asking for another in vain costs
 * more than hearing that. */
static void accept_callers(void *context)
{
	struct agent *agent = context;
	int fd;

	if (agent->leaving || agent->stopping)
		return;
	fd = accept_next(agent->listener);
	if (fd >= 0)
		welcome(agent, fd);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
		out_of_descriptors(agent);
}

static void listening_ready(void *context, uint32_t events)
{
	struct agent *agent = context;

	(void)events;
	loop_defer(agent->loop, &agent->accepting);
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
	if (agent->options.private)
		return serve_channel(agent);
	agent->listening = (struct watch){listening_ready, agent};
	agent->accepting = (struct task){.run = accept_callers, .context = agent};
	agent->pause = (struct timer){.expired = resume, .context = agent};
	take_spare(agent);
	if (fcntl(agent->options.fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	agent->listener = agent->options.fd;
	return loop_watch(agent->loop, agent->listener, EPOLLIN, &agent->listening);
}

/* It is shut down first: nobody gets in any more, while those who were in the queue still get their
 * answer. */
void listener_close(struct agent *agent)
{
	int fd;

	loop_timer_stop(agent->loop, &agent->pause);
	loop_undefer(agent->loop, &agent->accepting);
	if (agent->listener < 0)
		return;
	loop_unwatch(agent->loop, agent->listener);
	shutdown(agent->listener, SHUT_RDWR);
	while ((fd = accept_next(agent->listener)) >= 0)
		caller_turn_away(fd, HANDOFF_STALE, 0);
	close(agent->listener);
	agent->listener = -1;
}
