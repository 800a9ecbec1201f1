/*
 * listener: takes callers in, receives their one request, and judges whether this agent is the one
 * that is meant. A caller is the time between accept() and the request; then a session begins or a
 * refusal was sent.
 */
#include "shim/agent/agent.h"
#include "shim/agent/handover.h"
#include "shim/agent/log.h"
#include "shim/agent/parts.h"
#include "shim/agent/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define AT_ONCE 64	/* callers taken in one round */
#define PAUSE_MS 100	/* after running out of descriptors */
#define CALLER_MS 10000 /* from accept() to the request */
#define COMPLAIN_MS 10000

struct caller {
	struct agent *agent;
	struct caller *next, **link;
	struct watch watch;
	struct task task;
	struct timer timer;
	int fd;
	struct ucred peer;
};

static void caller_free(struct caller *c)
{
	struct agent *agent = c->agent;

	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	loop_timer_stop(agent->loop, &c->timer);
	loop_undefer(agent->loop, &c->task);
	if (c->fd >= 0) {
		loop_unwatch(agent->loop, c->fd);
		close(c->fd);
	}
	free(c);
	agent_settle(agent);
}

static bool port_is_ours(const struct agent *agent, uint16_t port)
{
	unsigned i;

	for (i = 0; i < agent->options.port_count; i++)
		if (agent->options.ports[i] == port)
			return true;
	return false;
}

static bool identity_is_ours(const struct agent *agent, const struct handoff_request_view *view)
{
	return view->identity_length == strlen(agent->options.identity) &&
	       memcmp(view->identity, agent->options.identity, view->identity_length) == 0;
}

static void refuse(const struct caller *c, struct request *r, int error, const char *why)
{
	request_clear(r);
	report_caller(&c->peer, r, why);
	handover_reply(c->fd, HANDOFF_ACK, error, NULL);
}

static void stale(struct caller *c, struct request *r)
{
	request_clear(r);
	handover_reply(c->fd, HANDOFF_STALE, 0, NULL);
}

static void begin(struct caller *c, struct request *r)
{
	int fd = c->fd;

	loop_unwatch(c->agent->loop, fd);
	c->fd = -1;
	session_begin(c->agent, fd, r, &c->peer);
}

static void judge(struct caller *c, struct request *r)
{
	struct agent *agent = c->agent;
	const char *error;

	if (rules_refresh(agent->rules, !*agent->options.identity) && !rules_error(agent->rules))
		log_event("reloaded", "%s or its domains file changed", agent->options.config);
	error = rules_error(agent->rules);
	if (agent->stopping || agent->leaving || !identity_is_ours(agent, &r->view)) {
		stale(c, r);
	} else if (!rules_fit(agent->rules, agent->options.identity,
			   strlen(agent->options.identity))) {
		stale(c, r);
		agent_leave(agent);
	} else if (error) {
		refuse(c, r, ECONNREFUSED, error);
	} else if (!port_is_ours(agent, r->view.head.peer.port)) {
		refuse(c, r, EPROTO, "a port that is not among the configured ones");
	} else {
		begin(c, r);
	}
}

static const char *malformed(int rc)
{
	switch (rc) {
	case -EMFILE:
		return "no descriptors left";
	case -EMSGSIZE:
		return "request too long";
	case -EPROTONOSUPPORT:
		return "request of another version";
	}
	return "malformed request";
}

static void caller_run(void *context)
{
	struct caller *c = context;
	struct request r;
	int rc;

	r.view.head.magic = 0; /* not decoded */
	rc = request_receive(c->fd, &r);
	if (rc == -EAGAIN)
		return;
	if (rc == 0)
		judge(c, &r);
	else if (rc != -EPIPE)
		refuse(c, &r, -rc, malformed(rc));
	caller_free(c);
}

static void caller_ready(void *context, uint32_t events)
{
	struct caller *c = context;

	(void)events;
	loop_defer(c->agent->loop, &c->task);
}

static void caller_late(void *context)
{
	caller_free(context);
}

/* Whoever can make us log can fill a disk: these come seldom. */
static bool may_complain(struct agent *agent)
{
	uint64_t now = loop_now(agent->loop);

	if (agent->complained && now - agent->complained < COMPLAIN_MS)
		return false;
	agent->complained = now;
	return true;
}

/* The uid is the kernel's word. One that the kernel cannot name is nobody's. */
static bool may_call(struct agent *agent, const struct ucred *peer)
{
	if (peer->uid == agent->uid && peer->uid != agent->overflow_uid)
		return true;
	if (may_complain(agent))
		report_caller(peer, NULL, "this agent does not serve this user");
	return false;
}

/* Takes `fd` over. */
static int caller_new(struct agent *agent, int fd, const struct ucred *peer)
{
	struct caller *c = calloc(1, sizeof(*c));
	int rc = c ? 0 : -ENOMEM;

	if (c) {
		*c = (struct caller){.agent = agent, .fd = fd, .peer = *peer};
		c->watch = (struct watch){caller_ready, c};
		c->task = (struct task){.run = caller_run, .context = c};
		c->timer = (struct timer){.expired = caller_late, .context = c};
		rc = loop_timer_set(agent->loop, &c->timer, loop_now(agent->loop) + CALLER_MS);
	}
	if (rc == 0)
		rc = loop_watch(agent->loop, fd, EPOLLIN, &c->watch);
	if (rc < 0) {
		if (c)
			loop_timer_stop(agent->loop, &c->timer);
		free(c);
		close(fd);
		return rc;
	}
	c->next = agent->callers;
	c->link = &agent->callers;
	if (c->next)
		c->next->link = &c->next;
	agent->callers = c;
	loop_timer_stop(agent->loop, &agent->idle);
	return 0;
}

static void welcome(struct agent *agent, int fd)
{
	struct ucred peer = {0};
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 || !may_call(agent, &peer))
		close(fd);
	else
		caller_new(agent, fd, &peer);
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

static void take_spare(struct agent *agent)
{
	if (agent->spare < 0)
		agent->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void resume(void *context)
{
	struct agent *agent = context;

	if (!agent->leaving && !agent->stopping)
		loop_rewatch(agent->loop, agent->options.fd, EPOLLIN, &agent->listening);
}

/* No descriptor is left: whoever waits is told so with the help of the spare one, and nobody is
 * taken in for a moment. */
static void out_of_descriptors(struct agent *agent)
{
	int fd, i;

	if (may_complain(agent))
		log_event("overload", "no descriptors left");
	if (agent->spare >= 0)
		close(agent->spare);
	agent->spare = -1;
	for (i = 0; i < AT_ONCE && (fd = accept4(agent->options.fd, NULL, NULL,
					    SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;
		i++)
		turn_away(fd, HANDOFF_ACK, EMFILE);
	take_spare(agent);
	loop_rewatch(agent->loop, agent->options.fd, 0, &agent->listening);
	loop_timer_set(agent->loop, &agent->pause, loop_now(agent->loop) + PAUSE_MS);
}

static void accept_callers(void *context)
{
	struct agent *agent = context;
	int fd, i;

	for (i = 0; i < AT_ONCE && !agent->leaving && !agent->stopping; i++) {
		fd = accept4(agent->options.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			welcome(agent, fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			   errno == ENOBUFS) {
			out_of_descriptors(agent);
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

static void listening_ready(void *context, uint32_t events)
{
	struct agent *agent = context;

	(void)events;
	loop_defer(agent->loop, &agent->accepting);
}

int listener_open(struct agent *agent)
{
	struct ucred peer = {0};
	socklen_t n = sizeof(peer);
	int fd = agent->options.fd;

	if (agent->options.private) {
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
			return -errno;
		agent->options.fd = -1;
		return caller_new(agent, fd, &peer);
	}
	agent->listening = (struct watch){listening_ready, agent};
	agent->accepting = (struct task){.run = accept_callers, .context = agent};
	agent->pause = (struct timer){.expired = resume, .context = agent};
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	take_spare(agent);
	return loop_watch(agent->loop, fd, EPOLLIN, &agent->listening);
}

static void dismiss(struct caller *c)
{
	struct request r;

	if (request_receive(c->fd, &r) == 0)
		request_clear(&r);
	handover_reply(c->fd, HANDOFF_STALE, 0, NULL);
	caller_free(c);
}

/* shutdown() first: nobody gets in any more, while those who were in the queue still get their
 * answer. */
void listener_close(struct agent *agent)
{
	struct caller *c, *next;
	int fd;

	for (c = agent->callers; c; c = next) {
		next = c->next;
		if (!c->task.queued)
			dismiss(c);
	}
	loop_timer_stop(agent->loop, &agent->pause);
	if (agent->options.fd < 0)
		return;
	loop_unwatch(agent->loop, agent->options.fd);
	loop_undefer(agent->loop, &agent->accepting);
	shutdown(agent->options.fd, SHUT_RDWR);
	while ((fd = accept4(agent->options.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		turn_away(fd, HANDOFF_STALE, 0);
	close(agent->options.fd);
	agent->options.fd = -1;
}
