/*
 * A whole agent while its configuration changes: sessions under way keep the rules they began with,
 * the next connection gets the new ones, and what cannot be read lets nothing through.
 */
#include "tests/unit/agent_harness.h"

static char domains[96], domains_directory[80], key_file[80], certificate_file[80];

static int reload_setup(void **state)
{
	group_setup(state);
	snprintf(domains_directory, sizeof(domains_directory), "%s/mailseal.d", directory);
	snprintf(domains, sizeof(domains), "%s/domains.conf", domains_directory);
	snprintf(key_file, sizeof(key_file), "%s/client.key", directory);
	snprintf(certificate_file, sizeof(certificate_file), "%s/client.pem", directory);
	return mkdir(domains_directory, 0755);
}

static int reload_teardown(void **state)
{
	unlink(domains);
	unlink(key_file);
	unlink(certificate_file);
	rmdir(domains_directory);
	return group_teardown(state);
}

static int clean_setup(void **state)
{
	unlink(domains);
	return setup(state);
}

/* As `mailseal policy` does: a new file takes the place of the old one. */
static void put_domains(const char *text)
{
	char path[112];
	FILE *f;

	snprintf(path, sizeof(path), "%s.new", domains);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(path, domains), 0);
}

static void greet(const struct call *c, int server)
{
	char bytes[512] = "";

	say(server, "220 mx\r\n");
	expect_text(c->app, "220 mx\r\n");
	say(c->app, "EHLO me\r\n");
	expect_text(server, "EHLO me\r\n");
	say(server, "250 mx\r\n");
	assert_true(recv(c->app, bytes, sizeof(bytes), 0) > 0);
	assert_memory_equal(bytes, "250", 3); /* where TLS is demanded, not the server's own */
}

static void expect_mail_passes(const struct call *c, int server)
{
	say(c->app, "MAIL FROM:<a@b.example>\r\n");
	expect_text(server, "MAIL FROM:<a@b.example>\r\n");
	say(server, "250 ok\r\n");
	expect_text(c->app, "250 ok\r\n");
	say(c->app, "RSET\r\n");
	expect_text(server, "RSET\r\n");
	say(server, "250 ok\r\n");
	expect_text(c->app, "250 ok\r\n");
}

/* By MAIL or, where that waits for a recipient, by RCPT. */
static void expect_mail_is_refused(const struct call *c)
{
	char bytes[1024] = "";
	size_t got = 0;

	say(c->app, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nNOOP\r\n");
	while (!strstr(bytes, "4.7.4")) {
		ssize_t n = recv(c->app, bytes + got, sizeof(bytes) - 1 - got, 0);

		assert_true(n > 0);
		got += (size_t)n;
	}
}

static void bye(struct call *c, int server)
{
	hang_up(c);
	close(server);
}

static void expect_new_connection(int listener, bool passes)
{
	struct call c;
	int server;

	open_call(&c, listener, &server);
	greet(&c, server);
	if (passes)
		expect_mail_passes(&c, server);
	else
		expect_mail_is_refused(&c);
	bye(&c, server);
}

static void expect_no_connection(void)
{
	struct call c;

	ask(&c, PORT);
	expect_reply(&c, HANDOFF_ACK, ECONNREFUSED);
	hang_up(&c);
}

static void changed_domains_count_from_the_next_connection_on(void **state)
{
	struct call old;
	int listener, server;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	start_shared();
	open_call(&old, listener, &server);
	greet(&old, server);
	put_domains("host \"mx.b.example\" { require_tls = true message_override = ignore }\n");
	expect_new_connection(listener, false);
	expect_logged("event=reloaded");
	expect_mail_passes(&old, server);
	put_domains("host \"mx.b.example\" { require_tls = false }\n");
	expect_new_connection(listener, true);
	put_domains("host \"mx.b.example\" { require_tls = true message_override = ignore }\n");
	expect_new_connection(listener, false);
	assert_int_equal(unlink(domains), 0);
	expect_new_connection(listener, true);
	expect_mail_passes(&old, server);
	bye(&old, server);
	close(listener);
}

static void invalid_domains_let_nothing_new_through_until_mended(void **state)
{
	struct call old;
	int listener, server;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	start_shared();
	open_call(&old, listener, &server);
	greet(&old, server);
	put_domains("host \"mx.b.example\" { require_tls = perhaps }\n");
	expect_no_connection();
	expect_logged("domains.conf:1: require_tls");
	expect_logged("run 'mailseal check");
	expect_no_connection();
	expect_mail_passes(&old, server);
	put_domains("host \"mx.b.example\" { require_tls = false }\n");
	expect_new_connection(listener, true);
	assert_int_equal(unlink(domains), 0);
	assert_int_equal(symlink("/nonexistent/domains.conf", domains), 0);
	expect_no_connection();
	assert_int_equal(unlink(domains), 0);
	expect_new_connection(listener, true);
	bye(&old, server);
	close(listener);
}

/* The identity of the agent is the main file's: another file is another agent's business. */
static void changed_main_file_found_on_the_way_makes_the_agent_leave(void **state)
{
	static char identity[HANDOFF_IDENTITY_SIZE];
	struct call c;
	int status;

	NEEDS_NETWORK();
	identity_of(identity, sizeof(identity));
	start(identity, listen_by_name(), false, 0);
	ask_over(&c, call_channel(), socket(AF_INET, SOCK_STREAM, 0), PORT + 1, 10, identity);
	expect_reply(&c, HANDOFF_ACK, EACCES);
	hang_up(&c);
	write_config("default { require_tls = true }\n");
	put_domains("host \"mx.b.example\" { require_tls = false }\n");
	ask_over(&c, call_channel(), socket(AF_INET, SOCK_STREAM, 0), PORT, 10, identity);
	expect_reply(&c, HANDOFF_STALE, 0);
	hang_up(&c);
	assert_true(ended_within(SECONDS * 1000, &status));
}

static void agent_without_identity_follows_the_main_file_too(void **state)
{
	struct call c;

	NEEDS_NETWORK();
	start("", listen_by_name(), false, 0);
	ask_over(&c, call_channel(), socket(AF_INET, SOCK_STREAM, 0), PORT + 1, 10, "");
	expect_reply(&c, HANDOFF_ACK, EACCES);
	hang_up(&c);
	write_config("default { require_tls = perhaps }\n");
	ask_over(&c, call_channel(), socket(AF_INET, SOCK_STREAM, 0), PORT + 1, 10, "");
	expect_reply(&c, HANDOFF_ACK, ECONNREFUSED);
	hang_up(&c);
	write_config("default { require_tls = true }\n");
	ask_over(&c, call_channel(), socket(AF_INET, SOCK_STREAM, 0), PORT + 1, 10, "");
	expect_reply(&c, HANDOFF_ACK, EACCES);
	hang_up(&c);
}

/* --- what is set for TLS reaches the wire --- */

static void write_client_files(bool fitting)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");
	FILE *f = fopen(certificate_file, "w");

	assert_int_equal(PEM_write_X509(f, certificate), 1);
	assert_int_equal(fclose(f), 0);
	f = fopen(key_file, "w");
	assert_int_equal(
		PEM_write_PrivateKey(f, fitting ? key : other, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(f), 0);
	EVP_PKEY_free(other);
}

static void fingerprint_of_the_certificate(char out[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	int i;

	assert_int_equal(X509_digest(certificate, EVP_sha256(), digest, NULL), 1);
	for (i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void write_tls_config(void)
{
	char text[600], print[65];

	fingerprint_of_the_certificate(print);
	snprintf(text, sizeof(text),
		"default { client_certificate = \"%s\" client_key = \"%s\" ciphers = "
		"\"ECDHE-ECDSA-AES256-GCM-SHA384\" fingerprints = {\"%s\"} require_tls = true "
		"verify_certificate = true }\n",
		certificate_file, key_file, print);
	write_config(text);
}

static int accept_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static void offer_tls(const struct call *c, int server)
{
	say(server, "220 mx\r\n");
	expect_text(c->app, "220 mx\r\n");
	say(c->app, "EHLO me\r\n");
	expect_text(server, "EHLO me\r\n");
	say(server, "250-mx\r\n250 STARTTLS\r\n");
	expect_text(server, "STARTTLS\r\n");
	say(server, "220 go\r\n");
}

static void fingerprint_client_certificate_and_ciphers_are_used(void **state)
{
	SSL_CTX *ctx;
	struct call c;
	int listener, server;
	char bytes[64];
	SSL *ssl;

	NEEDS_NETWORK();
	write_client_files(true);
	write_tls_config();
	listener = listen_on(PORT, 10);
	request_flags = HANDOFF_NAMES_TORN; /* names do not count beside a fingerprint */
	start_shared();
	open_call(&c, listener, &server);
	request_flags = 0;
	offer_tls(&c, server);
	ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(ctx, certificate);
	SSL_CTX_use_PrivateKey(ctx, key);
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, server);
	assert_int_equal(SSL_accept(ssl), 1);
	assert_string_equal(SSL_get_cipher_name(ssl), "ECDHE-ECDSA-AES256-GCM-SHA384");
	assert_int_equal(X509_cmp(SSL_get0_peer_certificate(ssl), certificate), 0);
	assert_int_equal(SSL_read(ssl, bytes, sizeof(bytes)), 9);
	assert_int_equal(SSL_write(ssl, "250 mx\r\n", 8), 8);
	expect_text(c.app, "250 mx\r\n");
	hang_up(&c);
	expect_logged("reference=fingerprint");
	expect_logged("certificate-verified=yes");
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(server);
	close(listener);
}

static void unusable_client_key_lets_nothing_through_until_mended(void **state)
{
	struct call c;
	int listener, server;

	NEEDS_NETWORK();
	write_client_files(false);
	write_tls_config();
	listener = listen_on(PORT, 10);
	start_shared();
	expect_no_connection();
	expect_logged("mailseal.conf:1: client_key: ");
	write_client_files(true);
	usleep(500000); /* another attempt comes within a share of the time */
	open_call(&c, listener, &server);
	bye(&c, server);
	close(listener);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, clean_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(changed_domains_count_from_the_next_connection_on),
		TEST(invalid_domains_let_nothing_new_through_until_mended),
		TEST(changed_main_file_found_on_the_way_makes_the_agent_leave),
		TEST(agent_without_identity_follows_the_main_file_too),
		TEST(fingerprint_client_certificate_and_ciphers_are_used),
		TEST(unusable_client_key_lets_nothing_through_until_mended),
	};
	return cmocka_run_group_tests(tests, reload_setup, reload_teardown);
}
