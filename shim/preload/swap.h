/*
 * swap: the plaintext socketpair that takes the TCP socket's place on its descriptor, and on each
 * duplicate in this process, before anybody may connect the TCP socket; and the way back where it
 * certainly will not be connected.
 */
#ifndef MAILSEAL_PRELOAD_SWAP_H
#define MAILSEAL_PRELOAD_SWAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "shim/handoff/handoff.h"
#include "shim/preload/places.h"
#include "shim/preload/registrations.h"

struct swap {
	int tcp;	 /* our own descriptor of the TCP socket, -1 before swap_in() */
	int application; /* our own descriptor of the application's end */
	int agent;	 /* the agent's end */
	int flags;	 /* the TCP socket's file status flags */
	int send_buffer; /* what the application's end shall have again; 0: as it is */
	uint64_t junk;	 /* bytes written into the pair, so that it does not look writable */
	bool swapped;
	struct places places;
	struct registrations registrations;
	struct stat pair; /* the application's end, to know it again */
};

/*
 * Makes the pair, with the flags, owner and timeouts of fd and the gate shut. 0 or -errno, nothing
 * kept. `narrow`: the caller waits for the outcome, so that little junk is enough until then: the
 * application's end gets a small send buffer. (Where the wait is cut short it stays so.)
 */
int swap_prepare(struct swap *s, int fd, bool narrow);

/* The outcome is there, the junk is gone: the send buffer gets its size again, if fd still leads to
 * the application's end. */
void swap_widen(const struct swap *s, int fd);

/* Puts the application's end in place. 0, or -errno with *reason, everything as before. */
int swap_in(struct swap *s, int fd, const char **reason);

/*
 * Takes back what a vanished agent may have begun: the TCP socket is unconnected afterwards, its
 * error cleared, its flags restored. False if that could not be made certain.
 */
bool swap_reset(struct swap *s);

/* Puts the TCP socket back; only after an agent that certainly will not connect it. False: the dead
 * pair stays. */
bool swap_back(struct swap *s);

/* Closes our own descriptors of both the TCP socket and the application's end, while the outcome is
 * awaited. */
void swap_let_go(struct swap *s);

/* Ends the pair, so that whoever reads or writes on it notices. */
void swap_kill(struct swap *s);

/* Closes what is still ours. */
void swap_clear(struct swap *s);

#endif
