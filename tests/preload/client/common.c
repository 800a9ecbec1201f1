/*
 * common: what the cases share.
 */
#include "tests/preload/client/client.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "shim/preload/sys.h"

struct sockaddr_storage address;
socklen_t address_length;

void aim(const char *text, unsigned short port)
{
	struct sockaddr_in *in = (void *)&address;
	struct sockaddr_in6 *in6 = (void *)&address;

	memset(&address, 0, sizeof(address));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		address_length = sizeof(*in);
	} else {
		check(inet_pton(AF_INET6, text, &in6->sin6_addr) == 1);
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		address_length = sizeof(*in6);
	}
}

int tcp(int flags)
{
	int fd = socket(address.ss_family, SOCK_STREAM | flags, 0);

	check(fd >= 0);
	return fd;
}

int dial(int fd)
{
	return connect(fd, (void *)&address, address_length);
}

/* What the kernel itself says, past the preload. */
bool is_tcp(int fd)
{
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);

	check(sys(SYS_getsockname, fd, &own, &length) == 0);
	return own.ss_family == AF_INET || own.ss_family == AF_INET6;
}

bool is_unconnected_tcp(int fd)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);

	return is_tcp(fd) && sys(SYS_getpeername, fd, &peer, &length) == -ENOTCONN;
}

int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	check(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int socket_error(int fd)
{
	int error = -1;
	socklen_t length = sizeof(error);

	check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
	return error;
}

void talk(int fd)
{
	char line[32];

	check(read(fd, line, sizeof(line)) == 10 && memcmp(line, "220 echo\r\n", 10) == 0);
	check(write(fd, "hello", 5) == 5);
	check(read(fd, line, sizeof(line)) == 5 && memcmp(line, "hello", 5) == 0);
}

void looks_like_tcp(int fd)
{
	struct sockaddr_storage peer, own;
	socklen_t length = sizeof(peer);
	int yes = 1, value = 0;

	memset(&peer, 0, sizeof(peer));
	check(getpeername(fd, (void *)&peer, &length) == 0);
	check(length == address_length && memcmp(&peer, &address, length) == 0);
	length = sizeof(own);
	check(getsockname(fd, (void *)&own, &length) == 0);
	check(length == address_length && own.ss_family == address.ss_family);
	check(((struct sockaddr_in *)(void *)&own)->sin_port != 0);
	check(socket_error(fd) == 0);
	length = sizeof(value);
	check(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &length) == 0 &&
		value == address.ss_family);
	check(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &length) == 0 &&
		value == IPPROTO_TCP);
	check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0);
	check(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes)) == 0);
	check(setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &yes, sizeof(yes)) == 0);
}

volatile sig_atomic_t signals;

void count_signal(int number)
{
	(void)number;
	signals++;
}

void handle(int number, int flags)
{
	struct sigaction action = {.sa_handler = count_signal, .sa_flags = flags};

	check(sigaction(number, &action, NULL) == 0);
}

void alarm_in(int ms)
{
	struct itimerval timer = {.it_value = {.tv_usec = ms * 1000}};

	check(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/* As RestrictAddressFamilies= of a service without AF_UNIX: `number` fails where a bit of `first`
 * is in its first argument. */
void forbid(unsigned number, int first, int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (unsigned)first, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int requests_logged(void)
{
	FILE *f = fopen(getenv("MAILSEAL_LOG"), "r");
	char line[4096];
	int n = 0;

	check(f);
	while (fgets(line, sizeof(line), f))
		n += strncmp(line, "request ", 8) == 0;
	fclose(f);
	return n;
}

/* That served requests one after another. */
int agents_logged(void)
{
	FILE *f = fopen(getenv("MAILSEAL_LOG"), "r");
	char line[4096];
	int pid, last = 0, n = 0;

	check(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "request pid=%d", &pid) == 1 && pid != last)
			n++, last = pid;
	fclose(f);
	return n;
}
