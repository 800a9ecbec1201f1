/*
 * workers: started when their user calls, forgotten when they have ended.
 *
 * Two things are scarce, and nobody gets all of them. Places: so many processes. Users with many
 * subordinate uids leave some to real users, those to the system's, and all to root. And channels
 * on the way, which a worker that does not move leaves where they are: the kernel makes processes
 * wait whose user has many descriptors in flight. A worker may have an eighth of what is still
 * free.
 */
#include "shim/agent/workers.h"

#include "shim/agent/log.h"
#include "shim/agent/passing.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLACES 512
#define DESCRIPTORS_KEPT 40 /* for the dispatcher itself */
#define IN_FLIGHT 1024
#define BUSY_MS 2000 /* a worker that took nothing for so long does not move */

struct worker {
	struct workers *workers;
	struct worker *next, **link;
	uid_t uid;
	pid_t pid;
	int fd; /* -1: it takes nobody new */
	struct watch watch;
	struct task task;
	unsigned on_the_way;
	uint64_t moved; /* when it took a channel last, or had nothing to take */
};

struct workers {
	struct loop *loop;
	const struct agent_options *options;
	void (*disown)(void *context), (*changed)(void *context);
	void *context;
	struct worker *first;
	unsigned count, places, on_the_way;
};

static unsigned places_for_descriptors(void)
{
	struct rlimit limit = {0, 0};

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < DESCRIPTORS_KEPT + 4)
		return 4;
	limit.rlim_cur -= DESCRIPTORS_KEPT;
	return limit.rlim_cur < PLACES ? (unsigned)limit.rlim_cur : PLACES;
}

struct workers *workers_new(struct loop *loop, const struct agent_options *options,
	void (*disown)(void *context), void (*changed)(void *context), void *context)
{
	struct workers *ws = malloc(sizeof(*ws));

	if (ws)
		*ws = (struct workers){.loop = loop,
			.options = options,
			.disown = disown,
			.changed = changed,
			.context = context,
			.places = places_for_descriptors()};
	return ws;
}

/* Nothing more will be passed: the worker leaves when it is done. */
static void let_go(struct worker *w)
{
	if (w->fd < 0)
		return;
	loop_unwatch(w->workers->loop, w->fd);
	close(w->fd);
	w->fd = -1;
	w->workers->on_the_way -= w->on_the_way;
	w->on_the_way = 0;
}

static void worker_free(struct worker *w)
{
	let_go(w);
	loop_undefer(w->workers->loop, &w->task);
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	w->workers->count--;
	free(w);
}

void workers_free(struct workers *ws)
{
	if (!ws)
		return;
	while (ws->first)
		worker_free(ws->first);
	free(ws);
}

static struct worker *find(const struct workers *ws, uid_t uid)
{
	struct worker *w = ws->first;

	while (w && (w->uid != uid || w->fd < 0))
		w = w->next;
	return w;
}

bool workers_serve(const struct workers *ws, uid_t uid)
{
	return find(ws, uid);
}

unsigned workers_count(const struct workers *ws)
{
	return ws->count;
}

static void taken(struct worker *w)
{
	if (!w->on_the_way)
		return;
	w->on_the_way--;
	w->workers->on_the_way--;
	w->moved = loop_now(w->workers->loop);
}

static void worker_hear(void *context)
{
	struct worker *w = context;
	enum passing what;
	int fd, rc;

	while (w->fd >= 0 && (rc = passing_hear(w->fd, &what, &fd)) != -EAGAIN) {
		if (fd >= 0 && rc > 0)
			close(fd);
		if (rc > 0 && what == PASSING_TAKEN)
			taken(w);
		else
			let_go(w);
	}
}

static void worker_ready(void *context, uint32_t events)
{
	struct worker *w = context;

	(void)events;
	loop_defer(w->workers->loop, &w->task);
}

/* What user numbers are for: /etc/login.defs and systemd's list agree. */
static unsigned places_for(const struct workers *ws, uid_t uid)
{
	if (uid == 0)
		return ws->places;
	if (uid < 1000) /* the system's */
		return ws->places - ws->places / 16;
	if (uid < 65536) /* people, and services without a user of their own */
		return ws->places - ws->places / 4;
	return ws->places / 2; /* most of them subordinate to somebody who may have thousands */
}

static void work(struct workers *ws, int end, uid_t uid)
{
	struct agent_options options = *ws->options;
	char title[16];

	options.worker = true;
	options.fd = end;
	snprintf(title, sizeof(title), "seal-%u", (unsigned)uid);
	prctl(PR_SET_NAME, title, 0, 0, 0);
	_exit(agent_run(&options));
}

static struct worker *worker_new(struct workers *ws, uid_t uid, pid_t pid, int fd)
{
	struct worker *w = malloc(sizeof(*w));

	if (!w)
		return NULL;
	*w = (struct worker){.workers = ws, .uid = uid, .pid = pid, .fd = fd};
	w->watch = (struct watch){worker_ready, w};
	w->task = (struct task){.run = worker_hear, .context = w};
	w->moved = loop_now(ws->loop);
	w->next = ws->first;
	w->link = &ws->first;
	if (w->next)
		w->next->link = &w->next;
	ws->first = w;
	ws->count++;
	return w;
}

/* `channel` is this user's: the new process may close its copy. */
static struct worker *start(struct workers *ws, uid_t uid, int channel)
{
	int ends[2];
	struct worker *w;

	if (ws->count >= places_for(ws, uid) || passing_pair(ends) < 0)
		return NULL;
	w = worker_new(ws, uid, 0, ends[0]);
	if (w && loop_watch(ws->loop, w->fd, EPOLLIN, &w->watch) == 0)
		w->pid = fork();
	else if (w)
		w->pid = -1;
	if (w && w->pid == 0) {
		ws->disown(ws->context);
		close(channel);
		work(ws, ends[1], uid);
	}
	close(ends[1]);
	if (!w)
		close(ends[0]);
	else if (w->pid < 0)
		worker_free(w);
	return w && w->pid > 0 ? w : NULL;
}

static bool has_room(const struct worker *w)
{
	const struct workers *ws = w->workers;

	return w->on_the_way < PASSING_QUEUE && w->on_the_way * 8 < IN_FLIGHT - ws->on_the_way;
}

static int pass(struct worker *w, int channel)
{
	struct workers *ws = w->workers;
	int rc;

	if (!has_room(w))
		return loop_now(ws->loop) - w->moved < BUSY_MS ? -EAGAIN : -ENFILE;
	rc = passing_say(w->fd, PASSING_CHANNEL, channel);
	if (rc < 0)
		return rc;
	if (!w->on_the_way++)
		w->moved = loop_now(ws->loop);
	ws->on_the_way++;
	close(channel);
	passing_say(w->fd, PASSING_YOURS, -1); /* if it is lost, the next one says it */
	return 0;
}

int workers_pass(struct workers *ws, uid_t uid, int channel)
{
	struct worker *w = find(ws, uid);
	int rc;

	if (!w)
		w = start(ws, uid, channel);
	rc = w ? pass(w, channel) : -ENFILE;
	if (rc == -EPIPE || rc == -ECONNRESET) {
		let_go(w);
		return -EPIPE;
	}
	return rc == 0 || rc == -EAGAIN ? rc : -ENFILE;
}

static void report_end(const struct worker *w, int status)
{
	if (WIFSIGNALED(status))
		log_event("stopped",
			"the process that served user %u was ended by signal %d, and its "
			"connections with it",
			(unsigned)w->uid, WTERMSIG(status));
}

void workers_reap(struct workers *ws)
{
	struct worker *w, *next;
	int status;

	for (w = ws->first; w; w = next) {
		next = w->next;
		if (waitpid(w->pid, &status, WNOHANG) != w->pid)
			continue;
		report_end(w, status);
		worker_free(w);
	}
	ws->changed(ws->context);
}

void workers_signal(const struct workers *ws, int number)
{
	const struct worker *w;

	for (w = ws->first; w; w = w->next)
		kill(w->pid, number);
}

void workers_disown(struct workers *ws)
{
	struct worker *w;

	for (w = ws->first; w; w = w->next)
		if (w->fd >= 0)
			close(w->fd);
}
