/*
 * A TLS client and a server of the same process at the ends of a socketpair, with certificates made
 * on the spot; shared by the tests of shim/tls/.
 */
#ifndef MAILSEAL_TEST_TLS_PAIR_H
#define MAILSEAL_TEST_TLS_PAIR_H

#include "shim/tls/internal.h"
#include "shim/tls/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define DAY (24L * 60 * 60)

static EVP_PKEY *ca_key, *other_key, *leaf_key;
static X509 *ca, *other_ca;
static char ca_file[] = "/tmp/tls_test_ca_XXXXXX";

struct cert_wish {
	const char *san; /* NULL: none */
	const char *cn;
	long from, until; /* seconds from now */
	X509 *issuer;	  /* NULL: self-signed */
	EVP_PKEY *issuer_key;
};

static inline void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
}

static inline X509 *make_cert(const struct cert_wish *w, EVP_PKEY *key, bool authority)
{
	static long serial = 1;
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(cert), w->from);
	X509_gmtime_adj(X509_getm_notAfter(cert), w->until);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)w->cn, -1, -1, 0);
	X509_set_issuer_name(cert, w->issuer ? X509_get_subject_name(w->issuer) : name);
	X509_set_pubkey(cert, key);
	if (authority)
		add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
	if (w->san)
		add_extension(cert, w->issuer ? w->issuer : cert, NID_subject_alt_name, w->san);
	assert_true(X509_sign(cert, w->issuer ? w->issuer_key : key, EVP_sha256()) > 0);
	return cert;
}

static inline int setup(void **state)
{
	const struct cert_wish root = {NULL, "Test Root", -DAY, DAY, NULL, NULL};
	const struct cert_wish stranger = {NULL, "Other Root", -DAY, DAY, NULL, NULL};
	FILE *f;
	int fd = mkstemp(ca_file);

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	ca_key = EVP_EC_gen("P-256");
	other_key = EVP_EC_gen("P-256");
	leaf_key = EVP_EC_gen("P-256");
	ca = make_cert(&root, ca_key, true);
	other_ca = make_cert(&stranger, other_key, true);
	f = fdopen(fd, "w");
	PEM_write_X509(f, ca);
	return fclose(f);
}

static inline int teardown(void **state)
{
	(void)state;
	unlink(ca_file);
	X509_free(ca);
	X509_free(other_ca);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(other_key);
	EVP_PKEY_free(leaf_key);
	return 0;
}

struct pair {
	SSL_CTX *server_ctx;
	SSL *server;
	struct tls_context *context;
	struct tls *client;
	int fd[2]; /* client, server */
};

static inline void nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static inline void pair_open_with(struct pair *p, X509 *cert, const struct tls_identity *id,
	const struct tls_settings *settings)
{
	struct err err = {""};

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p->fd), 0);
	nonblocking(p->fd[0]);
	nonblocking(p->fd[1]);
	p->server_ctx = SSL_CTX_new(TLS_server_method());
	if (cert) {
		SSL_CTX_use_certificate(p->server_ctx, cert);
		SSL_CTX_use_PrivateKey(p->server_ctx, leaf_key);
	}
	p->server = SSL_new(p->server_ctx);
	SSL_set_fd(p->server, p->fd[1]);
	SSL_set_accept_state(p->server);
	assert_int_equal(tls_context_new(&p->context, settings, &err), 0);
	assert_int_equal(tls_new(&p->client, p->context, p->fd[0], id, &err), 0);
}

static inline void pair_open(struct pair *p, X509 *cert, const struct tls_identity *id, int min)
{
	const struct tls_settings settings = {.ca_file = ca_file, .min_version = min};

	pair_open_with(p, cert, id, &settings);
}

static inline void pair_close(struct pair *p)
{
	tls_context_free(p->context);
	tls_free(p->client);
	SSL_free(p->server);
	SSL_CTX_free(p->server_ctx);
	close(p->fd[0]);
	if (p->fd[1] >= 0)
		close(p->fd[1]);
	ERR_clear_error();
}

static inline int shake(struct pair *p, struct err *err)
{
	int i, rc = -EAGAIN;
	short want = 0;

	for (i = 0; i < 20 && rc == -EAGAIN; i++) {
		rc = tls_handshake(p->client, &want, err);
		ERR_clear_error();
		SSL_do_handshake(p->server);
		ERR_clear_error();
	}
	return rc;
}

#endif
