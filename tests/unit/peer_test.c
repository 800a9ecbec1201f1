/*
 * peer: what a handshake shows of the server beyond what is judged.
 */
#include "tests/unit/tls_pair.h"

#include "shim/tls/peer.h"

static const char *const mx[] = {"mx.b.example"};
static const struct tls_identity for_mx = {
	.servername = "mx.b.example", .names = mx, .name_count = 1};

static void meet(struct pair *p, X509 *cert, struct tls_peer *peer)
{
	struct err err = {""};

	pair_open(p, cert, &for_mx, 12);
	assert_int_equal(shake(p, &err), 0);
	assert_int_equal(tls_peer_read(p->client, peer), 0);
}

static void the_chain_goes_up_to_the_authority_that_was_used(void **state)
{
	const struct cert_wish w = {
		"DNS:mx.b.example,IP:192.0.2.1,email:a@b.example", "x", -DAY, 30 * DAY + 60, ca, ca_key};
	X509 *cert = make_cert(&w, leaf_key, false);
	struct tls_peer peer = {0};
	struct pair p;

	(void)state;
	meet(&p, cert, &peer);
	assert_int_equal(peer.count, 2);
	assert_string_equal(peer.chain[0].subject, "CN=x");
	assert_string_equal(peer.chain[0].issuer, "CN=Test Root");
	assert_true(peer.chain[0].sent && peer.chain[0].used && peer.chain[0].started);
	assert_int_equal(peer.chain[0].days_left, 30);
	assert_string_equal(peer.chain[0].key, "EC prime256v1 256 bits");
	assert_string_equal(peer.chain[0].signature, "ecdsa-with-SHA256");
	assert_int_equal(peer.chain[0].name_count, 2);
	assert_int_equal(peer.chain[0].names_in_total, 2);
	assert_string_equal(peer.chain[0].names[0], "mx.b.example");
	assert_string_equal(peer.chain[0].names[1], "192.0.2.1");
	assert_string_equal(peer.chain[1].subject, "CN=Test Root");
	assert_true(!peer.chain[1].sent && peer.chain[1].used);
	assert_string_equal(peer.signature, "ECDSA with SHA256");
	assert_true(*peer.key_exchange);
	tls_peer_clear(&peer);
	pair_close(&p);
	X509_free(cert);
}

/* An authority is only told of where it proved something. */
static void what_is_not_verified_ends_with_what_was_sent(void **state)
{
	const struct cert_wish expired = {"DNS:mx.b.example", "x", -9 * DAY, -DAY - 60, ca, ca_key},
			       future = {"DNS:mx.b.example", "x", DAY, 9 * DAY, NULL, NULL};
	const struct cert_wish *wishes[] = {&expired, &future};
	struct tls_peer peer = {0};
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		X509 *cert = make_cert(wishes[i], leaf_key, false);

		meet(&p, cert, &peer);
		assert_int_equal(peer.count, 1);
		assert_false(peer.chain[0].used);
		assert_int_equal(peer.chain[0].started, i == 0);
		assert_int_equal(peer.chain[0].days_left < 0, i == 0);
		tls_peer_clear(&peer);
		pair_close(&p);
		X509_free(cert);
	}
}

static void a_stranger_s_text_is_escaped_and_cut(void **state)
{
	struct cert_wish w = {"DNS:a\x1b[2Jb", "\x1b]0;x\x07, y=z\xe9", -DAY, DAY, NULL, NULL};
	struct tls_peer peer = {0};
	struct pair p;
	X509 *cert = make_cert(&w, leaf_key, false);

	(void)state;
	for (int i = 0; i < 20; i++)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "OU", MBSTRING_ASC,
			(const unsigned char *)"0123456789012345678901234567890123456789", -1, -1, 0);
	X509_sign(cert, leaf_key, EVP_sha256());
	meet(&p, cert, &peer);
	assert_string_equal(peer.chain[0].issuer, "CN=\\1B]0\\;x\\07\\, y=z\\C3\\A9");
	assert_string_equal(peer.chain[0].names[0], "a?[2Jb");
	assert_int_equal(strlen(peer.chain[0].subject), 303);
	assert_string_equal(peer.chain[0].subject + 300, "...");
	tls_peer_clear(&peer);
	pair_close(&p);
	X509_free(cert);
}

static void names_without_end_are_counted(void **state)
{
	char san[8000] = "";
	size_t at = 0;
	struct cert_wish w = {san, "x", -DAY, DAY, ca, ca_key};
	struct tls_peer peer = {0};
	struct pair p;
	X509 *cert;

	(void)state;
	for (int i = 0; i < 300; i++)
		at += (size_t)snprintf(san + at, sizeof(san) - at, "%sDNS:n%d.example", i ? "," : "", i);
	cert = make_cert(&w, leaf_key, false);
	meet(&p, cert, &peer);
	assert_int_equal(peer.chain[0].name_count, TLS_PEER_NAMES);
	assert_int_equal(peer.chain[0].names_in_total, 300);
	tls_peer_clear(&peer);
	pair_close(&p);
	X509_free(cert);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_chain_goes_up_to_the_authority_that_was_used),
		cmocka_unit_test(what_is_not_verified_ends_with_what_was_sent),
		cmocka_unit_test(a_stranger_s_text_is_escaped_and_cut),
		cmocka_unit_test(names_without_end_are_counted),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
