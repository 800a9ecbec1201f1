/*
 * loop: waits for descriptors and time. One loop belongs to one thread; what is made with it never
 * leaves it.
 *
 * Each round: waits, calls `ready` for what happened, then the tasks, then the timers. `ready` only
 * takes notes and defers a task: nothing is freed while events of the same round may still point to
 * it. Tasks and timers may free whatever they like.
 */
#ifndef MAILSEAL_AGENT_LOOP_H
#define MAILSEAL_AGENT_LOOP_H

#include "shim/agent/timers.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct watch {
	void (*ready)(void *context, uint32_t events); /* EPOLL… */
	void *context;
};

struct task {
	void (*run)(void *context);
	void *context;
	struct task *next;
	bool queued; /* deferred, not posted */
};

/* NULL with errno set. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Milliseconds of CLOCK_MONOTONIC, as of this round. */
uint64_t loop_now(const struct loop *loop);

/* `watch` and `fd` must stay until loop_unwatch(), which must come before close(): the open file
 * may have other owners. 0 or -errno. */
int loop_watch(struct loop *loop, int fd, uint32_t events, struct watch *watch);
int loop_rewatch(struct loop *loop, int fd, uint32_t events, struct watch *watch);
void loop_unwatch(struct loop *loop, int fd);

/* (Re)sets a timer to `due`, in loop_now()'s milliseconds. 0 or -ENOMEM, the latter never where it
 * is set already. */
int loop_timer_set(struct loop *loop, struct timer *timer, uint64_t due);
void loop_timer_stop(struct loop *loop, struct timer *timer);

/* Runs the task once, soon. A queued task is not queued twice. */
void loop_defer(struct loop *loop, struct task *task);
void loop_undefer(struct loop *loop, struct task *task);

/* From now on loop_post() works. 0 or -errno. */
int loop_open(struct loop *loop);

/*
 * The one call for other threads: runs the task once, on the loop's own thread, after those that
 * were posted before. It must be neither deferred nor posted already.
 */
void loop_post(struct loop *loop, struct task *task);

/* Of a thousand parts of the time, how many were spent on anything but waiting lately. For all
 * threads. */
unsigned loop_load(const struct loop *loop);

/*
 * From now on a system call of this thread that waits, though none should, is interrupted (EINTR)
 * before it holds everything up. For sockets shared with somebody who may change what was set on
 * them. Uses SIGUSR1. 0 or -errno.
 */
int loop_guard(struct loop *loop);

/* Runs until loop_stop(), which is called on the same thread; may be run again. 0 or -errno. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
