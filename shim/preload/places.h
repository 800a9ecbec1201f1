/*
 * places: the descriptors of this process that lead to one socket.
 * Those below PLACES_NEAR are always looked at. The rest cost a question for each number that there
 * is room for (by /proc, else that is allowed), until as many were met as are open (where that is
 * known); it is asked only while a duplicate may stand
 * there: before the first walk (it may have been inherited over exec), and after dup(), recvmsg()
 * and the like gave out such a number for a TCP socket that may still be connected. A walk that
 * meets no TCP socket that could still be connected settles the matter until then. What system
 * calls without libc put there stays unknown; without /proc, so does what stands at 65,536 or above
 * and beyond the hard limit, or at 1,048,576 or above.
 */
#ifndef MAILSEAL_PRELOAD_PLACES_H
#define MAILSEAL_PRELOAD_PLACES_H

#include <stdbool.h>

#include "shim/preload/sys.h"

#define PLACES_NEAR 64
#define PLACES_MAX 32 /* most descriptors of one socket */

struct places {
	unsigned count;
	struct {
		int fd;
		bool cloexec;
	} at[PLACES_MAX];
};

/* There may be duplicates beyond PLACES_NEAR. Safe anywhere, also in signal handlers. */
void places_doubt(void);

/* The process got this descriptor by a call that we saw; negative: none. */
void places_got(int fd);

/*
 * Around a call that duplicates: between the two, the kernel has the file in hand, and it stands
 * nowhere. No signal comes between: a handler that jumps away would leave the call begun for ever,
 * and no socket could be swapped any more.
 */
struct places_call {
	bool counted;
	sys_sigset mask;
};

struct places_call places_begin(void);
void places_end(const struct places_call *call);

/* Is a thread between the two? */
bool places_busy(void);

/* Is there no other thread, as far as libc knows? While its signals are blocked too, nothing can
 * duplicate a descriptor then. */
bool places_alone(void);

/*
 * Finds the descriptors of fd's socket, fd itself first, `except` left out. 0, -EMFILE if there are
 * more than PLACES_MAX, or -errno where the process cannot be looked at.
 */
int places_find(struct places *p, int fd, int except);

#endif
