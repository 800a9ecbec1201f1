/*
 * system: finding the system agent, and whether it may be trusted.
 * Nothing here needs /proc: in a chroot there is none.
 */
#include "shim/preload/system.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "shim/handoff/system.h"
#include "shim/preload/overflow.h"
#include "shim/preload/settings.h"
#include "shim/preload/sys.h"

#define RETRY_MS 5

/* Only nothing at all is "not there": a link that leads nowhere was put there by somebody. */
static bool is_there(const char *path)
{
	struct stat st;
	char target[1];
	int error = sys_stat(path, &st);

	if (error != -ENOENT && error != -ENOTDIR)
		return true;
	return sys(SYS_readlinkat, AT_FDCWD, path, target, sizeof(target)) >= 0;
}

bool system_is_meant(bool root_changed)
{
	const struct settings *s = settings_get();

	switch (s->system) {
	case SETTINGS_SYSTEM_NAMED:
		return true;
	case SETTINGS_SYSTEM_NONE:
		return root_changed;
	case SETTINGS_SYSTEM_DEFAULT:
		return root_changed || (!s->config_named && is_there(s->socket));
	}
	return true;
}

/* Is this a directory of root's, ours, or (owner) this user's, into which nobody else can write? */
static bool is_guarded(const char *directory, uid_t owner)
{
	struct stat st;

	if (sys_stat(directory, &st) != 0 || !S_ISDIR(st.st_mode) || (st.st_mode & 022))
		return false;
	return st.st_uid == 0 || st.st_uid == owner || st.st_uid == (uid_t)sys(SYS_GETEUID);
}

/*
 * Does the directory of the socket belong to that user, and can nobody else have put it, or one of
 * those above it, in place? (Sticky directories let anybody do so.)
 */
static bool owns_the_place(uid_t uid, const char *path)
{
	char directory[SETTINGS_SOCKET_SIZE];
	size_t length = strlen(path);
	struct stat st;

	memcpy(directory, path, length + 1);
	for (bool first = true; length > 1; first = false) {
		while (length > 1 && directory[length - 1] != '/')
			length--;
		while (length > 1 && directory[length - 1] == '/')
			length--;
		directory[length] = '\0';
		if (!is_guarded(directory, first ? uid : 0))
			return false;
		if (first && (sys_stat(directory, &st) != 0 || st.st_uid != uid))
			return false;
	}
	return true;
}

/* By the kernel's word on who called listen(). `path` NULL: a name that anybody could have taken,
 * or a path in a root that may be anybody's, so only root will do. */
static bool is_trusted(int fd, const char *path)
{
	struct ucred peer = {0};
	socklen_t length = sizeof(peer);

	if (sys(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
		return false;
	if (length != sizeof(peer) || peer.uid == (uid_t)-1 || peer.uid == overflow_uid())
		return false;
	if (peer.uid == 0)
		return true;
	return path && (peer.uid == (uid_t)sys(SYS_GETEUID) || owns_the_place(peer.uid, path));
}

/* Why connect() failed, for the log. */
static const char *at_path(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
		return "there is no system agent at MAILSEAL_SOCKET; start it (mailseal-agent "
		       "--listen), or take MAILSEAL_SOCKET away";
	case -ECONNREFUSED:
		return "the system agent is gone, only its socket is left; start it again "
		       "(mailseal-agent --listen), or remove the socket";
	case -EPROTOTYPE:
		return "this socket is not the system agent's: it is of another type";
	}
	return "cannot connect to the system agent";
}

static const char *by_name(int error)
{
	if (error == -ECONNREFUSED)
		return "the root directory changed since the program was started, and there is no "
		       "system agent to reach from here; start one as root (mailseal-agent "
		       "--listen)";
	return "cannot connect to the system agent by its name";
}

/* A connected socket, or -errno. */
static int dial(const struct sockaddr_un *address, socklen_t length, int64_t deadline,
	const char *(*why)(int), const char **reason)
{
	int fd = (int)sys(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	long error = fd = sys_above_stdio(fd);

	*reason = "cannot make a socket to reach the system agent; AF_UNIX must be allowed "
		  "(RestrictAddressFamilies)";
	if (fd < 0)
		return fd;
	for (;;) {
		error = sys(SYS_connect, fd, address, length);
		if ((error != -EAGAIN && error != -EINTR) || sys_now_ms() >= deadline)
			break;
		sys_sleep_ms(RETRY_MS);
	}
	if (!error)
		return fd;
	sys_close(&fd);
	*reason = why((int)error);
	return (int)error;
}

static int reach_at_path(
	struct identity *id, bool root_changed, int64_t deadline, const char **reason)
{
	const char *path = settings_get()->socket;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t size = strlen(path) + 1;
	int fd;

	id->file = path;
	memcpy(address.sun_path, path, size);
	fd = dial(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size), deadline,
		at_path, reason);
	if (fd < 0 || is_trusted(fd, root_changed ? NULL : path))
		return fd;
	sys_close(&fd);
	*reason = "the system agent is not to be trusted: who listens must be root, this user, or "
		  "the owner of a directory that nobody else may write";
	return -EACCES;
}

static int reach_by_name(int64_t deadline, const char **reason)
{
	struct sockaddr_un address;
	socklen_t length = system_name(&address);
	int fd = dial(&address, length, deadline, by_name, reason);

	if (fd < 0 || is_trusted(fd, NULL))
		return fd;
	sys_close(&fd);
	*reason = "somebody other than root sits on the name of the system agent";
	return -EACCES;
}

int system_reach(struct identity *id, bool root_changed, int64_t deadline, const char **reason)
{
	const struct settings *s = settings_get();
	int length = system_text(id->text, sizeof(id->text), s->config_named ? s->config : NULL);

	id->file = NULL;
	*reason = "paths too long";
	if (length < 0)
		return length;
	id->length = (size_t)length;
	*reason = "the root directory changed since the program was started, and "
		  "MAILSEAL_SOCKET=none forbids the system agent";
	if (s->system == SETTINGS_SYSTEM_NONE)
		return -EACCES;
	if (root_changed && !is_there(s->socket))
		return reach_by_name(deadline, reason);
	return reach_at_path(id, root_changed, deadline, reason);
}
