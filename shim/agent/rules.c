/*
 * rules: an edition is what the files said at one time; nothing changes it, and sessions hold the
 * one that they began with. A file is stat()ed by path and compared with what fstat() told of the
 * very file that was read, so that a change in between is found with the next request.
 */
#include "shim/agent/rules.h"

#include "config/load.h"
#include "shim/agent/contexts.h"
#include "shim/handoff/handoff.h"
#include "shim/hop/hop.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ATTEMPTS_SHARE                                                                             \
	10 /* of the time go into reading files that cannot be used: one in so many */

/* Before Linux 6.13, changes within a tick of its clock leave a file the same time stamps. */
#define TICK_NS 50000000

/* What stands at a path. */
struct place {
	int error; /* 0: a file; ENOENT: nothing; else it cannot be told */
	struct stat st;
};

struct edition {
	atomic_uint users;
	uint64_t serial;
	struct policy_set *set; /* NULL: see error */
	char error[700];
	char line[HANDOFF_IDENTITY_SIZE]; /* handoff_config_line() of what was read */
	struct place main, domains;
	bool fresh; /* the domains file is so new that another change could look the same */
};

struct rules {
	char *path;
	bool named;
	char domains[PATH_MAX];	 /* "": the path is too long for there to be any */
	struct edition *current; /* NULL: out of memory */
	int64_t retry_at;	 /* ns; while the files cannot be used */
	struct contexts contexts;
	struct tls_sessions *sessions;
};

static int64_t ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return ns(&t);
}

/* Only nothing at all is "no file": a link that leads nowhere was put there by somebody. */
static void look(const char *path, struct place *place)
{
	*place = (struct place){.error = *path ? 0 : ENOENT};
	if (!*path)
		return;
	if (lstat(path, &place->st) < 0)
		place->error = errno;
	else if (S_ISLNK(place->st.st_mode) && stat(path, &place->st) < 0)
		place->error = errno == ENOENT ? ELOOP : errno;
}

static bool same_place(const struct place *a, const struct place *b)
{
	if (a->error || b->error)
		return a->error == b->error;
	return a->st.st_dev == b->st.st_dev && a->st.st_ino == b->st.st_ino &&
	       a->st.st_size == b->st.st_size && ns(&a->st.st_mtim) == ns(&b->st.st_mtim) &&
	       ns(&a->st.st_ctim) == ns(&b->st.st_ctim);
}

static bool is_fresh(const struct place *p, int64_t now)
{
	int64_t age = now - ns(&p->st.st_ctim);

	return !p->error && age >= 0 && age < TICK_NS;
}

/* --- editions --- */

/* Advice on what to do, unless it is not the files that are at fault. */
static void keep_error(struct edition *e, const struct rules *r, int code, const char *why)
{
	bool usual = strcmp(r->path, MAILSEAL_CONFIG_DEFAULT) == 0;

	if (code == -ENOMEM || code == -EMFILE || code == -ENFILE)
		snprintf(e->error, sizeof(e->error), "%.512s", why);
	else
		snprintf(e->error, sizeof(e->error),
			"%.512s; run 'mailseal check%s%.120s' before installing a change", why,
			usual ? "" : " ", usual ? "" : r->path);
}

/* Nothing to describe is a file that should be there, or that cannot even be looked at. */
static void describe_main(struct edition *e, const struct rules *r)
{
	bool absent = e->main.error == ENOENT && !r->named;

	if ((e->main.error && !absent) || handoff_config_line(e->line, sizeof(e->line), r->path,
						  absent ? NULL : &e->main.st) < 0)
		e->line[0] = '\0';
}

static int load(struct edition *e, const struct rules *r, struct err *err)
{
	struct policy_set *set = NULL;
	struct seen seen;
	int rc = policy_set_load(r->path, !r->named, &set, &seen, err);

	if (rc < 0)
		return rc;
	e->main = (struct place){seen.main_present ? 0 : ENOENT, seen.main};
	e->domains = (struct place){seen.domains_present ? 0 : ENOENT, seen.domains};
	rc = hop_check(set, err);
	if (rc < 0)
		policy_set_free(set);
	else
		e->set = set;
	return rc;
}

static struct edition *edition_new(const struct rules *r)
{
	static _Atomic uint64_t serials;
	struct edition *e = calloc(1, sizeof(*e));
	int64_t now = now_ns(CLOCK_REALTIME);
	struct err err = {""};
	int rc;

	if (!e)
		return NULL;
	atomic_init(&e->users, 1);
	e->serial = ++serials;
	look(r->path, &e->main);
	look(r->domains, &e->domains);
	rc = load(e, r, &err);
	if (rc < 0)
		keep_error(e, r, rc, *err.text ? err.text : strerror(-rc));
	describe_main(e, r);
	e->fresh = is_fresh(&e->domains, now);
	return e;
}

void edition_hold(struct edition *e)
{
	atomic_fetch_add(&e->users, 1);
}

void edition_release(struct edition *e)
{
	if (!e || atomic_fetch_sub(&e->users, 1) > 1)
		return;
	policy_set_free(e->set);
	free(e);
}

uint64_t edition_serial(const struct edition *edition)
{
	return edition->serial;
}

const struct policy_set *edition_policy(const struct edition *edition)
{
	return edition->set;
}

/* --- rules --- */

static void read_anew(struct rules *r)
{
	int64_t began = now_ns(CLOCK_MONOTONIC), ended;

	edition_release(r->current);
	contexts_clear(&r->contexts);
	if (r->sessions)
		tls_sessions_clear(r->sessions);
	r->current = edition_new(r);
	ended = now_ns(CLOCK_MONOTONIC);
	r->retry_at = ended + (ended - began) * (ATTEMPTS_SHARE - 1);
}

struct rules *rules_new(const char *path, bool named)
{
	struct rules *r = calloc(1, sizeof(*r));

	if (r)
		r->path = strdup(path);
	if (!r || !r->path) {
		free(r);
		return NULL;
	}
	r->named = named;
	contexts_init(&r->contexts);
	if (domains_path(path, r->domains, sizeof(r->domains)) < 0)
		r->domains[0] = '\0';
	r->sessions = tls_sessions_new();
	read_anew(r);
	return r;
}

void rules_free(struct rules *r)
{
	if (!r)
		return;
	contexts_clear(&r->contexts);
	edition_release(r->current);
	tls_sessions_free(r->sessions);
	free(r->path);
	free(r);
}

static bool changed(const char *path, const struct place *read)
{
	struct place now;

	look(path, &now);
	return !same_place(&now, read);
}

/* What looks as it did, and yet may be something else by now. */
static bool is_due(const struct rules *r)
{
	return r->current->set ? r->current->fresh : now_ns(CLOCK_MONOTONIC) >= r->retry_at;
}

bool rules_refresh(struct rules *r, bool main_too)
{
	const struct edition *e = r->current;
	bool differs = !e || changed(r->domains, &e->domains) ||
		       (main_too && changed(r->path, &e->main)),
	     usable = e && e->set;

	if (!differs && !is_due(r))
		return false;
	read_anew(r);
	return differs || !usable;
}

const char *rules_error(const struct rules *r)
{
	if (!r->current)
		return "out of memory";
	return r->current->set ? NULL : r->current->error;
}

bool rules_fit(const struct rules *r, const char *identity, size_t length)
{
	const char *line = r->current ? r->current->line : "", *at = identity;
	size_t n = strlen(line);

	if (length == 0)
		return true;
	if (n == 0)
		return rules_error(r) != NULL; /* the answer tells it, whoever asks */
	while (at && (size_t)(at - identity) + n <= length) {
		if (memcmp(at, line, n) == 0)
			return true;
		at = memchr(at, '\n', length - (size_t)(at - identity));
		at = at ? at + 1 : NULL;
	}
	return false;
}

struct edition *rules_edition(struct rules *r)
{
	if (!r->current || !r->current->set)
		return NULL;
	edition_hold(r->current);
	return r->current;
}

bool rules_tls_untried(struct rules *r)
{
	return contexts_empty(&r->contexts);
}

int rules_tls(
	struct rules *r, const struct policy *policy, struct tls_context **context, struct err *err)
{
	struct tls_settings settings;

	hop_tls_settings(policy, &settings);
	return contexts_get(&r->contexts, &settings, context, err);
}

struct tls_sessions *rules_sessions(struct rules *r)
{
	return r->sessions;
}
