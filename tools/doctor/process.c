/*
 * process: a running process: what it has loaded, its environment, its agent.
 * Its threads share all that. Its children are other processes: each is asked for by itself.
 */
#include "tools/doctor/process.h"

#include "tools/doctor/loader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROC_MOST (16u << 20) /* of a file in /proc */

const char *const ask_as_root =
	"Ask as root, or as the user of the process (its debugging may be forbidden)";

void process_path(char out[PROCESS_PATH], pid_t pid, const char *what)
{
	snprintf(out, PROCESS_PATH, "/proc/%d/%s", (int)pid, what);
}

char *process_read(pid_t pid, const char *what, size_t *length)
{
	char path[PROCESS_PATH], *bytes;
	int fd;

	process_path(path, pid, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	bytes = read_all(fd, PROC_MOST, length);
	if (!bytes && errno == ESRCH)
		errno = ENOENT;
	close(fd);
	return bytes;
}

/* A field of /proc/PID/status, as a number; `none` if it is not there. */
static long status_number(const char *status, const char *field, long none)
{
	size_t size = strlen(field);

	for (const char *line = status; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, field, size) == 0 && line[size] == ':')
			return strtol(line + size + 1, NULL, 10);
	}
	return none;
}

static void tell_not_loaded(struct patient *p)
{
	if (p->loaded)
		return;
	if (p->preload && names_library(p->preload))
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "not-loaded",
			"See its standard error: the loader tells there why not",
			"LD_PRELOAD names the library, but the process has not loaded it: %s",
			p->preload);
	else
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "not-loaded",
			"Start it by mailseal run, or with LD_PRELOAD in its environment",
			"the process has not loaded libmailseal.so");
}

static void look_at_root(struct patient *p, struct process *x)
{
	struct stat own, its;

	process_path(x->root, x->pid, "root");
	if (stat("/", &own) == 0 && stat(x->root, &its) == 0 &&
		(own.st_ino != its.st_ino || own.st_dev != its.st_dev))
		diagnosis_add(&p->found, SEVERITY_NOTE, "other-root",
			"Library, agent and configuration must be there too; or a system-wide "
			"agent, if it went there by chroot()",
			"its root directory is another than this command's (a container, or "
			"chroot)");
	patient_enter(p, x->root);
}

static void look_at_status(struct patient *p, const char *status)
{
	if (status_number(status, "Seccomp", 0) == 2)
		diagnosis_add(&p->found, SEVERITY_NOTE, "seccomp",
			"What the filter forbids cannot be read here; of a service, examine the "
			"unit",
			"a filter restricts its system calls (seccomp)");
}

/* Not followed; only told. */
static void tell_children(struct patient *p, pid_t pid)
{
	char what[64], *children;
	size_t length;

	snprintf(what, sizeof(what), "task/%d/children", (int)pid);
	children = process_read(pid, what, &length);
	while (children && length && children[length - 1] == ' ')
		children[--length] = '\0';
	if (children && length)
		diagnosis_add(&p->found, SEVERITY_NOTE, "children", "Ask for each by itself",
			"its children are not examined: %.200s", children);
	free(children);
}

int process_program(pid_t pid, char out[PATH_MAX])
{
	char path[PROCESS_PATH];
	ssize_t n;

	process_path(path, pid, "exe");
	n = readlink(path, out, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	out[n] = '\0';
	return 0;
}

static int look_at_program(struct patient *p, pid_t pid, struct err *err)
{
	char path[PROCESS_PATH], name[PATH_MAX];
	int fd, rc = process_program(pid, name);

	if (rc == -ENOENT)
		return err_fail(err, ENOEXEC,
			"process %d has no program: a thread of the kernel, or it has ended",
			(int)pid);
	process_path(path, pid, "exe");
	fd = rc ? rc : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_fail(err, rc ? -rc : errno, "process %d: its program: %s. %s", (int)pid,
			strerror(rc ? -rc : errno), ask_as_root);
	rc = doctor_program_file(p, fd, name, err);
	close(fd);
	return rc;
}

/* Does the process run the program that was named? */
static int compare_program(struct patient *p, pid_t pid, const char *program, struct err *err)
{
	struct patient other = {.root = -1,
		.root_name = "",
		.search = p->search,
		.is_process = true,
		.loaded = true};
	char path[PROCESS_PATH], found[PATH_MAX];
	struct stat its, named;
	int rc = patient_find(&other, program, found);

	if (rc)
		return err_fail(err, -rc, "%s: %s", program, strerror(-rc));
	rc = doctor_program(&other, found, err);
	diagnosis_clear(&other.found);
	if (rc)
		return rc;
	process_path(path, pid, "exe");
	if (stat(path, &its) == 0 && stat(other.program, &named) == 0 &&
		(its.st_ino != named.st_ino || its.st_dev != named.st_dev))
		diagnosis_add(&p->found, SEVERITY_WARNING, "other-program",
			"Is it the right process? Or was the program replaced since?",
			"process %d does not run %s", (int)pid, other.program);
	return 0;
}

static bool is_agent_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash && strncmp(slash + 1, "mailseal-agent", 14) == 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool process_is_agent(pid_t pid)
{
	char name[PATH_MAX];

	return process_program(pid, name) == 0 && is_agent_name(name);
}

/* Could it be the agent of the process: same user, same service? */
static bool is_agent_of(pid_t agent, long uid, const char *cgroup)
{
	char *status, *its;
	bool is = false;

	if (!process_is_agent(agent))
		return false;
	status = process_read(agent, "status", NULL);
	its = process_read(agent, "cgroup", NULL);
	if (status && status_number(status, "Uid", -1) == uid)
		is = same_text(its, cgroup);
	free(status);
	free(its);
	return is;
}

static pid_t find_agent(pid_t of, long uid)
{
	char *cgroup = process_read(of, "cgroup", NULL);
	DIR *proc = opendir("/proc");
	pid_t found = 0;

	for (const struct dirent *e; proc && !found && (e = readdir(proc));) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > 0 && is_agent_of(pid, uid, cgroup))
			found = pid;
	}
	if (proc)
		closedir(proc);
	free(cgroup);
	return found;
}

static bool is_given(const char *value)
{
	return value && *value;
}

/* The agent that it would start, and where that would write. */
static void look_at_own_agent(struct patient *p, const struct process *x, long uid)
{
	char path[PATH_MAX];

	doctor_agent_path(p, process_variable(x, "MAILSEAL_AGENT"), path);
	doctor_agent_file(p, path);
	if (uid == OVERFLOW_UID)
		diagnosis_add(&p->found, SEVERITY_WARNING, "overflow-user",
			"Give it a user of its own, or use the system agent (mailseal enable "
			"--system-agent)",
			"its user (%u) stands for all who have none here, so it shares no agent: "
			"each connection starts one",
			OVERFLOW_UID);
	else
		diagnosis_add(&p->found, SEVERITY_NOTE, "agent-idle", NULL,
			"no agent of its own is running now; the next connection starts one");
}

static void look_for_agent(struct patient *p, const struct process *x, const char *status)
{
	const char *socket = process_variable(x, "MAILSEAL_SOCKET");
	const char *config = process_variable(x, "MAILSEAL_CONFIG");
	const struct patient machine = {.root = -1, .root_name = ""};
	const char *path;
	long uid = status_number(status, "Uid", -1);
	pid_t agent;

	if (!p->loaded)
		return;
	if (!doctor_system_agent(p, socket, config, x->pid) && p->left_root)
		diagnosis_add(&p->found, SEVERITY_WARNING, "chroot",
			"No mail passes: start it (mailseal-agent(8))",
			"it went into a chroot after it had loaded the library, and no system-wide "
			"agent is to be seen from there");
	if (p->left_root || patient_system_agent(p, socket, config, &path) != SYSTEM_AGENT_NONE) {
		if (is_given(socket) && is_given(config))
			doctor_agent_config(&p->found, &machine, socket, config);
		return;
	}
	agent = find_agent(x->pid, uid);
	if (agent)
		diagnosis_add(&p->found, SEVERITY_OK, "agent", NULL,
			"an agent of its user and service is running (process %d)", (int)agent);
	else
		look_at_own_agent(p, x, uid);
	doctor_log_target(p, process_variable(x, "MAILSEAL_LOG"));
}

/* What is just being started has not loaded what it will have. */
static void wait_for_start(pid_t pid)
{
	struct look l;

	process_look(&l, pid);
	process_look_away(&l);
}

static int examine(struct patient *p, struct process *x, const char *status,
	const struct ports *ports, struct err *err)
{
	int rc;

	wait_for_start(x->pid);
	look_at_root(p, x);
	process_started(p, x, ports);
	rc = doctor_maps(p, x->pid, err);
	if (!rc && !p->loaded)
		doctor_look_everywhere(p);
	if (!rc)
		rc = look_at_program(p, x->pid, err);
	if (rc)
		return rc;
	if (process_is_agent(x->pid)) {
		diagnosis_add(&p->found, SEVERITY_NOTE, "is-agent",
			"Ask for the program that sends instead",
			"this is an agent: it holds the connections that are sealed");
		return 0;
	}
	tell_not_loaded(p);
	process_tell_variables(p, x);
	look_for_agent(p, x, status);
	look_at_status(p, status);
	tell_children(p, x->pid);
	return doctor_sockets(p, x, err);
}

int doctor_process(struct patient *p, pid_t pid, const char *program, const struct ports *ports,
	struct err *err)
{
	struct process x = {.pid = pid};
	char *status = process_read(pid, "status", NULL);
	int rc;

	if (!status)
		return err_fail(
			err, errno == EACCES ? EACCES : ESRCH, "there is no process %d", (int)pid);
	p->found.pid = pid;
	p->is_process = true;
	p->by_run = false;
	if (strstr(status, "\nState:\tZ"))
		rc = err_fail(err, ESRCH, "process %d has ended (a zombie)", (int)pid);
	else
		rc = examine(p, &x, status, ports, err);
	if (!rc && program)
		rc = compare_program(p, pid, program, err);
	free(status);
	p->preload = p->library_paths = NULL;
	p->root_name = "";
	doctor_maps_clear(p);
	free(x.environment);
	return rc;
}
