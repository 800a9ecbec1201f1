/*
 * stub: stands in for the agent, so that the preload is tested alone. It keeps the agent's half of
 * the hand-over's contract, relays bytes without any TLS, and misbehaves in the way that its
 * configuration file names (one word and a number). What it was asked goes to its log file, one
 * line a request.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim/handoff/handoff.h"

static char mode[32] = "ok";
static int number, log_fd = -1;
static bool private_channel;

struct request {
	int channel, tcp, plain;
	struct handoff_request_view view;
	char bytes[HANDOFF_REQUEST_MAX];
};

static bool is(const char *name)
{
	return strcmp(mode, name) == 0;
}

/* The outcome of a failure brings the TCP socket back. */
static void give_back(struct request *r, int error)
{
	struct handoff_reply answer = {.magic = HANDOFF_MAGIC,
		.version = HANDOFF_VERSION,
		.stage = HANDOFF_OUTCOME,
		.error = error};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec piece = {&answer, sizeof(answer)};
	struct msghdr message = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.bytes)};

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &r->tcp, sizeof(int));
	sendmsg(r->channel, &message, MSG_NOSIGNAL);
}

static void reply(const struct request *r, enum handoff_stage stage, int error)
{
	struct handoff_reply out = {.magic = HANDOFF_MAGIC,
		.version = HANDOFF_VERSION,
		.stage = (uint16_t)stage,
		.error = error};
	struct sockaddr_storage local;
	socklen_t length = sizeof(local);

	if (r->tcp >= 0 && getsockname(r->tcp, (void *)&local, &length) == 0)
		handoff_addr_from_sockaddr(&out.local, (void *)&local, length);
	send(r->channel, &out, sizeof(out), MSG_NOSIGNAL);
}

static int receive(struct request *r)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec piece = {r->bytes, sizeof(r->bytes)};
	struct msghdr message = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	int fds[2];
	ssize_t n = recvmsg(r->channel, &message, MSG_CMSG_CLOEXEC);

	if (n <= 0 || message.msg_controllen < CMSG_LEN(sizeof(fds)))
		return -1;
	memcpy(fds, CMSG_DATA(&control.head), sizeof(fds));
	r->tcp = fds[0];
	r->plain = fds[1];
	return handoff_request_decode(r->bytes, (size_t)n, &r->view);
}

static bool soft_limits_raised(void)
{
	static const int names[] = {
		RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_NPROC};
	struct rlimit limit;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (getrlimit(names[i], &limit) != 0 ||
			limit.rlim_cur != limit.rlim_max)
			return false;
	if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur < 1 << 20)
		return false;
	return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0;
}

static void note(const struct request *r)
{
	const char *expected = getenv("MAILSEAL_IDENTITY");
	char line[4096];
	int n = snprintf(line, sizeof(line),
		"request pid=%d port=%u flags=%u private=%d limits=%s identity=%s names=", (int)getpid(),
		r->view.head.peer.port, r->view.head.flags, private_channel,
		soft_limits_raised() ? "raised" : "low",
		expected && strlen(expected) == r->view.identity_length &&
				memcmp(expected, r->view.identity, r->view.identity_length) == 0
			? "same"
			: "different");

	for (unsigned i = 0; i < r->view.name_count; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%s,", r->view.names[i]);
	n += snprintf(line + n, sizeof(line) - (size_t)n, " mx-domain=%s\n",
		r->view.mx_domain ? r->view.mx_domain : "-");
	if (log_fd >= 0 && write(log_fd, line, (size_t)n) < 0)
		exit(1);
}

static void name_end(const struct request *r, enum handoff_face face, int error)
{
	struct handoff_name name = {.face = face, .peer = r->view.head.peer, .error = error};
	struct sockaddr_un sun;
	socklen_t length;

	memcpy(name.nonce, r->view.head.nonce, sizeof(name.nonce));
	length = handoff_name_encode(&name, &sun);
	if (bind(r->plain, (void *)&sun, length) != 0)
		perror("bind");
}

static void discard_junk(const struct request *r)
{
	char buffer[4096];
	uint64_t left = r->view.head.junk;

	while (left) {
		ssize_t n = read(r->plain, buffer, left < sizeof(buffer) ? left : sizeof(buffer));

		if (n <= 0)
			exit(1);
		left -= (uint64_t)n;
	}
}

static void relay(int a, int b)
{
	struct pollfd p[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
	char buffer[4096];

	while ((p[0].events || p[1].events) && poll(p, 2, 30000) > 0)
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			if (!p[i].events || !p[i].revents)
				continue;
			n = read(p[i].fd, buffer, sizeof(buffer));
			if (n < 0 || (n > 0 && send(p[!i].fd, buffer, (size_t)n, MSG_NOSIGNAL) != n))
				return;
			if (n == 0) { /* its end; the other direction goes on */
				shutdown(p[!i].fd, SHUT_WR);
				p[i].events = 0;
			}
		}
}

static int connect_tcp(const struct request *r)
{
	struct sockaddr_storage peer;
	socklen_t length = handoff_addr_to_sockaddr(&r->view.head.peer, &peer);

	fcntl(r->tcp, F_SETFL, fcntl(r->tcp, F_GETFL) | O_NONBLOCK);
	return connect(r->tcp, (void *)&peer, length) == 0 || errno == EINPROGRESS ? 0 : errno;
}

static int await_tcp(const struct request *r)
{
	struct pollfd p = {.fd = r->tcp, .events = POLLOUT};
	int error = ETIMEDOUT;
	socklen_t length = sizeof(error);

	if (poll(&p, 1, 20000) > 0)
		getsockopt(r->tcp, SOL_SOCKET, SO_ERROR, &error, &length);
	return error;
}

static void serve(struct request *r)
{
	int error = connect_tcp(r);

	if (is("error"))
		error = number;
	if (error) {
		close(r->tcp);
		r->tcp = -1;
	}
	if (is("slow-ack"))
		usleep((useconds_t)number * 1000);
	reply(r, HANDOFF_ACK, error);
	if (error || is("die-after-ack"))
		exit(0);
	if (is("slow"))
		usleep((useconds_t)number * 1000);
	error = await_tcp(r);
	if (is("late-error")) {
		usleep(200000);
		error = number;
	}
	if (error) {
		name_end(r, HANDOFF_FACE_ERROR, error);
		if (is("two-steps") || is("late-error"))
			shutdown(r->plain, SHUT_RDWR);
		if (is("two-steps") && number)
			usleep((useconds_t)number * 1000);
		close(r->plain);
		give_back(r, error);
		exit(0);
	}
	name_end(r, HANDOFF_FACE_PEER, 0);
	discard_junk(r);
	reply(r, HANDOFF_OUTCOME, 0);
	close(r->channel);
	relay(r->plain, r->tcp);
	shutdown(r->tcp, SHUT_RDWR);
	shutdown(r->plain, SHUT_RDWR);
	exit(0);
}

static void handle(int channel)
{
	static int served;
	static struct request r;
	struct pollfd p = {.fd = channel, .events = POLLIN};

	r = (struct request){.channel = channel, .tcp = -1, .plain = -1};
	if (is("die-on-accept") ||
		(is("die-once") && access("/tmp/mailseal-stub-died", F_OK) != 0)) {
		if (is("die-once"))
			close(open("/tmp/mailseal-stub-died", O_CREAT | O_WRONLY, 0600));
		exit(0);
	}
	if (is("stop"))
		raise(SIGSTOP);
	if (poll(&p, 1, 10000) != 1 || receive(&r) != 0) {
		close(channel);
		return;
	}
	note(&r);
	if (is("die-after-request"))
		exit(0);
	if (is("die-connecting")) {
		connect_tcp(&r);
		exit(0);
	}
	if (is("stop-after-request"))
		raise(SIGSTOP);
	if (is("silent"))
		sleep(20);
	if (is("garbage"))
		send(channel, "garbage", 7, MSG_NOSIGNAL);
	if (is("stale") || (is("stale-once") && !served++)) {
		reply(&r, HANDOFF_STALE, 0);
	} else if (!is("garbage") && fork() == 0) {
		serve(&r);
	}
	close(r.tcp);
	close(r.plain);
	close(channel);
}

static void read_mode(const char *path)
{
	FILE *f = fopen(path, "r");

	if (f) {
		if (fscanf(f, "%31s %d", mode, &number) < 1)
			exit(78);
		fclose(f);
	}
}

int main(int argc, char **argv)
{
	struct pollfd p = {.fd = HANDOFF_AGENT_FD, .events = POLLIN};

	for (int i = 1; i < argc; i++) {
		if (i + 1 < argc &&
			(!strcmp(argv[i], "--config") || !strcmp(argv[i], "--default-config")))
			read_mode(argv[i + 1]);
		if (i + 1 < argc && !strcmp(argv[i], "--log") && argv[i + 1][0] == '/')
			log_fd = open(argv[i + 1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		private_channel |= !strcmp(argv[i], "--private");
	}
	signal(SIGCHLD, SIG_IGN);
	if (is("die-at-start"))
		return 1;
	if (private_channel) {
		handle(HANDOFF_AGENT_FD);
		return 0;
	}
	while (poll(&p, 1, 5000) > 0) {
		int channel = accept4(HANDOFF_AGENT_FD, NULL, NULL, SOCK_CLOEXEC);

		if (channel >= 0)
			handle(channel);
	}
	return 0;
}
