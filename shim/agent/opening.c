/*
 * opening: a session from the request to the connection that stands, be it a new one or one that
 * another session left.
 */
#include "shim/agent/caution.h"
#include "shim/agent/parts.h"
#include "shim/hop/hop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void session_start(void *context);

void opening_clear(struct session *s)
{
	unsigned i;

	for (i = 0; i < s->name_count; i++)
		free(s->names[i]);
	free(s->names);
	free(s->mx_domain);
}

/* What came with the request and is not in use. */
static void close_given(struct session *s)
{
	if (s->tcp >= 0)
		close(s->tcp);
	if (s->plain >= 0)
		close(s->plain);
	s->tcp = s->plain = -1;
}

/* --- connecting --- */

/* Unconnected for good and no longer watched. No shutdown(): the application goes on with it. */
static int release_tcp(struct session *s)
{
	int tcp = s->server.fd;

	if (s->parked)
		return parking_unconnected(s);
	if (tcp < 0)
		return -1;
	connect_undo(tcp, s->tcp_flags);
	loop_unwatch(s->server.loop, tcp);
	s->server.fd = -1;
	return tcp;
}

void opening_failed(struct session *s, int error, bool told, const char *why)
{
	int plain = s->client.fd, tcp;

	report_refused(s, error, why);
	tcp = release_tcp(s);
	if (plain >= 0) {
		loop_unwatch(s->client.loop, plain);
		s->client.fd = -1;
		handover_failed(plain, &s->head, error);
	}
	if (told)
		handover_return(s->channel, error, tcp);
	if (tcp >= 0)
		close(tcp);
	if (!told)
		handover_reply(s->channel, HANDOFF_ACK, error, NULL);
	session_free(s);
}

/* RFC 5321 4.1.3 */
static void literal(const struct sockaddr_storage *ss, char *out, size_t size)
{
	char text[48];

	report_address(ss, false, text, sizeof(text));
	snprintf(out, size, strchr(text, ':') ? "[IPv6:%s]" : "[%s]", text);
}

/* Where a remembered name may be missing, a name that is not known counts beside those that are. */
void opening_find_demands(struct session *s)
{
	const char *names[HANDOFF_NAMES + 1];
	unsigned count;

	for (count = 0; count < s->name_count; count++)
		names[count] = s->names[count];
	if (s->head.flags & HANDOFF_NAMES_TORN)
		names[count++] = NULL;
	policy_for_host(edition_policy(s->edition), names, count,
		(const struct sockaddr *)&s->peer.ss, &s->policy);
}

int opening_find_policy(struct session *s, struct err *err)
{
	tls_context_free(s->context);
	s->context = NULL;
	opening_find_demands(s);
	if (!s->policy.connection.intercept)
		return 0;
	return rules_tls(s->lane->agent->rules, &s->policy, &s->context, err);
}

#define CAUTION_S 600

/* The server refused a MAIL for which the application had its 250. */
static void disappointed(void *context)
{
	const struct session *s = context;

	caution_note(s->address, s->server_name, loop_now(s->lane->loop) + PROTOCOL_MS(CAUTION_S));
}

static bool early_replies(const struct session *s)
{
	return s->policy.connection.early_replies &&
	       !caution_stands(s->address, s->server_name, loop_now(s->lane->loop));
}

static bool is_traced(const struct session *s)
{
	return policy_set_traces(edition_policy(s->edition), (const char *const *)s->names,
		s->name_count, (const struct sockaddr *)&s->peer.ss);
}

static int begin_dialogue(struct session *s)
{
	struct dialogue_settings settings = {
		.policy = &s->policy,
		.server_name = s->server_name,
		.own_name = s->own_name,
		.early_replies = early_replies(s),
		.report = report_dialogue,
		.disappointed = disappointed,
		.trace = is_traced(s) ? report_trace : NULL,
		.context = s,
	};

	parking_settings(s, &settings);
	s->dialogue = dialogue_new(&settings);
	if (!s->dialogue)
		return -ENOMEM;
	parking_begun(s);
	return 0;
}

static int connected(struct session *s, struct err *err)
{
	struct sockaddr_storage local = {0};
	socklen_t n = sizeof(local);
	int rc = s->parked ? 0 : connect_finish(s->server.fd, &s->to, &s->peer);

	if (rc < 0)
		return rc;
	getsockname(s->server.fd, (struct sockaddr *)&local, &n);
	handoff_addr_from_sockaddr(
		&s->head.peer, (const struct sockaddr *)&s->peer.ss, s->peer.length);
	literal(&local, s->own_name, sizeof(s->own_name));
	report_address(&s->peer.ss, true, s->address, sizeof(s->address));
	if (!s->parked && opening_find_policy(s, err) < 0)
		return -ECONNREFUSED;
	rc = s->policy.connection.intercept ? begin_dialogue(s) : 0;
	return rc < 0 ? rc : handover_connected(s->client.fd, &s->head);
}

void opening_turn(struct session *s)
{
	struct err err = {""};
	int rc;

	if (s->client.hung_up) {
		opening_failed(s, ECONNABORTED, true, "the application gave up");
		return;
	}
	if (!s->server.writable)
		return;
	rc = connected(s, &err);
	if (rc < 0) {
		dialogue_free(s->dialogue);
		s->dialogue = NULL;
		opening_failed(s, -rc, true, err.text);
		return;
	}
	handover_reply(s->channel, HANDOFF_OUTCOME, 0, NULL);
	close(s->channel);
	s->channel = -1;
	s->stage = s->dialogue ? STAGE_DIALOGUE : STAGE_RELAY;
	s->progress = loop_now(s->lane->loop);
	session_wake(s);
}

/* --- the beginning --- */

static void client_ready(void *context, uint32_t events)
{
	struct session *s = context;

	stream_note(&s->client, events);
	session_wake(s);
}

static void server_ready(void *context, uint32_t events)
{
	struct session *s = context;

	stream_note(&s->server, events);
	session_wake(s);
}

static int copy_names(struct session *s, const struct handoff_request_view *view)
{
	s->names = calloc(view->name_count + 1, sizeof(*s->names));
	if (!s->names)
		return -ENOMEM;
	for (; s->name_count < view->name_count; s->name_count++) {
		s->names[s->name_count] = hop_name(view->names[s->name_count]);
		if (!s->names[s->name_count])
			return -ENOMEM;
	}
	if (view->mx_domain)
		s->mx_domain = strdup(view->mx_domain);
	return view->mx_domain && !s->mx_domain ? -ENOMEM : 0;
}

/* Only memory: on whatever thread the request was judged. */
static struct session *session_new(struct lane *lane, int channel, const struct request *r,
	const struct ucred *peer, struct edition *edition)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->lane = lane;
	s->number = ++lane->agent->served;
	s->edition = edition;
	s->channel = channel;
	s->tcp = r->tcp;
	s->plain = r->plain;
	s->tcp_flags = s->likeness = -1;
	s->head = r->view.head;
	s->pid = peer->pid;
	s->uid = peer->uid;
	s->gid = peer->gid;
	s->client_deadline = s->server_deadline = NEVER;
	s->task = (struct task){.run = session_start, .context = s};
	s->timer = (struct timer){.expired = session_timer, .context = s};
	stream_init(&s->client, lane->loop, client_ready, s);
	stream_init(&s->server, lane->loop, server_ready, s);
	buf_init(&s->to_client, 65536);
	buf_init(&s->to_server, 65536);
	s->to.length = handoff_addr_to_sockaddr(&r->view.head.peer, &s->to.ss);
	if (copy_names(s, &r->view) < 0) {
		opening_clear(s);
		free(s);
		return NULL;
	}
	return s;
}

/* Begins to connect and acknowledges. The TCP socket is watched only once connect() was called:
 * before, it hangs up. */
static int begin(struct session *s, bool *told)
{
	struct sockaddr_storage ss;
	struct handoff_addr local = {0};
	socklen_t n = sizeof(ss);
	int rc = connect_check(s->tcp);

	if (rc == 0)
		rc = stream_open_pair(&s->client, s->plain);
	if (rc < 0)
		return rc;
	s->plain = -1;
	parking_note(s, s->tcp);
	if (!parking_take(s, s->tcp))
		rc = connect_begin(s->tcp, &s->to, &s->tcp_flags);
	if (rc == -EINPROGRESS)
		rc = stream_open(&s->server, s->tcp);
	if (rc < 0) {
		connect_undo(s->tcp, s->tcp_flags);
		return rc;
	}
	s->tcp = -1;
	if (getsockname(s->server.fd, (struct sockaddr *)&ss, &n) == 0)
		handoff_addr_from_sockaddr(&local, (const struct sockaddr *)&ss, n);
	*told = handover_reply(s->channel, HANDOFF_ACK, 0, &local) == 0;
	if (s->parked)
		session_wake(s); /* it is connected */
	return *told ? 0 : -ECONNABORTED;
}

/* OpenSSL's beginnings while the connection is being made. What fails here is told later, when it
 * is needed. */
static void warm_up(struct session *s)
{
	struct err err = {""};

	if (s->parked || !rules_tls_untried(s->lane->agent->rules))
		return;
	s->peer = s->to;
	opening_find_policy(s, &err);
}

/* The first thing on its lane. */
static void session_start(void *context)
{
	struct session *s = context;
	bool told = false;
	int rc;

	s->task.run = session_turn;
	s->next = s->lane->sessions;
	s->link = &s->lane->sessions;
	if (s->next)
		s->next->link = &s->next;
	s->lane->sessions = s;
	report_address(&s->to.ss, true, s->address, sizeof(s->address));
	report_program(s);
	literal(&s->to.ss, s->address_literal, sizeof(s->address_literal));
	s->server_name = s->name_count ? s->names[0] : s->address_literal;
	rc = begin(s, &told);
	if (rc == 0)
		warm_up(s);
	close_given(s);
	if (rc == -EINTR) {
		/* It was to block, by somebody who owns the socket too. */
		opening_failed(s, ECONNABORTED, told,
			"the socket was changed while it was being connected");
	} else if (rc < 0) {
		opening_failed(s, -rc, told, "");
	}
}

void session_begin(struct lane *lane, int channel, struct request *r, const struct ucred *peer)
{
	struct agent *agent = lane->agent;
	struct edition *edition = rules_edition(agent->rules);
	struct session *s = edition ? session_new(lane, channel, r, peer, edition) : NULL;

	if (!s) {
		edition_release(edition);
		request_clear(r);
		handover_reply(channel, HANDOFF_ACK, ENOMEM, NULL);
		close(channel);
		agent_settle(agent);
		return;
	}
	r->tcp = r->plain = -1;
	loop_timer_stop(agent->loop, &agent->idle);
	lane_give(lane, &s->task);
}
