/*
 * system: sockets and rights of an agent for the whole machine.
 * Who calls listen() is what the preload looks at: it is done before any rights are given up, and
 * never again.
 */
#include "shim/agent/system.h"

#include "shim/handoff/system.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096
#define PASSED_FIRST 3 /* sd_listen_fds(3): SD_LISTEN_FDS_START */

static int make_socket(struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? err_fail(err, errno, "cannot make a socket: %s", strerror(errno)) : fd;
}

/* The directory, opened, so that two agents that start at the same time take turns. */
static int lock_directory(const char *path, struct err *err)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd;

	snprintf(
		directory, sizeof(directory), "%.*s", (int)(slash > path ? slash - path : 1), path);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_fail(err, ENOENT,
			"%s: the directory is missing; make one that only root (or the agent's "
			"user) may write: install -d -m 755 %s",
			directory, directory);
	if (fd < 0)
		return err_fail(err, errno, "%s: %s", directory, strerror(errno));
	flock(fd, LOCK_EX);
	return fd;
}

/* Makes room at `path`: only a socket on which nobody answers may go. */
static int clear_path(const char *path, const struct sockaddr_un *sun, struct err *err)
{
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_fail(err, errno, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_fail(
			err, EEXIST, "%s: there is a file that is no socket; not replaced", path);
	fd = make_socket(err);
	if (fd < 0)
		return fd;
	rc = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0 ? errno : 0;
	close(fd);
	if (rc != ECONNREFUSED && rc != ENOENT)
		return err_fail(err, EADDRINUSE,
			"%s: somebody listens there already; stop that one first", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_fail(
			err, errno, "%s: cannot replace the socket: %s", path, strerror(errno));
	return 0;
}

static int listen_at(const struct sockaddr_un *sun, socklen_t length, struct err *err)
{
	int fd = make_socket(err);
	mode_t mask = umask(0111);
	int rc = 0;

	if (fd >= 0 &&
		(bind(fd, (const struct sockaddr *)sun, length) < 0 || listen(fd, BACKLOG) < 0))
		rc = -errno;
	umask(mask);
	if (fd < 0)
		return fd;
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

static int listen_at_path(const char *path, struct system_sockets *s, struct err *err)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct stat st;
	int directory, rc;

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_fail(err, ENAMETOOLONG, "%s: longer than %zu octets", path,
			sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	directory = lock_directory(path, err);
	if (directory < 0)
		return directory;
	rc = clear_path(path, &sun, err);
	if (rc == 0) {
		rc = listen_at(&sun, sizeof(sun), err);
		if (rc < 0 && !*err->text)
			err_fail(err, -rc, "%s: cannot listen: %s", path, strerror(-rc));
	}
	close(directory);
	if (rc < 0)
		return rc;
	s->fds[s->count++] = rc;
	s->path = path;
	if (lstat(path, &st) == 0) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
	}
	return 0;
}

static void listen_at_name(struct system_sockets *s, struct err *remark)
{
	struct sockaddr_un sun;
	socklen_t length = system_name(&sun);
	int fd = listen_at(&sun, length, remark);

	if (fd >= 0)
		s->fds[s->count++] = fd;
	else
		err_fail(remark, -fd,
			"cannot listen at @%s: %s; programs that went into a chroot are not served",
			sun.sun_path + 1, strerror(-fd));
}

int system_listen(
	const char *path, struct system_sockets *sockets, struct err *remark, struct err *err)
{
	int rc;

	*sockets = (struct system_sockets){.count = 0};
	rc = listen_at_path(path, sockets, err);
	if (rc == 0 && geteuid() == 0)
		listen_at_name(sockets, remark);
	return rc;
}

static int number(const char *text, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	return errno || end == text || *end || *text < '0' || *text > '9' ? -EINVAL : 0;
}

int system_passed(struct err *err)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	long n = 0, whose = 0;
	int rc = 0;

	if (pid && count && number(pid, &whose) == 0 && whose == (long)getpid()) {
		if (number(count, &n) < 0 || n < 1 || n > SYSTEM_SOCKETS)
			rc = err_fail(err, EINVAL,
				"LISTEN_FDS=%s: from 1 to %d sockets can be taken", count,
				SYSTEM_SOCKETS);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return rc < 0 ? rc : (int)n;
}

static bool option_is(int fd, int name, int wanted)
{
	int value = -1;
	socklen_t n = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &n) == 0 && value == wanted;
}

int system_inherit(unsigned count, struct system_sockets *sockets, struct err *err)
{
	struct system_sockets s = {.activated = true};

	for (; s.count < count; s.count++) {
		int fd = PASSED_FIRST + (int)s.count;

		if (!option_is(fd, SO_DOMAIN, AF_UNIX) || !option_is(fd, SO_TYPE, SOCK_SEQPACKET) ||
			!option_is(fd, SO_ACCEPTCONN, 1))
			return err_fail(err, EPROTOTYPE,
				"descriptor %d of LISTEN_FDS is not a listening AF_UNIX "
				"SOCK_SEQPACKET socket; the socket unit needs "
				"ListenSequentialPacket= and Accept=no",
				fd);
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return err_fail(err, errno, "descriptor %d: %s", fd, strerror(errno));
		s.fds[s.count] = fd;
	}
	*sockets = s;
	return 0;
}

int system_become(const char *user, struct err *err)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (!pw)
		return err_fail(err, ENOENT, "there is no user %s", user);
	if (geteuid() != 0)
		return err_fail(err, EPERM, "only root can become %s", user);
	if (pw->pw_uid == 0)
		return err_fail(err, EINVAL, "%s is root, whose rights are to be given up", user);
	if (initgroups(user, pw->pw_gid) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
		setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		return err_fail(err, errno, "cannot become %s: %s", user, strerror(errno));
	if (setuid(0) == 0 || seteuid(0) == 0 || geteuid() != pw->pw_uid || getuid() != pw->pw_uid)
		return err_fail(err, EPERM, "became %s, but the way back is open", user);
	return 0;
}

const char *system_objection(
	const struct handoff_request_view *view, const char *config, struct err *err)
{
	const char *named;
	size_t length;

	if (!system_text_read(view->identity, view->identity_length, &named, &length))
		return "the request is for another agent than the system agent";
	if (!named || (length == strlen(config) && memcmp(named, config, length) == 0))
		return NULL;
	err_fail(err, EINVAL,
		"the program's MAILSEAL_CONFIG is %.*s, the system agent's is %.200s; take "
		"MAILSEAL_CONFIG away from the program, or set MAILSEAL_SOCKET=none for it",
		(int)(length < 200 ? length : 200), named, config);
	return err->text;
}

void system_unlink(const struct system_sockets *sockets)
{
	struct stat st;

	if (sockets->path && lstat(sockets->path, &st) == 0 && st.st_dev == sockets->dev &&
		st.st_ino == sockets->ino)
		unlink(sockets->path);
}
