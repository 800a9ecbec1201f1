/*
 * handshake: one TLS connection on a non-blocking socket: make, shake hands, read, write, close.
 * The error queue is emptied before each call into OpenSSL, as SSL_get_error() needs it.
 */
#include "shim/tls/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* A copy without the dot that makes a name absolute. */
static char *name_copy(const char *name)
{
	char *copy = strdup(name);
	size_t n = copy ? strlen(copy) : 0;

	if (n > 1 && copy[n - 1] == '.')
		copy[n - 1] = '\0';
	return copy;
}

static bool is_address(const char *name)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static int copy_names(struct tls *tls, const struct tls_identity *id)
{
	if (id->name_count == 0)
		return 0;
	tls->names = calloc(id->name_count, sizeof(*tls->names));
	if (!tls->names)
		return -ENOMEM;
	for (; tls->name_count < id->name_count; tls->name_count++) {
		tls->names[tls->name_count] = name_copy(id->names[tls->name_count]);
		if (!tls->names[tls->name_count])
			return -ENOMEM;
	}
	return 0;
}

static int copy_identity(struct tls *tls, const struct tls_identity *id)
{
	tls->any_name = id->any_name;
	if (id->address && id->address->sa_family == AF_INET)
		memcpy(&tls->address, id->address, sizeof(struct sockaddr_in));
	else if (id->address && id->address->sa_family == AF_INET6)
		memcpy(&tls->address, id->address, sizeof(struct sockaddr_in6));
	if (id->servername && *id->servername && !is_address(id->servername)) {
		tls->servername = name_copy(id->servername);
		if (!tls->servername)
			return -ENOMEM;
	}
	return copy_names(tls, id);
}

static int attach(struct tls *tls, struct tls_context *context, int fd)
{
	BIO *bio;

	tls_context_hold(context);
	tls->context = context;
	tls->wire.fd = fd;
	tls->ssl = SSL_new(context->ssl);
	bio = tls->ssl ? wire_bio_new(context->wire, &tls->wire) : NULL;
	if (!bio)
		return -ENOMEM;
	SSL_set_bio(tls->ssl, bio, bio);
	SSL_set_app_data(tls->ssl, tls);
	SSL_set_connect_state(tls->ssl);
	if (tls->servername && SSL_set_tlsext_host_name(tls->ssl, tls->servername) != 1)
		return -EINVAL;
	return 0;
}

int tls_new(struct tls **out, struct tls_context *context, int fd,
	const struct tls_identity *identity, struct err *err)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	const char *why = "servername cannot be sent";
	int rc = -ENOMEM;

	ERR_clear_error();
	if (tls)
		rc = copy_identity(tls, identity);
	if (rc == 0)
		rc = fingerprints_copy(tls, identity->fingerprints);
	if (rc == -EINVAL)
		why = "a fingerprint is not 64 hexadecimal digits";
	if (rc == 0)
		rc = attach(tls, context, fd);
	if (rc < 0) {
		tls_free(tls);
		return err_fail(err, -rc, "%s", rc == -EINVAL ? why : "out of memory");
	}
	*out = tls;
	return 0;
}

void tls_free(struct tls *tls)
{
	unsigned i;

	if (!tls)
		return;
	resume_clear(tls);
	SSL_free(tls->ssl);
	tls_context_free(tls->context);
	for (i = 0; i < tls->name_count; i++)
		free(tls->names[i]);
	free(tls->names);
	free(tls->fingerprints);
	free(tls->servername);
	free(tls);
	ERR_clear_error();
}

/* Whatever ends a handshake is -EPROTO, but for residue. */
int tls_handshake(struct tls *tls, short *want, struct err *err)
{
	int rc;

	if (tls->up)
		return 0;
	if (tls->broken)
		return err_fail(err, EPROTO, "the handshake has failed already");
	ERR_clear_error();
	rc = SSL_do_handshake(tls->ssl);
	if (rc == 1) {
		tls->up = true;
		tls->wire.bounded = true;
		tls->wire.fruitless = 0;
		facts_record(tls);
		resume_settle(tls);
		ERR_clear_error();
		return 0;
	}
	wire_flush(&tls->wire);
	rc = tls_error(tls, rc, want, err);
	if (rc == 0) {
		tls->broken = true;
		return err_fail(err, EPROTO, "the server closed the connection");
	}
	if (rc == -EAGAIN)
		rehearse();
	return rc == -EAGAIN || rc == -EBADMSG ? rc : -EPROTO;
}

/*
 * Session tickets that were read have made OpenSSL take memory for a record to write, which it
 * keeps until something is written: 16 KB of each connection that waits. Writing nothing lets go
 * of it.
 */
static void release_unwritten(struct tls *tls)
{
	size_t none;

	if (!tls->unfinished)
		SSL_write_ex(tls->ssl, "", 0, &none);
}

ssize_t tls_read(struct tls *tls, void *bytes, size_t size, short *want, struct err *err)
{
	int rc;

	if (!tls->up || tls->broken)
		return err_fail(err, EPROTO, "no TLS to read from");
	ERR_clear_error();
	rc = SSL_read(tls->ssl, bytes, size > TLS_RECORD_MAX ? TLS_RECORD_MAX : (int)size);
	if (rc > 0)
		tls->wire.fruitless = 0;
	if (rc > 0)
		return rc;
	rc = tls_error(tls, rc, want, err);
	if (rc == -EAGAIN && !tls->cut)
		release_unwritten(tls);
	return rc;
}

bool tls_pending(const struct tls *tls)
{
	return tls->up && !tls->broken && SSL_has_pending(tls->ssl) == 1;
}

ssize_t tls_write(struct tls *tls, const void *bytes, size_t size, short *want, struct err *err)
{
	int rc;

	if (!tls->up || tls->broken || tls->cut)
		return err_fail(err, EPROTO, "no TLS to write to");
	if (size == 0)
		return 0;
	ERR_clear_error();
	rc = SSL_write(tls->ssl, bytes, size > TLS_RECORD_MAX ? TLS_RECORD_MAX : (int)size);
	tls->unfinished = rc <= 0;
	if (rc > 0)
		return rc;
	rc = tls_error(tls, rc, want, err);
	if (rc == -ECONNRESET || rc == 0) {
		tls->cut = true;
		tls->broken = false;
	}
	return rc ? rc : err_fail(err, ECONNRESET, "the server closed the connection");
}

void tls_arrived(struct tls *tls, bool ended)
{
	tls->wire.watched = true;
	tls->wire.ended |= ended;
	tls->wire.dry = false;
}

void tls_more(struct tls *tls, bool more)
{
	tls->wire.more = more;
}

void tls_flush(struct tls *tls)
{
	wire_flush(&tls->wire);
}

void tls_close_notify(struct tls *tls)
{
	if (!tls->up || tls->broken || tls->cut)
		return;
	ERR_clear_error();
	tls->wire.more = true;
	SSL_shutdown(tls->ssl);
	ERR_clear_error();
}

const struct tls_facts *tls_facts(const struct tls *tls)
{
	return &tls->facts;
}
