/*
 * hostile: a scripted SMTP server that misbehaves as its scenario says.
 *
 *     hostile [-l ADDRESS:PORT] [-t TRANSCRIPT] [-d DATADIR] [-p PKIDIR] [-T SECONDS] [-f] SCENARIO
 *
 * Once it listens it goes to the background (-f: it stays), so the caller can connect as soon
 * as it returns. Connections are numbered in the order of accept(), a process each.
 */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/hostile/record.h"
#include "tests/hostile/server.h"

static int listen_on(const char *where)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_PASSIVE};
	struct addrinfo *ai;
	char host[128];
	const char *colon = strrchr(where, ':');
	int fd, one = 1;

	if (!colon || (size_t)(colon - where) >= sizeof(host))
		return -EINVAL;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - where), where);
	if (getaddrinfo(host, colon + 1, &hints, &ai))
		return -EINVAL;
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, 64)) {
		close(fd);
		fd = -errno;
	}
	freeaddrinfo(ai);
	return fd;
}

static void serve_for_ever(int listener, const struct script *s, const struct server_options *o)
{
	for (int number = 1;; number++) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0) {
			number--;
			continue;
		}
		switch (fork()) {
		case 0:
			close(listener);
			server_play(s, number, fd, o);
			_exit(0);
		case -1:
			perror("hostile: fork");
			_exit(71);
		default:
			close(fd);
		}
	}
}

static int usage(void)
{
	fputs("usage: hostile [-l ADDRESS:PORT] [-t TRANSCRIPT] [-d DATADIR] [-p PKIDIR]"
	      " [-T SECONDS] [-f] SCENARIO\n",
		stderr);
	return 64;
}

int main(int argc, char **argv)
{
	struct server_options o = {.pki = ".", .limit = 60};
	const char *where = "127.0.0.1:25", *transcript = "/dev/stdout";
	struct script s;
	int c, listener, foreground = 0;

	while ((c = getopt(argc, argv, "l:t:d:p:T:f")) != -1) {
		switch (c) {
		case 'l':
			where = optarg;
			break;
		case 't':
			transcript = optarg;
			break;
		case 'd':
			o.data = optarg;
			break;
		case 'p':
			o.pki = optarg;
			break;
		case 'T':
			o.limit = (int)strtol(optarg, NULL, 10);
			break;
		case 'f':
			foreground = 1;
			break;
		default:
			return usage();
		}
	}
	if (optind + 1 != argc)
		return usage();
	if (script_load(&s, argv[optind]))
		return 65;
	if (record_open(transcript)) {
		fprintf(stderr, "hostile: %s: %s\n", transcript, strerror(errno));
		return 73;
	}
	listener = listen_on(where);
	if (listener < 0) {
		fprintf(stderr, "hostile: %s: %s\n", where, strerror(-listener));
		return 71;
	}
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (!foreground && daemon(1, 1))
		return 71;
	serve_for_ever(listener, &s, &o);
}
