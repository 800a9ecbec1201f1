/*
 * A whole agent in a child process, asked by hand the way the preload asks, against servers on the
 * loopback of a network of its own; shared by the tests that need one.
 */
#ifndef MAILSEAL_TEST_AGENT_HARNESS_H
#define MAILSEAL_TEST_AGENT_HARNESS_H

#include "shim/agent/agent.h"
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
static const char *const usual_name[] = {"mx.b.example"};
static struct handoff_names request_names = {usual_name, 1, NULL}; /* likewise */
static unsigned lanes; /* of the agents to come, at most */
static void (*before_agent)(void); /* in their processes */
static X509 *certificate;
static EVP_PKEY *key;

static pid_t agent;
static struct sockaddr_un name = {.sun_family = AF_UNIX};
static socklen_t name_length;

/* --- surroundings --- */

static inline void make_certificate(void)
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

static inline bool fresh_network(void)
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

static inline int group_setup(void **state)
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

static inline int group_teardown(void **state)
{
	(void)state;
	unlink(config);
	unlink(log_path);
	unlink(ca_file);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return rmdir(directory);
}

static inline void write_config(const char *text)
{
	FILE *f = fopen(config, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static inline void identity_of(char *out, size_t size)
{
	struct stat st;
	int n = snprintf(out, size, "version=x\n");

	assert_int_equal(stat(config, &st), 0);
	assert_true(handoff_config_line(out + n, size - (size_t)n, config, &st) > 0);
}

static inline int listen_by_name(void)
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
static inline void start(const char *identity, int fd, bool private, rlim_t descriptors)
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
		.lanes = lanes,
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
		if (before_agent)
			before_agent();
		_exit(agent_run(&o));
	}
	close(fd);
}

static inline void start_shared(void)
{
	static char identity[HANDOFF_IDENTITY_SIZE];

	identity_of(identity, sizeof(identity));
	start(identity, listen_by_name(), false, 0);
}

static inline bool ended_within(int milliseconds, int *status)
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

static inline int setup(void **state)
{
	(void)state;
	if (!have_network)
		return 0;
	unlink(log_path);
	write_config("default { require_tls = false }\n");
	return 0;
}

static inline int teardown(void **state)
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

static inline void expect_logged(const char *text)
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

static inline void set_wait(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait_time, sizeof(wait_time));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait_time, sizeof(wait_time));
}

static inline void send_request(struct call *c, const void *bytes, size_t n, const int fds[2])
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

static inline int call_channel(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	set_wait(fd);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, name_length), 0);
	return fd;
}

/* Asks over `channel` to connect `tcp` to 127.0.0.1:port, with `junk` bytes of junk before the
 * application's. */
static inline void ask_over(
	struct call *c, int channel, int tcp, uint16_t port, size_t junk, const char *identity)
{
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
	n = handoff_request_encode(bytes, &head, &request_names, identity, strlen(identity));
	assert_true(n > 0);
	send_request(c, bytes, (size_t)n, fds);
	close(pair[1]);
}

static inline void ask(struct call *c, uint16_t port)
{
	ask_over(c, call_channel(), socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port, 30000,
		NULL);
}

static inline void hang_up(struct call *c)
{
	close(c->channel);
	close(c->app);
	if (c->tcp >= 0)
		close(c->tcp);
}

static inline void expect_reply(struct call *c, enum handoff_stage stage, int error)
{
	char bytes[256];
	ssize_t n = recv(c->channel, bytes, sizeof(bytes), 0);

	assert_true(n > 0);
	assert_int_equal(handoff_reply_decode(bytes, (size_t)n, &c->reply), 0);
	assert_int_equal(c->reply.stage, stage);
	assert_int_equal(c->reply.error, error);
}

/* What the swap does: the application's copy of the TCP socket goes. */
static inline void swap(struct call *c)
{
	close(c->tcp);
	c->tcp = -1;
}

static inline void expect_face(const struct call *c, enum handoff_face face, int error)
{
	struct sockaddr_un sun;
	socklen_t n = sizeof(sun);
	struct handoff_name seen;

	assert_int_equal(getpeername(c->app, (struct sockaddr *)&sun, &n), 0);
	assert_int_equal(handoff_name_decode(&sun, n, &seen), 0);
	assert_int_equal(seen.face, face);
	assert_int_equal(seen.error, error);
}

static inline void expect_text(int fd, const char *text)
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

static inline void expect_end(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* --- servers --- */

static inline int listen_on(uint16_t port, int backlog)
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

static inline int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	set_wait(fd);
	return fd;
}

static inline int tcp_state(int fd)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n), 0);
	return info.tcpi_state;
}

static inline void open_call(struct call *c, int listener, int *server)
{
	ask(c, PORT);
	expect_reply(c, HANDOFF_ACK, 0);
	swap(c);
	expect_reply(c, HANDOFF_OUTCOME, 0);
	*server = accept_one(listener);
}

#endif
