/*
 * received: what is looked at after a call that hands out more than bytes.
 */
#ifndef MAILSEAL_PRELOAD_RECEIVED_H
#define MAILSEAL_PRELOAD_RECEIVED_H

#include <sys/socket.h>

/* After a call that succeeded, whichever way it was made. errno stays. */
void received_address(int fd, const struct sockaddr *address, socklen_t *length);
void received_message(int fd, struct msghdr *message);
void received_messages(int fd, struct mmsghdr *messages, int count);

#endif
