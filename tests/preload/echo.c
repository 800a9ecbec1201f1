/* echo: a TCP server on port 25 of every address. It greets, then sends back what it reads. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve(int fd)
{
	static const char greeting[] = "220 echo\r\n";
	char buffer[4096];
	ssize_t n = write(fd, greeting, sizeof(greeting) - 1);

	while (n > 0 && (n = read(fd, buffer, sizeof(buffer))) > 0)
		n = write(fd, buffer, (size_t)n);
	_exit(0);
}

int main(void)
{
	static const unsigned short ports[] = {25, 2600};
	int yes = 1;

	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(ports[i])};
		int listener = socket(AF_INET6, SOCK_STREAM, 0);

		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		if (bind(listener, (void *)&any, sizeof(any)) != 0 || listen(listener, 1024) != 0) {
			perror("echo");
			return 1;
		}
		if (i + 1 < 2 && fork() != 0)
			continue;
		for (;;) {
			int fd = accept(listener, NULL, NULL);

			if (fd >= 0 && fork() == 0)
				serve(fd);
			close(fd);
		}
	}
	return 0;
}
