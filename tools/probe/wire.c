#include "tools/probe/wire.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINGER_MS 1000

long long wire_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* 1, 0 when the time is over, or -errno. */
static int await_events(int fd, short events, long long until)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		long long left = until - wire_now();
		int n = poll(&p, 1, left < 0 ? 0 : left > 1000000 ? 1000000 : (int)left);

		if (n > 0)
			return 1;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && wire_now() >= until)
			return 0;
	}
}

/* --- connecting --- */

typedef int connect_function(int, const struct sockaddr *, socklen_t);

/*
 * libc's own connect(), whatever was preloaded before it. Where libc is not known by that name, the
 * one that everybody gets will do, unless it is our library's.
 */
static connect_function *direct_connect(struct err *err)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), *found;
	Dl_info where = {0};

	found = libc ? dlsym(libc, "connect") : NULL;
	if (!found)
		found = dlsym(RTLD_DEFAULT, "connect");
	if (!found || dladdr(found, &where) == 0 || !where.dli_fname ||
		strstr(where.dli_fname, "libmailseal")) {
		err_fail(err, ENOTSUP,
			"connect() of this process is libmailseal.so's; run the command without "
			"LD_PRELOAD");
		return NULL;
	}
	return __extension__(connect_function *) found;
}

static void name_ourselves(struct wire *wire)
{
	struct sockaddr_storage local = {0};
	socklen_t n = sizeof(local);
	struct addrinfo entry = {.ai_addr = (struct sockaddr *)&local};
	struct address_of own;
	const char *text;

	if (getsockname(wire->fd, (struct sockaddr *)&local, &n) < 0)
		n = 0;
	entry.ai_addrlen = n;
	target_address(&entry, &own);
	text = strncmp(own.text, "::ffff:", 7) == 0 ? own.text + 7 : own.text;
	own.text[strcspn(own.text, "%")] = '\0';
	snprintf(wire->own, sizeof(wire->own), "[%s%s]", strchr(text, ':') ? "IPv6:" : "", text);
}

static int finish(struct wire *wire, long long until)
{
	int rc = await_events(wire->fd, POLLOUT, until), error = 0;
	socklen_t n = sizeof(error);

	if (rc == 0)
		return -ETIMEDOUT;
	if (rc > 0 && getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		error = errno;
	return rc < 0 ? rc : -error;
}

int wire_connect(struct wire *wire, const struct address_of *to, long long until, struct err *err)
{
	connect_function *direct = direct_connect(err);
	int rc = 0, one = 1;

	wire->to = to;
	if (!direct)
		return -ENOTSUP;
	wire->fd = socket(
		to->address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (wire->fd < 0)
		return err_fail(err, errno, "%s", strerror(errno));
	setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (direct(wire->fd, to->address, to->length) < 0)
		rc = errno == EINPROGRESS || errno == EINTR ? finish(wire, until) : -errno;
	if (rc < 0) {
		wire_close(wire);
		return err_fail(
			err, -rc, "%s", rc == -ETIMEDOUT ? "no answer in time" : strerror(-rc));
	}
	name_ourselves(wire);
	return 0;
}

int wire_again(struct wire *wire, struct err *err)
{
	wire_close(wire);
	return wire_connect(wire, wire->to, wire->deadline, err);
}

/* --- octets --- */

static ssize_t read_some(struct wire *wire, struct buf *to, short *want, struct err *err)
{
	size_t room;
	char *place = buf_reserve(to, TLS_RECORD_MAX, &room);
	ssize_t n;

	if (!place)
		return err_fail(err, ENOBUFS, "too much is said at once");
	*want = POLLIN;
	if (wire->tls) {
		n = tls_read(wire->tls, place, room, want, err);
	} else {
		n = recv(wire->fd, place, room, 0);
		if (n < 0)
			n = errno == EWOULDBLOCK ? -EAGAIN
						 : err_fail(err, errno, "%s", strerror(errno));
	}
	if (n > 0)
		buf_commit(to, (size_t)n);
	return n;
}

ssize_t wire_read(struct wire *wire, struct buf *to, long long until, struct err *err)
{
	for (;;) {
		short want;
		ssize_t n = wire_now() < until ? read_some(wire, to, &want, err) : -EAGAIN;
		int rc;

		if (n == -EINTR)
			continue;
		if (n != -EAGAIN || wire_now() >= until)
			return n;
		rc = await_events(wire->fd, want, until);
		if (rc <= 0)
			return rc ? err_fail(err, -rc, "%s", strerror(-rc)) : -EAGAIN;
	}
}

static ssize_t write_some(struct wire *wire, struct buf *from, short *want, struct err *err)
{
	ssize_t n;

	*want = POLLOUT;
	if (wire->tls)
		return tls_write(wire->tls, buf_bytes(from), buf_length(from), want, err);
	n = send(wire->fd, buf_bytes(from), buf_length(from), MSG_NOSIGNAL);
	if (n >= 0)
		return n;
	return errno == EWOULDBLOCK ? -EAGAIN : err_fail(err, errno, "%s", strerror(errno));
}

int wire_write(struct wire *wire, struct buf *from, long long until, struct err *err)
{
	while (buf_length(from) > 0) {
		short want;
		ssize_t n = write_some(wire, from, &want, err);
		int rc;

		if (n > 0)
			buf_consume(from, (size_t)n);
		if (n >= 0 || n == -EINTR)
			continue;
		if (n != -EAGAIN)
			return (int)n;
		rc = await_events(wire->fd, want, until);
		if (rc == 0)
			return err_fail(err, ETIMEDOUT, "the server takes nothing more");
		if (rc < 0)
			return err_fail(err, -rc, "%s", strerror(-rc));
	}
	return 0;
}

bool wire_has_residue(const struct wire *wire)
{
	char octet;

	return recv(wire->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

int wire_handshake(struct wire *wire, long long until, struct err *err)
{
	for (;;) {
		short want = POLLIN;
		int rc = tls_handshake(wire->tls, &want, err);

		if (rc != -EAGAIN)
			return rc;
		rc = await_events(wire->fd, want, until);
		if (rc == 0 || wire_now() >= until)
			return err_fail(err, ETIMEDOUT, "timed out");
		if (rc < 0)
			return err_fail(err, EPROTO, "%s", strerror(-rc));
	}
}

/* --- the end --- */

void wire_leave(struct wire *wire)
{
	long long until = wire_now() + LINGER_MS;
	char octets[4096];

	if (wire->fd < 0)
		return;
	if (until > wire->deadline)
		until = wire->deadline;
	if (wire->tls) {
		tls_close_notify(wire->tls);
		tls_flush(wire->tls);
	}
	shutdown(wire->fd, SHUT_WR);
	while (wire_now() < until && await_events(wire->fd, POLLIN, until) > 0) {
		if (recv(wire->fd, octets, sizeof(octets), MSG_DONTWAIT) <= 0)
			break;
	}
	wire_close(wire);
}

void wire_close(struct wire *wire)
{
	tls_free(wire->tls);
	wire->tls = NULL;
	if (wire->fd >= 0)
		close(wire->fd);
	wire->fd = -1;
}
