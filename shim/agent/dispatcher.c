/*
 * dispatcher: accepts, passes on, and ends after its workers.
 */
#include "shim/agent/dispatcher.h"

#include "shim/agent/log.h"
#include "shim/agent/refusals.h"
#include "shim/agent/room.h"
#include "shim/agent/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define AT_ONCE 64	 /* callers taken in one round */
#define PAUSE_MS 100	 /* after running out of descriptors */
#define PATIENCE_MS 2000 /* for the workers, beyond their own last call */

struct dispatcher {
	const struct agent_options *options;
	struct loop *loop;
	struct workers *workers;
	struct refusals refusals;
	int listeners[SYSTEM_SOCKETS];
	unsigned listener_count;
	struct watch listening, signalled;
	struct task accepting, on_signal;
	struct timer pause, idle, last_call;
	int signals;
	uint64_t called; /* when somebody called last */
	struct recap recap;
	bool stopping;
};

/* In a new process, where epoll is the dispatcher's too: nothing is unwatched. */
static void disown(void *context)
{
	struct dispatcher *d = context;
	unsigned i;

	for (i = 0; i < d->listener_count; i++)
		close(d->listeners[i]);
	workers_disown(d->workers);
	close(d->signals);
	loop_free(d->loop);
}

/* --- callers --- */

static void turn_away(struct dispatcher *d, int fd, uid_t uid, int error)
{
	if (error == EAGAIN || error == EPIPE) {
		refusals_add(&d->refusals, fd, HANDOFF_STALE, 0);
		return;
	}
	repeats_event(loop_now(d->loop), "overload",
		"user %u cannot be served: his process does not move, or there is no place "
		"for another one",
		(unsigned)uid);
	refusals_add(&d->refusals, fd, HANDOFF_ACK, error);
}

static void welcome(struct dispatcher *d, int fd)
{
	struct ucred peer = {0};
	socklen_t n = sizeof(peer);
	int rc, tries = 0;

	d->called = loop_now(d->loop);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0) {
		turn_away(d, fd, 0, ECONNREFUSED);
		return;
	}
	do {
		if (!workers_serve(d->workers, peer.uid))
			refusals_flush(&d->refusals);
		rc = workers_pass(d->workers, peer.uid, fd);
	} while (rc == -EPIPE && tries++ == 0);
	if (rc < 0)
		turn_away(d, fd, peer.uid, -rc);
}

static void listen_for(struct dispatcher *d, uint32_t events)
{
	unsigned i;

	for (i = 0; i < d->listener_count; i++)
		loop_rewatch(d->loop, d->listeners[i], events, &d->listening);
}

static void resume(void *context)
{
	listen_for(context, EPOLLIN);
}

/* No descriptor is left: nobody is taken in for a moment. */
static void out_of_descriptors(struct dispatcher *d)
{
	repeats_event(loop_now(d->loop), "overload",
		"the limit of %u descriptors is reached; " ROOM_ADVICE, room_limit());
	listen_for(d, 0);
	loop_timer_set(d->loop, &d->pause, loop_now(d->loop) + PAUSE_MS);
}

static int accept_next(int listener)
{
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* False: no descriptors are left. */
static bool accept_from(struct dispatcher *d, int listener)
{
	int fd, i;

	for (i = 0; i < AT_ONCE; i++) {
		fd = accept_next(listener);
		if (fd >= 0)
			welcome(d, fd);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			return false;
		else if (errno != EINTR && errno != ECONNABORTED)
			break;
	}
	return true;
}

static void accept_callers(void *context)
{
	struct dispatcher *d = context;
	bool room = true;
	unsigned i;

	for (i = 0; i < d->listener_count && room; i++)
		room = accept_from(d, d->listeners[i]);
	refusals_flush(&d->refusals);
	if (!room)
		out_of_descriptors(d);
}

static void listening_ready(void *context, uint32_t events)
{
	struct dispatcher *d = context;

	(void)events;
	loop_defer(d->loop, &d->accepting);
}

static int open_listeners(struct dispatcher *d)
{
	const struct system_sockets *system = d->options->system;
	int fd, rc = 0;

	while (d->listener_count < system->count && rc == 0) {
		fd = system->fds[d->listener_count];
		if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			return -errno;
		d->listeners[d->listener_count++] = fd;
		rc = loop_watch(d->loop, fd, EPOLLIN, &d->listening);
	}
	return rc;
}

/* Those of a service manager stay as they are: it listens on, and starts another agent for whoever
 * waits. Others are shut down first: nobody gets in any more, while those who were in the queue
 * still get their answer. */
static void close_one(struct dispatcher *d, int listener)
{
	int fd;

	loop_unwatch(d->loop, listener);
	if (!d->options->system->activated) {
		shutdown(listener, SHUT_RDWR);
		while ((fd = accept_next(listener)) >= 0)
			refusals_add(&d->refusals, fd, HANDOFF_STALE, 0);
		refusals_flush(&d->refusals);
	}
	close(listener);
}

static void close_listeners(struct dispatcher *d)
{
	loop_timer_stop(d->loop, &d->pause);
	loop_undefer(d->loop, &d->accepting);
	if (d->listener_count)
		system_unlink(d->options->system);
	while (d->listener_count)
		close_one(d, d->listeners[--d->listener_count]);
}

/* --- life --- */

/* One that an administrator started stays; one that a service manager starts when it is called does
 * not have to. */
static void settle(void *context)
{
	struct dispatcher *d = context;

	if (workers_count(d->workers))
		return;
	if (d->stopping)
		loop_stop(d->loop);
	else if (d->options->system->activated)
		loop_timer_set(d->loop, &d->idle, d->called + AGENT_IDLE_MS);
}

static void idle_long_enough(void *context)
{
	struct dispatcher *d = context;

	if (workers_count(d->workers))
		return;
	if (loop_now(d->loop) - d->called < AGENT_IDLE_MS) {
		settle(d);
		return;
	}
	close_listeners(d);
	loop_stop(d->loop);
}

static void last_call_over(void *context)
{
	struct dispatcher *d = context;

	log_event("stopped", "%u processes were cut off", workers_count(d->workers));
	workers_signal(d->workers, SIGKILL);
	loop_stop(d->loop);
}

static void stop(struct dispatcher *d)
{
	if (d->stopping)
		return;
	d->stopping = true;
	close_listeners(d);
	workers_signal(d->workers, SIGTERM);
	loop_timer_set(
		d->loop, &d->last_call, loop_now(d->loop) + AGENT_LAST_CALL_MS + PATIENCE_MS);
	settle(d);
}

static void read_signals(void *context)
{
	struct dispatcher *d = context;
	struct signalfd_siginfo info;
	bool ended = false, told = false;

	while (read(d->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		ended |= info.ssi_signo == SIGCHLD;
		told |= info.ssi_signo != SIGCHLD;
	}
	if (ended) {
		refusals_reap(&d->refusals);
		workers_reap(d->workers);
	}
	if (told)
		stop(d);
}

static void signalled(void *context, uint32_t events)
{
	struct dispatcher *d = context;

	(void)events;
	loop_defer(d->loop, &d->on_signal);
}

static int catch_signals(struct dispatcher *d)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* ignored, as it may have been, nobody could be waited for */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->signals < 0)
		return -errno;
	return loop_watch(d->loop, d->signals, EPOLLIN, &d->signalled);
}

/* The guard: kernels before 6.8 let whoever closes an AF_UNIX socket close what others left in
 * flight. */
static int set_up(struct dispatcher *d)
{
	int rc;

	d->loop = loop_new();
	if (!d->loop)
		return -errno;
	recap_begin(&d->recap, d->loop);
	d->workers = workers_new(d->loop, d->options, disown, settle, d);
	if (!d->workers)
		return -ENOMEM;
	d->called = loop_now(d->loop);
	rc = loop_guard(d->loop);
	if (rc == 0)
		rc = catch_signals(d);
	if (rc == 0)
		rc = open_listeners(d);
	settle(d);
	return rc;
}

int dispatcher_run(const struct agent_options *options)
{
	struct dispatcher d = {.options = options, .signals = -1};
	int rc;

	d.refusals = (struct refusals){.disown = disown, .context = &d};
	d.listening = (struct watch){listening_ready, &d};
	d.signalled = (struct watch){signalled, &d};
	d.accepting = (struct task){.run = accept_callers, .context = &d};
	d.on_signal = (struct task){.run = read_signals, .context = &d};
	d.pause = (struct timer){.expired = resume, .context = &d};
	d.idle = (struct timer){.expired = idle_long_enough, .context = &d};
	d.last_call = (struct timer){.expired = last_call_over, .context = &d};
	rc = set_up(&d);
	if (rc == 0)
		rc = loop_run(d.loop);
	if (rc < 0)
		log_event("failed", "%s", strerror(-rc));
	repeats_end();
	log_close();
	workers_free(d.workers);
	loop_free(d.loop);
	if (d.signals >= 0)
		close(d.signals);
	return rc < 0 ? EX_OSERR : EX_OK;
}
