/*
 * peer: one accepted connection of the hostile server. Knows TLS, does not know SMTP.
 */
#include "tests/hostile/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/hostile/record.h"

void peer_init(struct peer *p, int fd, int limit_seconds)
{
	struct timeval tv = {.tv_sec = limit_seconds};

	memset(p, 0, sizeof(*p));
	p->fd = fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	/* Steps leave as they are written: what a scenario puts into one segment or two stays so.
	 */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static ssize_t send_some(struct peer *p, const char *bytes, size_t len)
{
	ssize_t n;

	if (p->ssl) {
		n = SSL_write(p->ssl, bytes, len > 65536 ? 65536 : (int)len);
		ERR_clear_error();
		return n;
	}
	do
		n = send(p->fd, bytes, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n;
}

int peer_send(struct peer *p, const void *bytes, size_t len)
{
	const char *b = bytes;

	record_bytes('S', bytes, len);
	while (len) {
		ssize_t n = send_some(p, b, len);

		if (n <= 0) {
			record_note("could not send");
			return -1;
		}
		b += n;
		len -= (size_t)n;
	}
	return 0;
}

static ssize_t receive(struct peer *p, char *bytes, size_t size)
{
	ssize_t n;

	if (p->ssl) {
		n = SSL_read(p->ssl, bytes, (int)size);
		if (n <= 0) {
			int why = SSL_get_error(p->ssl, (int)n);

			record_note(why == SSL_ERROR_ZERO_RETURN
					    ? "close_notify"
					    : "tls ended without close_notify");
			ERR_clear_error();
			return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
		}
		return n;
	}
	do
		n = recv(p->fd, bytes, size, 0);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		record_note("eof");
	if (n < 0)
		record_note("%s", errno == EAGAIN ? "time is up" : strerror(errno));
	return n;
}

ssize_t peer_read(struct peer *p, char *bytes, size_t size)
{
	size_t have = p->end - p->start;

	if (!have)
		return receive(p, bytes, size);
	if (have > size)
		have = size;
	memcpy(bytes, p->in + p->start, have);
	p->start += have;
	return (ssize_t)have;
}

/* Makes more input available. What received it said. */
static ssize_t refill(struct peer *p)
{
	ssize_t n;

	if (p->start == p->end)
		p->start = p->end = 0;
	if (p->start && p->end == sizeof(p->in)) {
		memmove(p->in, p->in + p->start, p->end - p->start);
		p->end -= p->start;
		p->start = 0;
	}
	n = receive(p, p->in + p->end, sizeof(p->in) - p->end);
	if (n > 0)
		p->end += (size_t)n;
	return n;
}

static ssize_t take_line(struct peer *p, size_t taken, char *line, size_t size)
{
	const char *from = p->in + p->start;
	size_t len = taken;

	record_bytes('C', from, taken);
	if (len && from[len - 1] == '\n')
		len--;
	if (len && from[len - 1] == '\r')
		len--;
	if (len > size - 1)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		line[i] = from[i] ? from[i] : '?';
	line[len] = '\0';
	p->start += taken;
	return len ? (ssize_t)len : 1;
}

ssize_t peer_line(struct peer *p, char *line, size_t size)
{
	for (;;) {
		char *from = p->in + p->start;
		char *lf = memchr(from, '\n', p->end - p->start);
		ssize_t n;

		if (lf)
			return take_line(p, (size_t)(lf + 1 - from), line, size);
		if (p->end - p->start == sizeof(p->in))
			return take_line(p, sizeof(p->in), line, size);
		n = refill(p);
		if (n <= 0) {
			if (p->end > p->start)
				record_bytes('C', p->in + p->start, p->end - p->start);
			p->start = p->end;
			return n;
		}
	}
}

int peer_swallow(struct peer *p, size_t want)
{
	size_t got = 0;

	do {
		if (p->start == p->end && refill(p) <= 0)
			return -1;
		got += p->end - p->start;
		record_bytes('C', p->in + p->start, p->end - p->start);
		p->start = p->end;
	} while (!want || got < want);
	return 0;
}

static int version_of(const char *s)
{
	if (!strcmp(s, "1.0"))
		return TLS1_VERSION;
	if (!strcmp(s, "1.1"))
		return TLS1_1_VERSION;
	return strcmp(s, "1.2") ? TLS1_3_VERSION : TLS1_2_VERSION;
}

/* 1, or 0 with what OpenSSL does not like. */
static int demand_more(SSL_CTX *ctx, const struct peer_tls *tls)
{
	char pem[512];

	if (tls->ciphers && SSL_CTX_set_cipher_list(ctx, tls->ciphers) != 1)
		return 0;
	if (tls->ciphersuites && SSL_CTX_set_ciphersuites(ctx, tls->ciphersuites) != 1)
		return 0;
	if (!tls->client)
		return 1;
	snprintf(pem, sizeof(pem), "%s/%s.pem", tls->pki, tls->client);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return SSL_CTX_load_verify_locations(ctx, pem, NULL);
}

struct hello {
	struct peer *peer;
	const struct peer_tls *tls;
};

/* By a ticket of TLS 1.2 or, in 1.3, by any pre-shared key. */
static int offers_session(SSL *ssl)
{
	const unsigned char *bytes;
	size_t n;

	return SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &bytes, &n) == 1 ||
	       (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_session_ticket, &bytes, &n) == 1 && n);
}

static int hello_came(SSL *ssl, int *alert, void *context)
{
	static const char garbage[] = "\x16\x03\x03\x01\x00garbage that is no handshake message";
	struct hello *h = context;
	const char *how = h->tls->offered;

	h->peer->offers = offers_session(ssl);
	if (!how || !h->peer->offers)
		return SSL_CLIENT_HELLO_SUCCESS;
	record_note("session offered: %s", how);
	*alert = SSL_AD_HANDSHAKE_FAILURE;
	if (!strcmp(how, "stall"))
		peer_stall(h->peer);
	else if (!strcmp(how, "garbage"))
		send(h->peer->fd, garbage, sizeof(garbage) - 1, MSG_NOSIGNAL);
	if (strcmp(how, "alert"))
		shutdown(h->peer->fd, SHUT_RDWR);
	return SSL_CLIENT_HELLO_ERROR;
}

static int pad_ticket(SSL *ssl, void *context)
{
	static const unsigned char padding[65536];
	const struct hello *h = context;

	return SSL_SESSION_set1_ticket_appdata(
		SSL_get0_session(ssl), padding, h->tls->ticket_padding % sizeof(padding));
}

/* Each connection is another process: what they share is the key that tickets are sealed by. */
static int set_tickets(SSL_CTX *ctx, struct hello *h)
{
	unsigned char keys[256];
	long n = SSL_CTX_get_tlsext_ticket_keys(ctx, NULL, 0);

	memset(keys, 1, sizeof(keys));
	snprintf((char *)keys, sizeof(keys), "%lu %s", h->tls->ticket_key,
		h->tls->ticket_key ? "" : h->tls->cert);
	SSL_CTX_set_client_hello_cb(ctx, hello_came, h);
	SSL_CTX_set_session_ticket_cb(ctx, pad_ticket, NULL, h);
	return n > 0 && n <= (long)sizeof(keys) &&
	       SSL_CTX_set_tlsext_ticket_keys(ctx, keys, n) == 1 &&
	       SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"hostile", 7) == 1 &&
	       SSL_CTX_set_num_tickets(ctx, h->tls->tickets > 2 ? 2 : h->tls->tickets) == 1;
}

/* More than two are a flood, one record each. */
static void flood_with_tickets(struct peer *p, unsigned long n)
{
	for (; n > 2; n--)
		if (SSL_new_session_ticket(p->ssl) != 1 || SSL_do_handshake(p->ssl) != 1)
			break;
	if (n > 2)
		record_note("%lu tickets could not be sent", n - 2);
	ERR_clear_error();
}

static SSL_CTX *context_new(const struct peer_tls *tls)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char pem[512], key[512];

	if (!ctx)
		return NULL;
	snprintf(pem, sizeof(pem), "%s/%s.pem", tls->pki, tls->cert);
	snprintf(key, sizeof(key), "%s/%s.key", tls->pki, tls->cert);
	/* Level 0, so that TLS 1.0 and 1.1 can be offered at all. */
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, version_of(tls->min));
	SSL_CTX_set_max_proto_version(ctx, version_of(tls->max));
	if (SSL_CTX_use_certificate_chain_file(ctx, pem) == 1 &&
		SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1 &&
		demand_more(ctx, tls))
		return ctx;
	record_note("certificate %s, ciphers or client authority could not be used", pem);
	SSL_CTX_free(ctx);
	return NULL;
}

/* Whom the client says it is. */
static void record_client(SSL *ssl)
{
	X509 *cert = SSL_get1_peer_certificate(ssl);
	char name[256];

	if (!cert)
		return;
	X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof(name));
	record_note("client certificate %s", name);
	X509_free(cert);
}

/* Tells what the client sent first; what is no TLS record belongs into the transcript. */
static void record_first(struct peer *p)
{
	char first[64];
	ssize_t n = recv(p->fd, first, sizeof(first), MSG_PEEK);

	if (n > 0 && first[0] != 0x16)
		record_bytes('C', first, (size_t)n);
	else if (n > 0)
		record_note("client hello");
}

int peer_starttls(struct peer *p, const struct peer_tls *tls)
{
	SSL_CTX *ctx = context_new(tls);
	struct hello hello = {p, tls};
	const char *sni;

	if (!ctx || !set_tickets(ctx, &hello))
		return -1;
	if (p->start < p->end)
		record_bytes('C', p->in + p->start, p->end - p->start);
	p->start = p->end;
	record_first(p);
	p->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	if (!p->ssl || SSL_set_fd(p->ssl, p->fd) != 1 || SSL_accept(p->ssl) != 1) {
		const char *why = ERR_reason_error_string(ERR_peek_error());

		record_note("handshake failed: %s", why ? why : "connection lost");
		ERR_clear_error();
		SSL_free(p->ssl);
		p->ssl = NULL;
		return -1;
	}
	record_set_tls(1);
	sni = SSL_get_servername(p->ssl, TLSEXT_NAMETYPE_host_name);
	record_note("tls %s %s sni=%s session=%s", SSL_get_version(p->ssl),
		SSL_get_cipher_name(p->ssl), sni ? sni : "-",
		SSL_session_reused(p->ssl) ? "resumed"
		: p->offers		   ? "declined"
					   : "new");
	record_client(p->ssl);
	if (SSL_version(p->ssl) == TLS1_3_VERSION)
		flood_with_tickets(p, tls->tickets);
	return 0;
}

void peer_stall(struct peer *p)
{
	struct pollfd pfd = {.fd = p->fd, .events = POLLRDHUP};

	record_note("stalling");
	while (poll(&pfd, 1, -1) < 0 && errno == EINTR)
		;
	record_note("client left");
	peer_swallow(p, 0);
}

void peer_close(struct peer *p)
{
	struct timeval second = {.tv_sec = 1};

	record_note("closing");
	if (p->ssl)
		SSL_shutdown(p->ssl);
	shutdown(p->fd, SHUT_WR);
	setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	peer_swallow(p, 0);
	close(p->fd);
}

void peer_cut(struct peer *p, int reset)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	record_note(reset ? "resetting" : "cutting");
	if (reset)
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(p->fd);
}
