/*
 * many_connects: connects, hears the greeting and closes, again and again.
 *
 *     many_connects ADDRESS PORT COUNT [DESCRIPTORS]     with that many open already, and duplicated
 *
 * Exit status 0 if each connect() worked and as many descriptors are open afterwards as before.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	int before, count = argc >= 4 ? (int)strtol(argv[3], NULL, 10) : 0;

	if (count <= 0 || inet_pton(AF_INET, argv[1], &in.sin_addr) != 1)
		return 64;
	for (long i = argc > 4 ? strtol(argv[4], NULL, 10) : 0; i > 0; i--)
		if (dup(0) < 0)
			return 71;
	before = descriptors();
	in.sin_port = htons((unsigned short)strtol(argv[2], NULL, 10));
	for (int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		char byte;

		if (connect(fd, (void *)&in, sizeof(in)) != 0 || read(fd, &byte, 1) != 1) {
			printf("connection %d: ", i);
			fflush(stdout);
			perror("");
			return 1;
		}
		close(fd);
	}
	printf("%d descriptors more\n", descriptors() - before);
	return descriptors() != before;
}
