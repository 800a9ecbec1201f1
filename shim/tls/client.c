/*
 * client: what the client shows and offers: its certificate with key, and the ciphers. Whatever
 * stands in the way is an error that names the setting; nobody is ever asked for a passphrase.
 */
#include "shim/tls/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Told instead of asking on a terminal, as OpenSSL would. */
static int refuse_passphrase(char *passphrase, int size, int writing, void *asked)
{
	(void)passphrase;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

/* The oldest entry of the error queue is the cause here, the others say who was told of it. */
static int fail_by_queue(struct err *err, const char *setting, const char *file)
{
	unsigned long e = ERR_peek_error();
	char words[256];

	if (ERR_GET_LIB(e) == ERR_LIB_OSSL_DECODER ||
		(ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE))
		snprintf(words, sizeof(words), "holds no %s in PEM form",
			strcmp(setting, "client_key") == 0 ? "private key" : "certificate");
	else
		snprintf(
			words, sizeof(words), "%s", reason_words(e) ? reason_words(e) : "unusable");
	return err_fail(err, EINVAL, "%s: %.300s: %s", setting, file, words);
}

/* Only a regular file: reading from anything else could wait for ever. */
static int open_pem(BIO **bio, const char *setting, const char *file, struct err *err)
{
	int error = 0, fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	FILE *stream;

	if (fd < 0 || fstat(fd, &st) < 0)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = EINVAL;
	stream = error ? NULL : fdopen(fd, "r");
	*bio = stream ? BIO_new_fp(stream, BIO_CLOSE) : NULL;
	if (*bio)
		return 0;
	if (stream)
		fclose(stream);
	else if (fd >= 0)
		close(fd);
	return err_fail(err, error ? error : ENOMEM, "%s: %.300s: %s", setting, file,
		error == EINVAL ? "is not a regular file" : strerror(error ? error : ENOMEM));
}

/* The rest of the file is the chain. */
static bool add_chain(SSL_CTX *ssl, BIO *bio)
{
	unsigned long e;
	X509 *cert;

	while ((cert = PEM_read_bio_X509(bio, NULL, refuse_passphrase, &(bool){false}))) {
		if (SSL_CTX_add0_chain_cert(ssl, cert) != 1) {
			X509_free(cert);
			return false;
		}
	}
	e = ERR_peek_last_error();
	if (ERR_GET_LIB(e) != ERR_LIB_PEM || ERR_GET_REASON(e) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

static int load_certificate(SSL_CTX *ssl, const char *file, struct err *err)
{
	X509 *cert;
	BIO *bio;
	bool good;
	int rc = open_pem(&bio, "client_certificate", file, err);

	if (rc < 0)
		return rc;
	cert = PEM_read_bio_X509_AUX(bio, NULL, refuse_passphrase, &(bool){false});
	good = cert && SSL_CTX_use_certificate(ssl, cert) == 1 && add_chain(ssl, bio);
	X509_free(cert);
	BIO_free(bio);
	return good ? 0 : fail_by_queue(err, "client_certificate", file);
}

void tls_certificate_dates(const char *file, char *out, size_t size)
{
	const char *whose = "";
	char date[32];
	X509 *cert;
	BIO *bio;

	*out = '\0';
	if (open_pem(&bio, "client_certificate", file, NULL) < 0)
		return;
	while (!*out &&
		(cert = PEM_read_bio_X509_AUX(bio, NULL, refuse_passphrase, &(bool){false}))) {
		if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0) {
			date_words(X509_get0_notAfter(cert), date, sizeof(date));
			snprintf(out, size, "%sexpired %s", whose, date);
		} else if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0) {
			date_words(X509_get0_notBefore(cert), date, sizeof(date));
			snprintf(out, size, "%snot valid before %s", whose, date);
		}
		X509_free(cert);
		whose = "authority's certificate ";
	}
	BIO_free(bio);
	ERR_clear_error();
}

/* The old form names its cipher, and those names are not loaded (see context.c). */
static bool names_a_cipher(unsigned long e)
{
	return ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_UNSUPPORTED_ENCRYPTION;
}

static int load_key(SSL_CTX *ssl, const struct tls_settings *s, struct err *err)
{
	bool asked = false;
	EVP_PKEY *key;
	BIO *bio;
	int rc = open_pem(&bio, "client_key", s->client_key, err);

	if (rc < 0)
		return rc;
	key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, &asked);
	BIO_free(bio);
	if (asked || (!key && names_a_cipher(ERR_peek_error())))
		rc = err_fail(err, EINVAL,
			"client_key: %.300s: is protected by a passphrase, and nobody is asked "
			"for one; write the key without (openssl pkey -in OLD -out NEW)",
			s->client_key);
	else if (!key)
		rc = fail_by_queue(err, "client_key", s->client_key);
	else if (X509_check_private_key(SSL_CTX_get0_certificate(ssl), key) != 1)
		rc = err_fail(err, EINVAL,
			"client_key: %.180s: is not the key of the certificate in %.180s",
			s->client_key, s->client_certificate);
	else if (SSL_CTX_use_PrivateKey(ssl, key) != 1)
		rc = fail_by_queue(err, "client_key", s->client_key);
	EVP_PKEY_free(key);
	return rc;
}

int client_show_certificate(SSL_CTX *ssl, const struct tls_settings *settings, struct err *err)
{
	int rc;

	if (!settings->client_certificate && !settings->client_key)
		return 0;
	if (!settings->client_key)
		return err_fail(err, EINVAL, "client_certificate: client_key is missing beside it");
	if (!settings->client_certificate)
		return err_fail(err, EINVAL, "client_key: client_certificate is missing beside it");
	ERR_clear_error();
	rc = load_certificate(ssl, settings->client_certificate, err);
	return rc < 0 ? rc : load_key(ssl, settings, err);
}

/* A cipher of the list that only signs what passes: that is not what anybody means by TLS. */
static const char *plain_cipher(const STACK_OF(SSL_CIPHER) * list)
{
	int i;

	for (i = 0; i < sk_SSL_CIPHER_num(list); i++) {
		const SSL_CIPHER *c = sk_SSL_CIPHER_value(list, i);

		if (SSL_CIPHER_get_cipher_nid(c) == NID_undef)
			return SSL_CIPHER_get_name(c);
	}
	return NULL;
}

/* OpenSSL accepts a list of which its security level leaves nothing; the handshake then fails. */
static bool leaves_a_cipher(SSL_CTX *ctx)
{
	SSL *ssl = SSL_new(ctx);
	STACK_OF(SSL_CIPHER) *list = ssl ? SSL_get1_supported_ciphers(ssl) : NULL;
	bool only13 = SSL_CTX_get_min_proto_version(ctx) >= TLS1_3_VERSION, found = only13;
	int i;

	for (i = 0; i < sk_SSL_CIPHER_num(list) && !found; i++)
		found = strcmp(SSL_CIPHER_get_version(sk_SSL_CIPHER_value(list, i)), "TLSv1.3") !=
			0;
	sk_SSL_CIPHER_free(list);
	SSL_free(ssl);
	return found;
}

static int offer_ciphers(SSL_CTX *ssl, const char *list, struct err *err)
{
	const char *plain;
	char words[256];

	if (SSL_CTX_set_cipher_list(ssl, list) != 1) {
		tls_error_words(words, sizeof(words));
		return err_fail(err, EINVAL,
			"ciphers: \"%.200s\": %s; names for TLS up to 1.2 are listed by: openssl "
			"ciphers -v",
			list, words);
	}
	plain = plain_cipher(SSL_CTX_get_ciphers(ssl));
	if (plain)
		return err_fail(err, EINVAL,
			"ciphers: \"%.200s\": lets %.60s in, which does not encrypt", list, plain);
	if (!leaves_a_cipher(ssl))
		return err_fail(err, EINVAL,
			"ciphers: \"%.200s\": none of them is allowed by OpenSSL's security level "
			"%d",
			list, SSL_CTX_get_security_level(ssl));
	return 0;
}

/* OpenSSL skips names that it does not know; a misspelt one would go unnoticed. */
static int offer_ciphersuites(SSL_CTX *ssl, const char *list, struct err *err)
{
	const char *at = list, *plain;
	char one[80];

	while (*(at += strspn(at, ": ,;"))) {
		size_t n = strcspn(at, ": ,;");

		snprintf(one, sizeof(one), "%.*s", (int)(n < sizeof(one) ? n : sizeof(one)), at);
		if (n >= sizeof(one) || SSL_CTX_set_ciphersuites(ssl, one) != 1)
			return err_fail(err, EINVAL,
				"ciphersuites: unknown name %.80s; names for TLS 1.3 are listed "
				"by: openssl ciphers -s -tls1_3",
				one);
		at += n;
	}
	if (SSL_CTX_set_ciphersuites(ssl, list) != 1 || at == list)
		return err_fail(err, EINVAL,
			"ciphersuites: \"%.200s\": names no cipher; separate "
			"names by colons",
			list);
	plain = plain_cipher(SSL_CTX_get_ciphers(ssl));
	if (plain)
		return err_fail(err, EINVAL, "ciphersuites: %.60s does not encrypt", plain);
	return 0;
}

int client_offer(SSL_CTX *ssl, const struct tls_settings *settings, struct err *err)
{
	int rc = 0;

	if (settings->ciphers)
		rc = offer_ciphers(ssl, settings->ciphers, err);
	if (rc == 0 && settings->ciphersuites)
		rc = offer_ciphersuites(ssl, settings->ciphersuites, err);
	return rc;
}
