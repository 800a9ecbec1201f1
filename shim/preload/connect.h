/*
 * connect: decides what a connect() to a mail port means for this socket, for the hook itself and
 * for the calls that connect implicitly.
 */
#ifndef MAILSEAL_PRELOAD_CONNECT_H
#define MAILSEAL_PRELOAD_CONNECT_H

#include <sys/socket.h>

#define CONNECT_PASS 1 /* not ours: the next definition shall do it */

/* `address` has a mail port. 0 or -errno as connect(2), or CONNECT_PASS. */
int connect_mail(int fd, const struct sockaddr *address, socklen_t length);

#endif
