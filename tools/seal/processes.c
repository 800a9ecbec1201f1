#include "tools/seal/processes.h"

#include "tools/doctor/process.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A part of a text that does not end with \0. */
struct part {
	const char *at;
	size_t length;
};

static bool ends_in(struct part text, const char *end)
{
	size_t size = strlen(end);

	return text.length >= size && memcmp(text.at + text.length - size, end, size) == 0;
}

/* The path in a line of systemd's tree: "0::/path" (version 2), or "9:name=systemd:/path". */
static bool path_in(const char *line, bool unified, struct part *path)
{
	const char *at = strchr(line, ':'), *mark = unified ? "::" : ":name=systemd:";
	size_t length = strlen(mark);

	if (!at || strncmp(at, mark, length) != 0)
		return false;
	*path = (struct part){at + length, strcspn(at + length, "\n")};
	return true;
}

static bool find_path(const char *text, bool unified, struct part *path)
{
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (path_in(line, unified, path))
			return true;
	}
	return false;
}

/* What stands before all that systemd calls its own: that of process 1 without /init.scope. */
static bool cut_root(struct part *path, const char *init, bool unified)
{
	static const char scope[] = "/init.scope";
	struct part root = {"", 0};

	if (find_path(init, unified, &root) && ends_in(root, scope))
		root.length -= sizeof(scope) - 1;
	else if (root.length == 1)
		root.length = 0;
	if (path->length <= root.length || memcmp(path->at, root.at, root.length) != 0 ||
		path->at[root.length] != '/')
		return false;
	path->at += root.length;
	path->length -= root.length;
	return true;
}

/* Passes slices over, and cuts the next part off. */
static struct part behind_slices(struct part *path)
{
	struct part next;

	do {
		while (path->length && *path->at == '/') {
			path->at++;
			path->length--;
		}
		next = *path;
		for (next.length = 0; next.length < path->length && next.at[next.length] != '/';)
			next.length++;
		path->at += next.length;
		path->length -= next.length;
	} while (next.length && ends_in(next, ".slice"));
	return next;
}

/* A name that would mean something to the kernel stands behind an underscore. */
static bool take_service(char out[SERVICE_NAME_SIZE], struct part part)
{
	if (part.length && *part.at == '_') {
		part.at++;
		part.length--;
	}
	if (part.length <= 8 || part.length >= SERVICE_NAME_SIZE || !ends_in(part, ".service"))
		return false;
	snprintf(out, SERVICE_NAME_SIZE, "%.*s", (int)part.length, part.at);
	return true;
}

void processes_service(const char *text, const char *init, char unit[SERVICE_NAME_SIZE],
	char user_unit[SERVICE_NAME_SIZE])
{
	*unit = *user_unit = '\0';
	for (int unified = 1; unified >= 0 && !*unit; unified--) {
		struct part path;

		if (!find_path(text, unified, &path) || !cut_root(&path, init, unified) ||
			!take_service(unit, behind_slices(&path)))
			continue;
		if (strncmp(unit, "user@", 5) == 0)
			take_service(user_unit, behind_slices(&path));
	}
}

/* --- /proc ----------------------------------------------------------------------------------- */

/* Where the clock began, in seconds since the epoch, as it goes now. */
static long long boot_time(void)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return now.tv_sec - up.tv_sec;
}

/* Behind the name, which may hold anything, the last ) is its end: state, parent, and as the 22nd when it began. */
static bool take_stat(struct process_of *x, const char *stat, long long boot)
{
	const char *open = strchr(stat, '('), *close = strrchr(stat, ')');
	unsigned long long ticks;
	char state;
	int parent;

	if (!open || !close || close < open ||
		sscanf(close + 1,
			" %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
			"%*d %llu",
			&state, &parent, &ticks) != 3)
		return false;
	snprintf(x->name, sizeof(x->name), "%.*s", (int)(close - open - 1), open + 1);
	x->parent = parent;
	x->started = boot + (long long)(ticks / (unsigned long long)sysconf(_SC_CLK_TCK));
	return state != 'Z' && state != 'X';
}

static uid_t effective_uid(pid_t pid)
{
	char *status = process_read(pid, "status", NULL);
	const char *line = status ? strstr(status, "\nUid:") : NULL;
	unsigned uid = UINT_MAX;

	if (line)
		sscanf(line, "\nUid: %*u %u", &uid);
	free(status);
	return uid;
}

/* Ended meanwhile, or of no service: 0 all the same. */
static int take_process(struct processes *p, pid_t pid, const char *init, long long boot)
{
	struct process_of x = {.pid = pid}, *grown;
	char *cgroup = process_read(pid, "cgroup", NULL), *stat;
	bool lives;

	processes_service(cgroup ? cgroup : "", init, x.unit, x.user_unit);
	free(cgroup);
	if (!*x.unit)
		return 0;
	stat = process_read(pid, "stat", NULL);
	lives = stat && take_stat(&x, stat, boot);
	free(stat);
	if (!lives)
		return 0;
	x.uid = effective_uid(pid);
	x.is_agent = process_is_agent(pid);
	grown = reallocarray(p->at, p->count + 1, sizeof(*p->at));
	if (!grown)
		return -ENOMEM;
	p->at = grown;
	p->at[p->count++] = x;
	return 0;
}

int processes_load(struct processes *p, struct err *err)
{
	char *init = process_read(1, "cgroup", NULL);
	DIR *proc = opendir("/proc");
	int rc = 0;

	*p = (struct processes){.hidden = !init};
	if (!proc)
		rc = err_fail(err, errno, "/proc: %s", strerror(errno));
	for (const struct dirent *e; !rc && (e = readdir(proc));) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > 0)
			rc = take_process(p, pid, init ? init : "", boot_time());
		if (rc)
			err_fail(err, -rc, "%s", strerror(-rc));
	}
	if (proc)
		closedir(proc);
	free(init);
	return rc;
}

void processes_clear(struct processes *p)
{
	free(p->at);
	*p = (struct processes){0};
}
