/*
 * stream: reading and writing without waiting.
 */
#include "shim/agent/connect.h"
#include "shim/agent/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DRAINED_AT_ONCE 16384
#define WITHOUT_ROOM (EPOLLIN | EPOLLRDHUP | EPOLLET)
#define WITH_ROOM (WITHOUT_ROOM | EPOLLOUT)

void stream_init(struct stream *s, struct loop *loop, void (*ready)(void *context, uint32_t events),
	void *context)
{
	*s = (struct stream){.loop = loop, .watch = {ready, context}, .fd = -1};
}

static int begin(struct stream *s, int fd, bool pair)
{
	int rc = loop_watch(s->loop, fd, pair ? WITHOUT_ROOM : WITH_ROOM, &s->watch);

	if (rc < 0)
		return rc;
	*s = (struct stream){.loop = s->loop,
		.watch = s->watch,
		.fd = fd,
		.chunk = STREAM_CHUNK_LEAST,
		.pair = pair,
		.writable = pair,
		.room_is_told = !pair};
	return 0;
}

int stream_open(struct stream *s, int fd)
{
	return begin(s, fd, false);
}

int stream_open_pair(struct stream *s, int fd)
{
	return begin(s, fd, true);
}

/* Whether it is ready was told to the one before: it will be tried. */
int stream_move(struct stream *to, struct stream *from)
{
	struct stream moved = *from;
	int rc = loop_rewatch(to->loop, from->fd, WITH_ROOM, &to->watch);

	if (rc < 0)
		return rc;
	moved.watch = to->watch;
	moved.room_is_told = true;
	*to = moved;
	to->readable = to->writable = true;
	from->fd = -1;
	from->tls = NULL;
	from->eof = from->cut_off = true;
	return 0;
}

void stream_note(struct stream *s, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		s->readable = true;
		s->write_waits_to_read = false;
	}
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
		s->writable = true;
		s->read_waits_to_write = false;
	}
	if (events & (EPOLLHUP | EPOLLERR))
		s->hung_up = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->ending = true;
	if (s->tls)
		tls_arrived(s->tls, s->ending);
}

void stream_close(struct stream *s)
{
	tls_free(s->tls);
	s->tls = NULL;
	if (s->fd < 0)
		return;
	loop_unwatch(s->loop, s->fd);
	shutdown(s->fd, SHUT_RDWR);
	if (!s->pair)
		connect_let_close(s->fd);
	close(s->fd);
	s->fd = -1;
	s->readable = s->writable = false;
	s->eof = s->cut_off = true;
}

static void read_waits(struct stream *s, short want)
{
	if (want == POLLOUT) {
		s->writable = false;
		s->read_waits_to_write = true;
	} else {
		s->readable = false;
	}
}

/* Room that came meanwhile is told at once. Where it cannot be asked for, it is tried with every
 * other event. */
static void ask_for_room(struct stream *s)
{
	if (loop_rewatch(s->loop, s->fd, WITH_ROOM, &s->watch) == 0) {
		s->room_is_told = true;
		s->writable = false;
	}
}

static void write_waits(struct stream *s, short want)
{
	if (want == POLLIN) {
		s->readable = false;
		s->write_waits_to_read = true;
	} else if (s->room_is_told) {
		s->writable = false;
	} else {
		ask_for_room(s);
	}
}

/* Fewer bytes than there was room for are all that there were; more of them make an event of their
 * own. Not so the end: it may have been told already. */
static void got_plain(struct stream *s, size_t n, size_t size)
{
	if (n < size && !s->ending)
		s->readable = false;
}

static void fit_chunk(struct stream *s, size_t n)
{
	if (n == s->chunk && s->chunk < STREAM_CHUNK_MOST)
		s->chunk *= 4;
	else if (n < STREAM_CHUNK_LEAST)
		s->chunk = STREAM_CHUNK_LEAST;
}

static ssize_t receive(struct stream *s, char *bytes, size_t size)
{
	struct err why;
	short want = POLLIN;
	ssize_t n;

	why.text[0] = '\0';
	if (s->tls) {
		n = tls_read(s->tls, bytes, size, &want, &why);
	} else {
		do
			n = recv(s->fd, bytes, size, MSG_DONTWAIT);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			n = errno == EWOULDBLOCK ? -EAGAIN : -errno;
		if (n > 0)
			got_plain(s, (size_t)n, size);
	}
	if (n == -EAGAIN)
		read_waits(s, want);
	else if (n <= 0)
		s->eof = true;
	if (n < 0 && n != -EAGAIN)
		snprintf(s->why, sizeof(s->why), "%.*s", (int)sizeof(s->why) - 1,
			*why.text ? why.text : strerror((int)-n));
	return n;
}

static bool may_read(const struct stream *s)
{
	return s->fd >= 0 && s->readable && !s->eof && !s->read_waits_to_write;
}

ssize_t stream_read(struct stream *s, struct buf *in)
{
	size_t room;
	ssize_t n;
	char *at;

	if (!may_read(s))
		return 0;
	at = buf_reserve(in, s->chunk, &room);
	if (!at)
		return -ENOBUFS;
	n = receive(s, at, room);
	buf_commit(in, n > 0 ? (size_t)n : 0);
	s->taken += n > 0 ? (size_t)n : 0;
	if (n > 0)
		fit_chunk(s, (size_t)n);
	return n > 0 ? n : 0;
}

int stream_handshake(struct stream *s, struct err *err)
{
	short want = POLLIN;
	int rc;

	if ((s->shaking_for == POLLIN && !s->readable) ||
		(s->shaking_for == POLLOUT && !s->writable))
		return -EAGAIN;
	tls_arrived(s->tls, s->ending); /* what came before there was TLS may be its first bytes */
	rc = tls_handshake(s->tls, &want, err);
	s->shaking_for = rc == -EAGAIN ? want : 0;
	if (rc == -EAGAIN)
		*(want == POLLOUT ? &s->writable : &s->readable) = false;
	return rc;
}

static ssize_t transmit(struct stream *s, const struct buf *out)
{
	short want = POLLOUT;
	ssize_t n;

	if (s->tls) {
		tls_more(s->tls, buf_length(out) > TLS_RECORD_MAX);
		n = tls_write(s->tls, buf_bytes(out), buf_length(out), &want, NULL);
	} else {
		do
			n = send(s->fd, buf_bytes(out), buf_length(out),
				MSG_DONTWAIT | MSG_NOSIGNAL);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			n = errno == EWOULDBLOCK ? -EAGAIN : -errno;
	}
	if (n == -EAGAIN)
		write_waits(s, want);
	else if (n < 0)
		s->cut_off = s->readable = true; /* go and see how it ended */
	return n;
}

size_t stream_write(struct stream *s, struct buf *out)
{
	size_t total = 0;
	ssize_t n;

	while (buf_length(out) && s->fd >= 0 && s->writable && !s->cut_off && !s->ended &&
		!s->write_waits_to_read) {
		n = transmit(s, out);
		if (n <= 0)
			break;
		buf_consume(out, (size_t)n);
		total += (size_t)n;
	}
	if (s->tls && buf_length(out) == 0)
		tls_flush(s->tls);
	if (s->cut_off && !s->sent && s->fd >= 0)
		s->sent = out->gone;
	if (s->cut_off || s->ended)
		buf_consume(out, buf_length(out));
	return total;
}

void stream_end(struct stream *s)
{
	if (s->fd < 0 || s->ended)
		return;
	s->ended = true;
	if (s->tls)
		tls_close_notify(s->tls);
	shutdown(s->fd, SHUT_WR);
}

/* Below TLS, since after our close_notify the records do not matter any more. */
bool stream_drained(struct stream *s)
{
	char bytes[DRAINED_AT_ONCE];
	ssize_t n = 1;
	int rounds;

	if (s->fd < 0)
		return true;
	for (rounds = 0; s->readable && n != 0 && rounds < 64; rounds++) {
		n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			s->readable = false;
		else if (n < 0 && errno != EINTR)
			n = 0;
	}
	return n == 0;
}

bool stream_has_residue(const struct stream *s)
{
	char byte;

	return s->fd >= 0 && recv(s->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
}
