#include "tools/probe/aside.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

/* On the heap, and the thread's once nobody waits any more. */
struct task {
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool done, left;
	void (*work)(void *);
	void (*release)(void *);
	void *context;
};

static void *run(void *context)
{
	struct task *t = context;
	bool left;

	t->work(t->context);
	pthread_mutex_lock(&t->lock);
	t->done = true;
	left = t->left;
	pthread_cond_signal(&t->over);
	pthread_mutex_unlock(&t->lock);
	if (left) {
		t->release(t->context);
		free(t);
	}
	return NULL;
}

static void init(struct task *t)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&t->over, &attributes);
	pthread_condattr_destroy(&attributes);
}

static bool wait_for(struct task *t, long long ms)
{
	struct timespec until;
	bool done;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&t->lock);
	while (!t->done && pthread_cond_timedwait(&t->over, &t->lock, &until) == 0)
		;
	done = t->done;
	t->left = !done;
	pthread_mutex_unlock(&t->lock);
	return done;
}

int aside(void (*work)(void *), void (*release)(void *), void *context, long long ms)
{
	struct task *t = calloc(1, sizeof(*t));
	pthread_t thread;
	int rc;

	if (!t)
		return -ENOMEM;
	t->work = work;
	t->release = release;
	t->context = context;
	init(t);
	rc = pthread_create(&thread, NULL, run, t);
	if (rc) {
		free(t);
		return -rc;
	}
	pthread_detach(thread);
	if (!wait_for(t, ms < 0 ? 0 : ms))
		return -ETIMEDOUT;
	free(t);
	return 0;
}
