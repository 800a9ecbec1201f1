/*
 * tls: handshakes over socketpairs against a server in the same process, with certificates made
 * here.
 */
#include "tests/unit/tls_pair.h"

static void expect_facts(const struct cert_wish *wish, const struct tls_identity *id, bool verified,
	const char *reason)
{
	struct pair p;
	struct err err = {""};
	X509 *cert = make_cert(wish, leaf_key, false);
	const struct tls_facts *f;

	pair_open(&p, cert, id, 12);
	assert_int_equal(shake(&p, &err), 0);
	f = tls_facts(p.client);
	assert_string_equal(f->reason, reason);
	assert_int_equal(f->verified, verified);
	assert_int_equal(f->version, 13);
	assert_string_equal(f->protocol, "TLSv1.3");
	assert_true(*f->cipher);
	pair_close(&p);
	X509_free(cert);
}

static const char *const mx[] = {"mx.b.example"};
static const char *const two[] = {"mx.b.example", "mail.b.example"};
static const struct tls_identity for_mx = {
	.servername = "mx.b.example", .names = mx, .name_count = 1};

static void date_after(long seconds, char *out, size_t size)
{
	time_t t = time(NULL) + seconds;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, size, "%Y-%m-%d", &tm);
}

static void good_certificate_is_verified(void **state)
{
	const struct cert_wish w = {"DNS:mx.b.example", "x", -DAY, DAY, ca, ca_key};
	static const char *const dotted[] = {"mx.b.example."};
	const struct tls_identity with_dot = {
		.servername = "mx.b.example.", .names = dotted, .name_count = 1};

	(void)state;
	expect_facts(&w, &for_mx, true, "");
	expect_facts(&w, &with_dot, true, "");
}

static void dates_are_told(void **state)
{
	const struct cert_wish expired = {"DNS:mx.b.example", "x", -10 * DAY, -2 * DAY, ca, ca_key};
	const struct cert_wish future = {"DNS:mx.b.example", "x", 2 * DAY, 3 * DAY, ca, ca_key};
	char date[32], text[64];

	(void)state;
	date_after(-2 * DAY, date, sizeof(date));
	snprintf(text, sizeof(text), "expired %s", date);
	expect_facts(&expired, &for_mx, false, text);
	date_after(2 * DAY, date, sizeof(date));
	snprintf(text, sizeof(text), "not valid before %s", date);
	expect_facts(&future, &for_mx, false, text);
}

static void self_signed_and_strangers_are_not_verified(void **state)
{
	const struct cert_wish self = {"DNS:mx.b.example", "mx.b.example", -DAY, DAY, NULL, NULL};
	const struct cert_wish other = {"DNS:mx.b.example", "x", -DAY, DAY, other_ca, other_key};

	(void)state;
	expect_facts(&self, &for_mx, false, "self-signed certificate");
	expect_facts(&other, &for_mx, false, "unknown authority: Other Root");
}

static void wrong_name_and_common_name_alone_do_not_count(void **state)
{
	const struct cert_wish wrong = {
		"DNS:other.example,DNS:a.example", "mx.b.example", -DAY, DAY, ca, ca_key};
	const struct cert_wish cn = {NULL, "mx.b.example", -DAY, DAY, ca, ca_key};

	(void)state;
	expect_facts(&wrong, &for_mx, false,
		"name mismatch: certificate is for other.example, a.example");
	expect_facts(&cn, &for_mx, false,
		"name mismatch: certificate has no subjectAltName (a common name does not count)");
}

static void only_whole_leftmost_labels_are_wildcards(void **state)
{
	const struct cert_wish whole = {"DNS:*.b.example", "x", -DAY, DAY, ca, ca_key};
	const struct cert_wish partial = {"DNS:m*.b.example", "x", -DAY, DAY, ca, ca_key};
	static const char *const deep[] = {"a.mx.b.example"}, *const dot[] = {".b.example"},
				 *const none[] = {""};
	const struct tls_identity for_deep = {.names = deep, .name_count = 1};
	const struct tls_identity for_dot = {.names = dot, .name_count = 1};
	const struct tls_identity for_none = {.names = none, .name_count = 1};

	(void)state;
	expect_facts(&whole, &for_mx, true, "");
	expect_facts(&partial, &for_mx, false, "name mismatch: certificate is for m*.b.example");
	expect_facts(&whole, &for_deep, false, "name mismatch: certificate is for *.b.example");
	expect_facts(&whole, &for_dot, false, "name mismatch: certificate is for *.b.example");
	expect_facts(&whole, &for_none, false, "name mismatch: certificate is for *.b.example");
}

static void every_looked_up_name_must_match(void **state)
{
	const struct cert_wish one = {"DNS:mx.b.example", "x", -DAY, DAY, ca, ca_key};
	const struct cert_wish both = {
		"DNS:mx.b.example,DNS:mail.b.example", "x", -DAY, DAY, ca, ca_key};
	struct tls_identity id = {.servername = two[0], .names = two, .name_count = 2};

	(void)state;
	expect_facts(&both, &id, true, "");
	expect_facts(&one, &id, false,
		"name mismatch: certificate is for mx.b.example, not for mail.b.example");
	id.any_name = true;
	expect_facts(&one, &id, true, "");
}

static void addresses_match_address_names_only(void **state)
{
	const struct cert_wish w = {"IP:192.0.2.7,IP:2001:db8::7", "x", -DAY, DAY, ca, ca_key};
	const struct cert_wish dns = {"DNS:192.0.2.7", "x", -DAY, DAY, ca, ca_key};
	static const char *const literal[] = {"192.0.2.7"};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct tls_identity id = {.address = (struct sockaddr *)&in};
	const struct tls_identity by_text = {
		.servername = literal[0], .names = literal, .name_count = 1};
	const struct tls_identity nothing = {.address = NULL};

	(void)state;
	inet_pton(AF_INET, "192.0.2.7", &in.sin_addr);
	expect_facts(&w, &id, true, "");
	expect_facts(&w, &by_text, true, "");
	expect_facts(&dns, &id, false, "name mismatch: certificate is for 192.0.2.7");
	inet_pton(AF_INET, "192.0.2.8", &in.sin_addr);
	expect_facts(&w, &id, false, "name mismatch: certificate is for 192.0.2.7, 2001:db8::7");
	id.address = (struct sockaddr *)&in6;
	inet_pton(AF_INET6, "2001:db8::7", &in6.sin6_addr);
	expect_facts(&w, &id, true, "");
	inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr);
	expect_facts(&w, &id, true, "");
	expect_facts(
		&w, &nothing, false, "name mismatch: certificate is for 192.0.2.7, 2001:db8::7");
}

static void strangers_text_is_made_harmless(void **state)
{
	const struct cert_wish w = {"DNS:a\x01\"\\b.example", "x", -DAY, DAY, ca, ca_key};

	(void)state;
	expect_facts(&w, &for_mx, false, "name mismatch: certificate is for a???b.example");
}

static void without_a_common_version_the_handshake_fails(void **state)
{
	const struct cert_wish w = {"DNS:mx.b.example", "x", -DAY, DAY, ca, ca_key};
	X509 *cert = make_cert(&w, leaf_key, false);
	struct pair p;
	struct err err = {""};

	(void)state;
	pair_open(&p, cert, &for_mx, 13);
	SSL_set_max_proto_version(p.server, TLS1_2_VERSION);
	assert_int_equal(shake(&p, &err), -EPROTO);
	assert_string_equal(err.text, "the server sent alert: protocol version");
	pair_close(&p);
	pair_open(&p, cert, &for_mx, 12);
	SSL_set_max_proto_version(p.server, TLS1_2_VERSION);
	assert_int_equal(shake(&p, &err), 0);
	assert_int_equal(tls_facts(p.client)->version, 12);
	pair_close(&p);
	X509_free(cert);
}

static void old_versions_work_where_asked_for(void **state)
{
	const struct cert_wish w = {"DNS:mx.b.example", "x", -DAY, DAY, ca, ca_key};
	X509 *cert = make_cert(&w, leaf_key, false);
	struct pair p;
	struct err err = {""};

	(void)state;
	pair_open(&p, cert, &for_mx, 10);
	SSL_set_security_level(p.server, 0);
	SSL_set_min_proto_version(p.server, TLS1_VERSION);
	SSL_set_max_proto_version(p.server, TLS1_VERSION);
	assert_int_equal(shake(&p, &err), 0);
	assert_int_equal(tls_facts(p.client)->version, 10);
	assert_true(tls_facts(p.client)->verified);
	pair_close(&p);
	X509_free(cert);
}

static void data_goes_both_ways_and_close_notify_is_seen(void **state)
{
	const struct cert_wish w = {"DNS:mx.b.example", "x", -DAY, DAY, ca, ca_key};
	X509 *cert = make_cert(&w, leaf_key, false);
	struct pair p;
	struct err err = {""};
	char bytes[100];
	short want = 0;

	(void)state;
	pair_open(&p, cert, &for_mx, 12);
	assert_int_equal(shake(&p, &err), 0);
	assert_int_equal(tls_read(p.client, bytes, sizeof(bytes), &want, &err), -EAGAIN);
	assert_int_equal(want, POLLIN);
	assert_int_equal(tls_write(p.client, "EHLO x\r\n", 8, &want, &err), 8);
	assert_int_equal(SSL_read(p.server, bytes, sizeof(bytes)), 8);
	assert_int_equal(SSL_write(p.server, "250-a\r\n250 b\r\n", 14), 14);
	assert_int_equal(tls_read(p.client, bytes, 7, &want, &err), 7);
	assert_true(tls_pending(p.client));
	assert_int_equal(tls_read(p.client, bytes, sizeof(bytes), &want, &err), 7);
	assert_false(tls_pending(p.client));
	tls_close_notify(p.client);
	assert_int_equal(SSL_read(p.server, bytes, sizeof(bytes)), 0);
	assert_int_equal(SSL_get_error(p.server, 0), SSL_ERROR_ZERO_RETURN);
	SSL_shutdown(p.server);
	assert_int_equal(tls_read(p.client, bytes, sizeof(bytes), &want, &err), 0);
	pair_close(&p);
	X509_free(cert);
}

/* Key updates (RFC 8446 4.6.3) and session tickets are welcome, but not for ever and nothing else. */
static void flood_of_records_without_data_ends(void **state)
{
	const struct cert_wish w = {"DNS:mx.b.example", "x", -DAY, DAY, ca, ca_key};
	X509 *cert = make_cert(&w, leaf_key, false);
	struct pair p;
	struct err err = {""};
	char bytes[100];
	short want = 0;
	int i, rc = -EAGAIN;

	(void)state;
	pair_open(&p, cert, &for_mx, 13);
	assert_int_equal(shake(&p, &err), 0);
	for (i = 0; i < 4000 && rc == -EAGAIN; i++) {
		SSL_key_update(p.server, SSL_KEY_UPDATE_NOT_REQUESTED);
		SSL_do_handshake(p.server);
		if (i == 100) {
			SSL_write(p.server, "250 ok\r\n", 8);
			assert_int_equal(tls_read(p.client, bytes, sizeof(bytes), &want, &err), 8);
		} else if (i > 100 && i % 100 == 0) {
			rc = (int)tls_read(p.client, bytes, sizeof(bytes), &want, &err);
		}
	}
	assert_int_equal(rc, -EPROTO);
	assert_string_equal(err.text, "the server floods with TLS records that hold no data");
	pair_close(&p);
	X509_free(cert);
}

static void end_without_close_notify_is_a_reset(void **state)
{
	const struct cert_wish w = {"DNS:mx.b.example", "x", -DAY, DAY, ca, ca_key};
	X509 *cert = make_cert(&w, leaf_key, false);
	struct pair p;
	struct err err = {""};
	char bytes[100];
	short want = 0;

	(void)state;
	pair_open(&p, cert, &for_mx, 12);
	assert_int_equal(shake(&p, &err), 0);
	shutdown(p.fd[1], SHUT_WR);
	assert_int_equal(tls_read(p.client, bytes, sizeof(bytes), &want, &err), -ECONNRESET);
	assert_int_equal(tls_read(p.client, bytes, sizeof(bytes), &want, &err), -EPROTO);
	pair_close(&p);
	X509_free(cert);
}

static void failed_write_leaves_what_was_sent_before(void **state)
{
	const struct cert_wish w = {"DNS:mx.b.example", "x", -DAY, DAY, ca, ca_key};
	X509 *cert = make_cert(&w, leaf_key, false);
	struct pair p;
	struct err err = {""};
	char bytes[100];
	short want = 0;

	(void)state;
	pair_open(&p, cert, &for_mx, 12);
	assert_int_equal(shake(&p, &err), 0);
	assert_int_equal(SSL_write(p.server, "421 bye\r\n", 9), 9);
	close(p.fd[1]);
	p.fd[1] = -1;
	assert_int_equal(tls_write(p.client, "NOOP\r\n", 6, &want, &err), -ECONNRESET);
	assert_int_equal(tls_read(p.client, bytes, sizeof(bytes), &want, &err), 9);
	assert_memory_equal(bytes, "421 bye\r\n", 9);
	assert_int_equal(tls_read(p.client, bytes, sizeof(bytes), &want, &err), -ECONNRESET);
	pair_close(&p);
	X509_free(cert);
}

/* A blocked write goes on with a longer, moved buffer, and the server reads what was meant. */
static void blocked_write_goes_on_with_a_moved_buffer(void **state)
{
	const struct cert_wish w = {"DNS:mx.b.example", "x", -DAY, DAY, ca, ca_key};
	X509 *cert = make_cert(&w, leaf_key, false);
	struct pair p;
	struct err err = {""};
	size_t total = 2000000, sent = 0, got = 0, i;
	char *all = malloc(total), *copy, bytes[20000];
	short want = 0;

	(void)state;
	for (i = 0; i < total; i++)
		all[i] = (char)(i * 7 + i / 1000);
	pair_open(&p, cert, &for_mx, 12);
	assert_int_equal(shake(&p, &err), 0);
	while (got < total) {
		size_t n = total - sent > 30000 ? 30000 : total - sent;
		ssize_t rc = 0;

		copy = malloc(n ? n : 1);
		memcpy(copy, all + sent, n);
		if (n)
			rc = tls_write(p.client, copy, n, &want, &err);
		free(copy);
		assert_true(rc > 0 || rc == -EAGAIN || n == 0);
		if (rc > 0) {
			sent += (size_t)rc;
			continue;
		}
		rc = SSL_read(p.server, bytes, sizeof(bytes));
		assert_true(rc > 0);
		assert_memory_equal(bytes, all + got, rc);
		got += (size_t)rc;
	}
	free(all);
	pair_close(&p);
	X509_free(cert);
}

/* What a server (or someone on its wire) puts where its first record should be. */
static void expect_instead_of_a_record(const char *bytes, size_t n, bool late, int expected)
{
	struct pair p;
	struct err err = {""};
	short want = 0;

	pair_open(&p, NULL, &for_mx, 12);
	if (late)
		assert_int_equal(tls_handshake(p.client, &want, &err), -EAGAIN);
	if (n)
		assert_int_equal(write(p.fd[1], bytes, n), n);
	close(p.fd[1]);
	p.fd[1] = -1;
	assert_int_equal(tls_handshake(p.client, &want, &err), expected);
	assert_true(*err.text);
	assert_int_equal(tls_handshake(p.client, &want, &err), -EPROTO);
	pair_close(&p);
}

static void residue_is_told_from_garbage(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int expected;
	} table[] = {
		{"250 ok\r\n", 8, -EBADMSG},
		{"2", 1, -EBADMSG},
		{"\r", 1, -EBADMSG},
		{"\n", 1, -EBADMSG},
		{" x", 2, -EBADMSG},
		{"x", 1, -EBADMSG},
		{"abcd", 4, -EBADMSG},
		{"\0", 1, -EBADMSG},
		{"HTTP\x16\x03\x03\x00\x7a", 9, -EBADMSG},
		{"HTTP/1.1 no\x15\x03\x01\x00\x02", 16, -EBADMSG},
		{"HTTP/1.1 400 Bad Request\r\n", 26, -EPROTO},
		{"\xff\xff\xff\xff\xff\xff", 6, -EPROTO},
		{"\x16\x03\x03\xff\xff zzzzz", 11, -EPROTO},
		{"\x16", 1, -EPROTO},
		{"", 0, -EPROTO},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		expect_instead_of_a_record(table[i].bytes, table[i].n, true, table[i].expected);
		expect_instead_of_a_record(
			table[i].bytes, table[i].n, false, i == 14 ? -EPROTO : table[i].expected);
	}
}

static void unusable_settings_are_told(void **state)
{
	struct tls_settings s = {.ca_file = "/nonexistent/ca.pem", .min_version = 12};
	struct tls_context *c = NULL;
	struct err err = {""};

	(void)state;
	assert_true(tls_context_new(&c, &s, &err) < 0);
	assert_non_null(strstr(err.text, "/nonexistent/ca.pem"));
	assert_null(c);
	s = (struct tls_settings){.min_version = 9};
	assert_int_equal(tls_context_new(&c, &s, &err), -EINVAL);
}

static void environment_brings_no_authorities(void **state)
{
	const struct cert_wish w = {"DNS:mx.b.example", "x", -DAY, DAY, ca, ca_key};
	const struct tls_settings s = {.min_version = 12};
	X509 *cert = make_cert(&w, leaf_key, false);
	struct pair p;
	struct err err = {""};

	(void)state;
	setenv("SSL_CERT_FILE", ca_file, 1);
	pair_open(&p, cert, &for_mx, 12);
	tls_free(p.client);
	tls_context_free(p.context);
	assert_int_equal(tls_context_new(&p.context, &s, &err), 0);
	assert_int_equal(tls_new(&p.client, p.context, p.fd[0], &for_mx, &err), 0);
	assert_int_equal(shake(&p, &err), 0);
	assert_false(tls_facts(p.client)->verified);
	assert_string_equal(tls_facts(p.client)->reason, "unknown authority: Test Root");
	pair_close(&p);
	X509_free(cert);
	unsetenv("SSL_CERT_FILE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_certificate_is_verified),
		cmocka_unit_test(dates_are_told),
		cmocka_unit_test(self_signed_and_strangers_are_not_verified),
		cmocka_unit_test(wrong_name_and_common_name_alone_do_not_count),
		cmocka_unit_test(only_whole_leftmost_labels_are_wildcards),
		cmocka_unit_test(every_looked_up_name_must_match),
		cmocka_unit_test(addresses_match_address_names_only),
		cmocka_unit_test(strangers_text_is_made_harmless),
		cmocka_unit_test(without_a_common_version_the_handshake_fails),
		cmocka_unit_test(old_versions_work_where_asked_for),
		cmocka_unit_test(data_goes_both_ways_and_close_notify_is_seen),
		cmocka_unit_test(flood_of_records_without_data_ends),
		cmocka_unit_test(end_without_close_notify_is_a_reset),
		cmocka_unit_test(failed_write_leaves_what_was_sent_before),
		cmocka_unit_test(blocked_write_goes_on_with_a_moved_buffer),
		cmocka_unit_test(residue_is_told_from_garbage),
		cmocka_unit_test(unusable_settings_are_told),
		cmocka_unit_test(environment_brings_no_authorities),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
