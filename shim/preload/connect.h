/*
 * connect: decides what a connect() to a mail port means for this socket, for the hook itself and
 * for the calls that connect implicitly.
 */
#ifndef MAILSEAL_PRELOAD_CONNECT_H
#define MAILSEAL_PRELOAD_CONNECT_H

#include <stdbool.h>
#include <sys/socket.h>

#define CONNECT_PASS 1 /* not ours: the next definition shall do it */

/* `address` has a mail port. 0 or -errno as connect(2), or CONNECT_PASS. `wait`: for as long as the
 * socket's own flags want it; else not at all (MSG_DONTWAIT). */
int connect_mail(int fd, const struct sockaddr *address, socklen_t length, bool wait);

#endif
