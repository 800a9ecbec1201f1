/*
 * sockets: which descriptors of a process lead past the preload.
 * What was intercepted is a local socket; so each TCP connection to a mail port that the process
 * still holds was not. The table of its own network namespace is read; connections by MPTCP stand
 * in it too, with the inode of the socket that the process holds.
 */
#include "tools/doctor/process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TCP_TIME_WAIT_STATE 6 /* include/net/tcp_states.h */
#define TCP_CLOSE_STATE 7
#define TCP_LISTEN_STATE 10

struct descriptor {
	unsigned long inode;
	int fd;
};

struct holdings {
	struct descriptor *sockets;
	size_t count;
	unsigned rings, unprotected;
};

static int add(struct holdings *h, int fd, unsigned long inode)
{
	struct descriptor *grown = h->sockets;

	/* room is doubled whenever the count is a power of two */
	if ((h->count & (h->count - 1)) == 0)
		grown = reallocarray(h->sockets, h->count ? h->count * 2 : 1, sizeof(*h->sockets));
	if (!grown)
		return -ENOMEM;
	h->sockets = grown;
	h->sockets[h->count++] = (struct descriptor){inode, fd};
	return 0;
}

static int take_descriptor(struct holdings *h, int dir, const char *name)
{
	char link[64];
	ssize_t n = readlinkat(dir, name, link, sizeof(link) - 1);
	unsigned long inode;

	if (n < 0) /* closed meanwhile */
		return 0;
	link[n] = '\0';
	if (strcmp(link, "anon_inode:[io_uring]") == 0)
		h->rings++;
	if (sscanf(link, "socket:[%lu]", &inode) != 1)
		return 0;
	return add(h, (int)strtol(name, NULL, 10), inode);
}

static int take_descriptors(struct holdings *h, pid_t pid)
{
	char path[PROCESS_PATH];
	DIR *dir;
	int rc = 0;

	process_path(path, pid, "fd");
	dir = opendir(path);
	if (!dir)
		return -errno;
	for (const struct dirent *e; !rc && (e = readdir(dir));) {
		if (e->d_name[0] != '.')
			rc = take_descriptor(h, dirfd(dir), e->d_name);
	}
	closedir(dir);
	return rc;
}

static int find(const struct holdings *h, unsigned long inode)
{
	for (size_t i = 0; i < h->count; i++) {
		if (h->sockets[i].inode == inode)
			return h->sockets[i].fd;
	}
	return -1;
}

/* An address as /proc/net/tcp writes it: words of 32 bits as they stand in memory, in hex. */
static bool parse_address(const char *hex, char out[INET6_ADDRSTRLEN])
{
	size_t words = strlen(hex) / 8;
	uint32_t bytes[4] = {0};

	if ((words != 1 && words != 4) || strlen(hex) % 8)
		return false;
	for (size_t i = 0; i < words; i++) {
		char word[9] = "";

		memcpy(word, hex + i * 8, 8);
		bytes[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	return inet_ntop(words == 1 ? AF_INET : AF_INET6, bytes, out, INET6_ADDRSTRLEN) != NULL;
}

static void tell_connection(
	struct patient *p, struct holdings *h, int fd, const char *address, unsigned port)
{
	h->unprotected++;
	diagnosis_add(&p->found, SEVERITY_OBSTACLE, "unintercepted",
		"It was made before the library was loaded, past the C library, or in another "
		"process; end it, and find out which",
		"descriptor %d is a TCP connection to %s port %u that mailseal has no part in", fd,
		address, port);
}

static void look_at_line(
	struct patient *p, const struct process *x, struct holdings *h, const char *line)
{
	char remote[33], address[INET6_ADDRSTRLEN];
	unsigned port, state;
	unsigned long inode;
	int fd;

	if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%*x %32[0-9A-Fa-f]:%x %x %*s %*s %*s %*u %*u %lu",
		    remote, &port, &state, &inode) != 4)
		return;
	if (state == TCP_LISTEN_STATE || state == TCP_TIME_WAIT_STATE || state == TCP_CLOSE_STATE ||
		inode == 0 || !ports_have(&x->ports, (uint16_t)port))
		return;
	fd = find(h, inode);
	if (fd >= 0 && parse_address(remote, address))
		tell_connection(p, h, fd, address, port);
}

/* -ENOENT where the kernel has no such protocol. */
static int look_at_table(
	struct patient *p, const struct process *x, struct holdings *h, const char *table)
{
	char path[PROCESS_PATH], *line = NULL;
	size_t size = 0;
	FILE *file;

	process_path(path, x->pid, table);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (getline(&line, &size, file) > 0)
		look_at_line(p, x, h, line);
	free(line);
	fclose(file);
	return 0;
}

static void tell_rest(struct patient *p, const struct process *x, const struct holdings *h)
{
	char list[128] = "";
	size_t n = 0;

	for (unsigned i = 0; i < x->ports.count && n < sizeof(list); i++)
		n += (size_t)snprintf(
			list + n, sizeof(list) - n, "%s%u", i ? ", " : "", x->ports.at[i]);
	if (h->rings)
		diagnosis_add(&p->found, SEVERITY_WARNING, "io_uring",
			"What it does through it is not seen, and not reached: turn io_uring off "
			"in the program",
			"it uses io_uring (%u of its descriptors)", h->rings);
	if (!h->unprotected)
		diagnosis_add(&p->found, SEVERITY_OK, "connections", NULL,
			"it holds no TCP connection of its own to a mail port (%s) at this moment",
			list);
}

int doctor_sockets(struct patient *p, const struct process *x, struct err *err)
{
	struct holdings h = {0};
	int rc = take_descriptors(&h, x->pid), rc6 = 0;

	if (!rc)
		rc = look_at_table(p, x, &h, "net/tcp");
	if (!rc)
		rc6 = look_at_table(p, x, &h, "net/tcp6");
	if (!rc && rc6 && rc6 != -ENOENT)
		rc = rc6;
	if (rc)
		err_fail(err, -rc, "process %d: its connections cannot be seen: %s", (int)x->pid,
			strerror(-rc));
	else
		tell_rest(p, x, &h);
	free(h.sockets);
	return rc;
}
