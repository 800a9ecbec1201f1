/*
 * native: a client that speaks STARTTLS by itself, as one would write it today; see load.c. It
 * verifies chain and name, by a hashed directory of authorities or a file. With --resume it resumes
 * sessions: a ticket of TLS 1.3 is used once, by the thread that got it; a session of TLS 1.2 until
 * a newer one comes. With --plain it leaves TLS out.
 */
#include "tests/bench/load.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TICKETS = 4 };

static const struct load_options *options;
static SSL_CTX *context;
static unsigned long handshakes, resumptions;
static _Thread_local SSL_SESSION *tickets[TICKETS];
static _Thread_local size_t ticket_count;

static _Noreturn void die(const char *what)
{
	ERR_print_errors_fp(stderr);
	load_die(what);
}

/* Called within SSL_read, so in the thread that will use it. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	if (ticket_count == TICKETS)
		SSL_SESSION_free(tickets[--ticket_count]);
	tickets[ticket_count++] = session;
	return 1;
}

static void prepare(const struct load_options *o)
{
	options = o;
	if (o->plain)
		return;
	context = SSL_CTX_new(TLS_client_method());
	if (!context)
		die("SSL_CTX_new");
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (o->ca_dir && SSL_CTX_load_verify_dir(context, o->ca_dir) != 1)
		die(o->ca_dir);
	if (o->ca_file && SSL_CTX_load_verify_file(context, o->ca_file) != 1)
		die(o->ca_file);
	if (o->resume) {
		SSL_CTX_set_session_cache_mode(
			context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(context, keep_session);
	}
}

static void use_session(SSL *ssl)
{
	SSL_SESSION *session;

	if (ticket_count == 0)
		return;
	session = tickets[--ticket_count];
	SSL_set_session(ssl, session);
	SSL_SESSION_free(session);
}

static void start_tls(struct load_connection *c)
{
	SSL *ssl = SSL_new(context);

	if (!ssl || SSL_set_fd(ssl, c->fd) != 1 || SSL_set1_host(ssl, options->name) != 1 ||
		SSL_set_tlsext_host_name(ssl, options->name) != 1)
		die("SSL_new");
	if (options->resume)
		use_session(ssl);
	errno = 0;
	if (SSL_connect(ssl) != 1 || SSL_get_verify_result(ssl) != X509_V_OK)
		die("handshake");
	__atomic_fetch_add(&handshakes, 1, __ATOMIC_RELAXED);
	if (SSL_session_reused(ssl))
		__atomic_fetch_add(&resumptions, 1, __ATOMIC_RELAXED);
	c->tls = ssl;
}

static ssize_t native_read(struct load_connection *c, void *data, size_t size)
{
	return c->tls ? SSL_read(c->tls, data, (int)size) : read(c->fd, data, size);
}

static ssize_t native_write(struct load_connection *c, const void *data, size_t size)
{
	return c->tls ? SSL_write(c->tls, data, (int)size) : send(c->fd, data, size, MSG_NOSIGNAL);
}

static void native_close(struct load_connection *c)
{
	if (!c->tls)
		return;
	SSL_shutdown(c->tls);
	SSL_free(c->tls);
}

static void native_count(unsigned long *all, unsigned long *resumed)
{
	*all = handshakes;
	*resumed = resumptions;
}

int main(int argc, char **argv)
{
	static const struct load_transport transport = {.prepare = prepare,
		.start_tls = start_tls,
		.read = native_read,
		.write = native_write,
		.close = native_close,
		.count = native_count};

	return load_main(argc, argv, &transport);
}
