/*
 * locked UID FUSE FILE SOCKET: a TCP socket whose lock a thread holds, since it sends from a page of a
 * file system of its own that is never delivered; handed to the system agent at SOCKET by that user.
 * FILE is what the file system is mounted over, in a namespace of its own. Prints `handed over`, or what
 * cannot be done, and stays.
 */
#include "shim/handoff/handoff.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int fuse, tcp;
static char *page;

static void must(int ok, const char *what)
{
	if (ok)
		return;
	printf("cannot %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(1);
}

static void answer(uint64_t to, const void *bytes, size_t n, int error)
{
	char whole[4096];
	struct fuse_out_header head = {.len = (uint32_t)(sizeof(head) + n), .error = error, .unique = to};

	memcpy(whole, &head, sizeof(head));
	memcpy(whole + sizeof(head), bytes, n);
	if (write(fuse, whole, head.len) < 0)
		perror("answer");
}

/* A file of one page and more, which nobody ever gets to read. */
static void serve(void)
{
	static char bytes[1 << 17];
	struct fuse_in_header *in = (void *)bytes;

	while (read(fuse, bytes, sizeof(bytes)) > 0 || errno == EINTR) {
		struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .max_write = 4096};
		struct fuse_attr_out attr = {.attr_valid = 1000,
			.attr = {.ino = 1, .size = 65536, .mode = S_IFREG | 0666, .nlink = 1}};
		struct fuse_open_out opened = {.fh = 1};

		switch (in->opcode) {
		case FUSE_INIT:
			init.minor = ((struct fuse_init_in *)(in + 1))->minor;
			answer(in->unique, &init, sizeof(init), 0);
			break;
		case FUSE_GETATTR:
			answer(in->unique, &attr, sizeof(attr), 0);
			break;
		case FUSE_OPEN:
			answer(in->unique, &opened, sizeof(opened), 0);
			break;
		case FUSE_READ:
		case FUSE_FORGET:
		case FUSE_INTERRUPT:
			break;
		default:
			answer(in->unique, "", 0, -ENOSYS);
		}
	}
}

static void *hold(void *unused)
{
	(void)unused;
	send(tcp, page, 4096, 0);
	return NULL;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	must(fd >= 0 && write(fd, text, strlen(text)) > 0, path);
	close(fd);
}

static void mount_it(const char *id, const char *device, const char *file)
{
	char map[64], options[128];

	must(setgid((gid_t)strtoul(id, NULL, 10)) == 0 && setuid((uid_t)strtoul(id, NULL, 10)) == 0, "become that user");
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	must(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "make a user namespace");
	snprintf(map, sizeof(map), "%s %s 1", id, id);
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", map);
	put("/proc/self/gid_map", map);
	fuse = open(device, O_RDWR);
	must(fuse >= 0, "open the device");
	snprintf(options, sizeof(options), "fd=%d,rootmode=100666,user_id=%s,group_id=%s", fuse, id, id);
	must(mount("f", file, "fuse", 0, options) == 0, "mount a file system");
}

static void hand_over(const char *path, struct sockaddr_in *to)
{
	static char bytes[HANDOFF_REQUEST_MAX];
	struct handoff_request head = {0};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char control[CMSG_SPACE(2 * sizeof(int))] = "";
	int pair[2], channel = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	struct iovec iov = {bytes, 0};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *part = CMSG_FIRSTHDR(&m);

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "make a pair");
	to->sin_port = htons(25);
	handoff_addr_from_sockaddr(&head.peer, (struct sockaddr *)to, sizeof(*to));
	iov.iov_len = (size_t)handoff_request_encode(bytes, &head, &(struct handoff_names){0}, "system\n", 7);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	must(connect(channel, (struct sockaddr *)&sun, sizeof(sun)) == 0, "reach the agent");
	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(part), (int[]){tcp, pair[1]}, 2 * sizeof(int));
	must(sendmsg(channel, &m, 0) > 0, "send the request");
}

static void lock_and_hand_over(const char *path, const char *agent)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(in);
	struct stat st;
	int file, listener = socket(AF_INET, SOCK_STREAM, 0);
	pthread_t thread;

	file = open(path, O_RDONLY);
	must(file >= 0 && fstat(file, &st) == 0 && st.st_size > 4096, "open the file");
	page = mmap(NULL, 65536, PROT_READ, MAP_SHARED, file, 0);
	must(page != MAP_FAILED, "map the file");
	must(bind(listener, (struct sockaddr *)&in, sizeof(in)) == 0 && listen(listener, 5) == 0, "listen");
	getsockname(listener, (struct sockaddr *)&in, &n);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(tcp, (struct sockaddr *)&in, sizeof(in)) == 0, "connect");
	pthread_create(&thread, NULL, hold, NULL);
	sleep(1);
	hand_over(agent, &in);
	printf("handed over\n");
	fflush(stdout);
	for (;;)
		pause();
}

/* Two processes: with the one that has the device, everything comes loose again. */
int main(int argc, char **argv)
{
	pid_t child;

	if (argc != 5)
		return 64;
	mount_it(argv[1], argv[2], argv[3]);
	child = fork();
	must(child >= 0, "make a process");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		close(fuse);
		lock_and_hand_over(argv[3], argv[4]);
	}
	serve();
	return 0;
}
