/*
 * start: brings an agent to life so that the application notices nothing.
 * A middle process, which sends no signal when it ends and is found by __WCLONE only, starts the
 * agent and ends; the agent then belongs to init. Both share the caller's memory until the agent
 * runs its own program, so that nothing of a big application is copied; the caller stands still
 * meanwhile, with all signals blocked. Nothing here may touch memory outside `struct birth`, and
 * only system calls are used.
 */
#include "shim/preload/start.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "shim/handoff/text.h"
#include "shim/preload/limits.h"
#include "shim/preload/settings.h"
#include "shim/preload/sys.h"

#define STACK_SIZE 16384
#define BACKLOG 1024
#define SIGNALS 64
#define FIRST_FREE (HANDOFF_AGENT_FD + 1)

struct birth {
	const struct identity *id;
	const struct settings *settings;
	int channel;
	char *argv[12];
	char *envp[4];
	char identity[HANDOFF_IDENTITY_SIZE + sizeof("MAILSEAL_IDENTITY=")];
	char timezone[sizeof("TZ=") + SETTINGS_TIMEZONE_SIZE];
	char fd_text[4];
	gid_t egid;
	pid_t agent;
	int error; /* of the agent before it runs its program */
	const char *reason;
	_Alignas(16) char middle_stack[STACK_SIZE];
	_Alignas(16) char agent_stack[STACK_SIZE];
};

static int fail(struct birth *b, const char *reason, long error)
{
	b->reason = reason;
	b->error = (int)error;
	return 1;
}

static void reset_signals(void)
{
	struct {
		unsigned long words[8]; /* handler, flags, restorer, mask: all zero is SIG_DFL in
					   every layout */
	} action;

	memset(&action, 0, sizeof(action));
	for (int i = 1; i <= SIGNALS; i++)
		sys(SYS_rt_sigaction, i, &action, NULL, SYS_SIGSET_BYTES);
}

static void reset_limits(void)
{
	uint64_t limit[2] = {0, 0};

	sys(SYS_prlimit64, 0, RLIMIT_CORE, limit, NULL);
	for (unsigned i = 0; i < LIMITS_COUNT; i++) {
		if (sys(SYS_prlimit64, 0, limits_inherited[i], NULL, limit) != 0)
			continue;
		limit[0] = limit[1];
		if (limits_inherited[i] == RLIMIT_STACK && limit[0] > LIMITS_STACK)
			limit[0] = LIMITS_STACK;
		sys(SYS_prlimit64, 0, limits_inherited[i], limit, NULL);
	}
}

static int listen_on_name(const struct identity *id)
{
	int fd = (int)sys(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	long error;

	if (fd < 0)
		return fd;
	error = sys(SYS_bind, fd, &id->name, id->name_length);
	if (!error)
		error = sys(SYS_listen, fd, BACKLOG);
	return error ? (int)error : fd;
}

static void close_from(unsigned first)
{
	uint64_t limit[2] = {1024, 0};

#ifdef SYS_close_range
	if (sys(SYS_close_range, first, ~0u, 0) == 0)
		return;
#endif
	sys(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, limit);
	for (uint64_t fd = first; fd < limit[0] && fd < 1u << 20; fd++)
		sys(SYS_close, fd);
}

/* Descriptors of the agent: 0, 1 and 2 lead nowhere (2 to the log if that was asked), 3 is the
 * channel. */
static long arrange_descriptors(const struct birth *b, int channel)
{
	bool keep_stderr =
		b->settings->log == SETTINGS_LOG_STDERR && sys(SYS_FCNTL, 2, F_GETFD) >= 0;
	long nowhere, at;

	channel = (int)sys(SYS_FCNTL, channel, F_DUPFD_CLOEXEC, FIRST_FREE);
	if (channel < 0)
		return channel;
	nowhere = sys(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
	if (nowhere < 0)
		nowhere = sys(SYS_openat, AT_FDCWD, "/", O_PATH | O_CLOEXEC);
	at = nowhere < 0 ? nowhere : sys(SYS_FCNTL, nowhere, F_DUPFD_CLOEXEC, FIRST_FREE);
	if (at < 0)
		return at;
	for (int fd = 0; fd <= 2; fd++)
		if (fd != 2 || !keep_stderr)
			sys(SYS_dup3, at, fd, 0);
	if (keep_stderr)
		sys(SYS_FCNTL, 2, F_SETFD, 0);
	at = sys(SYS_dup3, channel, HANDOFF_AGENT_FD, 0);
	close_from(FIRST_FREE);
	return at < 0 ? at : 0;
}

/* All three ids become the effective one. Not asked for where they are: an id that this user
 * namespace does not map could not be set. */
static long settle_id(long get, long set, uint32_t wanted)
{
	uint32_t ids[3] = {0, 0, 0};

	sys(get, &ids[0], &ids[1], &ids[2]);
	if (ids[0] == wanted && ids[1] == wanted && ids[2] == wanted)
		return 0;
	return sys(set, wanted, wanted, wanted);
}

static int agent_main(void *birth)
{
	struct birth *b = birth;
	sys_sigset none = 0;
	int channel = b->channel;
	long error;

	error = settle_id(SYS_GETRESGID, SYS_SETRESGID, b->egid);
	if (!error)
		error = settle_id(SYS_GETRESUID, SYS_SETRESUID, b->id->euid);
	if (error)
		return fail(b, "cannot give the agent its user id", error);
	reset_signals();
	reset_limits();
	sys(SYS_umask, 027);
	sys(SYS_setsid);
	error = sys(SYS_chdir, "/");
	if (error)
		return fail(b, "cannot change to /", error);
	if (channel < 0)
		channel = listen_on_name(b->id);
	if (channel < 0)
		return fail(b, "cannot listen for the agent", channel);
	error = arrange_descriptors(b, channel);
	if (error)
		return fail(b, "cannot arrange the agent's descriptors", error);
	sys(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, SYS_SIGSET_BYTES);
	error = sys(SYS_execve, b->id->agent, b->argv, b->envp);
	return fail(b, "cannot execute mailseal-agent", error);
}

static int middle_main(void *birth)
{
	struct birth *b = birth;

	b->agent = clone(agent_main, b->agent_stack + STACK_SIZE, CLONE_VM | CLONE_VFORK, b);
	if (b->agent < 0)
		return fail(b, "cannot start a process", -errno);
	return 0;
}

static void write_arguments(struct birth *b, bool private_channel)
{
	const struct settings *s = b->settings;
	struct text t;
	char **a = b->argv;

	text_init(&t, b->fd_text, sizeof(b->fd_text));
	text_add_number(&t, HANDOFF_AGENT_FD);
	*a++ = (char *)"mailseal-agent";
	*a++ = (char *)"--fd";
	*a++ = b->fd_text;
	*a++ = (char *)(s->config_named ? "--config" : "--default-config");
	*a++ = (char *)s->config;
	*a++ = (char *)"--log";
	*a++ = (char *)s->log_text;
	*a++ = (char *)"--ports";
	*a++ = (char *)s->ports_text;
	if (private_channel)
		*a++ = (char *)"--private";
	text_init(&t, b->identity, sizeof(b->identity));
	text_add(&t, "MAILSEAL_IDENTITY=");
	text_add_bytes(&t, b->id->text, b->id->length);
	b->envp[0] = b->identity;
	b->envp[1] = (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	text_init(&t, b->timezone, sizeof(b->timezone));
	text_add(&t, "TZ=");
	text_add(&t, s->timezone);
	b->envp[2] = s->timezone[0] ? b->timezone : NULL;
}

int start_agent(const struct identity *id, int channel, pid_t *pid, const char **reason)
{
	/* Shared, so that the child is heard also where clone() was turned into a fork (valgrind,
	 * qemu). */
	struct birth *b = sys_memory(sizeof(*b), true);
	sys_sigset mask;
	int saved = errno, middle, error;

	*reason = "no memory to start the agent";
	if (!b)
		return -ENOMEM;
	b->id = id;
	b->settings = settings_get();
	b->channel = channel;
	b->egid = (gid_t)sys(SYS_GETEGID);
	write_arguments(b, channel >= 0);
	mask = sys_signals_block();
	middle = clone(middle_main, b->middle_stack + STACK_SIZE, CLONE_VM | CLONE_VFORK, b);
	if (middle < 0)
		fail(b, "cannot start a process", -errno);
	else
		while (sys(SYS_wait4, middle, NULL, __WCLONE, NULL) == -EINTR)
			;
	sys_signals_restore(mask);
	errno = saved;
	error = b->error;
	*reason = b->reason;
	*pid = b->agent;
	sys_memory_free(b, sizeof(*b));
	return error;
}
