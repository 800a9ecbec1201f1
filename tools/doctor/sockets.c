/*
 * sockets: which descriptors of a process lead past the preload.
 * What was intercepted is a local socket; so each TCP connection to a mail port that the process
 * still holds was not. The table of its own network namespace is read; connections by MPTCP stand
 * in it too, with the inode of the socket that the process holds.
 * The table is read before the descriptors: a socket that was seen there first, and is held
 * afterwards, is not one whose number was given to another since. While a connection is handed over
 * the process holds it beside the agent for a moment: so what is held is looked at again.
 */
#include "tools/doctor/process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOKS 20 /* at a connection that may be on its way to the agent */
#define LOOK_MS 10

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
	unsigned rings;
};

/* To a mail port. */
struct connection {
	unsigned long inode;
	char address[INET6_ADDRSTRLEN];
	unsigned port;
	int fd;		/* of the process; -1: it does not hold it */
	bool of_agent;	/* an agent holds it, too */
	bool passed_on; /* the process holds it no more */
};

struct connections {
	struct connection *at;
	size_t count;
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

static int look_at_line(const struct process *x, struct connections *c, const char *line)
{
	struct connection new = {.fd = -1}, *grown;
	char remote[33];
	unsigned state;

	if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%*x %32[0-9A-Fa-f]:%x %x %*s %*s %*s %*u %*u %lu",
		    remote, &new.port, &state, &new.inode) != 4)
		return 0;
	if (state == TCP_LISTEN_STATE || state == TCP_TIME_WAIT_STATE || state == TCP_CLOSE_STATE ||
		new.inode == 0 || !ports_have(&x->ports, (uint16_t) new.port) ||
		!parse_address(remote, new.address))
		return 0;
	grown = reallocarray(c->at, c->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->at = grown;
	grown[c->count++] = new;
	return 0;
}

/* -ENOENT where the kernel has no such protocol. */
static int look_at_table(const struct process *x, struct connections *c, const char *table)
{
	char path[PROCESS_PATH], *line = NULL;
	size_t size = 0;
	FILE *file;
	int rc = 0;

	process_path(path, x->pid, table);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (!rc && getline(&line, &size, file) > 0)
		rc = look_at_line(x, c, line);
	free(line);
	fclose(file);
	return rc;
}

static int look_at_tables(const struct process *x, struct connections *c)
{
	int rc = look_at_table(x, c, "net/tcp"), rc6 = 0;

	if (!rc)
		rc6 = look_at_table(x, c, "net/tcp6");
	return rc || rc6 == -ENOENT ? rc : rc6;
}

/* How many of them the process holds, which has these descriptors now. */
static size_t compare(struct connections *c, const struct holdings *h, bool first)
{
	size_t held = 0;

	for (size_t i = 0; i < c->count; i++) {
		struct connection *x = &c->at[i];
		int fd = find(h, x->inode);

		if (first)
			x->fd = fd;
		else if (x->fd >= 0 && fd < 0)
			x->passed_on = true;
		held += x->fd >= 0 && !x->passed_on;
	}
	return held;
}

/* Which of them an agent holds. */
static void look_at_agents(struct connections *c)
{
	DIR *proc = opendir("/proc");

	for (const struct dirent *e; proc && (e = readdir(proc));) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		struct holdings h = {0};

		if (pid <= 0 || !process_is_agent(pid))
			continue;
		(void)take_descriptors(&h, pid);
		for (size_t i = 0; i < c->count; i++)
			c->at[i].of_agent = c->at[i].of_agent || find(&h, c->at[i].inode) >= 0;
		free(h.sockets);
	}
	if (proc)
		closedir(proc);
}

/* What the process goes on holding is its own, or a copy that was left to it. */
static int look_again(const struct process *x, struct connections *c)
{
	static const struct timespec meanwhile = {0, LOOK_MS * 1000000L};
	size_t held = 1;
	int rc = 0;

	look_at_agents(c);
	for (int i = 0; i < LOOKS && held && !rc; i++) {
		struct holdings h = {0};

		nanosleep(&meanwhile, NULL);
		rc = take_descriptors(&h, x->pid);
		if (!rc)
			held = compare(c, &h, false);
		free(h.sockets);
	}
	return rc;
}

/* How many are held. */
static size_t tell_connections(struct patient *p, const struct connections *c)
{
	size_t told = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct connection *x = &c->at[i];

		if (x->fd < 0 || (x->passed_on && x->of_agent))
			continue;
		told++;
		if (x->passed_on)
			diagnosis_add(&p->found, SEVERITY_WARNING, "short-connection",
				"Ask again: if this is told each time, it connects past the "
				"library",
				"descriptor %d was a TCP connection to %s port %u for a moment, "
				"and no agent was seen to hold it",
				x->fd, x->address, x->port);
		else
			diagnosis_add(&p->found, SEVERITY_OBSTACLE, "unintercepted",
				"It was made before the library was loaded, past the C library, or "
				"in another process; end it, and find out which",
				"descriptor %d is a TCP connection to %s port %u that mailseal has "
				"no part in",
				x->fd, x->address, x->port);
	}
	return told;
}

static void tell_rest(
	struct patient *p, const struct process *x, const struct holdings *h, size_t told)
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
	if (!told)
		diagnosis_add(&p->found, SEVERITY_OK, "connections", NULL,
			"it holds no TCP connection of its own to a mail port (%s) at this moment",
			list);
}

int doctor_sockets(struct patient *p, const struct process *x, struct err *err)
{
	struct connections c = {0};
	struct holdings h = {0};
	int rc = look_at_tables(x, &c);

	if (!rc)
		rc = take_descriptors(&h, x->pid);
	if (!rc && compare(&c, &h, true) > 0)
		rc = look_again(x, &c);
	if (rc)
		err_fail(err, -rc, "process %d: its connections cannot be seen: %s", (int)x->pid,
			strerror(-rc));
	else
		tell_rest(p, x, &h, tell_connections(p, &c));
	free(h.sockets);
	free(c.at);
	return rc;
}
