/*
 * cancelled: a thread that is cancelled where libc allows it, while it looks a name up or at the
 * beginning of connect(). What it must do at its end, as a destructor in C++, is done (compiled with
 * -fexceptions).
 *
 *     cancelled getaddrinfo | connect ADDRESS
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile bool ready, cancelled, cleaned;
static const char *address;

static void clean(int *unused)
{
	(void)unused;
	cleaned = true;
}

/* A name server that never answers. */
static void deaf_server(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(53)};

	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(socket(AF_INET, SOCK_DGRAM, 0), (void *)&here, sizeof(here)) != 0)
		perror("bind");
}

static void *look_up(void *context)
{
	__attribute__((cleanup(clean))) int on_end = 0;
	struct addrinfo *result;

	(void)on_end;
	ready = true;
	getaddrinfo("nobody.example", "25", NULL, &result);
	return context;
}

static void *connect_late(void *context)
{
	__attribute__((cleanup(clean))) int on_end = 0;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(25)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)on_end;
	inet_pton(AF_INET, address, &to.sin_addr);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	ready = true;
	while (!cancelled)
		usleep(1000);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	connect(fd, (void *)&to, sizeof(to));
	return context;
}

int main(int argc, char **argv)
{
	bool connects = argc > 2 && strcmp(argv[1], "connect") == 0;
	pthread_t thread;
	void *result;

	address = argv[2];
	if (!connects)
		deaf_server();
	if (pthread_create(&thread, NULL, connects ? connect_late : look_up, NULL) != 0)
		return 70;
	while (!ready)
		usleep(1000);
	if (!connects) /* so that it waits for the answer */
		usleep(300000);
	pthread_cancel(thread);
	cancelled = true;
	pthread_join(thread, &result);
	printf("%s, %s\n", result == PTHREAD_CANCELED ? "cancelled" : "not cancelled",
		cleaned ? "cleaned up" : "not cleaned up");
	return 0;
}
