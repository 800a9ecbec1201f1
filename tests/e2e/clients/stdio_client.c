/*
 * stdio_client: SMTP as many old programs speak it: connect(), fdopen() twice, fprintf() and
 * fgets().
 *
 *     stdio_client HOST PORT FILE     the message in FILE, LF line ends
 *
 * Exit status 0 if the server took it, 1 otherwise; the server's replies on standard output.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static FILE *in, *out;

static int reply(char first)
{
	char line[2048];

	fflush(out);
	do {
		if (!fgets(line, sizeof(line), in)) {
			puts("connection lost");
			return 0;
		}
		fputs(line, stdout);
	} while (line[3] == '-');
	return line[0] == first;
}

static int dial(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
	int fd = -1;

	if (getaddrinfo(host, port, &hints, &list))
		return -1;
	for (struct addrinfo *a = list; a; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
		if (!connect(fd, a->ai_addr, a->ai_addrlen))
			break;
		printf("connect: %s\n", strerrorname_np(errno));
		close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	return fd;
}

static int send_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!f)
		return 0;
	while ((n = getline(&line, &size, f)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		if (line[0] == '.')
			fputc('.', out);
		fwrite(line, 1, (size_t)n, out);
		fprintf(out, "\r\n");
	}
	free(line);
	fclose(f);
	fprintf(out, ".\r\n");
	return 1;
}

int main(int argc, char **argv)
{
	int fd = argc == 4 ? dial(argv[1], argv[2]) : -1;

	if (fd < 0)
		return 1;
	in = fdopen(fd, "r");
	out = fdopen(dup(fd), "w");
	if (!in || !out || !reply('2'))
		return 1;
	fprintf(out, "EHLO %s\r\n", "client.a.example");
	if (!reply('2'))
		return 1;
	fprintf(out, "MAIL FROM:<%s>\r\n", "sender@a.example");
	if (!reply('2'))
		return 1;
	fprintf(out, "RCPT TO:<%s>\r\n", "a@b.example");
	if (!reply('2'))
		return 1;
	fprintf(out, "DATA\r\n");
	if (!reply('3') || !send_file(argv[3]) || !reply('2'))
		return 1;
	fprintf(out, "QUIT\r\n");
	reply('2');
	return 0;
}
