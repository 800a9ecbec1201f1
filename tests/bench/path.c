/*
 * path: a long way between two network namespaces: every packet takes its time, none is lost, none
 * overtakes another.
 *
 *     path MILLISECONDS COMMAND [ARGUMENT ...]
 *
 * Makes a network namespace and a tun device there and here, runs COMMAND in the new one, and
 * carries packets between the two, each MILLISECONDS after it came (both ways, so a round trip
 * takes twice that). Here the far end is 198.18.25.2, and seen from there this one is 198.18.25.1
 * (RFC 2544's addresses for measurements). The devices are there before COMMAND starts. Ends when
 * COMMAND ends or on SIGTERM, and COMMAND with it. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN. For
 * kernels without netem; no limit on the rate.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	/* Where a queue is full the device's own is next, so that what is under way is never thrown
	   away. */
	SLOTS = 16384,
	DEVICE_QUEUE = 16384,
	MTU = 1500,
};

struct packet {
	int64_t due;
	uint16_t length;
	unsigned char bytes[MTU];
};

/* One direction: a ring, in the order of arrival, which with one delay for all is the order of
 * departure. */
struct way {
	int from, to;
	unsigned first, count;
	struct packet *ring;
};

static volatile sig_atomic_t ended;

static void on_end(int sig)
{
	(void)sig;
	ended = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "path: %s: %s\n", what, strerror(errno));
	exit(70);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static struct sockaddr ipv4(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr address;

	inet_pton(AF_INET, text, &in.sin_addr);
	memcpy(&address, &in, sizeof(address));
	return address;
}

static void set(int s, unsigned long request, struct ifreq *r, const char *what)
{
	if (ioctl(s, request, r) < 0)
		die(what);
}

static void bring_up(int s, const char *name)
{
	struct ifreq r = {0};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	set(s, SIOCGIFFLAGS, &r, name);
	r.ifr_flags |= IFF_UP | IFF_RUNNING;
	set(s, SIOCSIFFLAGS, &r, name);
}

/* A tun device with these addresses in the namespace that this process is in now. */
static int device(const char *name, const char *mine, const char *other)
{
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || s < 0)
		die("/dev/net/tun");
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	set(fd, TUNSETIFF, &r, "a tun device");
	r.ifr_addr = ipv4(mine);
	set(s, SIOCSIFADDR, &r, "address");
	r.ifr_dstaddr = ipv4(other);
	set(s, SIOCSIFDSTADDR, &r, "address of the other end");
	r.ifr_netmask = ipv4("255.255.255.255");
	set(s, SIOCSIFNETMASK, &r, "netmask");
	r.ifr_qlen = DEVICE_QUEUE;
	set(s, SIOCSIFTXQLEN, &r, "queue length");
	bring_up(s, name);
	close(s);
	return fd;
}

static struct packet *ring_new(void)
{
	struct packet *ring = mmap(NULL, SLOTS * sizeof(*ring), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (ring == MAP_FAILED)
		die("memory");
	return ring;
}

static void take(struct way *w, int64_t delay)
{
	while (w->count < SLOTS) {
		struct packet *p = &w->ring[(w->first + w->count) % SLOTS];
		ssize_t n = read(w->from, p->bytes, sizeof(p->bytes));

		if (n <= 0)
			return;
		p->length = n;
		p->due = now() + delay;
		w->count++;
	}
}

static void give(struct way *w)
{
	while (w->count && w->ring[w->first].due <= now()) {
		struct packet *p = &w->ring[w->first];

		if (write(w->to, p->bytes, p->length) < 0 && errno == EAGAIN)
			return;
		w->first = (w->first + 1) % SLOTS;
		w->count--;
	}
}

/* The time until the next packet is due; a far one where none is under way. */
static struct timespec until_due(const struct way ways[2])
{
	int64_t next = INT64_C(1000000000), at = now();

	for (int i = 0; i < 2; i++)
		if (ways[i].count && ways[i].ring[ways[i].first].due - at < next)
			next = ways[i].ring[ways[i].first].due - at;
	if (next < 0)
		next = 0;
	return (struct timespec){.tv_sec = next / 1000000000, .tv_nsec = next % 1000000000};
}

static void carry(struct way ways[2], int64_t delay, const sigset_t *while_waiting)
{
	while (!ended) {
		struct timespec wait = until_due(ways);
		struct pollfd p[2];

		for (int i = 0; i < 2; i++)
			p[i] = (struct pollfd){
				.fd = ways[i].count < SLOTS ? ways[i].from : -1, .events = POLLIN};
		if (ppoll(p, 2, &wait, while_waiting) < 0 && errno != EINTR)
			die("poll");
		for (int i = 0; i < 2; i++) {
			take(&ways[i], delay);
			give(&ways[i]);
		}
	}
}

static pid_t start(char **command, pid_t parent, const sigset_t *signals)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(70);
	sigprocmask(SIG_SETMASK, signals, NULL);
	execvp(command[0], command);
	die(command[0]);
	return -1;
}

/* SIGTERM and SIGCHLD come while waiting only, so that neither is missed. */
static sigset_t catch_signals(void)
{
	struct sigaction act = {.sa_handler = on_end};
	sigset_t blocked, before;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGCHLD, &act, NULL);
	return before;
}

static void lo_up(void)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	bring_up(s, "lo");
	close(s);
}

int main(int argc, char **argv)
{
	double milliseconds = argc > 2 ? strtod(argv[1], NULL) : -1;
	sigset_t before;
	pid_t child;
	int near, far, status = 0;

	if (milliseconds < 0 || milliseconds > 10000) {
		fprintf(stderr, "usage: path MILLISECONDS COMMAND [ARGUMENT ...]\n");
		return 64;
	}
	before = catch_signals();
	near = device("near0", "198.18.25.1", "198.18.25.2");
	if (unshare(CLONE_NEWNET) < 0)
		die("a network namespace");
	lo_up();
	far = device("far0", "198.18.25.2", "198.18.25.1");
	child = start(argv + 2, getpid(), &before);
	/* The kernel would let each wait be 50 us longer. */
	prctl(PR_SET_TIMERSLACK, 1);
	struct way ways[2] = {{.from = near, .to = far, .ring = ring_new()},
		{.from = far, .to = near, .ring = ring_new()}};
	carry(ways, milliseconds * 1e6, &before);
	kill(child, SIGTERM);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}
