/*
 * tls: what an administrator may set beyond authorities and names: fingerprints, a certificate of
 * our own, ciphers.
 */
#include "tests/unit/tls_pair.h"

#include <openssl/rsa.h>

static char directory[] = "/tmp/tls_settings_XXXXXX";
static char certificate_file[64], key_file[64];
static EVP_PKEY *client_key;
static X509 *client_certificate;
static struct tls_settings with_client;

static const char *const mx[] = {"mx.b.example"};

static void write_pem(
	const char *path, X509 *cert, X509 *issuer, EVP_PKEY *key, const char *passphrase)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	if (cert)
		assert_int_equal(PEM_write_X509(f, cert), 1);
	if (issuer)
		assert_int_equal(PEM_write_X509(f, issuer), 1);
	if (key)
		assert_int_equal(
			PEM_write_PKCS8PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL,
				passphrase, passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
			1);
	assert_int_equal(fclose(f), 0);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int settings_setup(void **state)
{
	const struct cert_wish w = {NULL, "client", -DAY, DAY, NULL, NULL};
	struct cert_wish issued = w;

	setup(state);
	assert_non_null(mkdtemp(directory));
	snprintf(certificate_file, sizeof(certificate_file), "%s/client.pem", directory);
	snprintf(key_file, sizeof(key_file), "%s/client.key", directory);
	client_key = EVP_EC_gen("P-256");
	issued.issuer = other_ca;
	issued.issuer_key = other_key;
	client_certificate = make_cert(&issued, client_key, false);
	with_client = (struct tls_settings){.ca_file = ca_file,
		.min_version = 12,
		.client_certificate = certificate_file,
		.client_key = key_file};
	return 0;
}

static int settings_teardown(void **state)
{
	X509_free(client_certificate);
	EVP_PKEY_free(client_key);
	unlink(certificate_file);
	unlink(key_file);
	rmdir(directory);
	return teardown(state);
}

/* --- fingerprints --- */

static void hex(const unsigned char *bytes, size_t n, char *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void hash(unsigned char *der, int length, char out[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	assert_true(length > 0);
	assert_int_equal(EVP_Digest(der, (size_t)length, digest, NULL, EVP_sha256(), NULL), 1);
	hex(digest, 32, out);
	OPENSSL_free(der);
}

static void fingerprints_of(X509 *cert, char whole[65], char key[65])
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);

	hash(der, n, whole);
	der = NULL;
	n = i2d_PUBKEY(X509_get0_pubkey(cert), &der);
	hash(der, n, key);
}

static void expect_pinned(
	X509 *cert, const char *const *fingerprints, bool verified, const char *reason)
{
	const struct tls_identity id = {
		.servername = mx[0], .names = mx, .name_count = 1, .fingerprints = fingerprints};
	struct err err = {""};
	struct pair p;

	pair_open(&p, cert, &id, 12);
	assert_int_equal(shake(&p, &err), 0);
	assert_int_equal(tls_facts(p.client)->verified, verified);
	assert_string_equal(tls_facts(p.client)->reason, reason);
	pair_close(&p);
}

static const char strange[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/* Neither chain nor dates nor names count: this one has all of them wrong. */
static void one_right_fingerprint_is_enough(void **state)
{
	const struct cert_wish w = {"DNS:other.example", "x", -10 * DAY, -2 * DAY, NULL, NULL};
	X509 *cert = make_cert(&w, leaf_key, false);
	char whole[65], key[65];
	const char *const by_whole[] = {whole, NULL}, *const by_key[] = {key, NULL},
			  *const second[] = {strange, key, NULL},
			  *const first[] = {whole, strange, NULL};

	(void)state;
	fingerprints_of(cert, whole, key);
	expect_pinned(cert, by_whole, true, "");
	expect_pinned(cert, by_key, true, "");
	expect_pinned(cert, second, true, "");
	expect_pinned(cert, first, true, "");
	X509_free(cert);
}

static void key_outlives_a_renewal_and_the_certificate_does_not(void **state)
{
	const struct cert_wish w = {"DNS:mx.b.example", "x", -DAY, DAY, NULL, NULL};
	X509 *cert = make_cert(&w, leaf_key, false), *renewed = make_cert(&w, leaf_key, false);
	char whole[65], key[65], new_whole[65], reason[256];
	const char *const by_whole[] = {whole, NULL}, *const by_key[] = {key, NULL};

	(void)state;
	fingerprints_of(renewed, new_whole, key);
	fingerprints_of(cert, whole, key);
	snprintf(reason, sizeof(reason),
		"fingerprint mismatch: certificate has sha256:%s, public key sha256:%s", new_whole,
		key);
	expect_pinned(renewed, by_key, true, "");
	expect_pinned(renewed, by_whole, false, reason);
	X509_free(cert);
	X509_free(renewed);
}

static void good_chain_does_not_help_a_wrong_fingerprint(void **state)
{
	const struct cert_wish w = {"DNS:mx.b.example", "x", -DAY, DAY, ca, ca_key};
	X509 *cert = make_cert(&w, leaf_key, false);
	char whole[65], key[65], reason[256];
	const char *const wrong[] = {strange, NULL}, *const none[] = {NULL};

	(void)state;
	fingerprints_of(cert, whole, key);
	snprintf(reason, sizeof(reason),
		"fingerprint mismatch: certificate has sha256:%s, public key sha256:%s", whole,
		key);
	expect_pinned(cert, wrong, false, reason);
	expect_pinned(cert, none, true, "");
	X509_free(cert);
}

static void what_is_no_fingerprint_is_refused(void **state)
{
	static const char *const bad[] = {"", "00", "sha256:00",
		"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF",
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0"};
	struct tls_context *context;
	struct err err = {""};
	struct tls *tls = NULL;
	size_t i;

	(void)state;
	assert_int_equal(
		tls_context_new(&context,
			&(struct tls_settings){.ca_file = ca_file, .min_version = 12}, &err),
		0);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *const list[] = {strange, bad[i], NULL};
		const struct tls_identity id = {.fingerprints = list};

		assert_int_equal(tls_new(&tls, context, 0, &id, &err), -EINVAL);
		assert_non_null(strstr(err.text, "fingerprint"));
		assert_null(tls);
	}
	tls_context_free(context);
}

/* --- the certificate of our own --- */

static void demand_certificate(struct pair *p)
{
	X509_STORE_add_cert(SSL_CTX_get_cert_store(p->server_ctx), other_ca);
	SSL_set_verify(p->server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static X509 *server_certificate(void)
{
	const struct cert_wish w = {"DNS:mx.b.example", "x", -DAY, DAY, ca, ca_key};

	return make_cert(&w, leaf_key, false);
}

static const struct tls_identity for_mx = {
	.servername = "mx.b.example", .names = mx, .name_count = 1};

static void client_certificate_and_chain_are_shown_on_demand(void **state)
{
	X509 *cert = server_certificate(), *shown;
	STACK_OF(X509) * chain;
	struct err err = {""};
	struct pair p;

	(void)state;
	write_pem(certificate_file, client_certificate, other_ca, NULL, NULL);
	write_pem(key_file, NULL, NULL, client_key, NULL);
	pair_open_with(&p, cert, &for_mx, &with_client);
	demand_certificate(&p);
	assert_int_equal(shake(&p, &err), 0);
	SSL_do_handshake(p.server);
	shown = SSL_get0_peer_certificate(p.server);
	assert_non_null(shown);
	assert_int_equal(X509_cmp(shown, client_certificate), 0);
	chain = SSL_get_peer_cert_chain(p.server); /* without the peer's own, on a server */
	assert_int_equal(sk_X509_num(chain), 1);
	assert_int_equal(X509_cmp(sk_X509_value(chain, 0), other_ca), 0);
	assert_true(tls_facts(p.client)->verified);
	pair_close(&p);
	X509_free(cert);
}

static void without_a_certificate_a_server_that_demands_one_says_so(void **state)
{
	X509 *cert = server_certificate();
	struct err err = {""};
	struct pair p;

	(void)state;
	pair_open(&p, cert, &for_mx, 12);
	demand_certificate(&p);
	SSL_set_max_proto_version(p.server, TLS1_2_VERSION);
	assert_int_equal(shake(&p, &err), -EPROTO);
	assert_non_null(strstr(err.text, "alert"));
	pair_close(&p);
	X509_free(cert);
}

static void expect_refused(const struct tls_settings *s, const char *a, const char *b)
{
	struct err err = {""};

	assert_int_equal(tls_settings_check(s, &err) < 0, 1);
	if (!strstr(err.text, a) || !strstr(err.text, b))
		fail_msg("neither \"%s\" nor \"%s\" in: %s", a, b, err.text);
	assert_int_equal(ERR_peek_error(), 0);
}

static void unusable_client_files_are_told(void **state)
{
	struct tls_settings s = with_client;

	(void)state;
	write_pem(certificate_file, client_certificate, NULL, NULL, NULL);
	write_pem(key_file, NULL, NULL, client_key, NULL);
	assert_int_equal(tls_settings_check(&s, NULL), 0);
	s.client_key = NULL;
	expect_refused(&s, "client_certificate: ", "client_key is missing");
	s = with_client;
	s.client_certificate = NULL;
	expect_refused(&s, "client_key: ", "client_certificate is missing");
	s.client_certificate = "/nonexistent/client.pem";
	expect_refused(&s, "client_certificate: /nonexistent/client.pem: ", "No such file");
	s.client_certificate = directory;
	expect_refused(&s, "client_certificate: ", "not a regular file");
	s = with_client;
	write_text(certificate_file, "nothing\n");
	expect_refused(&s, "client_certificate: ", "holds no certificate in PEM form");
	write_pem(certificate_file, client_certificate, NULL, NULL, NULL);
	write_text(key_file, "nothing\n");
	expect_refused(&s, "client_key: ", "holds no private key in PEM form");
	write_text(key_file, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	expect_refused(&s, "client_key: ", key_file);
}

static void key_of_another_certificate_is_an_error(void **state)
{
	EVP_PKEY *rsa = EVP_RSA_gen(2048);

	(void)state;
	write_pem(certificate_file, client_certificate, NULL, NULL, NULL);
	write_pem(key_file, NULL, NULL, leaf_key, NULL);
	expect_refused(&with_client, key_file, "is not the key of the certificate");
	write_pem(key_file, NULL, NULL, rsa, NULL);
	expect_refused(&with_client, key_file, "is not the key of the certificate");
	EVP_PKEY_free(rsa);
}

/* A question on the terminal would stand there for ever. */
static void protected_key_is_an_error_and_nobody_is_asked(void **state)
{
	BIO *bio;

	(void)state;
	write_pem(certificate_file, client_certificate, NULL, NULL, NULL);
	write_pem(key_file, NULL, NULL, client_key, "secret");
	expect_refused(&with_client, "client_key: ", "passphrase");
	/* The old form, "DEK-Info: AES-128-CBC,...". */
	bio = BIO_new_file(key_file, "w");
	assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, client_key, EVP_aes_128_cbc(),
				 (const unsigned char *)"secret", 6, NULL, NULL),
		1);
	BIO_free(bio);
	expect_refused(&with_client, "client_key: ", "passphrase");
}

static void certificate_and_key_may_share_a_file(void **state)
{
	struct tls_settings s = with_client;

	(void)state;
	write_pem(certificate_file, client_certificate, other_ca, client_key, NULL);
	s.client_key = certificate_file;
	assert_int_equal(tls_settings_check(&s, NULL), 0);
}

static void broken_chain_is_an_error(void **state)
{
	FILE *f;

	(void)state;
	write_pem(certificate_file, client_certificate, NULL, NULL, NULL);
	write_pem(key_file, NULL, NULL, client_key, NULL);
	f = fopen(certificate_file, "a");
	fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", f);
	fclose(f);
	expect_refused(&with_client, "client_certificate: ", certificate_file);
}

/* --- ciphers --- */

static void expect_cipher(
	const struct tls_settings *s, const char *theirs, int version, const char *agreed)
{
	X509 *cert = server_certificate();
	struct err err = {""};
	struct pair p;

	pair_open_with(&p, cert, &for_mx, s);
	SSL_set_min_proto_version(p.server, version);
	SSL_set_max_proto_version(p.server, version);
	if (theirs && version == TLS1_3_VERSION)
		assert_int_equal(SSL_set_ciphersuites(p.server, theirs), 1);
	else if (theirs)
		assert_int_equal(SSL_set_cipher_list(p.server, theirs), 1);
	assert_int_equal(shake(&p, &err), agreed ? 0 : -EPROTO);
	if (agreed)
		assert_string_equal(tls_facts(p.client)->cipher, agreed);
	else
		assert_string_equal(err.text, "the server sent alert: handshake failure");
	pair_close(&p);
	X509_free(cert);
}

static void ciphers_are_the_only_ones_offered(void **state)
{
	struct tls_settings s = {.ca_file = ca_file,
		.min_version = 12,
		.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:MISSPELT"};

	(void)state;
	expect_cipher(&s, NULL, TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384");
	expect_cipher(&s, "ECDHE-ECDSA-AES128-GCM-SHA256", TLS1_2_VERSION, NULL);
	expect_cipher(&s, "TLS_AES_128_GCM_SHA256", TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256");
	s.ciphers = NULL;
	s.ciphersuites = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
	expect_cipher(&s, NULL, TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256");
	expect_cipher(&s, "TLS_AES_256_GCM_SHA384", TLS1_3_VERSION, NULL);
	expect_cipher(&s, "ECDHE-ECDSA-AES128-GCM-SHA256", TLS1_2_VERSION,
		"ECDHE-ECDSA-AES128-GCM-SHA256");
}

static void unusable_cipher_lists_are_told(void **state)
{
	static const struct {
		const char *ciphers, *ciphersuites, *words;
	} table[] = {
		{"MISSPELT", NULL, "ciphers: \"MISSPELT\": no cipher match"},
		{"", NULL, "ciphers: \"\""},
		{"TLS_AES_128_GCM_SHA256", NULL, "no cipher match"},
		{"HIGH:eNULL", NULL, "which does not encrypt"},
		{"eNULL", NULL, "which does not encrypt"},
		{NULL, "TLS_AES_128_GCM_SHA265", "unknown name TLS_AES_128_GCM_SHA265"},
		{NULL, "TLS_AES_128_GCM_SHA256:MISSPELT", "unknown name MISSPELT"},
		{NULL, "ECDHE-ECDSA-AES128-GCM-SHA256", "unknown name"},
		{NULL, "", "names no cipher"},
		{NULL, ":", "names no cipher"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct tls_settings s = {.min_version = 12,
			.ciphers = table[i].ciphers,
			.ciphersuites = table[i].ciphersuites};

		expect_refused(
			&s, table[i].ciphers ? "ciphers: " : "ciphersuites: ", table[i].words);
	}
	expect_refused(
		&(struct tls_settings){.min_version = 12, .ciphers = "DES-CBC3-SHA@SECLEVEL=5"},
		"ciphers: ", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_right_fingerprint_is_enough),
		cmocka_unit_test(key_outlives_a_renewal_and_the_certificate_does_not),
		cmocka_unit_test(good_chain_does_not_help_a_wrong_fingerprint),
		cmocka_unit_test(what_is_no_fingerprint_is_refused),
		cmocka_unit_test(client_certificate_and_chain_are_shown_on_demand),
		cmocka_unit_test(without_a_certificate_a_server_that_demands_one_says_so),
		cmocka_unit_test(unusable_client_files_are_told),
		cmocka_unit_test(key_of_another_certificate_is_an_error),
		cmocka_unit_test(protected_key_is_an_error_and_nobody_is_asked),
		cmocka_unit_test(certificate_and_key_may_share_a_file),
		cmocka_unit_test(broken_chain_is_an_error),
		cmocka_unit_test(ciphers_are_the_only_ones_offered),
		cmocka_unit_test(unusable_cipher_lists_are_told),
	};
	return cmocka_run_group_tests(tests, settings_setup, settings_teardown);
}
