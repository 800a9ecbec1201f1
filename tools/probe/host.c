/*
 * host: one host, from its look-up to the worst of its addresses.
 */
#include "tools/probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static void renew_deadline(struct probe *p)
{
	p->deadline = wire_now() + 1000LL * p->options.timeout;
}

/* Of the first that answers, or of all. What was tried in vain stays, for the report. */
static int meet_each(struct probe *p)
{
	unsigned addresses = 0;
	int code = EX_OK;

	for (const struct addrinfo *a = p->target.list; a; a = a->ai_next)
		addresses++;
	p->meetings = calloc(addresses + 1, sizeof(*p->meetings));
	if (!p->meetings)
		return complain(EX_OSERR, "out of memory");
	for (const struct addrinfo *a = p->target.list; a && code == EX_OK; a = a->ai_next) {
		struct meeting *m = &p->meetings[p->count];
		struct address_of at;

		target_address(a, &at);
		if (p->options.all)
			renew_deadline(p);
		code = meet(p, m, &at);
		p->count++;
		if (m->connected && !p->options.all)
			break;
	}
	return code;
}

/* With --all the worst counts; else the one that was met, or the last that could not be. */
static void conclude(struct probe *p)
{
	p->status = p->count ? p->meetings[p->count - 1].status : PROBE_UNREACHABLE;
	for (unsigned i = 0; p->options.all && i < p->count; i++) {
		if (p->meetings[i].status > p->status)
			p->status = p->meetings[i].status;
	}
}

int host_probe(struct probe *p)
{
	struct err err = {""};
	int rc, code = question_read(&p->question, &p->options.words);

	if (code != EX_OK)
		return code;
	renew_deadline(p);
	rc = target_find(&p->target, p->options.family, 1000LL * p->options.timeout, &err);
	if (rc == -ENOMEM || rc == -EAGAIN)
		return complain(EX_OSERR, "%s", err.text);
	if (rc < 0)
		snprintf(p->trouble, sizeof(p->trouble), "%.290s", err.text);
	else
		code = meet_each(p);
	if (code == EX_OK)
		conclude(p);
	return code;
}

void host_clear(struct probe *p)
{
	for (unsigned i = 0; i < p->count; i++)
		meeting_clear(&p->meetings[i]);
	free(p->meetings);
	p->meetings = NULL;
	p->count = 0;
	target_clear(&p->target);
	question_clear(&p->question);
}
