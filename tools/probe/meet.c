/*
 * meet: what is asked of one address: a first conversation that shows all, and a second one, where
 * TLS stood, that shows whether its session is resumed.
 */
#include "shim/hop/hop.h"
#include "tools/probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static void second_words(struct meeting *m, const struct talk *second)
{
	const char *why = "";

	if (second->shaken && second->tls.resumed) {
		m->resumes = RESUMES_YES;
		return;
	}
	if (second->shaken)
		why = "the server made a full handshake of it";
	m->resumes = second->shaken ? RESUMES_NO : RESUMES_UNKNOWN;
	snprintf(m->resumes_why, sizeof(m->resumes_why), "%s%.250s", why,
		second->shaken		? ""
		: *second->trouble	? second->trouble
		: *second->facts.reason ? second->facts.reason
					: "no TLS the second time");
}

static void try_resumption(struct meeting *m, const struct talk_settings *settings,
	const struct address_of *at, long long deadline)
{
	struct talk_settings again = *settings;
	struct wire wire = {.fd = -1, .deadline = deadline};
	struct talk second = {0};
	struct err err = {""};

	if (m->talk.tickets == 0) {
		m->resumes = RESUMES_NO;
		snprintf(m->resumes_why, sizeof(m->resumes_why),
			"the server gave nothing to resume by that may be kept");
		return;
	}
	again.curious = false;
	if (wire_connect(&wire, at, deadline, &err) < 0) {
		snprintf(m->resumes_why, sizeof(m->resumes_why), "second connection: %.250s",
			err.text);
		return;
	}
	talk_go(&second, &again, &wire);
	second_words(m, &second);
	talk_clear(&second);
}

static void converse(struct probe *p, struct meeting *m, const struct policy *policy,
	struct tls_context *context, struct wire *wire)
{
	const char *names[] = {p->target.name};
	struct talk_settings settings = {
		.policy = policy,
		.context = context,
		.sessions = tls_sessions_new(),
		.server_name = question_server(&p->question),
		.ehlo = p->options.ehlo,
		.curious = true,
	};
	long long deadline = wire->deadline;

	hop_identity(policy, names, p->target.name != NULL, m->at.address, &settings.identity);
	talk_go(&m->talk, &settings, wire);
	if (m->talk.served && m->talk.shaken && m->talk.facts.tls == TLS_FACT_ON &&
		settings.sessions)
		try_resumption(m, &settings, &m->at, deadline);
	tls_sessions_free(settings.sessions);
}

static void refer(struct meeting *m, const struct policy *policy)
{
	const struct connection_settings *c = &policy->connection;

	m->untouched = !c->intercept;
	m->match = c->match;
	if (!c->fingerprints)
		m->authorities = c->ca_file ? c->ca_file : tls_authorities();
}

/* Where several addresses are to be tried, one that is silent leaves time for the next. */
static long long connect_deadline(const struct probe *p, long long deadline)
{
	long long left = deadline - wire_now();
	unsigned addresses = 0;

	for (const struct addrinfo *a = p->target.list; a; a = a->ai_next)
		addresses++;
	addresses -= p->count < addresses ? p->count : addresses - 1;
	return p->options.all || addresses < 2 ? deadline : wire_now() + left / addresses;
}

/* A fault of this machine or process, which says nothing about the server. */
static bool is_ours(int rc)
{
	return rc == -ENOTSUP || rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM || rc == -ENOBUFS;
}

int meet(struct probe *p, struct meeting *m, const struct address_of *at)
{
	struct wire wire = {.fd = -1};
	struct tls_context *context;
	struct tls_settings settings;
	struct policy policy;
	struct err err = {""};
	int rc;

	m->at = *at;
	wire.deadline = p->deadline;
	if (!question_connection(&p->question, p->target.name, at->address, m->at.text))
		return complain(EX_OSERR, "out of memory");
	question_policy(&p->question, p->configuration.set, &policy);
	refer(m, &policy);
	hop_tls_settings(&policy, &settings);
	if (tls_context_new(&context, &settings, &err) < 0)
		return complain(EX_CONFIG, "%s: %s", p->configuration.path, err.text);
	rc = wire_connect(&wire, at, connect_deadline(p, wire.deadline), &err);
	if (is_ours(rc)) {
		tls_context_free(context);
		return complain(rc == -ENOTSUP ? EX_UNAVAILABLE : EX_OSERR, "%s", err.text);
	}
	if (rc < 0) {
		snprintf(m->talk.trouble, sizeof(m->talk.trouble), "connect: %.300s", err.text);
	} else {
		m->connected = true;
		converse(p, m, &policy, context, &wire);
	}
	tls_context_free(context);
	return judge_meeting(p, m);
}

void meeting_clear(struct meeting *m)
{
	talk_clear(&m->talk);
	explanation_clear(&m->explanation);
}
