#include "tools/probe/mx.h"

#include "tools/probe/aside.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MOST 65535

/* --- an answer --- */

static unsigned number(const unsigned char *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* By preference; of equals the first that came. Those beyond the room go. */
static void insert(struct mx_list *list, unsigned preference, const char *name)
{
	unsigned i = list->count;

	list->total++;
	while (i > 0 && list->at[i - 1].preference > preference)
		i--;
	if (i == MX_MOST)
		return;
	if (list->count < MX_MOST)
		list->count++;
	memmove(&list->at[i + 1], &list->at[i], (list->count - 1 - i) * sizeof(list->at[0]));
	list->at[i].preference = preference;
	snprintf(list->at[i].name, sizeof(list->at[i].name), "%s", name);
}

/* The data of one MX record. */
static int take(const unsigned char *answer, const unsigned char *end, const unsigned char *data,
	size_t length, struct mx_list *list)
{
	char name[4 * NAME_SIZE];
	int n = length > 2 ? dn_expand(answer, end, data + 2, name, sizeof(name)) : -1;

	if (n < 0 || (size_t)n != length - 2)
		return -EBADMSG;
	if (*name)
		insert(list, number(data), name);
	else
		list->none = true;
	return 0;
}

/* Where the record behind the name at `at` begins, if `octets` of it are there; else NULL. */
static const unsigned char *behind_name(
	const unsigned char *at, const unsigned char *end, size_t octets)
{
	int n = at < end ? dn_skipname(at, end) : -1;

	return n < 0 || (size_t)(end - at) < (size_t)n + octets ? NULL : at + n;
}

int mx_parse(const unsigned char *answer, size_t length, struct mx_list *list)
{
	const unsigned char *end = answer + length, *at = answer + HFIXEDSZ;
	unsigned questions, answers;

	*list = (struct mx_list){0};
	if (length < HFIXEDSZ)
		return -EBADMSG;
	questions = number(answer + 4);
	answers = number(answer + 6);
	for (unsigned i = 0; i < questions; i++) {
		at = behind_name(at, end, QFIXEDSZ);
		if (!at)
			return -EBADMSG;
		at += QFIXEDSZ;
	}
	for (unsigned i = 0; i < answers; i++) {
		size_t data;

		at = behind_name(at, end, RRFIXEDSZ);
		if (!at)
			return -EBADMSG;
		data = number(at + 8);
		if ((size_t)(end - at) < RRFIXEDSZ + data)
			return -EBADMSG;
		if (number(at) == T_MX && number(at + 2) == C_IN &&
			take(answer, end, at + RRFIXEDSZ, data, list) < 0)
			return -EBADMSG;
		at += RRFIXEDSZ + data;
	}
	return list->count || list->none ? 0 : -ENODATA;
}

/* --- asking --- */

struct query {
	char domain[NAME_SIZE + 1];
	unsigned char answer[ANSWER_MOST];
	int length, error; /* h_errno */
};

static void ask(void *context)
{
	struct query *q = context;
	struct __res_state state = {0};

	q->length = -1;
	q->error = NETDB_INTERNAL;
	if (res_ninit(&state) < 0)
		return;
	q->length = res_nquery(&state, q->domain, C_IN, T_MX, q->answer, sizeof(q->answer));
	q->error = state.res_h_errno;
	res_nclose(&state);
}

static int understand(const struct query *q, struct mx_list *list, struct err *err)
{
	int rc = -ENODATA;

	if (q->length > ANSWER_MOST)
		rc = -EBADMSG;
	else if (q->length >= 0)
		rc = mx_parse(q->answer, (size_t)q->length, list);
	else if (q->error != NO_DATA)
		return err_fail(
			err, ENOENT, "look-up of MX of %.200s: %s", q->domain, hstrerror(q->error));
	if (rc == -EBADMSG)
		return err_fail(err, EBADMSG, "look-up of MX of %.200s: the answer is malformed",
			q->domain);
	if (rc == -ENODATA) {
		*list = (struct mx_list){0};
		insert(list, 0, q->domain);
	}
	return 0;
}

int mx_find(const char *domain, long long ms, struct mx_list *list, struct err *err)
{
	struct query *q = calloc(1, sizeof(*q));
	int rc;

	if (!q)
		return err_fail(err, ENOMEM, "out of memory");
	snprintf(q->domain, sizeof(q->domain), "%s", domain);
	rc = aside(ask, free, q, ms);
	if (rc == -ETIMEDOUT)
		return err_fail(
			err, ETIMEDOUT, "look-up of MX of %.200s: no answer in time", domain);
	rc = rc ? err_fail(err, -rc, "look-up of MX of %.200s: %s", domain, strerror(-rc))
		: understand(q, list, err);
	free(q);
	return rc;
}
