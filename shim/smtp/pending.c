#include "shim/smtp/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 4
#define SIZE_KEPT 8 /* while nothing is awaited */

struct pending_entry {
	char *text;		 /* owned; a reply of our own */
	struct demands *demands; /* owned; only for AWAITED_RCPT: on mail to it */
	uint64_t sent_at; /* position in server_out behind the command: no reply can be due before
			     it was sent */
	enum awaited what;
	bool last; /* after this reply both sides are closed */
};

static struct pending_entry *at(const struct pending *p, unsigned i)
{
	return &p->entry[(p->first + i) % p->size];
}

static int grow(struct pending *p)
{
	unsigned size = p->size ? 2 * p->size : SIZE_FIRST;
	struct pending_entry *entry;

	if (p->count < p->size)
		return 0;
	entry = calloc(size, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	for (unsigned i = 0; i < p->count; i++)
		entry[i] = *at(p, i);
	free(p->entry);
	p->entry = entry;
	p->size = size;
	p->first = 0;
	return 0;
}

static void release(struct pending *p)
{
	free(p->entry);
	*p = (struct pending){0};
}

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
	if (pending_full(p))
		return -ENOBUFS;
	if (grow(p) < 0)
		return -ENOMEM;
	*at(p, p->count++) = (struct pending_entry){
		.what = what, .sent_at = sent_at, .text = text, .last = last};
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
		at(p, p->count - 1)->demands = copy;
	return rc;
}

int pending_refuse_recipients(struct pending *p, const char *reply)
{
	for (unsigned i = 0; i < p->count; i++) {
		struct pending_entry *entry = at(p, i);

		if (entry->what != AWAITED_RCPT || !entry->demands)
			continue;
		entry->text = strdup(reply);
		if (!entry->text)
			return -ENOMEM;
		entry->what = AWAITED_REFUSED_RCPT;
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
		if (what >> at(p, i)->what & 1u)
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

void pending_shift(struct pending *p, uint64_t by)
{
	for (unsigned i = 0; i < p->count; i++)
		at(p, i)->sent_at += by;
}

void pending_drop(struct pending *p)
{
	free(p->entry[p->first].text);
	free(p->entry[p->first].demands);
	p->first = (p->first + 1) % p->size;
	if (--p->count == 0 && p->size > SIZE_KEPT)
		release(p);
}

void pending_clear(struct pending *p)
{
	while (p->count > 0)
		pending_drop(p);
	release(p);
}
