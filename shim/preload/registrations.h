/*
 * registrations: what epoll knows about a socket that is about to be swapped. epoll remembers the
 * open file, not the number: behind a swapped descriptor the old registration would go on telling
 * of the TCP socket, could not be removed, and the new socket would have none. So it is taken out
 * before the swap, and made again after it, on whatever then stands under the number.
 * Only epoll descriptors that this process got from epoll_create() or epoll_create1() are looked
 * at; those that it inherited over exec, or was sent, stay unknown.
 */
#ifndef MAILSEAL_PRELOAD_REGISTRATIONS_H
#define MAILSEAL_PRELOAD_REGISTRATIONS_H

#include <stdint.h>

#include "shim/preload/places.h"

#define REGISTRATIONS_MAX 32 /* of one socket; further ones stay where they are */

struct registrations {
	unsigned count;
	struct {
		int epoll, fd;
		uint32_t events;
		uint64_t data;
	} at[REGISTRATIONS_MAX];
	char text[4096];
};

/* A new epoll descriptor. */
void registrations_note_epoll(int epoll);

/*
 * Takes the registrations of the socket at all these descriptors out of epoll. 0, or -errno where
 * one may be there that cannot be read: what was taken by then is still to be put back.
 */
int registrations_take(struct registrations *r, const struct places *places);

/* Makes them again, and forgets them. */
void registrations_put(struct registrations *r);

#endif
