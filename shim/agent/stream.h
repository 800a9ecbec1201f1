/*
 * stream: one non-blocking byte stream, plain or inside TLS, watched edge-triggered.
 * It moves bytes between its socket and the buffers of others, and knows how to end well. It never
 * decides what is said.
 *
 * An error of one direction is not one of the other: input that is still queued after EPIPE is read
 * to its end.
 */
#ifndef MAILSEAL_AGENT_STREAM_H
#define MAILSEAL_AGENT_STREAM_H

#include "shim/agent/loop.h"
#include "shim/base/buf.h"
#include "shim/base/err.h"
#include "shim/tls/tls.h"

/* Bytes read at once: as much as the last reads were like. */
#define STREAM_CHUNK_LEAST 4096
#define STREAM_CHUNK_MOST 65536

struct stream {
	struct loop *loop;
	struct watch watch;
	int fd;		 /* owned; -1: none */
	struct tls *tls; /* owned; NULL: plain */
	bool readable,
		writable; /* as far as known; cleared by EAGAIN, and by a read that got all */
	bool read_waits_to_write, write_waits_to_read; /* TLS only */
	bool hung_up;				       /* EPOLLHUP or EPOLLERR was seen */
	bool ending;				       /* and so was that, or EPOLLRDHUP */
	bool pair;				       /* an end of a socketpair */
	bool room_is_told;			       /* epoll says when it can be written again */
	size_t chunk;
	size_t taken;	   /* bytes read; set to 0 as one likes */
	short shaking_for; /* POLLIN or POLLOUT: what the handshake awaits; else 0 */
	bool eof;	   /* the other side ended its direction, or was lost */
	bool cut_off;	   /* nothing can be written any more */
	uint64_t sent; /* position in the output up to which it was written, once cut off; never 0
			  then */
	bool ended;    /* we ended our direction */
	char why[128]; /* "" after a clean end; else why reading ended */
};

/* `ready` is called with `context` when something happened; the flags are already up to date. */
void stream_init(struct stream *s, struct loop *loop, void (*ready)(void *context, uint32_t events),
	void *context);

/* Takes `fd` over and watches it. 0 or -errno (fd is then still the caller's). */
int stream_open(struct stream *s, int fd);

/* The same for an end of a socketpair. Whoever reads at the other end makes room with each read, so
 * that is asked for only once there was none. */
int stream_open_pair(struct stream *s, int fd);

/* Moves an open stream to where another `ready` of the same loop is called; *to was closed. 0; or
 * -errno: it is still `from`. */
int stream_move(struct stream *to, struct stream *from);

/* For the watch's `ready`: notes what epoll told. */
void stream_note(struct stream *s, uint32_t events);

/* Says shutdown() both ways and closes. What was not read may be answered with a reset. */
void stream_close(struct stream *s);

/* One step of the handshake of `tls`: as tls_handshake(). */
int stream_handshake(struct stream *s, struct err *err);

/* One read into `in`, up to STREAM_CHUNK_MOST bytes. Bytes read; 0 if nothing came (see eof, why);
 * -ENOBUFS if `in` is full. */
ssize_t stream_read(struct stream *s, struct buf *in);

/* Writes as much as can be written now. Bytes written. Once cut off, it drops what `out` holds. */
size_t stream_write(struct stream *s, struct buf *out);

/* Ends our direction: close_notify, shutdown(SHUT_WR). */
void stream_end(struct stream *s);

/* Reads and forgets. True when there is nothing more to come. */
bool stream_drained(struct stream *s);

/* True if a byte or an end of the plain stream stands in the socket, taking nothing. */
bool stream_has_residue(const struct stream *s);

#endif
