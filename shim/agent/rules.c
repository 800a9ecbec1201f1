/*
 * rules: loaded once; an edited file gets a new agent, since its identity changes.
 */
#include "shim/agent/rules.h"

#include "config/host.h"
#include "config/load.h"
#include "shim/handoff/handoff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct context {
	struct context *next;
	struct tls_context *tls;
	char *ca_file;	  /* NULL: the system's directory */
	struct stat seen; /* of ca_file: another file is another context */
	int min_version;
};

struct rules {
	struct policy_set *set; /* NULL: see error */
	struct err error;
	char line[HANDOFF_IDENTITY_SIZE]; /* handoff_config_line() of what was read */
	struct context *contexts;
};

static void describe_file(struct rules *r, const char *path, const struct stat *st)
{
	if (handoff_config_line(r->line, sizeof(r->line), path, st) < 0)
		r->line[0] = '\0';
}

/* The file stands there but cannot be used. What it was, so that a mended file gets another agent.
 */
static void keep_error(struct rules *r, const char *path, int error)
{
	struct stat st;

	if (!*r->error.text)
		err_fail(&r->error, -error, "%s: %s", path, strerror(-error));
	if (stat(path, &st) == 0)
		describe_file(r, path, &st);
}

/* Only nothing at all is "no file": a link that leads nowhere was put there by somebody. */
static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

struct rules *rules_new(const char *path, bool named)
{
	struct rules *r = calloc(1, sizeof(*r));
	struct stat seen;
	int rc;

	if (!r)
		return NULL;
	rc = policy_set_load(path, &r->set, &seen, &r->error);
	if (rc == 0) {
		describe_file(r, path, &seen);
	} else if (rc == -ENOENT && !named && !is_link(path)) {
		r->error.text[0] = '\0';
		describe_file(r, path, NULL);
		r->set = policy_set_builtin();
		if (!r->set)
			err_fail(&r->error, ENOMEM, "out of memory");
	} else {
		keep_error(r, path, rc);
	}
	return r;
}

static void context_free(struct context *c)
{
	tls_context_free(c->tls);
	free(c->ca_file);
	free(c);
}

void rules_free(struct rules *r)
{
	struct context *c;

	if (!r)
		return;
	while ((c = r->contexts)) {
		r->contexts = c->next;
		context_free(c);
	}
	policy_set_free(r->set);
	free(r);
}

const char *rules_error(const struct rules *r)
{
	return r->set ? NULL : r->error.text;
}

bool rules_fit(const struct rules *r, const char *identity, size_t length)
{
	size_t n = strlen(r->line);
	const char *at = identity;

	if (length == 0)
		return true;
	if (n == 0)
		return r->set == NULL; /* unreadable: the answer tells it, whoever asks */
	while (at && (size_t)(at - identity) + n <= length) {
		if (memcmp(at, r->line, n) == 0)
			return true;
		at = memchr(at, '\n', length - (size_t)(at - identity));
		at = at ? at + 1 : NULL;
	}
	return false;
}

const struct policy_set *rules_policy(const struct rules *r)
{
	return r->set;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool same_name(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The context for these settings; one whose ca_file was replaced since goes. */
static struct context *find(struct rules *r, const char *ca_file, const struct stat *seen, int min)
{
	struct context **p = &r->contexts, *c;

	while ((c = *p)) {
		if (c->min_version == min && same_name(c->ca_file, ca_file)) {
			if (!ca_file || same_file(&c->seen, seen))
				return c;
			*p = c->next;
			context_free(c);
			continue;
		}
		p = &c->next;
	}
	return NULL;
}

static struct context *context_new(
	const char *ca_file, const struct stat *seen, int min, struct err *err, int *rc)
{
	const struct tls_settings settings = {.ca_file = ca_file, .min_version = min};
	struct context *c = calloc(1, sizeof(*c));

	*rc = -ENOMEM;
	if (c && ca_file)
		c->ca_file = strdup(ca_file);
	if (!c || (ca_file && !c->ca_file)) {
		free(c);
		err_fail(err, ENOMEM, "out of memory");
		return NULL;
	}
	c->seen = *seen;
	c->min_version = min;
	*rc = tls_context_new(&c->tls, &settings, err);
	if (*rc < 0) {
		context_free(c);
		return NULL;
	}
	return c;
}

/*
 * The handshake is tried from TLS 1.2 on where a newer version is demanded: what it yields is
 * judged afterwards, and TLS 1.2 to a server that is not required to do better beats a fall back to
 * cleartext.
 */
static int handshake_floor(enum tls_version min_tls)
{
	return min_tls < TLS_VERSION_1_2 ? (int)min_tls : TLS_VERSION_1_2;
}

int rules_tls(
	struct rules *r, const struct policy *policy, struct tls_context **context, struct err *err)
{
	const char *ca_file = policy->connection.ca_file;
	int rc, min = handshake_floor(policy->demands.min_tls);
	struct stat seen = {0};
	struct context *c;

	if (ca_file && stat(ca_file, &seen) < 0)
		return err_fail(err, errno, "ca_file %s: %s", ca_file, strerror(errno));
	c = find(r, ca_file, &seen, min);
	if (!c) {
		c = context_new(ca_file, &seen, min, err, &rc);
		if (!c)
			return rc;
		c->next = r->contexts;
		r->contexts = c;
	}
	*context = c->tls;
	return 0;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text > 0x7e)
			return false;
	return true;
}

char *rules_name(const char *looked_up)
{
	char name[NAME_SIZE];

	if (!is_ascii(looked_up) && host_name_parse(looked_up, name, NULL) == 0)
		return strdup(name);
	return strdup(looked_up);
}

void rules_facts(const struct tls_facts *seen, struct facts *facts)
{
	*facts = (struct facts){.tls = TLS_FACT_ON,
		.version = (enum tls_version)seen->version,
		.verified = seen->verified};
	snprintf(facts->reason, sizeof(facts->reason), "%s", seen->reason);
}
