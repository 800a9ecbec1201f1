/*
 * guest_check: does the library behave as a guest? Connects to HOST:PORT and looks for traces.
 *
 *     guest_check HOST PORT
 *
 * Prints one line for each thing that a program could notice: SIGCHLD, children to wait for,
 * descriptors more than before, a changed signal mask, errno after success, writes to 0..2.
 * Exit status 0 if there is none, 2 if there is, 1 if connect() failed.
 */
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t children;
static int noticed;

static void on_child(int sig)
{
	(void)sig;
	children++;
}

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

static void notice(const char *what)
{
	printf("noticed: %s\n", what);
	noticed = 2;
}

static void look_for_children(void)
{
	if (children)
		notice("SIGCHLD");
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		notice("a child for waitpid(-1)");
	if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD)
		notice("a child for waitpid(-1, __WALL)");
}

int main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *a;
	struct sigaction sa = {.sa_handler = on_child};
	sigset_t before, after;
	int fd, count;

	if (argc != 3)
		return 64;
	sigaction(SIGCHLD, &sa, NULL);
	sigprocmask(SIG_SETMASK, NULL, &before);
	if (getaddrinfo(argv[1], argv[2], &hints, &a))
		return 64;
	fd = socket(a->ai_family, SOCK_STREAM, 0);
	count = descriptors();
	errno = 12345;
	if (connect(fd, a->ai_addr, a->ai_addrlen)) {
		printf("connect: %s\n", strerrorname_np(errno));
		look_for_children();
		return noticed ? noticed : 1;
	}
	if (errno != 12345)
		notice("errno changed by a successful connect()");
	if (descriptors() != count)
		notice("descriptors more than before");
	sigprocmask(SIG_SETMASK, NULL, &after);
	if (memcmp(&before, &after, 8))
		notice("the signal mask changed");
	look_for_children();
	usleep(300000);
	look_for_children();
	close(fd);
	if (descriptors() != count - 1)
		notice("a descriptor stayed open");
	usleep(100000);
	look_for_children();
	return noticed;
}
