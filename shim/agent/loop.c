/*
 * loop: epoll, timers, a queue of tasks, and an inbox for tasks of other threads.
 */
#include "shim/agent/loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define PASSES 3	   /* over the tasks, before the kernel is asked for events again */
#define FEW 2		   /* with more tasks than that, others have waited long enough */
#define ROUND_NS 100000000 /* a round that takes longer may be stuck in a system call */
#define LOAD_NS 50000000   /* the load is taken over so long */

#ifndef sigev_notify_thread_id /* glibc before 2.38 */
#define sigev_notify_thread_id _sigev_un._tid
#endif

struct loop {
	int epoll;
	bool stopped, guarded;
	timer_t guard;
	uint64_t now;
	struct timers timers;
	struct task *first, **last;
	/* what other threads posted, newest first */
	int bell; /* an eventfd, or -1: nobody posts */
	struct watch rung;
	struct task hearing;
	_Atomic(struct task *) inbox;
	/* load, in ns */
	uint64_t since, busy;
	atomic_uint load;
	_Atomic uint64_t load_at;
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t to_ms(uint64_t nanoseconds)
{
	return nanoseconds / 1000000;
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		free(loop);
		return NULL;
	}
	loop->bell = -1;
	loop->last = &loop->first;
	loop->since = clock_ns();
	loop->now = to_ms(loop->since);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->guarded)
		timer_delete(loop->guard);
	if (loop->bell >= 0)
		close(loop->bell);
	close(loop->epoll);
	timers_clear(&loop->timers);
	free(loop);
}

uint64_t loop_now(const struct loop *loop)
{
	return loop->now;
}

static int control(struct loop *loop, int what, int fd, uint32_t events, struct watch *watch)
{
	struct epoll_event e = {.events = events, .data.ptr = watch};

	return epoll_ctl(loop->epoll, what, fd, &e) < 0 ? -errno : 0;
}

int loop_watch(struct loop *loop, int fd, uint32_t events, struct watch *watch)
{
	return control(loop, EPOLL_CTL_ADD, fd, events, watch);
}

int loop_rewatch(struct loop *loop, int fd, uint32_t events, struct watch *watch)
{
	return control(loop, EPOLL_CTL_MOD, fd, events, watch);
}

void loop_unwatch(struct loop *loop, int fd)
{
	control(loop, EPOLL_CTL_DEL, fd, 0, NULL);
}

int loop_timer_set(struct loop *loop, struct timer *timer, uint64_t due)
{
	return timers_set(&loop->timers, timer, due);
}

void loop_timer_stop(struct loop *loop, struct timer *timer)
{
	timers_stop(&loop->timers, timer);
}

void loop_defer(struct loop *loop, struct task *task)
{
	if (task->queued)
		return;
	task->queued = true;
	task->next = NULL;
	*loop->last = task;
	loop->last = &task->next;
}

void loop_undefer(struct loop *loop, struct task *task)
{
	struct task **p;

	if (!task->queued)
		return;
	for (p = &loop->first; *p && *p != task; p = &(*p)->next)
		;
	if (!*p)
		return;
	*p = task->next;
	if (!task->next)
		loop->last = p;
	task->queued = false;
}

static struct task *take_task(struct loop *loop)
{
	struct task *task = loop->first;

	loop->first = task->next;
	if (!loop->first)
		loop->last = &loop->first;
	task->queued = false;
	return task;
}

/* Marks the end of this round's tasks with a task of its own, since any other may be freed
 * meanwhile. How many it were. */
static unsigned run_tasks(struct loop *loop)
{
	struct task end = {.run = NULL};
	struct task *task;
	unsigned count = 0;

	if (!loop->first)
		return 0;
	loop_defer(loop, &end);
	while ((task = take_task(loop)) != &end) {
		task->run(task->context);
		count++;
	}
	return count;
}

static void run_timers(struct loop *loop)
{
	struct timer *timer;

	while ((timer = timers_first(&loop->timers)) && timer->due <= loop->now) {
		loop_timer_stop(loop, timer);
		timer->expired(timer->context);
	}
}

static int time_to_wait(const struct loop *loop, uint64_t now)
{
	const struct timer *timer = timers_first(&loop->timers);

	if (loop->first)
		return 0;
	if (!timer)
		return -1;
	if (timer->due <= now)
		return 0;
	return timer->due - now > INT_MAX ? INT_MAX : (int)(timer->due - now);
}

/* --- other threads --- */

/* Takes all that are there, and turns them round. */
static void hear(void *context)
{
	struct loop *loop = context;
	struct task *task = atomic_exchange_explicit(&loop->inbox, NULL, memory_order_acquire),
		    *oldest = NULL, *next;

	for (; task; task = next) {
		next = task->next;
		task->next = oldest;
		oldest = task;
	}
	for (task = oldest; task; task = next) {
		next = task->next;
		task->run(task->context);
	}
}

static void rung(void *context, uint32_t events)
{
	struct loop *loop = context;

	(void)events;
	loop_defer(loop, &loop->hearing);
}

/* Edge-triggered: each ring is an event, and what it adds up to is never read. */
int loop_open(struct loop *loop)
{
	int rc;

	if (loop->bell >= 0)
		return 0;
	loop->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->bell < 0)
		return -errno;
	loop->rung = (struct watch){rung, loop};
	loop->hearing = (struct task){.run = hear, .context = loop};
	rc = loop_watch(loop, loop->bell, EPOLLIN | EPOLLET, &loop->rung);
	if (rc < 0) {
		close(loop->bell);
		loop->bell = -1;
	}
	return rc;
}

/* Whoever finds the inbox empty rings: for those behind him as well. */
void loop_post(struct loop *loop, struct task *task)
{
	struct task *before = atomic_load_explicit(&loop->inbox, memory_order_relaxed);

	do
		task->next = before;
	while (!atomic_compare_exchange_weak_explicit(
		&loop->inbox, &before, task, memory_order_release, memory_order_relaxed));
	if (!before)
		eventfd_write(loop->bell, 1);
}

/* What is older than a few spans says nothing of now, and a loop that says nothing waits. */
static bool is_old(uint64_t then, uint64_t now)
{
	return now - then > 4 * (uint64_t)LOAD_NS;
}

unsigned loop_load(const struct loop *loop)
{
	uint64_t at = atomic_load_explicit(&loop->load_at, memory_order_relaxed);

	return is_old(at, clock_ns()) ? 0 : atomic_load_explicit(&loop->load, memory_order_relaxed);
}

static void note_load(struct loop *loop, uint64_t began, uint64_t ended)
{
	uint64_t span;

	if (is_old(loop->since, began)) {
		loop->since = began;
		loop->busy = 0;
	}
	loop->busy += ended - began;
	span = ended - loop->since;
	if (span < LOAD_NS)
		return;
	atomic_store_explicit(
		&loop->load, (unsigned)(loop->busy * 1000 / span), memory_order_relaxed);
	atomic_store_explicit(&loop->load_at, ended, memory_order_relaxed);
	loop->since = ended;
	loop->busy = 0;
}

/* --- running --- */

static void interrupt(int signal)
{
	(void)signal;
}

int loop_guard(struct loop *loop)
{
	const struct sigaction action = {.sa_handler = interrupt}; /* no SA_RESTART */
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};

	event.sigev_notify_thread_id = gettid();
	if (sigaction(SIGUSR1, &action, NULL) < 0 ||
		timer_create(CLOCK_MONOTONIC, &event, &loop->guard) < 0)
		return -errno;
	loop->guarded = true;
	return 0;
}

/* Again and again, since the first may come just before the call that waits. */
static void set_guard(struct loop *loop, long ns)
{
	const struct itimerspec spec = {{0, ns}, {0, ns}};

	if (loop->guarded)
		timer_settime(loop->guard, 0, &spec, NULL);
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[BATCH];
	uint64_t began, ended = clock_ns();
	int i, n;

	while (!loop->stopped) {
		n = epoll_wait(loop->epoll, events, BATCH, time_to_wait(loop, to_ms(ended)));
		if (n < 0 && errno != EINTR)
			return -errno;
		set_guard(loop, ROUND_NS);
		began = clock_ns();
		loop->now = to_ms(began);
		for (i = 0; i < n; i++) {
			struct watch *w = events[i].data.ptr;
			w->ready(w->context, events[i].events);
		}
		for (i = 0; i < PASSES && loop->first && !loop->stopped; i++)
			if (run_tasks(loop) > FEW)
				break;
		run_timers(loop);
		set_guard(loop, 0);
		ended = clock_ns();
		note_load(loop, began, ended);
	}
	loop->stopped = false;
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
