/*
 * face: what a swapped socket stands for, read from the names that its two ends are bound to. No
 * table: it survives fork, exec and dup. Display only.
 */
#ifndef MAILSEAL_PRELOAD_FACE_H
#define MAILSEAL_PRELOAD_FACE_H

#include "shim/handoff/handoff.h"

enum face_state {
	FACE_NONE, /* not one of ours */
	FACE_CONNECTING,
	FACE_CONNECTED,
	FACE_FAILED, /* `error` says why */
};

struct face {
	enum face_state state;
	struct handoff_addr local, peer;
	int error; /* positive errno */
};

/* Gives the application's end its name. 0 or -errno. */
int face_bind(int application, const struct handoff_addr *local, const struct handoff_addr *peer,
	const uint8_t nonce[HANDOFF_NONCE_SIZE]);

enum face_state face_read(int fd, struct face *face);

/* Is this a connected pair whose own name is still to come? */
bool face_may_come(int fd);

/* Notes that a connect() has said 0: the next one says EISCONN. Was it noted before? */
bool face_told(int fd);

/* The error of a failed connect() is told once, as by TCP. False: it was told before. */
bool face_tell_error(int fd);

/* connect() on a socket that is already ours, as TCP answers it: 0 or -errno. Waits where the
 * socket is blocking and `wait` is true. */
int face_connect(int fd, struct face *face, bool wait);

#endif
