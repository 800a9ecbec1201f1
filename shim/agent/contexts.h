/*
 * contexts: TLS contexts, shared by connections with equal settings. A file that was replaced since
 * it was read makes a context of its own.
 */
#ifndef MAILSEAL_AGENT_CONTEXTS_H
#define MAILSEAL_AGENT_CONTEXTS_H

#include "shim/tls/tls.h"

#include <pthread.h>

struct contexts {
	pthread_mutex_t lock;
	struct context *first;
};

void contexts_init(struct contexts *contexts);

/* On any thread, as contexts_clear(). *context is held for the caller, who owes one
 * tls_context_free(). 0 or -errno with err. */
int contexts_get(struct contexts *contexts, const struct tls_settings *settings,
	struct tls_context **context, struct err *err);

/* Is there none yet, or none any more? */
bool contexts_empty(struct contexts *contexts);

/* Forgets them; what connections hold stays theirs. */
void contexts_clear(struct contexts *contexts);

#endif
