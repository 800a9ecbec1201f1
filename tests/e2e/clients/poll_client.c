/*
 * poll_client: a program with an event loop: non-blocking connect(), poll(), SO_ERROR,
 * getpeername().
 *
 *     poll_client HOST PORT      one small message; says what each step showed
 *
 * Exit status 0 if the server took it; 2 if the socket behaved as no TCP socket does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fd;

static void odd(const char *what)
{
	printf("odd: %s (%s)\n", what, strerror(errno));
	exit(2);
}

static void ready(short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	if (poll(&p, 1, 30000) != 1) {
		puts("no event in 30 s");
		exit(1);
	}
}

static void say(const char *text)
{
	while (*text) {
		ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			ready(POLLOUT);
			continue;
		}
		if (n < 0) {
			printf("send: %s\n", strerrorname_np(errno));
			exit(1);
		}
		text += n;
	}
}

/* The whole reply; lines of one reply end with CODE SP. */
static void hear(char first)
{
	static char b[65536];
	size_t n = 0;

	for (;;) {
		ssize_t got = recv(fd, b + n, sizeof(b) - 1 - n, 0);
		char *last;

		if (got < 0 && errno == EAGAIN) {
			ready(POLLIN);
			continue;
		}
		if (got <= 0) {
			puts("connection lost");
			exit(1);
		}
		n += (size_t)got;
		b[n] = '\0';
		if (b[n - 1] != '\n')
			continue;
		b[n - 1] = '\0';
		last = strrchr(b, '\n');
		last = last ? last + 1 : b;
		b[n - 1] = '\n';
		if (strlen(last) > 3 && last[3] == ' ')
			break;
	}
	fputs(b, stdout);
	if (b[0] != first)
		exit(1);
}

static void check_face(const struct sockaddr *to, socklen_t len)
{
	struct sockaddr_storage ss = {0};
	socklen_t size = sizeof(ss), one = sizeof(int);
	int error = -1, type = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &one))
		odd("SO_ERROR");
	if (error) {
		printf("connect: %s\n", strerrorname_np(error));
		exit(1);
	}
	if (getpeername(fd, (struct sockaddr *)&ss, &size) || size != len || memcmp(&ss, to, 4))
		odd("getpeername");
	size = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &size) || ss.ss_family != to->sa_family)
		odd("getsockname");
	one = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &one) || type != SOCK_STREAM)
		odd("SO_TYPE");
	/* The first call after a connect in progress may say 0 as well. */
	if (connect(fd, to, len) && errno != EISCONN)
		odd("second connect");
	if (!(fcntl(fd, F_GETFL) & O_NONBLOCK) || !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
		odd("flags");
}

int main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *a;

	if (argc != 3 || getaddrinfo(argv[1], argv[2], &hints, &a))
		return 64;
	fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (!connect(fd, a->ai_addr, a->ai_addrlen))
		puts("connected at once");
	else if (errno != EINPROGRESS) {
		printf("connect: %s\n", strerrorname_np(errno));
		return 1;
	}
	ready(POLLOUT);
	check_face(a->ai_addr, a->ai_addrlen);
	freeaddrinfo(a);
	puts("connected");
	hear('2');
	say("EHLO client.a.example\r\n");
	hear('2');
	say("MAIL FROM:<sender@a.example>\r\n");
	hear('2');
	say("RCPT TO:<a@b.example>\r\n");
	hear('2');
	say("DATA\r\n");
	hear('3');
	say("Subject: SECRETSUBJECT\r\n\r\nSECRETBODY\r\n.\r\n");
	hear('2');
	say("QUIT\r\n");
	hear('2');
	return 0;
}
