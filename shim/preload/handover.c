/*
 * handover: one intercepted connect(), from the socketpair to the agent's answer.
 * The swap comes first: at no instant does the application's number lead to a TCP socket that
 * somebody may connect.
 * Not mended: a program that jumps out of a blocking connect() from a signal handler leaves the
 * request socket (CLOEXEC) and the attempt's memory behind.
 */
#include "shim/preload/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "shim/preload/claim.h"
#include "shim/preload/face.h"
#include "shim/preload/hints.h"
#include "shim/preload/identity.h"
#include "shim/preload/log.h"
#include "shim/preload/reach.h"
#include "shim/preload/scratch.h"
#include "shim/preload/settings.h"
#include "shim/preload/swap.h"
#include "shim/preload/sys.h"
#include "shim/preload/system.h"

#define DEADLINE_MS 5000
#define RETRY_FIRST_MS 5
#define STALE_MAX 3 /* answers of "not me" before an agent of our own is started */

struct attempt {
	int fd;
	int request; /* socket to the agent, -1 if none */
	bool wait;   /* for the outcome, where the socket is a blocking one */
	int64_t deadline;
	struct handoff_addr peer;
	uint8_t nonce[HANDOFF_NONCE_SIZE];
	const char *reason; /* of a failure that is ours to log */
	sys_sigset mask;
	struct claim claim;
	struct swap swap;
	struct hints hints;
	struct identity identity;
	_Alignas(8) char bytes[HANDOFF_REQUEST_MAX];
};

enum answer {
	ANSWER_FINAL,	/* the agent said it: *error */
	ANSWER_AGAIN,	/* nothing was done, or the agent is gone: another try is safe */
	ANSWER_UNKNOWN, /* it may still act */
};

static void make_nonce(uint8_t nonce[HANDOFF_NONCE_SIZE])
{
	struct sys_time now = {0, 0};

	if (sys(SYS_getrandom, nonce, HANDOFF_NONCE_SIZE, GRND_NONBLOCK) == HANDOFF_NONCE_SIZE)
		return;
	/* It only has to differ from others of this host. */
	sys_clock(CLOCK_MONOTONIC, &now);
	now.seconds ^= (int64_t)sys(SYS_gettid) << 32;
	memcpy(nonce, &now, HANDOFF_NONCE_SIZE);
}

static long write_request(struct attempt *a)
{
	struct handoff_request head = {.junk = a->swap.junk, .peer = a->peer};

	const struct handoff_names names = {
		a->hints.names, a->hints.count, *a->hints.mx_domain ? a->hints.mx_domain : NULL};

	head.flags = a->hints.torn ? HANDOFF_NAMES_TORN : 0;
	memcpy(head.nonce, a->nonce, sizeof(head.nonce));
	return handoff_request_encode(
		a->bytes, &head, &names, a->identity.text, a->identity.length);
}

static long send_request(const struct attempt *a, size_t length)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct iovec piece = {.iov_base = (void *)a->bytes, .iov_len = length};
	struct msghdr message = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.bytes),
	};
	const int fds[2] = {a->swap.tcp, a->swap.agent};
	long n;

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
	for (;;) {
		n = sys(SYS_sendmsg, a->request, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if ((n != -ETOOMANYREFS && n != -EAGAIN) || sys_now_ms() >= a->deadline)
			return n;
		sys_sleep_ms(RETRY_FIRST_MS);
	}
}

/* Is the other side of the request socket certainly gone? */
static bool gone(long n)
{
	return n == 0 || n == -ECONNRESET || n == -EPIPE || n == -ENOTCONN;
}

/* Sends the request and awaits the acknowledgement. The signals are blocked. */
static enum answer ask(struct attempt *a, struct handoff_addr *local, int *error)
{
	struct handoff_reply reply;
	char bytes[sizeof(reply) + 1];
	long n = write_request(a);
	int sense;

	a->reason = "cannot write the request";
	*error = (int)n;
	if (n < 0)
		return ANSWER_FINAL;
	a->reason = "cannot send the request to the agent";
	*error = (int)(n = send_request(a, (size_t)n));
	if (n < 0 && !gone(n)) /* one that turns callers away says why before it hears them */
		return ANSWER_FINAL;
	a->reason = "the agent does not answer";
	*error = -ETIMEDOUT;
	if (sys_wait(a->request, POLLIN, a->deadline) != 1)
		return ANSWER_UNKNOWN;
	n = sys(SYS_recvfrom, a->request, bytes, sizeof(bytes), MSG_DONTWAIT, NULL, NULL);
	a->reason = "the agent went away before it answered";
	*error = -ECONNREFUSED;
	if (gone(n))
		return ANSWER_AGAIN;
	a->reason = "the agent's answer makes no sense";
	sense = n < 0 ? (int)n : handoff_reply_decode(bytes, (size_t)n, &reply);
	if (sense == -EPROTONOSUPPORT)
		a->reason = "agent and library are of different versions; restart what is older";
	if (sense || reply.stage == HANDOFF_OUTCOME)
		return ANSWER_UNKNOWN;
	a->reason = "the agent says that it is not the one that is meant";
	if (reply.stage == HANDOFF_STALE)
		return ANSWER_AGAIN;
	a->reason = NULL; /* from here on the agent logs */
	*error = -reply.error;
	*local = reply.local;
	return ANSWER_FINAL;
}

/* A request socket to an agent of this process's service, which is started where there is none. */
static int reach_own(struct attempt *a, bool private_only)
{
	int fd = identity_compute(&a->identity, &a->reason);

	if (fd)
		return fd;
	fd = reach_agent(&a->identity, private_only, a->deadline, &a->reason);
	if (fd < 0)
		a->identity.file = a->identity.agent;
	return fd;
}

/* One try with one agent. */
static enum answer try_agent(
	struct attempt *a, bool private_only, struct handoff_addr *local, int *error)
{
	bool root_changed = identity_root_changed();

	if (system_is_meant(root_changed))
		a->request = system_reach(&a->identity, root_changed, a->deadline, &a->reason);
	else
		a->request = reach_own(a, private_only);
	*error = a->request;
	if (a->request < 0)
		return ANSWER_FINAL;
	if (!a->swap.swapped) {
		*error = swap_in(&a->swap, a->fd, &a->reason);
		if (*error)
			return ANSWER_FINAL;
	}
	return ask(a, local, error);
}

/* Until an agent has acknowledged or refused, or the deadline has passed. */
static enum answer acknowledge(struct attempt *a, struct handoff_addr *local, int *error)
{
	int64_t pause = RETRY_FIRST_MS;

	for (int tries = 0;; tries++) {
		enum answer answer = try_agent(a, tries >= STALE_MAX, local, error);

		if (answer != ANSWER_AGAIN)
			return answer;
		sys_close(&a->request);
		if (!swap_reset(&a->swap))
			return ANSWER_UNKNOWN;
		if (sys_now_ms() + pause >= a->deadline)
			return ANSWER_FINAL;
		sys_sleep_ms(pause);
		pause *= 2;
	}
}

/* Puts TCP back where that is safe. What connect() says then. */
static int give_up(struct attempt *a, enum answer answer, int error)
{
	static const struct handoff_addr nowhere;

	if (answer == ANSWER_FINAL && swap_back(&a->swap))
		return error;
	if (a->swap.swapped)
		face_bind(a->swap.application, &nowhere, &a->peer, a->nonce);
	swap_kill(&a->swap);
	return error;
}

/* Did a handler that does not restart calls run while the signals were blocked? Then connect() was
 * interrupted. */
static bool interrupted(sys_sigset mask, bool timed)
{
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		sys_sigset mask;
	} action;
	sys_sigset pending = 0;

	sys(SYS_rt_sigpending, &pending, SYS_SIGSET_BYTES);
	pending &= ~mask;
	for (int i = 1; pending && i <= 64; i++) {
		if (!(pending >> (i - 1) & 1) ||
			sys(SYS_rt_sigaction, i, NULL, &action, SYS_SIGSET_BYTES) != 0)
			continue;
		if (action.handler != (void *)SIG_DFL && action.handler != (void *)SIG_IGN &&
			(timed || !(action.flags & SA_RESTART)))
			return true;
	}
	return false;
}

/* The request socket shall wait as long as the application wants connect() to wait. */
static bool take_send_timeout(const struct attempt *a)
{
	int64_t value[2] = {0, 0};
	socklen_t length = sizeof(value);

	sys(SYS_FCNTL, a->request, F_SETFL, 0);
	if (sys(SYS_getsockopt, a->swap.tcp, SOL_SOCKET, SO_SNDTIMEO, value, &length) != 0)
		return false;
	if (!value[0] && !value[1])
		return false;
	sys(SYS_setsockopt, a->request, SOL_SOCKET, SO_RCVTIMEO, value, length);
	return true;
}

/* Receives the outcome, and with an error the TCP socket, which the agent gives back. */
static long receive_outcome(struct attempt *a, struct handoff_reply *reply)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char bytes[sizeof(*reply) + 1];
	struct iovec piece = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.bytes),
	};
	long n = sys(SYS_recvmsg, a->request, &message, MSG_CMSG_CLOEXEC);
	int tcp = -1;

	if (n <= 0)
		return n;
	if (message.msg_controllen >= CMSG_LEN(sizeof(int)) &&
		control.head.cmsg_level == SOL_SOCKET && control.head.cmsg_type == SCM_RIGHTS &&
		control.head.cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&tcp, CMSG_DATA(&control.head), sizeof(int));
	a->swap.tcp = sys_above_stdio(tcp);
	if (handoff_reply_decode(bytes, (size_t)n, reply) != 0 || reply->stage != HANDOFF_OUTCOME)
		return -EPROTO;
	return n;
}

/*
 * A blocking caller waits for the outcome, its signals as it wants them. Of the TCP socket and of
 * the application's end nothing is ours meanwhile: a handler may jump away and never come back.
 */
static int await_outcome(struct attempt *a, bool timed)
{
	struct handoff_reply reply;
	bool hit = interrupted(a->mask, timed);
	long n;

	sys_signals_restore(a->mask);
	n = hit ? -EINTR : receive_outcome(a, &reply);
	sys_signals_block();
	if (n == -EINTR)
		return -EINTR;
	if (n == -EAGAIN)
		return -EINPROGRESS;
	if (n > 0 && !reply.error) {
		swap_widen(&a->swap, a->fd);
		face_told(a->fd);
		return 0;
	}
	if (n > 0)
		return give_up(a, a->swap.tcp < 0 ? ANSWER_UNKNOWN : ANSWER_FINAL, -reply.error);
	a->reason = gone(n) ? "the agent went away while it was connecting"
			    : "the agent's answer makes no sense";
	return give_up(a, ANSWER_UNKNOWN, -ECONNREFUSED);
}

/* Our own failures, in words that callers of connect() know. */
static int plain_error(int error)
{
	switch (error) {
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -ENOBUFS:
	case -ETIMEDOUT:
		return error;
	}
	return -ECONNREFUSED;
}

static int hand_over(struct attempt *a)
{
	const struct settings *s = settings_get();
	struct handoff_addr local = {0};
	enum answer answer;
	int error = -ECONNREFUSED;
	bool timed;

	a->reason = s->refuse;
	if (s->refuse)
		return error;
	a->reason = "cannot make a socketpair";
	error = swap_prepare(&a->swap, a->fd, a->wait);
	if (error)
		return error;
	hints_find(&a->peer, &a->hints);
	make_nonce(a->nonce);
	answer = acknowledge(a, &local, &error);
	sys_close(&a->swap.agent);
	if (answer != ANSWER_FINAL || error)
		return give_up(a, answer, error);
	face_bind(a->swap.application, &local, &a->peer, a->nonce);
	claim_release(&a->claim);
	if (a->swap.flags & O_NONBLOCK || !a->wait)
		return -EINPROGRESS;
	timed = take_send_timeout(a);
	swap_let_go(&a->swap);
	return await_outcome(a, timed);
}

/* The last thread that had the claim may have put the socketpair in place. */
static bool still_tcp(int fd)
{
	int domain = 0;
	socklen_t length = sizeof(domain);

	return sys(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 ||
	       domain != AF_UNIX;
}

_Static_assert(sizeof(struct attempt) <= SCRATCH_SIZE, "an attempt has room");

/* All that is looked at before something is put there. */
static void attempt_init(struct attempt *a, int fd, const struct handoff_addr *peer, bool wait)
{
	a->fd = fd;
	a->request = -1;
	a->wait = wait;
	a->deadline = sys_now_ms() + DEADLINE_MS;
	a->peer = *peer;
	a->reason = NULL;
	a->swap.tcp = a->swap.application = a->swap.agent = -1;
	a->swap.swapped = false;
	a->hints.count = 0;
	a->identity.file = NULL;
}

int handover(int fd, const struct handoff_addr *peer, bool wait)
{
	struct attempt *a = scratch_take();
	int error;

	if (!a) {
		log_refused(peer, NULL, "no memory", NULL, ENOMEM);
		return -ENOMEM;
	}
	attempt_init(a, fd, peer, wait);
	a->mask = sys_signals_block();
	error = HANDOVER_RACED;
	if (claim_take(&a->claim, fd)) {
		if (still_tcp(fd))
			error = hand_over(a);
		sys_close(&a->request);
		swap_clear(&a->swap);
		claim_release(&a->claim);
	}
	if (a->reason && error && error != HANDOVER_RACED) {
		log_refused(peer, a->hints.count ? a->hints.names[0] : NULL, a->reason,
			a->identity.file, -error);
		error = plain_error(error);
	}
	sys_signals_restore(a->mask);
	scratch_give_back(a);
	return error;
}
