/*
 * A whole agent: how connections are made, carried and ended.
 */
#include "shim/agent/connect.h"
#include "tests/unit/agent_harness.h"

static void connection_is_made_and_ends_in_good_order(void **state)
{
	struct call c;
	int listener, server;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	start_shared();
	open_call(&c, listener, &server);
	expect_face(&c, HANDOFF_FACE_PEER, 0);
	assert_int_equal(c.reply.local.family, 0);
	say(server, "220 mx\r\n");
	expect_text(c.app, "220 mx\r\n");
	say(c.app, "EHLO me\r\n");
	expect_text(server, "EHLO me\r\n");
	say(server, "250-mx\r\n250 SIZE 100\r\n");
	expect_text(c.app, "250-mx\r\n250 SIZE 100\r\n");
	say(c.app, "QUIT\r\n");
	expect_text(server, "QUIT\r\n");
	say(server, "221 bye\r\n");
	expect_text(c.app, "221 bye\r\n");
	expect_end(c.app);
	expect_end(server);
	expect_logged("event=connection");
	close(server);
	close(listener);
	hang_up(&c);
}

static void acknowledgement_tells_the_local_address(void **state)
{
	struct call c;
	int listener;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	start_shared();
	ask(&c, PORT);
	expect_reply(&c, HANDOFF_ACK, 0);
	assert_int_equal(c.reply.local.family, AF_INET);
	assert_int_equal(c.reply.local.addr[0], 127);
	assert_int_not_equal(c.reply.local.port, 0);
	close(listener);
	hang_up(&c);
}

static void refused_connection_leaves_the_socket_as_it_was(void **state)
{
	struct call c;
	int listener, flags;
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_port = htons(2626),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	NEEDS_NETWORK();
	start_shared();
	ask(&c, PORT);
	flags = fcntl(c.tcp, F_GETFL);
	expect_reply(&c, HANDOFF_ACK, 0);
	expect_reply(&c, HANDOFF_OUTCOME, ECONNREFUSED);
	expect_face(&c, HANDOFF_FACE_ERROR, ECONNREFUSED);
	assert_int_equal(fcntl(c.tcp, F_GETFL), flags);
	listener = listen_on(2626, 1);
	assert_int_equal(connect(c.tcp, (struct sockaddr *)&in, sizeof(in)), 0);
	expect_logged("event=connect-refused");
	close(listener);
	hang_up(&c);
}

static void error_at_once_is_in_the_acknowledgement(void **state)
{
	struct call c;
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener, tcp, pipes[2];

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	start_shared();
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(tcp, (struct sockaddr *)&in, sizeof(in)), 0);
	ask_over(&c, call_channel(), tcp, PORT, 10, NULL);
	expect_reply(&c, HANDOFF_ACK, EISCONN);
	assert_int_equal(tcp_state(tcp), TCP_ESTABLISHED);
	hang_up(&c);
	ask_over(&c, call_channel(), socket(AF_INET, SOCK_DGRAM, 0), PORT, 10, NULL);
	expect_reply(&c, HANDOFF_ACK, EPROTOTYPE);
	hang_up(&c);
	assert_int_equal(pipe(pipes), 0);
	ask_over(&c, call_channel(), pipes[0], PORT, 10, NULL);
	expect_reply(&c, HANDOFF_ACK, ENOTSOCK);
	hang_up(&c);
	close(pipes[1]);
	ask_over(&c, call_channel(), socket(AF_INET6, SOCK_DGRAM, 0), PORT, 10, NULL);
	expect_reply(&c, HANDOFF_ACK, EPROTOTYPE);
	hang_up(&c);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	in.sin_port = htons(2627);
	assert_int_equal(bind(tcp, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(tcp, 1), 0);
	ask_over(&c, call_channel(), tcp, PORT, 10, NULL);
	expect_reply(&c, HANDOFF_ACK, EALREADY);
	hang_up(&c);
	close(listener);
}

static void other_ports_and_other_agents_are_not_served(void **state)
{
	struct call c;

	NEEDS_NETWORK();
	start_shared();
	ask(&c, PORT + 1);
	expect_reply(&c, HANDOFF_ACK, EACCES);
	hang_up(&c);
	ask_over(&c, call_channel(), socket(AF_INET, SOCK_STREAM, 0), PORT, 10, "version=y\n");
	expect_reply(&c, HANDOFF_STALE, 0);
	hang_up(&c);
}

static void malformed_requests_are_answered(void **state)
{
	static const char bytes[HANDOFF_REQUEST_MAX + 500];
	struct call c;
	int pair[2];

	NEEDS_NETWORK();
	start_shared();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	c = (struct call){.channel = call_channel()};
	send_request(&c, bytes, 20, pair);
	expect_reply(&c, HANDOFF_ACK, EPROTO);
	close(c.channel);
	c.channel = call_channel();
	send_request(&c, bytes, sizeof(bytes), pair);
	expect_reply(&c, HANDOFF_ACK, EMSGSIZE);
	close(c.channel);
	close(pair[0]);
	close(pair[1]);
}

static void strangers_get_no_answer(void **state)
{
	int status = 0;
	pid_t stranger;

	NEEDS_NETWORK();
	start_shared();
	stranger = fork();
	if (stranger == 0) {
		int fd;
		char byte;

		if (setresuid(12345, 12345, 12345) < 0)
			_exit(3);
		fd = call_channel();
		_exit(recv(fd, &byte, 1, 0) > 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(stranger, &status, 0), stranger);
	assert_int_equal(status, 0);
	expect_logged("uid=12345");
}

/* A listener whose queue is full leaves a connect() in progress. */
static void caller_that_gives_up_ends_the_connect(void **state)
{
	struct call c, fill[4];
	int listener, i;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 0);
	start_shared();
	for (i = 0; i < 4; i++) {
		ask(&fill[i], PORT);
		expect_reply(&fill[i], HANDOFF_ACK, 0);
	}
	ask(&c, PORT);
	expect_reply(&c, HANDOFF_ACK, 0);
	assert_int_equal(tcp_state(c.tcp), TCP_SYN_SENT);
	close(c.app);
	c.app = -1;
	for (i = 0; i < 500 && tcp_state(c.tcp) != TCP_CLOSE; i++)
		usleep(10000);
	assert_int_equal(tcp_state(c.tcp), TCP_CLOSE);
	for (i = 0; i < 4; i++)
		hang_up(&fill[i]);
	hang_up(&c);
	close(listener);
}

static void reset_by_the_server_ends_the_session(void **state)
{
	const struct linger now = {1, 0};
	static const char *const stages[] = {"", "220 mx\r\n", "220 mx\r\n250-mx\r\n"};
	struct call c;
	int listener, server;
	size_t i;
	char bytes[512];

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	start_shared();
	for (i = 0; i < sizeof(stages) / sizeof(*stages); i++) {
		open_call(&c, listener, &server);
		if (*stages[i])
			say(server, "220 mx\r\n");
		if (i == 2) {
			say(c.app, "EHLO x\r\n");
			expect_text(server, "EHLO x\r\n");
			say(server, "250-mx\r\n");
		}
		usleep(20000);
		setsockopt(server, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(server);
		while (recv(c.app, bytes, sizeof(bytes), 0) > 0)
			;
		hang_up(&c);
	}
	close(listener);
}

static void bad_configuration_refuses_every_connect(void **state)
{
	struct call c;
	int i, listener;

	NEEDS_NETWORK();
	write_config("default { require_tls = perhaps }\n");
	listener = listen_on(PORT, 10);
	start_shared();
	for (i = 0; i < 3; i++) {
		ask(&c, PORT);
		expect_reply(&c, HANDOFF_ACK, ECONNREFUSED);
		assert_int_equal(tcp_state(c.tcp), TCP_CLOSE);
		hang_up(&c);
	}
	expect_logged("mailseal.conf:1: require_tls");
	close(listener);
}

static void unusable_ca_file_refuses_the_connect(void **state)
{
	struct call c;
	int listener;

	NEEDS_NETWORK();
	write_config("default { ca_file = \"/nonexistent/ca.pem\" }\n");
	listener = listen_on(PORT, 10);
	start_shared();
	ask(&c, PORT);
	expect_reply(&c, HANDOFF_ACK, ECONNREFUSED);
	expect_logged("/nonexistent/ca.pem");
	hang_up(&c);
	close(listener);
}

static void agent_of_another_configuration_is_stale_and_leaves(void **state)
{
	static char identity[HANDOFF_IDENTITY_SIZE];
	struct call c;
	int status;

	NEEDS_NETWORK();
	identity_of(identity, sizeof(identity));
	write_config("default { require_tls = true }\n");
	start(identity, listen_by_name(), false, 0);
	ask_over(&c, call_channel(), socket(AF_INET, SOCK_STREAM, 0), PORT, 10, identity);
	expect_reply(&c, HANDOFF_STALE, 0);
	hang_up(&c);
	assert_true(ended_within(SECONDS * 1000, &status));
}

static void private_agent_serves_once_and_leaves(void **state)
{
	char identity[HANDOFF_IDENTITY_SIZE];
	struct call c;
	int channel[2], listener, server, status = -1;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	identity_of(identity, sizeof(identity));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
	start(identity, channel[1], true, 0);
	set_wait(channel[0]);
	ask_over(&c, channel[0], socket(AF_INET, SOCK_STREAM, 0), PORT, 10, NULL);
	expect_reply(&c, HANDOFF_ACK, 0);
	swap(&c);
	expect_reply(&c, HANDOFF_OUTCOME, 0);
	server = accept_one(listener);
	say(server, "220 x\r\n");
	expect_text(c.app, "220 x\r\n");
	hang_up(&c);
	expect_end(server);
	close(server);
	assert_true(ended_within(SECONDS * 1000, &status));
	assert_int_equal(status, 0);
	close(listener);
}

static void told_to_stop_it_finishes_and_turns_callers_away(void **state)
{
	struct call c;
	int listener, server, late, status = -1;
	char bytes[256] = "";

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	start_shared();
	open_call(&c, listener, &server);
	say(server, "220 x\r\n");
	expect_text(c.app, "220 x\r\n");
	late = call_channel();
	assert_int_equal(kill(agent, SIGTERM), 0);
	assert_true(recv(c.app, bytes, sizeof(bytes) - 1, 0) > 0);
	assert_memory_equal(bytes, "421 ", 4);
	expect_end(c.app);
	hang_up(&c);
	shutdown(server, SHUT_WR);
	close(server);
	c.channel = late;
	expect_reply(&c, HANDOFF_STALE, 0);
	close(late);
	assert_true(ended_within(SECONDS * 1000, &status));
	assert_int_equal(status, 0);
	close(listener);
}

static void untouched_connections_are_relayed_with_half_close(void **state)
{
	struct call c;
	int listener, server;

	NEEDS_NETWORK();
	write_config("host \"127.0.0.0/8\" { intercept = false }\n");
	listener = listen_on(PORT, 10);
	start_shared();
	open_call(&c, listener, &server);
	say(c.app, "not SMTP \r\n.\n at all");
	expect_text(server, "not SMTP \r\n.\n at all");
	shutdown(c.app, SHUT_WR);
	expect_end(server);
	say(server, "answer");
	expect_text(c.app, "answer");
	close(server);
	expect_end(c.app);
	hang_up(&c);
	expect_logged("event=relay");
	close(listener);
}

static double seconds_of_agent(void)
{
	char path[64], text[1024] = "";
	unsigned long user = 0, system = 0;
	const char *at;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", agent);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	at = strrchr(text, ')');
	assert_non_null(at);
	assert_int_equal(sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				 &user, &system),
		2);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void out_of_descriptors_it_answers_waits_and_recovers(void **state)
{
	enum { CALLS = 40 };
	static char identity[HANDOFF_IDENTITY_SIZE];
	struct call calls[CALLS], c;
	int listener, server, i, refused = 0;
	double before;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 100);
	identity_of(identity, sizeof(identity));
	start(identity, listen_by_name(), false, 40);
	for (i = 0; i < CALLS; i++) {
		char bytes[256];
		ssize_t n;

		ask(&calls[i], PORT);
		n = recv(calls[i].channel, bytes, sizeof(bytes), 0);
		assert_true(n > 0);
		assert_int_equal(handoff_reply_decode(bytes, (size_t)n, &calls[i].reply), 0);
		assert_int_equal(calls[i].reply.stage, HANDOFF_ACK);
		assert_true(calls[i].reply.error == 0 || calls[i].reply.error == EMFILE);
		refused += calls[i].reply.error == EMFILE;
	}
	assert_true(refused > 0 && refused < CALLS);
	before = seconds_of_agent();
	usleep(500000);
	assert_true(seconds_of_agent() - before < 0.2);
	for (i = 0; i < CALLS; i++)
		hang_up(&calls[i]);
	for (i = 0; i < CALLS - refused; i++)
		close(accept_one(listener));
	usleep(300000);
	open_call(&c, listener, &server);
	hang_up(&c);
	close(server);
	close(listener);
}

/* Up to the 220 to STARTTLS. */
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

static void expect_verified(uint16_t flags, const char *logged)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	struct call c;
	int listener, server;
	char bytes[64];
	SSL *ssl;

	request_flags = flags;
	listener = listen_on(PORT, 10);
	start_shared();
	open_call(&c, listener, &server);
	request_flags = 0;
	offer_tls(&c, server);
	SSL_CTX_use_certificate(ctx, certificate);
	SSL_CTX_use_PrivateKey(ctx, key);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, server);
	assert_int_equal(SSL_accept(ssl), 1);
	assert_int_equal(SSL_read(ssl, bytes, sizeof(bytes)), 9);
	assert_int_equal(SSL_write(ssl, "250 mx\r\n", 8), 8);
	expect_text(c.app, "250 mx\r\n");
	hang_up(&c);
	assert_int_equal(SSL_read(ssl, bytes, sizeof(bytes)), 0);
	assert_int_equal(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN);
	expect_logged(logged);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(server);
	close(listener);
}

static void write_config_with_ca(void)
{
	char text[128];

	snprintf(text, sizeof(text), "default { ca_file = \"%s\" }\n", ca_file);
	write_config(text);
}

static void known_name_is_verified(void **state)
{
	NEEDS_NETWORK();
	write_config_with_ca();
	expect_verified(0, "certificate-verified=yes");
}

static void name_that_may_be_missing_is_never_verified(void **state)
{
	NEEDS_NETWORK();
	write_config_with_ca();
	expect_verified(
		HANDOFF_NAMES_TORN, "certificate-verified=no resumed=no reason=\"the name that");
}

static void without_a_name_the_reference_is_unknown(void **state)
{
	NEEDS_NETWORK();
	write_config_with_ca();
	request_names.count = 0;
	expect_verified(0, "reference=unknown");
	request_names.count = 1;
	expect_logged("certificate-verified=no");
}

static void domain_of_the_mx_record_is_shown(void **state)
{
	NEEDS_NETWORK();
	write_config_with_ca();
	request_names.mx_domain = "b\".example";
	expect_verified(0, "mx-domain=\"b\\\".example\"");
	request_names.mx_domain = NULL;
	expect_logged("reference=\"mx.b.example\"");
}

static void only_the_kernels_peer_counts(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct endpoint to = {.length = sizeof(in)}, peer;
	int listener, tcp = socket(AF_INET, SOCK_STREAM, 0),
		      other = socket(AF_INET, SOCK_STREAM, 0);

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	assert_int_equal(connect(tcp, (struct sockaddr *)&in, sizeof(in)), 0);
	memcpy(&to.ss, &in, sizeof(in));
	assert_int_equal(connect_finish(tcp, &to, &peer), 0);
	((struct sockaddr_in *)&to.ss)->sin_port = htons(PORT + 1);
	assert_int_equal(connect_finish(tcp, &to, &peer), -ECONNABORTED);
	memcpy(&to.ss, &in, sizeof(in));
	((struct sockaddr_in *)&to.ss)->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	assert_int_equal(connect_finish(tcp, &to, &peer), -ECONNABORTED);
	((struct sockaddr_in *)&to.ss)->sin_addr.s_addr = htonl(INADDR_ANY);
	assert_int_equal(connect_finish(tcp, &to, &peer), 0);
	assert_int_equal(((struct sockaddr_in *)&peer.ss)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(connect_finish(other, &to, &peer), -ENOTCONN);
	close(other);
	close(tcp);
	close(listener);
}

/* Where the handshake fails, a fresh connection may follow, but only in the network of the first.
 */
static void fail_the_handshake(const struct call *c, int listener)
{
	char hello[2048];
	int server = accept_one(listener);

	offer_tls(c, server);
	assert_true(recv(server, hello, sizeof(hello), 0) > 0);
	say(server, "no TLS here, sorry\r\n");
	shutdown(server, SHUT_WR);
	expect_end(server);
	close(server);
}

static void failed_handshake_is_followed_by_a_fresh_connection(void **state)
{
	struct call c;
	int listener, server;

	NEEDS_NETWORK();
	listener = listen_on(PORT, 10);
	start_shared();
	ask(&c, PORT);
	expect_reply(&c, HANDOFF_ACK, 0);
	swap(&c);
	expect_reply(&c, HANDOFF_OUTCOME, 0);
	fail_the_handshake(&c, listener);
	server = accept_one(listener);
	say(server, "220 again\r\n");
	expect_text(server, "EHLO me\r\n");
	say(server, "250-mx\r\n250 STARTTLS\r\n");
	expect_text(c.app, "250 mx\r\n");
	hang_up(&c);
	close(server);
	close(listener);
}

static void fresh_connection_never_goes_to_another_network(void **state)
{
	struct call c;
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), listener, decoy;
	char bytes[256] = "";

	NEEDS_NETWORK();
	decoy = listen_on(PORT, 10);
	fcntl(decoy, F_SETFL, O_NONBLOCK);
	start_shared();
	c.channel = call_channel(); /* abstract names belong to a network: reach the agent before
				       leaving */
	assert_true(fresh_network());
	listener = listen_on(PORT, 10);
	ask_over(&c, c.channel, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), PORT, 10, NULL);
	expect_reply(&c, HANDOFF_ACK, 0);
	swap(&c);
	expect_reply(&c, HANDOFF_OUTCOME, 0);
	fail_the_handshake(&c, listener);
	while (recv(c.app, bytes, sizeof(bytes) - 1, 0) > 0)
		;
	expect_logged("network is another one");
	assert_int_equal(accept4(decoy, NULL, NULL, 0), -1);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	hang_up(&c);
	close(home);
	close(decoy);
	close(listener);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(connection_is_made_and_ends_in_good_order),
		TEST(acknowledgement_tells_the_local_address),
		TEST(refused_connection_leaves_the_socket_as_it_was),
		TEST(error_at_once_is_in_the_acknowledgement),
		TEST(other_ports_and_other_agents_are_not_served),
		TEST(malformed_requests_are_answered),
		TEST(strangers_get_no_answer),
		TEST(caller_that_gives_up_ends_the_connect),
		TEST(reset_by_the_server_ends_the_session),
		TEST(bad_configuration_refuses_every_connect),
		TEST(unusable_ca_file_refuses_the_connect),
		TEST(agent_of_another_configuration_is_stale_and_leaves),
		TEST(private_agent_serves_once_and_leaves),
		TEST(told_to_stop_it_finishes_and_turns_callers_away),
		TEST(untouched_connections_are_relayed_with_half_close),
		TEST(known_name_is_verified),
		TEST(name_that_may_be_missing_is_never_verified),
		TEST(without_a_name_the_reference_is_unknown),
		TEST(domain_of_the_mx_record_is_shown),
		TEST(only_the_kernels_peer_counts),
		TEST(failed_handshake_is_followed_by_a_fresh_connection),
		TEST(fresh_connection_never_goes_to_another_network),
		TEST(out_of_descriptors_it_answers_waits_and_recovers),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
