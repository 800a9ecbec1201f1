/*
 * face: what a swapped socket stands for.
 */
#include "shim/preload/face.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>

#include "shim/preload/kept.h"
#include "shim/preload/sys.h"

int face_bind(int application, const struct handoff_addr *local, const struct handoff_addr *peer,
	const uint8_t nonce[HANDOFF_NONCE_SIZE])
{
	struct handoff_name name = {
		.face = HANDOFF_FACE_APPLICATION, .local = *local, .peer = *peer};
	struct sockaddr_un sun;
	socklen_t length;

	memcpy(name.nonce, nonce, sizeof(name.nonce));
	length = handoff_name_encode(&name, &sun);
	return (int)sys(SYS_bind, application, &sun, length);
}

static int name_of(long number, int fd, struct handoff_name *name, socklen_t *length)
{
	struct sockaddr_un sun;

	*length = sizeof(sun);
	if (sys(number, fd, &sun, length) != 0)
		return -EINVAL;
	return handoff_name_decode(&sun, *length, name);
}

static bool hung_up(int fd)
{
	struct pollfd p = {.fd = fd, .events = 0};
	struct sys_time now = {0, 0};

	return sys_poll(&p, 1, &now) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* The name of the agent's end, 0 or an error; `over`: it has none and never will. The name comes
 * before the end, so who sees the end asks once more. */
static int other_name(int fd, struct handoff_name *other, socklen_t *length, bool *over)
{
	int error = name_of(SYS_getpeername, fd, other, length);

	*over = error && *length <= sizeof(sa_family_t) && hung_up(fd);
	if (*over) {
		error = name_of(SYS_getpeername, fd, other, length);
		*over = error != 0;
	}
	return error;
}

enum face_state face_read(int fd, struct face *face)
{
	struct handoff_name own = {0}, other = {0};
	struct face f = {.state = FACE_NONE};
	socklen_t length;
	bool over;
	int error;

	*face = f;
	if (name_of(SYS_getsockname, fd, &own, &length) != 0 ||
		own.face != HANDOFF_FACE_APPLICATION)
		return FACE_NONE;
	f.local = own.local;
	f.peer = own.peer;
	error = other_name(fd, &other, &length, &over);
	if (error && length > sizeof(sa_family_t))
		return FACE_NONE;
	if (!error && memcmp(own.nonce, other.nonce, sizeof(own.nonce)) != 0)
		return FACE_NONE;
	if (over) {
		f.state = FACE_FAILED;
		f.error = ECONNREFUSED;
	} else if (error) {
		f.state = FACE_CONNECTING;
	} else if (other.face == HANDOFF_FACE_PEER) {
		f.state = FACE_CONNECTED;
		f.peer = other.peer; /* who it turned out to be, where "any" was asked for */
	} else {
		f.state = FACE_FAILED;
		f.error = other.error;
	}
	*face = f;
	return f.state;
}

bool face_may_come(int fd)
{
	struct handoff_name name;
	socklen_t own = 0, other = 0;

	name_of(SYS_getsockname, fd, &name, &own);
	if (own != sizeof(sa_family_t))
		return false;
	return name_of(SYS_getpeername, fd, &name, &other) == 0 || other == sizeof(sa_family_t);
}

/* How long a blocking connect() may take: SO_SNDTIMEO as a deadline, -1 for ever. */
static int64_t send_deadline(int fd)
{
	long value[2] = {0, 0};
	socklen_t length = sizeof(value);

	if (sys(SYS_getsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, value, &length) != 0 ||
		(!value[0] && !value[1]))
		return -1;
	return sys_now_ms() + (int64_t)value[0] * 1000 + value[1] / 1000;
}

/* TCP says 0 to the first connect() after the connection came up, then EISCONN. */
bool face_told(int fd)
{
	struct kept kept = kept_read(fd);
	bool before = kept.told;

	kept.told = true;
	kept_write(fd, kept);
	return before;
}

bool face_tell_error(int fd)
{
	struct kept kept = kept_read(fd);
	bool before = kept.error_told;

	kept.error_told = true;
	kept_write(fd, kept);
	return !before;
}

int face_connect(int fd, struct face *face, bool wait)
{
	long flags = sys(SYS_FCNTL, fd, F_GETFL);

	if (wait && face->state == FACE_CONNECTING && flags >= 0 && !(flags & O_NONBLOCK)) {
		int n = sys_wait(fd, POLLOUT, send_deadline(fd));

		if (n < 0)
			return n;
		face_read(fd, face);
	}
	switch (face->state) {
	case FACE_CONNECTED:
		return face_told(fd) ? -EISCONN : 0;
	case FACE_FAILED:
		return face_tell_error(fd) ? -face->error : -ECONNABORTED;
	case FACE_CONNECTING:
		return -EALREADY;
	case FACE_NONE:
		break;
	}
	return -EISCONN;
}
