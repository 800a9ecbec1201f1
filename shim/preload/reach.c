/*
 * reach: a connected request socket to an agent that may be trusted.
 */
#include "shim/preload/reach.h"

#include <errno.h>
#include <sys/socket.h>

#include "shim/handoff/text.h"
#include "shim/preload/overflow.h"
#include "shim/preload/start.h"
#include "shim/preload/sys.h"

#define STARTS_MAX 3	    /* of shared agents, for one connect() */
#define PRIVATE_MAX 64	    /* agents of this process alone, alive at the same time */
#define SHARED_WAIT_MS 1000 /* for a listener that is just being started, or is busy */
#define RETRY_MS 5

enum verdict { TRUSTED, NOT_YET, STRANGER };

static pid_t private_agents[PRIVATE_MAX];

static bool leads_to(pid_t pid, const char *what, const struct identity_file *expected)
{
	char path[48];
	struct text t;
	struct stat st;

	text_init(&t, path, sizeof(path));
	text_add(&t, "/proc/");
	text_add_number(&t, (uint64_t)pid);
	text_add(&t, what);
	return sys_stat(path, &st) == 0 && st.st_dev == expected->dev && st.st_ino == expected->ino;
}

/* What the kernel says about the process that called listen(). */
static enum verdict check_listener(int fd, const struct identity *id)
{
	struct ucred peer = {0};
	socklen_t length = sizeof(peer);

	if (sys(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
		return STRANGER;
	if (peer.pid <= 0 || peer.uid != id->euid || peer.uid == overflow_uid())
		return STRANGER;
	if (!leads_to(peer.pid, "/ns/mnt", &id->mount_namespace) ||
		!leads_to(peer.pid, "/root", &id->root))
		return STRANGER;
	return leads_to(peer.pid, "/exe", &id->executable) ? TRUSTED : NOT_YET;
}

/* A free place in the table; -1 if that many private agents are alive. */
static int private_place(void)
{
	for (int i = 0; i < PRIVATE_MAX; i++) {
		pid_t pid = __atomic_load_n(&private_agents[i], __ATOMIC_RELAXED);

		if (pid >= 0 && (!pid || sys(SYS_kill, pid, 0) == -ESRCH) &&
			__atomic_compare_exchange_n(&private_agents[i], &pid, -1, false,
				__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return i;
	}
	return -1;
}

static int reach_private(const struct identity *id, const char **reason)
{
	int ends[2], place = private_place(), error;
	pid_t pid = 0;

	*reason = "too many private agents";
	if (place < 0)
		return -EAGAIN;
	error = (int)sys(
		SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
	*reason = "cannot make a socketpair for a private agent";
	if (!error) {
		ends[0] = sys_above_stdio(ends[0]);
		ends[1] = sys_above_stdio(ends[1]);
		if (ends[0] < 0 || ends[1] < 0) {
			error = ends[0] < 0 ? ends[0] : ends[1];
			sys_close(&ends[0]);
			sys_close(&ends[1]);
		}
	}
	if (!error) {
		error = start_agent(id, ends[1], &pid, reason);
		sys_close(&ends[1]);
		if (error)
			sys_close(&ends[0]);
	}
	__atomic_store_n(&private_agents[place], error ? 0 : pid, __ATOMIC_RELEASE);
	return error ? error : ends[0];
}

/* May a private agent help where making or connecting a socket failed like this? */
static bool forbidden(int error)
{
	return error == -EAFNOSUPPORT || error == -EPERM || error == -EACCES ||
	       error == -EPROTOTYPE;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int reach_shared(const struct identity *id, int64_t deadline, const char **reason)
{
	int64_t enough = 0; /* not known before the first try failed */

	for (int starts = 0;;) {
		int fd = (int)sys(
			SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		int error = fd = sys_above_stdio(fd);
		pid_t pid;

		*reason = "cannot make a socket to reach the agent";
		if (fd >= 0)
			error = (int)sys(SYS_connect, fd, &id->name, id->name_length);
		if (!error) {
			enum verdict verdict = check_listener(fd, id);

			if (verdict == TRUSTED)
				return fd;
			error = -EACCES;
			if (verdict == NOT_YET)
				error = -EAGAIN;
		}
		if (fd < 0)
			return error;
		sys_close(&fd);
		*reason = "cannot connect to the agent";
		if (error == -ECONNREFUSED && starts++ < STARTS_MAX) {
			error = start_agent(id, -1, &pid, reason);
			if (!error)
				continue;
			if (error == -EADDRINUSE)
				error = -EAGAIN;
		}
		if (error == -ECONNREFUSED) /* bound by somebody who does not listen */
			error = -EAGAIN;
		if (error != -EAGAIN && error != -EINTR)
			return error;
		if (!enough)
			enough = least(sys_now_ms() + SHARED_WAIT_MS, deadline);
		/* Somebody sits on the name and does not serve: that must not stop the mail. */
		if (sys_now_ms() >= enough)
			return -EACCES;
		sys_sleep_ms(RETRY_MS);
	}
}

int reach_agent(const struct identity *id, bool private_only, int64_t deadline, const char **reason)
{
	int fd = -EACCES;

	/* The overflow uid says "somebody whom this namespace cannot name" as well as `nobody`: no
	 * listener can show that it is ours. */
	if (!private_only && id->euid != overflow_uid())
		fd = reach_shared(id, deadline, reason);
	return forbidden(fd) ? reach_private(id, reason) : fd;
}
