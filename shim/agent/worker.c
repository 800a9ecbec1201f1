/*
 * worker: where a worker of the system agent gets its callers from, all of one user.
 */
#include "shim/agent/agent.h"
#include "shim/agent/caller.h"
#include "shim/agent/passing.h"
#include "shim/agent/room.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTORS_EACH 4  /* channel, both ends, a fresh connection */
#define DESCRIPTORS_KEPT 32 /* for the agent itself */
#define ROOM_LEAST 2
#define ROOM_MOST 16384 /* memory is not without end either */

/* As many connections as the descriptors of this process allow. */
static unsigned room_for_descriptors(void)
{
	unsigned limit = room_limit(), count = 0;

	if (limit > DESCRIPTORS_KEPT)
		count = (limit - DESCRIPTORS_KEPT) / DESCRIPTORS_EACH;
	if (count < ROOM_LEAST)
		return ROOM_LEAST;
	return count < ROOM_MOST ? count : ROOM_MOST;
}

static void complain(struct agent *agent, uid_t uid)
{
	repeats_event(loop_now(agent->loop), "overload",
		"user %u has as many connections as he may, %u, with a limit of %u "
		"descriptors; " ROOM_ADVICE,
		(unsigned)uid, agent->room, room_limit());
}

static void take_in(struct agent *agent, int fd)
{
	struct ucred peer = {0};
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0) {
		close(fd);
	} else if (agent->leaving || agent->stopping) {
		caller_turn_away(fd, HANDOFF_STALE, 0);
	} else if (agent->session_count + agent->caller_count < agent->room) {
		caller_new(agent, fd, &peer);
	} else {
		complain(agent, peer.uid);
		caller_turn_away(fd, HANDOFF_ACK, ENFILE);
	}
}

/* The one that is held is ours now. */
static void release(struct agent *agent)
{
	int fd = agent->held;

	agent->held = -1;
	if (fd >= 0)
		take_in(agent, fd);
}

/* The dispatcher takes nothing back: it is gone, or lets us go. */
static void end_of_callers(struct agent *agent)
{
	release(agent);
	loop_unwatch(agent->loop, agent->options.fd);
	close(agent->options.fd);
	agent->sourced = false;
	agent_leave(agent);
	agent_settle(agent);
}

static void hear(void *context)
{
	struct agent *agent = context;
	enum passing what;
	int fd, rc;

	while ((rc = passing_hear(agent->options.fd, &what, &fd)) > 0) {
		release(agent);
		if (what != PASSING_CHANNEL)
			continue;
		agent->held = fd; /* -1: no descriptor was left for it, and it is closed */
		passing_say(agent->options.fd, PASSING_TAKEN, -1);
	}
	if (rc != -EAGAIN)
		end_of_callers(agent);
}

static void source_ready(void *context, uint32_t events)
{
	struct agent *agent = context;

	(void)events;
	loop_defer(agent->loop, &agent->accepting);
}

int worker_open(struct agent *agent)
{
	agent->room = room_for_descriptors();
	agent->held = -1;
	agent->sourced = true;
	agent->listening = (struct watch){source_ready, agent};
	agent->accepting = (struct task){.run = hear, .context = agent};
	return loop_watch(agent->loop, agent->options.fd, EPOLLIN, &agent->listening);
}

/* What is on the way still comes, and is answered: the end comes behind it. */
void worker_close(struct agent *agent)
{
	if (!agent->sourced || agent->leave_asked)
		return;
	agent->leave_asked = true;
	passing_say(agent->options.fd, PASSING_LEAVING, -1);
}
