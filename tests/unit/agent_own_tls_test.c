/*
 * A whole agent: an application that issues STARTTLS itself. The server refused mailseal's, and
 * takes the application's on a fresh connection.
 */
#include "tests/unit/agent_harness.h"

static const char client_hello[] = "\x16\x03\x01\x00\x08\x01\x00\x00\x04"
				   "abcd";
/* TLS 1.2: version, 32 octets of random, no session, a cipher, no compression, no extensions */
static const char server_hello[] = "\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03"
				   "0123456789abcdef0123456789abcdef"
				   "\x00\xc0\x2f\x00";
static const char record[] = "\x17\x03\x03\x00\x05hello";

static void send_octets(int fd, const char *bytes, size_t n)
{
	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
}

static void expect_octets(int fd, const char *bytes, size_t n)
{
	char got[512];

	assert_int_equal(recv(fd, got, n, MSG_WAITALL), n);
	assert_memory_equal(got, bytes, n);
}

#define SEND(fd, text) send_octets(fd, text, sizeof(text) - 1)
#define EXPECT(fd, text) expect_octets(fd, text, sizeof(text) - 1)

static void expect_nothing(int fd)
{
	char byte;

	usleep(50000);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/* However it ends: by a reset too, where something was left unread. */
static void expect_gone(int fd)
{
	char byte;

	assert_true(recv(fd, &byte, 1, 0) <= 0);
}

static void greet(const struct call *c, int server)
{
	say(server, "220 mx\r\n");
	expect_text(c->app, "220 mx\r\n");
	say(c->app, "EHLO me\r\n");
	expect_text(server, "EHLO me\r\n");
	say(server, "250-mx\r\n250 STARTTLS\r\n");
	expect_text(server, "STARTTLS\r\n");
	say(server, "454 not now\r\n");
	expect_text(c->app, "250 mx\r\n");
}

/* Up to the server's 220 to the application's STARTTLS. */
static int begin(struct call *c, const char *settings)
{
	char text[300];
	int listener = listen_on(PORT, 10), server;

	snprintf(text, sizeof(text), "default { %s }\n", settings);
	write_config(text);
	start_shared();
	open_call(c, listener, &server);
	greet(c, server);
	say(c->app, "STARTTLS\r\n");
	expect_end(server);
	close(server);
	server = accept_one(listener);
	close(listener);
	say(server, "220 again\r\n");
	expect_text(server, "EHLO me\r\n");
	say(server, "250-mx\r\n250 STARTTLS\r\n");
	expect_text(server, "STARTTLS\r\n");
	say(server, "220 go\r\n");
	expect_text(c->app, "220 go\r\n");
	return server;
}

static void over(struct call *c, int server, const char *logged)
{
	hang_up(c);
	close(server);
	expect_logged(logged);
}

static void records_pass_both_ways_until_the_end(void **state)
{
	struct call c;
	int server;

	NEEDS_NETWORK();
	server = begin(&c, "");
	SEND(c.app, client_hello);
	EXPECT(server, client_hello);
	SEND(server, server_hello);
	EXPECT(c.app, server_hello);
	for (int i = 0; i < 100; i++) {
		SEND(c.app, record);
		SEND(server, record);
		EXPECT(server, record);
		EXPECT(c.app, record);
	}
	shutdown(c.app, SHUT_WR); /* half closed: the server may still speak */
	expect_end(server);
	SEND(server, record);
	EXPECT(c.app, record);
	shutdown(server, SHUT_WR);
	expect_end(c.app);
	over(&c, server,
		"tls=yes protocol=TLSv1.2 certificate-verified=no "
		"policy=\"application_tls by built-in default\" verdict=tls-unverified bytes=2070");
}

static void nothing_passes_before_the_hello_is_seen(void **state)
{
	struct call c;
	int server;

	NEEDS_NETWORK();
	server = begin(&c, "");
	send_octets(c.app, client_hello, 5);
	expect_nothing(server);
	send_octets(c.app, client_hello + 5, 1);
	expect_octets(server, client_hello, 6);
	send_octets(c.app, client_hello + 6, sizeof(client_hello) - 7);
	expect_octets(server, client_hello + 6, sizeof(client_hello) - 7);
	send_octets(server, server_hello, 40);
	expect_nothing(c.app);
	send_octets(server, server_hello + 40, sizeof(server_hello) - 41);
	EXPECT(c.app, server_hello);
	over(&c, server, "event=application-tls");
}

static void text_of_the_application_ends_it(void **state)
{
	struct call c;
	int server;

	NEEDS_NETWORK();
	server = begin(&c, "");
	say(c.app, "MAIL FROM:<a@a.example>\r\n");
	expect_end(server);
	expect_gone(c.app);
	over(&c, server, "tls=no protocol=- certificate-verified=- ");
	expect_logged("verdict=- bytes=0 note=\"protocol error: no TLS of the application");
}

static void half_a_header_and_an_end_is_no_tls(void **state)
{
	struct call c;
	int server;

	NEEDS_NETWORK();
	server = begin(&c, "");
	send_octets(c.app, client_hello, 3);
	shutdown(c.app, SHUT_WR);
	expect_end(server);
	over(&c, server, "bytes=0 note=\"protocol error: no TLS of the application");
}

static void text_after_records_ends_it(void **state)
{
	struct call c;
	int server;

	NEEDS_NETWORK();
	server = begin(&c, "");
	SEND(c.app, client_hello);
	EXPECT(server, client_hello);
	SEND(server, server_hello);
	EXPECT(c.app, server_hello);
	say(c.app, "MAIL FROM:<a@a.example>\r\n");
	expect_end(server);
	over(&c, server, "note=\"protocol error: the application left TLS\"");
}

static void text_of_the_server_ends_it(void **state)
{
	struct call c;
	int server;

	NEEDS_NETWORK();
	server = begin(&c, "");
	SEND(c.app, client_hello);
	EXPECT(server, client_hello);
	SEND(server, server_hello);
	EXPECT(c.app, server_hello);
	say(server, "250 ok\r\n");
	expect_end(c.app);
	over(&c, server, "note=\"protocol error: the server left TLS\"");
}

static void server_that_speaks_first_is_an_attack(void **state)
{
	struct call c;
	int server;

	NEEDS_NETWORK();
	server = begin(&c, "");
	SEND(server, server_hello);
	expect_end(c.app);
	expect_gone(server);
	over(&c, server, "event=attack");
	expect_logged("bytes=0 note=\"attack: octets in the clear after the 220 to STARTTLS\"");
}

static void old_version_is_cut_off_where_it_must_be(void **state)
{
	struct call c;
	int server;

	NEEDS_NETWORK();
	server = begin(&c, "require_tls = true verify_certificate = false min_tls = 1.3");
	SEND(c.app, client_hello);
	EXPECT(server, client_hello);
	SEND(server, server_hello);
	expect_end(c.app); /* it never saw the hello, and so sent nothing */
	over(&c, server,
		"protocol=TLSv1.2 certificate-verified=no policy=\"min_tls by default, "
		"mailseal.conf:1\" verdict=blocked");
}

static void alert_of_the_server_passes(void **state)
{
	struct call c;
	int server;

	NEEDS_NETWORK();
	server = begin(&c, "require_tls = true verify_certificate = false min_tls = 1.3");
	SEND(c.app, client_hello);
	EXPECT(server, client_hello);
	SEND(server, "\x15\x03\x03\x00\x02\x02\x28");
	EXPECT(c.app, "\x15\x03\x03\x00\x02\x02\x28");
	over(&c, server, "tls=no");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(records_pass_both_ways_until_the_end),
		TEST(nothing_passes_before_the_hello_is_seen),
		TEST(text_of_the_application_ends_it),
		TEST(half_a_header_and_an_end_is_no_tls),
		TEST(text_after_records_ends_it),
		TEST(text_of_the_server_ends_it),
		TEST(server_that_speaks_first_is_an_attack),
		TEST(old_version_is_cut_off_where_it_must_be),
		TEST(alert_of_the_server_passes),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
