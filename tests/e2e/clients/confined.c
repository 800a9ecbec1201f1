/*
 * confined: a mail client that first takes from itself what services take from themselves.
 *
 *     confined [-c DIRECTORY] [-u UID] [-x] [-n] [-d COUNT] [-e] [-w FILE] ADDRESS PORT
 *
 *     -c  go into a chroot        -u  give up root          -x  forbid execve and new processes
 *     -n  forbid AF_UNIX sockets  -d  hold so many duplicates of the socket, far up
 *     -e  register the socket with epoll before connect()
 *     -w  after the greeting, wait until FILE exists; then go on
 *
 * In that order, before it connects. Prints what the server says, or `connect: ERRNO`. Exit status 0
 * if the message was accepted, 1 if connect() failed, 2 if the connection ended before, 3 if some
 * duplicate of the socket is not what the socket is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAR 200

static const char *root, *wait_for;
static long user = -1;
static int duplicates, epoll = -1;
static bool no_processes, no_unix, use_epoll;

static void die(const char *what)
{
	perror(what);
	exit(70);
}

/* Answers EPERM to a system call, where its first argument is `first`, or whatever that is. */
static void forbid(long number, int first)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)first, 0, first < 0 ? 0 : 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		die("seccomp");
}

static void confine(void)
{
	if (root && (chroot(root) < 0 || chdir("/") < 0))
		die("chroot");
	if (user >= 0 && (setgroups(0, NULL) < 0 || setresgid((gid_t)user, (gid_t)user, (gid_t)user) < 0 ||
				 setresuid((uid_t)user, (uid_t)user, (uid_t)user) < 0))
		die("setresuid");
	if (no_processes) {
		forbid(SYS_execve, -1);
		forbid(SYS_execveat, -1);
		forbid(SYS_clone, -1);
		forbid(SYS_clone3, -1);
#ifdef SYS_fork
		forbid(SYS_fork, -1);
		forbid(SYS_vfork, -1);
#endif
	}
	if (no_unix)
		forbid(SYS_socket, AF_UNIX);
}

static int make_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77};

	if (fd < 0)
		die("socket");
	for (int i = 0; i < duplicates; i++)
		if (fcntl(fd, F_DUPFD, FAR + 100 * i) < 0)
			die("dup");
	if (use_epoll && ((epoll = epoll_create1(0)) < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0))
		die("epoll");
	return fd;
}

/* Every duplicate must lead where the socket leads now: none still to the TCP socket. */
static void look_at_duplicates(int fd)
{
	struct stat one, other;
	int found = 0;

	fstat(fd, &one);
	for (int i = 0; i < FAR + 100 * duplicates + 100; i++)
		if (i != fd && fstat(i, &other) == 0 && S_ISSOCK(other.st_mode))
			found += other.st_ino == one.st_ino ? 1 : 1000;
	if (found != duplicates) {
		printf("%d duplicates of %d\n", found, duplicates);
		exit(3);
	}
}

/* epoll must tell of what the socket is now. */
static void look_at_epoll(void)
{
	struct epoll_event event = {0};

	if (epoll >= 0 && (epoll_wait(epoll, &event, 1, 10000) != 1 || event.data.u64 != 77)) {
		printf("epoll does not tell\n");
		exit(3);
	}
}

/* One reply, whole; its first digit. */
static int hear(FILE *in)
{
	char line[1024];

	do {
		if (!fgets(line, sizeof(line), in)) {
			printf("connection lost\n");
			exit(2);
		}
		printf("S: %s", line);
	} while (strlen(line) > 3 && line[3] == '-');
	fflush(stdout);
	return line[0] - '0';
}

static void say(FILE *out, const char *text)
{
	fputs(text, out);
	fflush(out);
}

static void converse(int fd)
{
	static const char *const lines[] = {"EHLO client.a.example\r\n", "MAIL FROM:<sender@a.example>\r\n",
		"RCPT TO:<a@b.example>\r\n", "DATA\r\n",
		"Subject: SECRETSUBJECT\r\n\r\nSECRETBODY\r\n.\r\n"};
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	int digit = hear(in);

	while (wait_for && access(wait_for, F_OK) < 0)
		usleep(10000);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && digit >= 2 && digit <= 3; i++) {
		say(out, lines[i]);
		digit = hear(in);
	}
	say(out, "QUIT\r\n");
	hear(in);
	exit(digit == 2 ? 0 : 4);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int option, fd;

	while ((option = getopt(argc, argv, "c:u:xnd:ew:")) >= 0)
		switch (option) {
		case 'c': root = optarg; break;
		case 'u': user = strtol(optarg, NULL, 10); break;
		case 'x': no_processes = true; break;
		case 'n': no_unix = true; break;
		case 'd': duplicates = (int)strtol(optarg, NULL, 10); break;
		case 'e': use_epoll = true; break;
		case 'w': wait_for = optarg; break;
		default: return 64;
		}
	if (argc - optind != 2 || inet_pton(AF_INET, argv[optind], &to.sin_addr) != 1)
		return 64;
	to.sin_port = htons((uint16_t)strtol(argv[optind + 1], NULL, 10));
	signal(SIGPIPE, SIG_IGN);
	confine();
	fd = make_socket();
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		printf("connect: %s\n", strerrorname_np(errno));
		return 1;
	}
	look_at_duplicates(fd);
	look_at_epoll();
	converse(fd);
}
