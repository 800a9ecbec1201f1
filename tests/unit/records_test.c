/*
 * records: conversations as OpenSSL makes them, cut everywhere; and what is none.
 */
#include "shim/tls/records.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* All that the two sides of a conversation write. */
struct wire {
	char client[20000], server[20000];
	size_t from_client, from_server;
};

struct wish {
	int oldest, newest;
	const char *groups; /* of the server, or NULL */
	const char *says;   /* the client, when it may */
	const char *ciphers; /* or NULL */
};

static EVP_PKEY *key;
static X509 *certificate;

static int setup(void **state)
{
	(void)state;
	key = EVP_EC_gen("P-256");
	certificate = X509_new();
	X509_gmtime_adj(X509_getm_notBefore(certificate), -1000);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 1000);
	X509_set_pubkey(certificate, key);
	return X509_sign(certificate, key, EVP_sha256()) > 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	X509_free(certificate);
	return 0;
}

static SSL_CTX *make_context(const SSL_METHOD *method, const struct wish *wish)
{
	SSL_CTX *context = SSL_CTX_new(method);

	SSL_CTX_set_min_proto_version(context, wish->oldest);
	SSL_CTX_set_max_proto_version(context, wish->newest);
	SSL_CTX_set_cipher_list(context, wish->ciphers ? wish->ciphers : "ALL:@SECLEVEL=0");
	return context;
}

static SSL *make_side(SSL_CTX *context)
{
	SSL *ssl = SSL_new(context);

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	return ssl;
}

/* What one wrote goes to the other, and onto the wire. */
static void carry(SSL *from, SSL *to, char *wire, size_t *length)
{
	int n = BIO_read(SSL_get_wbio(from), wire + *length, (int)(20000 - *length));

	if (n > 0) {
		BIO_write(SSL_get_rbio(to), wire + *length, n);
		*length += (size_t)n;
	}
	ERR_clear_error();
}

static void converse(const struct wish *wish, struct wire *wire)
{
	SSL_CTX *client_context = make_context(TLS_client_method(), wish),
		*server_context = make_context(TLS_server_method(), wish);
	SSL *client, *server;
	char heard[5000];

	SSL_CTX_use_certificate(server_context, certificate);
	SSL_CTX_use_PrivateKey(server_context, key);
	if (wish->groups)
		SSL_CTX_set1_groups_list(server_context, wish->groups);
	client = make_side(client_context);
	server = make_side(server_context);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	memset(wire, 0, sizeof(*wire));
	for (int i = 0; i < 8; i++) {
		SSL_do_handshake(client);
		carry(client, server, wire->client, &wire->from_client);
		SSL_do_handshake(server);
		carry(server, client, wire->server, &wire->from_server);
	}
	if (wish->says)
		assert_true(SSL_write(client, wish->says, (int)strlen(wish->says)) > 0);
	SSL_shutdown(client);
	carry(client, server, wire->client, &wire->from_client);
	SSL_read(server, heard, sizeof(heard));
	SSL_shutdown(server);
	carry(server, client, wire->server, &wire->from_server);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(client_context);
	SSL_CTX_free(server_context);
}

static bool all_pass(const char *bytes, size_t n, size_t piece)
{
	struct records records = {0};

	for (size_t at = 0; at < n; at += piece) {
		if (!records_pass(&records, bytes + at, n - at < piece ? n - at : piece))
			return false;
	}
	return records.left == 0 && records.got == 0;
}

static void ciphers_that_encrypt_nothing_are_told(void **state)
{
	static const struct wish wish = {
		TLS1_2_VERSION, TLS1_2_VERSION, NULL, "hello", "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"};
	struct wire wire;
	size_t end;
	int version;

	(void)state;
	converse(&wish, &wire);
	assert_non_null(memmem(wire.client, wire.from_client, "hello", 5));
	assert_int_equal(
		records_server_hello(wire.server, wire.from_server, &version, &end), HELLO_BARE);
	assert_int_equal(version, 0);
}

/* Where a hello is seen, all before it is partial, and all behind it changes nothing. */
static int hello_version(const struct wire *wire)
{
	size_t end;
	int version = -1, then;
	size_t n = 0;

	while (n < 6) {
		assert_int_equal(records_client_hello(wire->client, n), HELLO_PARTIAL);
		n++;
	}
	for (; n < 200; n++)
		assert_int_equal(records_client_hello(wire->client, n), HELLO_SEEN);
	for (n = 0; records_server_hello(wire->server, n, &version, &end) == HELLO_PARTIAL; n++)
		assert_true(n < wire->from_server);
	for (; n < wire->from_server; n++) {
		assert_int_equal(records_server_hello(wire->server, n, &then, &end), HELLO_SEEN);
		assert_int_equal(then, version);
	}
	assert_int_equal(records_client_hello(wire->server, 100), HELLO_NONE);
	assert_int_equal(records_server_hello(wire->client, 100, &then, &end), HELLO_NONE);
	return version;
}

static void conversations_are_records_of_a_version(void **state)
{
	static const struct {
		struct wish wish;
		int version;
	} rows[] = {
		{{TLS1_VERSION, TLS1_VERSION, NULL, "hello", NULL}, 10},
		{{TLS1_1_VERSION, TLS1_1_VERSION, NULL, "hello", NULL}, 11},
		{{TLS1_2_VERSION, TLS1_2_VERSION, NULL, "hello", NULL}, 12},
		{{TLS1_2_VERSION, TLS1_3_VERSION, NULL, "hello", NULL}, 13},
		{{TLS1_3_VERSION, TLS1_3_VERSION, "P-384", "hello", NULL}, 13}, /* HelloRetryRequest */
	};
	struct wire wire;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		converse(&rows[i].wish, &wire);
		for (size_t piece = 1; piece < 3000; piece = piece * 2 + 1) {
			assert_true(all_pass(wire.client, wire.from_client, piece));
			assert_true(all_pass(wire.server, wire.from_server, piece));
		}
		assert_int_equal(hello_version(&wire), rows[i].version);
	}
}

/* Every octet that SMTP may begin a line with, after any whole record. */
static void text_after_records_does_not_pass(void **state)
{
	const struct wish wish = {TLS1_2_VERSION, TLS1_3_VERSION, NULL, "hello", NULL};
	struct records records, copy;
	struct wire wire;

	(void)state;
	converse(&wish, &wire);
	memset(&records, 0, sizeof(records));
	for (size_t n = 0; n < wire.from_client; n++) {
		bool between = records.left == 0 && records.got == 0;

		for (int c = 0; between && c < 256; c++) {
			char octet = (char)c;

			copy = records;
			assert_int_equal(records_pass(&copy, &octet, 1), c >= 20 && c <= 24);
		}
		assert_true(records_pass(&records, wire.client + n, 1));
	}
}

static enum hello server_says(const char *bytes, size_t n)
{
	size_t end;
	int version;

	return records_server_hello(bytes, n, &version, &end);
}

static void warnings_and_alerts_are_told_apart(void **state)
{
	const struct wish wish = {TLS1_2_VERSION, TLS1_2_VERSION, NULL, NULL, NULL};
	static const char warning[] = "\x15\x03\x03\x00\x02\x01\x70", fatal[] = "\x15\x03\x01\x00\x02\x02\x28";
	char both[20007];
	struct wire wire;
	size_t end;
	int version;

	(void)state;
	converse(&wish, &wire);
	memcpy(both, warning, 7);
	memcpy(both + 7, wire.server, wire.from_server);
	assert_int_equal(server_says(both, 7), HELLO_PARTIAL);
	assert_int_equal(records_server_hello(both, 7 + wire.from_server, &version, &end), HELLO_SEEN);
	assert_int_equal(version, 12);
	for (size_t n = 0; n < 7; n++)
		assert_int_equal(server_says(fatal, n), HELLO_PARTIAL);
	assert_int_equal(server_says(fatal, 7), HELLO_DENIED);
	assert_int_equal(server_says("\x15\x03\x01\x00\x03\x02\x28", 7), HELLO_NONE);
	assert_int_equal(server_says("\x15\x03\x01\x00\x02\x00\x70", 7), HELLO_NONE);
	assert_int_equal(server_says("\x15\x03\x01\x00\x02\x03\x28", 7), HELLO_NONE);
	/* what stands behind the last word is told from it */
	memcpy(both + 7, fatal, 7);
	memcpy(both + 14, wire.server, wire.from_server);
	assert_int_equal(records_server_hello(both, 14 + wire.from_server, &version, &end), HELLO_DENIED);
	assert_int_equal(end, 14);
}

static void what_is_no_hello_is_none(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{"MAIL FROM:<>\r\n", 14}, {"\r\n", 2}, {"\x16MAIL", 5}, {"\x16\x02\x00", 3},
		{"\x16\x03\x05", 3}, {"\x16\x03\x01\x60\x00", 5}, {"\x16\x03\x01\x00\x20\x02x", 7},
		{"\x17\x03\x03", 3}, {"\x14\x03\x03", 3}, {"\x18\x03\x03", 3},
		{"\x80\x2e\x01\x03\x01", 5}, /* SSL 2.0's form */
		{"\x16\x03\x01\x00\x00\x01", 6}, {"250 2.0.0\r\n", 11},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(records_client_hello(rows[i].bytes, rows[i].n), HELLO_NONE);
		if (rows[i].bytes[0] != 0x16 || rows[i].n < 6)
			assert_int_equal(server_says(rows[i].bytes, rows[i].n), HELLO_NONE);
	}
}

/* The version of a hello that is not what it should be is unknown, and no octet beyond it is read. */
static void damaged_hellos_have_no_version(void **state)
{
	const struct wish wish = {TLS1_3_VERSION, TLS1_3_VERSION, NULL, NULL, NULL};
	struct wire wire;
	size_t end;
	int version;

	(void)state;
	converse(&wish, &wire);
	for (unsigned round = 0; round < 20000; round++) {
		size_t n = (size_t)rand() % 140;
		char *copy = malloc(n + 1);

		memcpy(copy, wire.server, n);
		for (unsigned damage = (unsigned)rand() % 4; n > 0 && damage > 0; damage--)
			copy[(size_t)rand() % n] = (char)rand();
		copy = realloc(copy, n ? n : 1);
		(void)records_server_hello(copy, n, &version, &end);
		assert_true(version == 0 || (version >= 10 && version <= 13));
		(void)records_client_hello(copy, n);
		free(copy);
	}
	/* in pieces, as nobody sends it */
	assert_int_equal(server_says("\x16\x03\x03\x00\x06\x02\x00\x00\x4c\x03\x03", 11), HELLO_NONE);
	assert_int_equal(server_says("\x16\x03\x03\x00\x02\x02\x00", 7), HELLO_NONE);
	/* session id longer than the message */
	wire.server[5 + 4 + 2 + 32] = (char)0xff;
	assert_int_equal(server_says(wire.server, 200), HELLO_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversations_are_records_of_a_version),
		cmocka_unit_test(ciphers_that_encrypt_nothing_are_told),
		cmocka_unit_test(text_after_records_does_not_pass),
		cmocka_unit_test(warnings_and_alerts_are_told_apart),
		cmocka_unit_test(what_is_no_hello_is_none),
		cmocka_unit_test(damaged_hellos_have_no_version),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
