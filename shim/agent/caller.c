/*
 * caller: receives the one request of whoever was let in, and judges whether this agent is the one
 * that is meant.
 */
#include "shim/agent/caller.h"
#include "shim/agent/handover.h"
#include "shim/agent/log.h"
#include "shim/agent/parts.h"
#include "shim/agent/room.h"
#include "shim/agent/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CALLER_MS 10000 /* from accept() to the request */

struct caller {
	struct agent *agent;
	struct caller *next, **link;
	struct watch watch;
	struct task task;
	struct timer timer;
	int fd;
	bool watched;
	struct ucred peer;
};

static void unwatch(struct caller *c)
{
	if (c->watched)
		loop_unwatch(c->agent->loop, c->fd);
	c->watched = false;
}

static void caller_free(struct caller *c)
{
	struct agent *agent = c->agent;

	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	loop_timer_stop(agent->loop, &c->timer);
	loop_undefer(agent->loop, &c->task);
	unwatch(c);
	if (c->fd >= 0)
		close(c->fd);
	agent->caller_count--;
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
	if (agent->options.system) /* there is one, whatever it is */
		return true;
	return view->identity_length == strlen(agent->options.identity) &&
	       memcmp(view->identity, agent->options.identity, view->identity_length) == 0;
}

static void refuse(const struct caller *c, struct request *r, int error, const char *why)
{
	request_clear(r);
	report_caller(c->agent, &c->peer, r, why);
	handover_reply(c->fd, HANDOFF_ACK, error, NULL);
}

static void no_room(struct caller *c, struct request *r)
{
	request_clear(r);
	room_complain(c->agent);
	handover_reply(c->fd, HANDOFF_ACK, EMFILE, NULL);
}

static void stale(struct caller *c, struct request *r)
{
	request_clear(r);
	handover_reply(c->fd, HANDOFF_STALE, 0, NULL);
}

static void begin(struct caller *c, struct request *r)
{
	int fd = c->fd;

	unwatch(c);
	c->fd = -1;
	session_begin(lanes_choose(c->agent), fd, r, &c->peer);
}

static void judge(struct caller *c, struct request *r)
{
	struct agent *agent = c->agent;
	const char *error, *objection = NULL;
	struct err err = {""};

	if (agent->options.system)
		objection = system_objection(&r->view, agent->options.config, &err);
	if (rules_refresh(agent->rules, !*agent->options.identity) && !rules_error(agent->rules))
		log_event("reloaded", "%s or its domains file changed", agent->options.config);
	error = rules_error(agent->rules);
	if (agent->stopping || agent->leaving || !identity_is_ours(agent, &r->view)) {
		stale(c, r);
	} else if (objection) {
		refuse(c, r, ECONNREFUSED, objection);
	} else if (!rules_fit(agent->rules, agent->options.identity,
			   strlen(agent->options.identity))) {
		stale(c, r);
		agent_leave(agent);
	} else if (error) {
		refuse(c, r, ECONNREFUSED, error);
	} else if (!port_is_ours(agent, r->view.head.peer.port)) {
		err_fail(&err, EACCES,
			"this agent does not serve port %u: its own --ports count, not the "
			"program's "
			"MAILSEAL_PORTS; add it there, or set MAILSEAL_SOCKET=none for the program",
			r->view.head.peer.port);
		refuse(c, r, EACCES, err.text);
	} else if ((!room_for(agent, r->tcp) || !room_for(agent, r->plain)) &&
		   !lanes_yield(agent)) {
		no_room(c, r);
	} else {
		begin(c, r);
	}
}

static const char *malformed(int rc)
{
	switch (rc) {
	case -EMSGSIZE:
		return "request too long";
	case -EPROTONOSUPPORT:
		return "request of another version";
	}
	return "malformed request";
}

static void caller_ready(void *context, uint32_t events)
{
	struct caller *c = context;

	(void)events;
	loop_defer(c->agent->loop, &c->task);
}

/* The request is not there yet. */
static bool watch(struct caller *c)
{
	if (!c->watched) {
		c->watch = (struct watch){caller_ready, c};
		c->watched = loop_watch(c->agent->loop, c->fd, EPOLLIN, &c->watch) == 0;
	}
	return c->watched;
}

static void caller_run(void *context)
{
	struct caller *c = context;
	struct request r;
	int rc;

	r.view.head.magic = 0; /* not decoded */
	rc = request_receive(c->fd, &r);
	if (rc == -EAGAIN && watch(c))
		return;
	if (rc == 0) {
		judge(c, &r);
	} else if (rc == -EMFILE) {
		no_room(c, &r);
	} else if (rc != -EPIPE && rc != -EAGAIN) {
		refuse(c, &r, -rc, malformed(rc));
	}
	caller_free(c);
}

static void caller_late(void *context)
{
	caller_free(context);
}

int caller_new(struct agent *agent, int fd, const struct ucred *peer)
{
	struct caller *c = calloc(1, sizeof(*c));
	int rc = c ? 0 : -ENOMEM;

	if (c) {
		*c = (struct caller){.agent = agent, .fd = fd, .peer = *peer};
		c->task = (struct task){.run = caller_run, .context = c};
		c->timer = (struct timer){.expired = caller_late, .context = c};
		rc = loop_timer_set(agent->loop, &c->timer, loop_now(agent->loop) + CALLER_MS);
	}
	if (rc < 0) {
		free(c);
		close(fd);
		return rc;
	}
	c->next = agent->callers;
	c->link = &agent->callers;
	if (c->next)
		c->next->link = &c->next;
	agent->callers = c;
	agent->caller_count++;
	loop_timer_stop(agent->loop, &agent->idle);
	loop_defer(agent->loop, &c->task); /* the request may be there already */
	return 0;
}

void caller_turn_away(int fd, enum handoff_stage stage, int error)
{
	struct request r;

	if (request_receive(fd, &r) == 0)
		request_clear(&r);
	handover_reply(fd, stage, error, NULL);
	close(fd);
}

static void dismiss(struct caller *c)
{
	unwatch(c);
	caller_turn_away(c->fd, HANDOFF_STALE, 0);
	c->fd = -1;
	caller_free(c);
}

void callers_dismiss(struct agent *agent)
{
	struct caller *c, *next;

	for (c = agent->callers; c; c = next) {
		next = c->next;
		if (!c->task.queued)
			dismiss(c);
	}
}
