/*
 * passing: what the system agent's dispatcher and its workers say to each other, over a pair of
 * SOCK_SEQPACKET sockets.
 *
 * A caller's channel may hold messages with descriptors whose last close() takes as long as the
 * caller likes, and they are closed by whoever closes the channel last. So the dispatcher says when
 * its copy is closed, and the worker leaves the channel alone until then.
 */
#ifndef MAILSEAL_AGENT_PASSING_H
#define MAILSEAL_AGENT_PASSING_H

enum passing {
	PASSING_CHANNEL = 'C', /* to the worker, with a descriptor */
	PASSING_YOURS = 'Y',   /* to the worker: the last one is closed here */
	PASSING_TAKEN = 'T',   /* to the dispatcher: a channel has arrived */
	PASSING_LEAVING = 'L', /* to the dispatcher: let me go */
};

#define PASSING_QUEUE 64 /* channels that may be on the way to a worker */

/* 0 or -errno. Neither end blocks. */
int passing_pair(int ends[2]);

/* `fd` goes along unless it is -1, and stays the caller's as well. 0 or -errno. */
int passing_say(int to, enum passing what, int fd);

/* 1 and *what, *fd (the caller's, or -1); 0 at the end; or -errno, -EAGAIN if there is nothing. */
int passing_hear(int from, enum passing *what, int *fd);

#endif
