/*
 * wire: the BIO between OpenSSL and a non-blocking socket.
 * It looks at what stands where the server's first record should be before OpenSSL does: cleartext
 * after the 220 to STARTTLS is an attack (residue), and must be told apart from a server that
 * merely fails at TLS.
 */
#include "shim/tls/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define PEEKED 64
#define WIRE_TYPE (127 | BIO_TYPE_SOURCE_SINK)
#define RECORD_HEADER 5 /* RFC 8446 5.1 */

static bool is_record_type(unsigned char c)
{
	return c >= 0x14 && c <= 0x17;
}

static bool begins_like_smtp(unsigned char c)
{
	return (c >= '0' && c <= '9') || c == '\r' || c == '\n' || c == ' ' || c == '\t';
}

/* A handshake or alert record later on: something was put before it. */
static bool record_follows(const unsigned char *bytes, size_t n)
{
	size_t i;

	for (i = 1; i + 1 < n; i++)
		if ((bytes[i] == 0x16 || bytes[i] == 0x15) && bytes[i + 1] == 0x03)
			return true;
	return false;
}

enum wire_residue wire_classify(const unsigned char *bytes, size_t n)
{
	if (n == 0 || is_record_type(bytes[0]))
		return RESIDUE_NONE;
	if (n < RECORD_HEADER || begins_like_smtp(bytes[0]) || record_follows(bytes, n))
		return RESIDUE_CLEARTEXT;
	return RESIDUE_GARBAGE;
}

static bool would_block(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK;
}

static ssize_t receive(int fd, void *bytes, size_t n, int flags)
{
	ssize_t got;

	do
		got = recv(fd, bytes, n, flags | MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	return got;
}

static void look_for_residue(struct wire *w)
{
	unsigned char bytes[PEEKED];
	ssize_t got = receive(w->fd, bytes, sizeof(bytes), MSG_PEEK);

	if (got < 0 && would_block(errno))
		return;
	w->looked = true;
	if (got > 0)
		w->residue = wire_classify(bytes, (size_t)got);
}

static bool is_residue(struct wire *w, const char *bytes, ssize_t n)
{
	if (!w->looked && n > 0)
		w->residue = wire_classify(
			(const unsigned char *)bytes, n < PEEKED ? (size_t)n : PEEKED);
	w->looked = true;
	return w->residue != RESIDUE_NONE;
}

static int wire_read(BIO *bio, char *bytes, int n)
{
	struct wire *w = BIO_get_data(bio);
	ssize_t got;

	BIO_clear_retry_flags(bio);
	if (n <= 0)
		return 0;
	if (w->residue != RESIDUE_NONE)
		return -1;
	if (w->bounded && w->fruitless > FRUITLESS_MAX) {
		w->error = EMSGSIZE;
		return -1;
	}
	got = w->dry ? -1 : receive(w->fd, bytes, (size_t)n, 0);
	if (got < 0 && (w->dry || would_block(errno))) {
		w->dry = w->watched;
		w->error = EAGAIN;
		BIO_set_retry_read(bio);
		return -1;
	}
	if (got > 0)
		w->fruitless += (size_t)got;
	w->error = got < 0 ? errno : 0;
	w->dry = w->watched && !w->ended && got > 0 && got < n;
	return is_residue(w, bytes, got) ? -1 : (int)got;
}

static int wire_write(BIO *bio, const char *bytes, int n)
{
	struct wire *w = BIO_get_data(bio);
	/* behind the server's first word, ours may be the last of the handshake */
	bool more = w->more || (w->looked && !w->bounded);
	ssize_t put;

	BIO_clear_retry_flags(bio);
	do
		put = send(w->fd, bytes, (size_t)n,
			MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0));
	while (put < 0 && errno == EINTR);
	if (put > 0)
		w->kept = more;
	w->error = put < 0 ? errno : 0;
	if (put < 0 && would_block(w->error))
		BIO_set_retry_write(bio);
	else if (put < 0 && !w->looked)
		look_for_residue(w);
	return (int)put;
}

/* Setting it sends what waits (tcp(7)); it is set anyway. */
void wire_flush(struct wire *w)
{
	const int on = 1;

	if (w->kept)
		setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	w->kept = false;
}

static long wire_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *wire_method_new(void)
{
	BIO_METHOD *m = BIO_meth_new(WIRE_TYPE, "mailseal wire");

	if (!m)
		return NULL;
	BIO_meth_set_read(m, wire_read);
	BIO_meth_set_write(m, wire_write);
	BIO_meth_set_ctrl(m, wire_ctrl);
	return m;
}

BIO *wire_bio_new(BIO_METHOD *method, struct wire *wire)
{
	BIO *bio = BIO_new(method);

	if (!bio)
		return NULL;
	BIO_set_data(bio, wire);
	BIO_set_init(bio, 1);
	return bio;
}
