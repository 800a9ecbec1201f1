#include "shim/agent/contexts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CA_FILE, CERTIFICATE, KEY, FILES, CIPHERS = FILES, CIPHERSUITES, TEXTS };

struct context {
	struct context *next;
	struct tls_context *tls;
	char *text[TEXTS];	 /* NULL: not set */
	struct stat seen[FILES]; /* before they were read */
	int min_version;
};

static void texts_of(const struct tls_settings *s, const char *text[TEXTS])
{
	text[CA_FILE] = s->ca_file;
	text[CERTIFICATE] = s->client_certificate;
	text[KEY] = s->client_key;
	text[CIPHERS] = s->ciphers;
	text[CIPHERSUITES] = s->ciphersuites;
}

static int look(const char *const text[TEXTS], struct stat seen[FILES], struct err *err)
{
	static const char *const names[FILES] = {"ca_file", "client_certificate", "client_key"};
	unsigned i;

	memset(seen, 0, FILES * sizeof(*seen));
	for (i = 0; i < FILES; i++)
		if (text[i] && stat(text[i], &seen[i]) < 0)
			return err_fail(
				err, errno, "%s: %.300s: %s", names[i], text[i], strerror(errno));
	return 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       same_time(&a->st_mtim, &b->st_mtim) && same_time(&a->st_ctim, &b->st_ctim);
}

static bool same_files(const struct stat *a, const struct stat *b)
{
	unsigned i;

	for (i = 0; i < FILES; i++)
		if (!same_file(&a[i], &b[i]))
			return false;
	return true;
}

static bool same_settings(const struct context *c, const char *const text[TEXTS], int min_version)
{
	unsigned i;

	for (i = 0; i < TEXTS; i++)
		if (!c->text[i] != !text[i] || (text[i] && strcmp(c->text[i], text[i]) != 0))
			return false;
	return c->min_version == min_version;
}

static void context_free(struct context *c)
{
	unsigned i;

	tls_context_free(c->tls);
	for (i = 0; i < TEXTS; i++)
		free(c->text[i]);
	free(c);
}

/* One whose files were replaced since goes. */
static struct context *find(struct contexts *contexts, const char *const text[TEXTS],
	const struct stat *seen, int min_version)
{
	struct context **p = &contexts->first, *c;

	while ((c = *p)) {
		if (!same_settings(c, text, min_version)) {
			p = &c->next;
			continue;
		}
		if (same_files(c->seen, seen))
			return c;
		*p = c->next;
		context_free(c);
	}
	return NULL;
}

static struct context *context_new(const char *const text[TEXTS], const struct stat *seen)
{
	struct context *c = calloc(1, sizeof(*c));
	unsigned i;

	if (!c)
		return NULL;
	memcpy(c->seen, seen, sizeof(c->seen));
	for (i = 0; i < TEXTS; i++) {
		c->text[i] = text[i] ? strdup(text[i]) : NULL;
		if (text[i] && !c->text[i]) {
			context_free(c);
			return NULL;
		}
	}
	return c;
}

static int add(struct contexts *contexts, const struct tls_settings *settings,
	const char *const text[TEXTS], const struct stat *seen, struct err *err)
{
	struct context *c = context_new(text, seen);
	int rc;

	if (!c)
		return err_fail(err, ENOMEM, "out of memory");
	c->min_version = settings->min_version;
	rc = tls_context_new(&c->tls, settings, err);
	if (rc < 0) {
		context_free(c);
		return rc;
	}
	c->next = contexts->first;
	contexts->first = c;
	return 0;
}

void contexts_init(struct contexts *contexts)
{
	pthread_mutex_init(&contexts->lock, NULL);
	contexts->first = NULL;
}

int contexts_get(struct contexts *contexts, const struct tls_settings *settings,
	struct tls_context **context, struct err *err)
{
	const char *text[TEXTS];
	struct stat seen[FILES];
	struct context *c;
	int rc;

	texts_of(settings, text);
	rc = look(text, seen, err);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&contexts->lock);
	c = find(contexts, text, seen, settings->min_version);
	if (!c) {
		rc = add(contexts, settings, text, seen, err);
		c = contexts->first;
	}
	if (rc == 0) {
		tls_context_hold(c->tls);
		*context = c->tls;
	}
	pthread_mutex_unlock(&contexts->lock);
	return rc;
}

bool contexts_empty(struct contexts *contexts)
{
	bool empty;

	pthread_mutex_lock(&contexts->lock);
	empty = !contexts->first;
	pthread_mutex_unlock(&contexts->lock);
	return empty;
}

void contexts_clear(struct contexts *contexts)
{
	struct context *c;

	pthread_mutex_lock(&contexts->lock);
	while ((c = contexts->first)) {
		contexts->first = c->next;
		context_free(c);
	}
	pthread_mutex_unlock(&contexts->lock);
}
