/*
 * A whole agent in a child process, asked by hand the way the preload asks, against servers on the
 * loopback of a network of its own.
 */
#include "shim/agent/agent.h"
#include "shim/agent/connect.h"
#include "shim/handoff/handoff.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define PORT 2525
#define SECONDS 10 /* the longest that anything here may take */

static bool have_network;
static char directory[] = "/tmp/agent_session_XXXXXX";
static char config[64], log_path[64], ca_file[64];
static uint16_t request_flags; /* of the requests to come */
static X509 *certificate;
static EVP_PKEY *key;

static pid_t agent;
static struct sockaddr_un name = {.sun_family = AF_UNIX};
static socklen_t name_length;

/* --- surroundings --- */

static void make_certificate(void)
{
	X509_EXTENSION *san;
	FILE *f = fopen(ca_file, "w");

	key = EVP_EC_gen("P-256");
	certificate = X509_new();
	X509_set_version(certificate, 2);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -1000);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 10000);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
		(const unsigned char *)"x", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	X509_set_pubkey(certificate, key);
	san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:mx.b.example");
	X509_add_ext(certificate, san, -1);
	X509_EXTENSION_free(san);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(f, certificate), 1);
	fclose(f);
}

static bool fresh_network(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	bool up;
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	up = ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	close(fd);
	return up;
}

static int group_setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chmod(directory, 0755), 0);
	snprintf(config, sizeof(config), "%s/mailseal.conf", directory);
	snprintf(log_path, sizeof(log_path), "%s/log", directory);
	snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", directory);
	make_certificate();
	have_network = fresh_network();
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	unlink(config);
	unlink(log_path);
	unlink(ca_file);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return rmdir(directory);
}

static void write_config(const char *text)
{
	FILE *f = fopen(config, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void identity_of(char *out, size_t size)
{
	struct stat st;
	int n = snprintf(out, size, "version=x\n");

	assert_int_equal(stat(config, &st), 0);
	assert_true(handoff_config_line(out + n, size - (size_t)n, config, &st) > 0);
}

static int listen_by_name(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	name_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				  (size_t)snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
					  "test-%d-%ld", getpid(), random()));
	assert_int_equal(bind(fd, (struct sockaddr *)&name, name_length), 0);
	assert_int_equal(listen(fd, 1024), 0);
	return fd;
}

/* `descriptors`: 0, or the limit that the agent gets. */
static void start(const char *identity, int fd, bool private, rlim_t descriptors)
{
	struct agent_options o = {
		.fd = fd,
		.private = private,
		.config = config,
		.config_named = true,
		.log = log_path,
		.ports = {PORT},
		.port_count = 1,
		.identity = identity,
	};

	agent = fork();
	assert_true(agent >= 0);
	if (agent == 0) {
		struct rlimit limit = {descriptors, descriptors};

		alarm(60);
		close_range(3, (unsigned)fd - 1, 0);
		close_range((unsigned)fd + 1, ~0u, 0);
		if (descriptors)
			setrlimit(RLIMIT_NOFILE, &limit);
		_exit(agent_run(&o));
	}
	close(fd);
}

static void start_shared(void)
{
	static char identity[HANDOFF_IDENTITY_SIZE];

	identity_of(identity, sizeof(identity));
	start(identity, listen_by_name(), false, 0);
}

static bool ended_within(int milliseconds, int *status)
{
	for (; milliseconds > 0; milliseconds -= 5) {
		if (waitpid(agent, status, WNOHANG) == agent) {
			agent = 0;
			return true;
		}
		usleep(5000);
	}
	return false;
}

static int setup(void **state)
{
	(void)state;
	if (!have_network)
		return 0;
	unlink(log_path);
	write_config("default { require_tls = false }\n");
	return 0;
}

static int teardown(void **state)
{
	int status = 0;

	(void)state;
	if (agent <= 0)
		return 0;
	kill(agent, SIGTERM);
	if (!ended_within(SECONDS * 1000, &status)) {
		kill(agent, SIGKILL);
		waitpid(agent, &status, 0);
		agent = 0;
		return -1;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

#define NEEDS_NETWORK()                                                                            \
	do {                                                                                       \
		(void)state;                                                                       \
		if (!have_network)                                                                 \
			skip(); /* a network namespace of one's own takes root */                  \
	} while (0)

static void expect_logged(const char *text)
{
	char bytes[8192] = "";
	int fd, i;

	for (i = 0; i < 200; i++) {
		fd = open(log_path, O_RDONLY);
		if (fd >= 0) {
			ssize_t n = read(fd, bytes, sizeof(bytes) - 1);
			bytes[n > 0 ? n : 0] = '\0';
			close(fd);
		}
		if (strstr(bytes, text))
			return;
		usleep(10000);
	}
	fail_msg("not logged: %s\nin: %s", text, bytes);
}

/* --- the preload's part --- */

struct call {
	int channel, tcp, app;
	struct handoff_reply reply;
};

static const struct timeval wait_time = {SECONDS, 0};

static void set_wait(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait_time, sizeof(wait_time));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait_time, sizeof(wait_time));
}

static void send_request(struct call *c, const void *bytes, size_t n, const int fds[2])
{
	char control[CMSG_SPACE(2 * sizeof(int))] = "";
	struct iovec iov = {(void *)(uintptr_t)bytes, n};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&m);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(head), fds, 2 * sizeof(int));
	assert_int_equal(sendmsg(c->channel, &m, MSG_NOSIGNAL), n);
}

static int call_channel(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	set_wait(fd);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, name_length), 0);
	return fd;
}

/* Asks over `channel` to connect `tcp` to 127.0.0.1:port, with `junk` bytes of junk before the
 * application's. */
static void ask_over(
	struct call *c, int channel, int tcp, uint16_t port, size_t junk, const char *identity)
{
	static const char *const names[] = {"mx.b.example"};
	static char bytes[HANDOFF_REQUEST_MAX];
	struct handoff_request head = {.flags = request_flags,
		.junk = junk,
		.peer = {.family = AF_INET, .port = port, .addr = {127, 0, 0, 1}}};
	char identity_now[HANDOFF_IDENTITY_SIZE];
	char *space = calloc(1, junk + 1);
	int pair[2], fds[2];
	size_t i;
	long n;

	*c = (struct call){.channel = channel, .tcp = tcp};
	if (!identity) {
		identity_of(identity_now, sizeof(identity_now));
		identity = identity_now;
	}
	for (i = 0; i < sizeof(head.nonce); i++)
		head.nonce[i] = (uint8_t)random();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(write(pair[0], space, junk), junk);
	free(space);
	c->app = pair[0];
	set_wait(c->app);
	fds[0] = tcp;
	fds[1] = pair[1];
	n = handoff_request_encode(bytes, &head, names, 1, identity, strlen(identity));
	assert_true(n > 0);
	send_request(c, bytes, (size_t)n, fds);
	close(pair[1]);
}

static void ask(struct call *c, uint16_t port)
{
	ask_over(c, call_channel(), socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port, 30000,
		NULL);
}

static void hang_up(struct call *c)
{
	close(c->channel);
	close(c->app);
	if (c->tcp >= 0)
		close(c->tcp);
}

static void expect_reply(struct call *c, enum handoff_stage stage, int error)
{
	char bytes[256];
	ssize_t n = recv(c->channel, bytes, sizeof(bytes), 0);

	assert_true(n > 0);
	assert_int_equal(handoff_reply_decode(bytes, (size_t)n, &c->reply), 0);
	assert_int_equal(c->reply.stage, stage);
	assert_int_equal(c->reply.error, error);
}

/* What the swap does: the application's copy of the TCP socket goes. */
static void swap(struct call *c)
{
	close(c->tcp);
	c->tcp = -1;
}

static void expect_face(const struct call *c, enum handoff_face face, int error)
{
	struct sockaddr_un sun;
	socklen_t n = sizeof(sun);
	struct handoff_name seen;

	assert_int_equal(getpeername(c->app, (struct sockaddr *)&sun, &n), 0);
	assert_int_equal(handoff_name_decode(&sun, n, &seen), 0);
	assert_int_equal(seen.face, face);
	assert_int_equal(seen.error, error);
}

static void expect_text(int fd, const char *text)
{
	char bytes[512] = "";
	size_t want = strlen(text), got = 0;

	while (got < want) {
		ssize_t n = recv(fd, bytes + got, want - got, 0);
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_string_equal(bytes, text);
}

static void expect_end(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* --- servers --- */

static int listen_on(uint16_t port, int backlog)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	set_wait(fd);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	set_wait(fd);
	return fd;
}

static int tcp_state(int fd)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n), 0);
	return info.tcpi_state;
}

static void open_call(struct call *c, int listener, int *server)
{
	ask(c, PORT);
	expect_reply(c, HANDOFF_ACK, 0);
	swap(c);
	expect_reply(c, HANDOFF_OUTCOME, 0);
	*server = accept_one(listener);
}

/* --- tests --- */

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
	expect_reply(&c, HANDOFF_ACK, EPROTO);
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
	expect_verified(HANDOFF_NAMES_TORN, "certificate-verified=no reason=\"the name that");
}

static void only_the_kernels_peer_counts(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct address to = {.length = sizeof(in)}, peer;
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
		TEST(only_the_kernels_peer_counts),
		TEST(failed_handshake_is_followed_by_a_fresh_connection),
		TEST(fresh_connection_never_goes_to_another_network),
		TEST(out_of_descriptors_it_answers_waits_and_recovers),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
