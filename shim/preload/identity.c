/*
 * identity: which agent this process wants.
 */
#include "shim/preload/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shim/handoff/text.h"
#include "shim/preload/limits.h"
#include "shim/preload/settings.h"
#include "shim/preload/siphash.h"
#include "shim/preload/sys.h"

#ifndef MAILSEAL_VERSION
#define MAILSEAL_VERSION "0"
#endif
#ifndef MAILSEAL_LIBEXECDIR
#define MAILSEAL_LIBEXECDIR "/usr/local/libexec/mailseal"
#endif

static const char installed[] = MAILSEAL_LIBEXECDIR "/mailseal-agent";
static const char name_prefix[] = "\0mailseal/1/";
static const uint8_t name_key[16] = "mailseal/agent/1";

static void add_line(struct text *t, const char *key, uint64_t value)
{
	text_add(t, key);
	text_add_number(t, value);
	text_add(t, "\n");
}

static void add_file(struct text *t, const char *key, const struct identity_file *file)
{
	text_add(t, key);
	text_add_number(t, file->dev);
	text_add(t, ":");
	text_add_number(t, file->ino);
	text_add(t, "\n");
}

static int add_place(struct text *t, const char *key, const char *path, struct identity_file *file)
{
	struct stat st;
	int error = sys_stat(path, &st);

	if (error)
		return error;
	*file = (struct identity_file){st.st_dev, st.st_ino};
	add_file(t, key, file);
	return 0;
}

static int add_cgroup(struct text *t, char *scratch, size_t size)
{
	long n = sys_read_file("/proc/self/cgroup", scratch, size);

	if (n < 0)
		return (int)n;
	for (long i = 0; i < n; i++)
		if (scratch[i] == '\n')
			scratch[i] = ';';
	text_add(t, "cgroup=");
	text_add_bytes(t, scratch, (size_t)n);
	text_add(t, "\n");
	return 0;
}

static int add_config(struct text *t, char *scratch, size_t size)
{
	const struct settings *s = settings_get();
	struct stat st;
	int error = sys_stat(s->config, &st), length;

	if (error && (s->config_named || (error != -ENOENT && error != -ENOTDIR)))
		return error;
	/* Only nothing at all is "no file": a link that leads nowhere was put there by somebody. */
	if (error && sys(SYS_readlinkat, AT_FDCWD, s->config, scratch, 1) >= 0)
		return error;
	/* AT_EACCESS is not the kernel's business before faccessat2, so: try to open, unless all
	 * may read it. (If something else forbids it, it does so to the agent.) */
	if (!error && (!S_ISREG(st.st_mode) || (st.st_mode & 0444) != 0444)) {
		int fd = (int)sys(SYS_openat, AT_FDCWD, s->config,
			O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

		if (fd < 0)
			return fd;
		sys_close(&fd);
	}
	length = handoff_config_line(scratch, size, s->config, error ? NULL : &st);
	if (length < 0)
		return length;
	text_add_bytes(t, scratch, (size_t)length);
	return 0;
}

/* False: not known, or there is none. */
static bool look_beside(char path[SETTINGS_PATH_SIZE], const char *library, struct stat *st)
{
	const char *slash = strrchr(library, '/');
	struct text t;

	if (!slash)
		return false;
	text_init(&t, path, SETTINGS_PATH_SIZE);
	text_add_bytes(&t, library, (size_t)(slash + 1 - library));
	text_add(&t, "mailseal-agent");
	return !t.overflow && sys_stat(path, st) == 0;
}

static int add_agent(struct text *t, struct identity *id)
{
	const struct settings *s = settings_get();
	struct stat st;
	int error = 0;

	id->agent = s->agent[0] ? s->agent : installed;
	if (!s->agent[0] && look_beside(id->beside, s->library, &st))
		id->agent = id->beside;
	else
		error = sys_stat(id->agent, &st);
	if (error)
		return error;
	id->executable.dev = st.st_dev;
	id->executable.ino = st.st_ino;
	/* Not its path: 32-bit and 64-bit programs find the same file under different ones. */
	text_add(t, "agent=");
	text_add_number(t, st.st_dev);
	text_add(t, ":");
	text_add_number(t, st.st_ino);
	text_add(t, ":");
	text_add_number(t, handoff_nanoseconds(&st.st_ctim));
	text_add(t, "\n");
	return 0;
}

static void add_log(struct text *t)
{
	const struct settings *s = settings_get();
	struct stat st;

	text_add(t, "log=");
	text_add(t, s->log_text);
	text_add(t, "\n");
	if (s->log == SETTINGS_LOG_STDERR && sys_fstat(2, &st) == 0)
		add_file(t, "stderr=", &(struct identity_file){st.st_dev, st.st_ino});
}

/* An agent lives with the hard limits of the process that started it: those who have less, or more,
 * have another one. */
static void add_limits(struct text *t)
{
	text_add(t, "limits=");
	for (unsigned i = 0; i < LIMITS_COUNT; i++) {
		uint64_t limit[2] = {0, 0};

		sys(SYS_prlimit64, 0, limits_inherited[i], NULL, limit);
		text_add_number(t, limit[1]);
		text_add(t, i + 1 < LIMITS_COUNT ? ":" : "\n");
	}
}

static void name_agent(struct identity *id)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t hash[16];
	char *at = id->name.sun_path;

	siphash(hash, name_key, id->text, id->length);
	memset(&id->name, 0, sizeof(id->name));
	id->name.sun_family = AF_UNIX;
	memcpy(at, name_prefix, sizeof(name_prefix) - 1);
	at += sizeof(name_prefix) - 1;
	for (int i = 0; i < 16; i++) {
		*at++ = digits[hash[i] >> 4];
		*at++ = digits[hash[i] & 15];
	}
	id->name_length = (socklen_t)(at - (char *)&id->name);
}

int identity_compute(struct identity *id, const char **reason)
{
	const struct settings *s = settings_get();
	struct text t;
	int error;

	text_init(&t, id->text, sizeof(id->text));
	text_add(&t, "version=" MAILSEAL_VERSION "\n");
	id->euid = (uid_t)sys(SYS_GETEUID);
	add_line(&t, "euid=", id->euid);
	*reason = "cannot read /proc/self/ns/mnt";
	error = add_place(&t, "mntns=", "/proc/self/ns/mnt", &id->mount_namespace);
	if (error)
		return error;
	id->root = (struct identity_file){s->root_dev, s->root_ino};
	add_file(&t, "root=", &id->root);
	*reason = "cannot read /proc/self/cgroup";
	error = add_cgroup(&t, id->scratch, sizeof(id->scratch));
	if (error)
		return error;
	*reason = "cannot read the configuration file; put it in place, and look at it with "
		  "mailseal check";
	id->file = s->config;
	error = add_config(&t, id->scratch, sizeof(id->scratch));
	if (error)
		return error;
	*reason = "cannot find mailseal-agent";
	error = add_agent(&t, id);
	id->file = id->agent;
	if (error)
		return error;
	add_log(&t);
	add_limits(&t);
	/* filters are inherited as well */
	add_line(&t, "seccomp=", (uint64_t)sys(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0));
	add_line(&t,
		"no-new-privileges=", (uint64_t)sys(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	text_add(&t, "ports=");
	text_add(&t, s->ports_text);
	text_add(&t, "\n");
	*reason = "paths too long";
	if (t.overflow)
		return -ENAMETOOLONG;
	id->file = NULL;
	id->length = t.length;
	name_agent(id);
	return 0;
}

bool identity_root_changed(void)
{
	const struct settings *s = settings_get();
	struct stat st;

	return sys_stat("/", &st) != 0 || st.st_dev != s->root_dev || st.st_ino != s->root_ino;
}
