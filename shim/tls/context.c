/*
 * context: client contexts. The system's openssl.cnf counts (an administrator's crypto policy), the
 * environment's SSL_CERT_FILE and SSL_CERT_DIR do not. The CA directory is looked up by hash, so
 * that nothing is parsed at the start.
 */
#include "shim/tls/internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

static int protocol_of(int version)
{
	switch (version) {
	case 10:
		return TLS1_VERSION;
	case 11:
		return TLS1_1_VERSION;
	case 12:
		return TLS1_2_VERSION;
	case 13:
		return TLS1_3_VERSION;
	}
	return -1;
}

/*
 * A system-wide minimum above ours stays. Below 1.2 the administrator said so in mailseal's own
 * file, and since the old versions need SHA-1, which OpenSSL 3 allows at security level 0 only,
 * that comes along.
 */
static int set_minimum(SSL_CTX *ssl, int version, struct err *err)
{
	int protocol = protocol_of(version);

	if (protocol < 0)
		return err_fail(err, EINVAL, "unknown TLS version %d", version);
	if (version < 12)
		SSL_CTX_set_security_level(ssl, 0);
	else if (SSL_CTX_get_min_proto_version(ssl) > protocol)
		return 0;
	if (SSL_CTX_set_min_proto_version(ssl, protocol) != 1)
		return err_fail(err, EINVAL, "OpenSSL refuses TLS version %d as minimum", version);
	return 0;
}

/* A CA file may hold the very certificate to trust, or an intermediate: what stands in it is
 * trusted as it is. */
static int load_ca_file(SSL_CTX *ssl, const char *file, struct err *err)
{
	char words[256];

	if (SSL_CTX_load_verify_file(ssl, file) != 1) {
		tls_error_words(words, sizeof(words));
		return err_fail(err, EINVAL, "ca_file: %.300s: %s", file, words);
	}
	X509_STORE_set_flags(SSL_CTX_get_cert_store(ssl), X509_V_FLAG_PARTIAL_CHAIN);
	return 0;
}

static int load_authorities(SSL_CTX *ssl, const char *ca_file, struct err *err)
{
	const char *directory = X509_get_default_cert_dir();

	if (ca_file)
		return load_ca_file(ssl, ca_file, err);
	if (SSL_CTX_load_verify_dir(ssl, directory) != 1)
		return err_fail(err, EINVAL, "CA directory %s cannot be used", directory);
	return 0;
}

static void set_habits(SSL_CTX *ssl)
{
	SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_clear_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ssl, 1); /* a flight of records with one call */
	resume_set_up(ssl);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, facts_verify_callback);
}

static int fill(struct tls_context *c, const struct tls_settings *settings, struct err *err)
{
	int rc;

	c->wire = wire_method_new();
	c->ssl = SSL_CTX_new(TLS_client_method());
	if (!c->wire || !c->ssl)
		return err_fail(err, ENOMEM, "out of memory");
	set_habits(c->ssl);
	rc = set_minimum(c->ssl, settings->min_version, err);
	if (rc < 0)
		return rc;
	rc = load_authorities(c->ssl, settings->ca_file, err);
	if (rc == 0)
		rc = client_offer(c->ssl, settings, err);
	return rc < 0 ? rc : client_show_certificate(c->ssl, settings, err);
}

/* As SSL_CTX_new() would begin, but for the names of ciphers: TLS looks for none by name, only
 * encrypted keys do, which are refused; and they take a tenth of the time. */
static void begin_openssl(const struct tls_settings *settings)
{
	OPENSSL_init_ssl(OPENSSL_INIT_NO_ADD_ALL_CIPHERS | reasons_declined(settings), NULL);
}

int tls_context_new(
	struct tls_context **context, const struct tls_settings *settings, struct err *err)
{
	static _Atomic uint64_t serials;
	struct tls_context *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return err_fail(err, ENOMEM, "out of memory");
	c->serial = ++serials;
	begin_openssl(settings);
	ERR_clear_error();
	rc = fill(c, settings, err);
	ERR_clear_error();
	if (rc < 0) {
		tls_context_free(c);
		return rc;
	}
	atomic_init(&c->users, 1);
	*context = c;
	return 0;
}

int tls_settings_check(const struct tls_settings *settings, struct err *err)
{
	struct tls_context *context = NULL;
	int rc = tls_context_new(&context, settings, err);

	tls_context_free(context);
	return rc;
}

void tls_context_hold(struct tls_context *context)
{
	atomic_fetch_add(&context->users, 1);
}

void tls_context_free(struct tls_context *context)
{
	if (!context || (context->users && atomic_fetch_sub(&context->users, 1) > 1))
		return;
	SSL_CTX_free(context->ssl);
	BIO_meth_free(context->wire);
	free(context);
}
