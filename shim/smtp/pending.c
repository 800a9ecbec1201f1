#include "shim/smtp/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool pending_full(const struct pending *p)
{
	return p->count == PENDING_MAX;
}

bool pending_has_room(const struct pending *p, unsigned entries)
{
	return p->count + entries <= PENDING_MAX;
}

enum awaited pending_first(const struct pending *p)
{
	return p->count ? p->entry[p->first].what : AWAITED_NOTHING;
}

static int add(struct pending *p, enum awaited what, uint64_t sent_at, char *text, bool last)
{
	unsigned at = (p->first + p->count) % PENDING_MAX;

	if (pending_full(p))
		return -ENOBUFS;
	p->entry[at].what = what;
	p->entry[at].sent_at = sent_at;
	p->entry[at].text = text;
	p->entry[at].demands = NULL;
	p->entry[at].last = last;
	p->count++;
	return 0;
}

uint64_t pending_sent_at(const struct pending *p)
{
	return p->count ? p->entry[p->first].sent_at : 0;
}

int pending_add(struct pending *p, enum awaited what, uint64_t sent_at)
{
	return add(p, what, sent_at, NULL, false);
}

int pending_add_recipient(struct pending *p, uint64_t sent_at, const struct demands *demands)
{
	struct demands *copy = malloc(sizeof(*copy));
	int rc;

	if (!copy)
		return -ENOMEM;
	*copy = *demands;
	rc = add(p, AWAITED_RCPT, sent_at, NULL, false);
	if (rc < 0)
		free(copy);
	else
		p->entry[(p->first + p->count - 1) % PENDING_MAX].demands = copy;
	return rc;
}

int pending_refuse_recipients(struct pending *p, const char *reply)
{
	for (unsigned i = 0; i < p->count; i++) {
		unsigned at = (p->first + i) % PENDING_MAX;

		if (p->entry[at].what != AWAITED_RCPT || !p->entry[at].demands)
			continue;
		p->entry[at].text = strdup(reply);
		if (!p->entry[at].text)
			return -ENOMEM;
		p->entry[at].what = AWAITED_REFUSED_RCPT;
	}
	return 0;
}

const struct demands *pending_demands(const struct pending *p)
{
	return p->count ? p->entry[p->first].demands : NULL;
}

bool pending_has(const struct pending *p, unsigned what)
{
	for (unsigned i = 0; i < p->count; i++) {
		if (what >> p->entry[(p->first + i) % PENDING_MAX].what & 1u)
			return true;
	}
	return false;
}

int pending_add_reply(struct pending *p, const char *text, bool last)
{
	char *copy = strdup(text);
	int rc;

	if (!copy)
		return -ENOMEM;
	rc = add(p, AWAITED_NO_SERVER, 0, copy, last);
	if (rc < 0)
		free(copy);
	return rc;
}

const char *pending_reply(const struct pending *p, bool *last)
{
	if (p->count == 0)
		return NULL;
	*last = p->entry[p->first].last;
	return p->entry[p->first].text;
}

void pending_replied(struct pending *p)
{
	if (p->entry[p->first].what == AWAITED_NO_SERVER) {
		pending_drop(p);
		return;
	}
	free(p->entry[p->first].text);
	p->entry[p->first].text = NULL;
}

void pending_drop(struct pending *p)
{
	free(p->entry[p->first].text);
	free(p->entry[p->first].demands);
	p->entry[p->first].text = NULL;
	p->entry[p->first].demands = NULL;
	p->first = (p->first + 1) % PENDING_MAX;
	p->count--;
}

void pending_clear(struct pending *p)
{
	while (p->count > 0)
		pending_drop(p);
}
