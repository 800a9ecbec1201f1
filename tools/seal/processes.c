#include "tools/seal/processes.h"

#include "tools/doctor/process.h"
#include "tools/seal/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

/* When the machine started, in ns since the epoch, by the clock as it goes now. */
static long long boot_time(void)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return (now.tv_sec - up.tv_sec) * SECOND + now.tv_nsec - up.tv_nsec;
}

/* Behind the name, which may hold anything, the last ) is its end: state, parent, and as the 22nd
 * when it began. */
static bool take_stat(struct process_of *x, const char *stat, long long boot)
{
	const char *open = strchr(stat, '('), *close = strrchr(stat, ')');
	unsigned long ticks;
	char state;
	int parent;

	if (!open || !close || close < open ||
		sscanf(close + 1,
			" %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
			"%*d %lu",
			&state, &parent, &ticks) != 3)
		return false;
	snprintf(x->name, sizeof(x->name), "%.*s", (int)(close - open - 1), open + 1);
	x->parent = parent;
	x->started = boot + (long long)(ticks + 1) * (SECOND / sysconf(_SC_CLK_TCK));
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

	cgroup_service(cgroup ? cgroup : "", init, x.unit, x.user_unit);
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
