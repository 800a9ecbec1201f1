/*
 * plain: a client that knows no TLS; see load.c. It is linked to libc alone: what runs under
 * mailseal, through stunnel, and, one process for each message, shows what a small program costs.
 */
#include "tests/bench/load.h"

#include <sys/socket.h>
#include <unistd.h>

static ssize_t plain_read(struct load_connection *c, void *data, size_t size)
{
	return read(c->fd, data, size);
}

static ssize_t plain_write(struct load_connection *c, const void *data, size_t size)
{
	return send(c->fd, data, size, MSG_NOSIGNAL);
}

static void plain_close(struct load_connection *c)
{
	(void)c;
}

int main(int argc, char **argv)
{
	static const struct load_transport transport = {
		.read = plain_read, .write = plain_write, .close = plain_close};

	return load_main(argc, argv, &transport);
}
