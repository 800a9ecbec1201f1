/*
 * unit_paths: whether a service finds and may use the files of mailseal: what its settings
 * hide or shut, and who it is.
 */
#include "tools/doctor/unit.h"
#include "tools/doctor/unit_names.h"

#include "tools/locate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct file {
	const char *path, *what;
	bool executed, written;
	bool mapped;		/* code in it is run, without executing it */
	enum severity severity; /* of its lack */
};

/* Is the path in a list of directories such as InaccessiblePaths=? The length of the longest that
 * it is in; 0: none. */
static size_t listed(const struct unit *u, const char *key, const char *path)
{
	const char *value;
	char word[PATH_MAX], expanded[PATH_MAX];
	size_t at = 0, longest = 0;

	while ((value = unit_next(u, key, &at))) {
		while (unit_word(&value, word, sizeof(word))) {
			const char *name = expanded;

			word[strcspn(word, ":")] = '\0';
			(void)unit_expand(u, word, expanded, sizeof(expanded));
			name += strspn(name, "-+");
			if (*name == '/' && path_is_beneath(path, name) && strlen(name) > longest)
				longest = strlen(name);
		}
	}
	return longest;
}

static bool is_listed(const struct unit *u, const char *key, const char *path)
{
	return listed(u, key, path) > 0;
}

/* Is the path in a place that another file system comes to? The second of the parts between colons.
 */
static bool is_mounted_over(const struct unit *u, const char *key, const char *path)
{
	const char *value;
	char word[PATH_MAX], expanded[PATH_MAX], *place;
	size_t at = 0;

	while ((value = unit_next(u, key, &at))) {
		while (unit_word(&value, word, sizeof(word))) {
			(void)unit_expand(u, word, expanded, sizeof(expanded));
			place = strchr(expanded, ':');
			if (!place)
				continue;
			*strchrnul(++place, ':') = '\0';
			if (*place == '/' && path_is_beneath(path, place))
				return true;
		}
	}
	return false;
}

static bool is_in_home(const char *path)
{
	return path_is_beneath(path, "/home") || path_is_beneath(path, "/root") ||
	       path_is_beneath(path, "/run/user");
}

static bool is_temporary(const char *path)
{
	return path_is_beneath(path, "/tmp") || path_is_beneath(path, "/var/tmp");
}

const char *unit_hidden_by(const struct unit *u, const char *path)
{
	const char *home = unit_value(u, "ProtectHome");

	if (unit_is_bound(u, path))
		return NULL;
	if (is_listed(u, "InaccessiblePaths", path))
		return "InaccessiblePaths";
	if (is_listed(u, "TemporaryFileSystem", path))
		return "TemporaryFileSystem";
	if (is_mounted_over(u, "MountImages", path))
		return "MountImages";
	if (home && is_in_home(path) && strcmp(home, "read-only") != 0 &&
		(strcmp(home, "tmpfs") == 0 || unit_is_on(u, "ProtectHome", false)))
		return "ProtectHome";
	if (is_temporary(path) &&
		(unit_is_on(u, "PrivateTmp", false) || unit_is_on(u, "DynamicUser", false)))
		return "PrivateTmp";
	return NULL;
}

static bool is_system(const char *path, const char *level)
{
	if (strcmp(level, "strict") == 0)
		return !path_is_beneath(path, "/dev") && !path_is_beneath(path, "/proc") &&
		       !path_is_beneath(path, "/sys");
	if (path_is_beneath(path, "/usr") || path_is_beneath(path, "/boot") ||
		path_is_beneath(path, "/efi"))
		return true;
	return strcmp(level, "full") == 0 && path_is_beneath(path, "/etc");
}

/* Is it in a directory that systemd makes for the service, and gives to its user? */
static bool is_in_own_directory(const struct unit *u, const char *path)
{
	static const char *const kinds[][2] = {{"LogsDirectory", "/var/log"},
		{"StateDirectory", "/var/lib"}, {"CacheDirectory", "/var/cache"},
		{"RuntimeDirectory", "/run"}};
	char word[PATH_MAX], expanded[PATH_MAX], directory[PATH_MAX];

	for (size_t i = 0; !u->of_user && i < sizeof(kinds) / sizeof(*kinds); i++) {
		const char *value;
		size_t at = 0;

		while ((value = unit_next(u, kinds[i][0], &at))) {
			while (unit_word(&value, word, sizeof(word))) {
				word[strcspn(word, ":")] = '\0';
				if (unit_expand(u, word, expanded, sizeof(expanded)) && *expanded &&
					unit_path_join(directory, kinds[i][1], expanded, "") &&
					path_is_beneath(path, directory))
					return true;
			}
		}
	}
	return false;
}

/* The setting by which the path cannot be written. */
static const char *read_only_by(const struct unit *u, const char *path)
{
	const char *level = unit_value(u, "ProtectSystem"), *home = unit_value(u, "ProtectHome");

	if (is_listed(u, "ReadWritePaths", path) || is_in_own_directory(u, path))
		return NULL;
	if (is_listed(u, "ReadOnlyPaths", path))
		return "ReadOnlyPaths";
	if (home && strcmp(home, "read-only") == 0 && is_in_home(path))
		return "ProtectHome";
	if (!level && unit_is_on(u, "DynamicUser", false))
		level = "strict";
	if (level && (unit_is_on(u, "ProtectSystem", true)) && is_system(path, level))
		return "ProtectSystem";
	return NULL;
}

static bool belongs(const struct patient *p, const struct service *s, gid_t gid)
{
	if (p->gid == gid)
		return true;
	for (int i = 0; i < s->group_count; i++) {
		if (s->groups[i] == gid)
			return true;
	}
	return false;
}

/* By the classic mode bits; access control lists are not looked into. */
static bool may(const struct patient *p, const struct service *s, const struct stat *st, mode_t bit)
{
	if (p->uid == 0)
		return bit != 1 || S_ISDIR(st->st_mode) || st->st_mode & 0111;
	if (!s->dynamic_user && st->st_uid == p->uid)
		return st->st_mode & (bit << 6);
	if (belongs(p, s, st->st_gid))
		return st->st_mode & (bit << 3);
	return st->st_mode & bit;
}

/* The first part of the path that the service may not pass or use; NULL: it may. */
static const char *shut_at(const struct patient *p, const struct service *s, const char *path,
	mode_t bit, char out[PATH_MAX])
{
	struct stat st;

	for (size_t n = 1; path[n - 1] && n < PATH_MAX - 1; n++) {
		bool last = path[n] == '\0';

		if (path[n] != '/' && !last)
			continue;
		snprintf(out, PATH_MAX, "%.*s", (int)n, path);
		if (patient_stat(p, out, &st) == 0 && !may(p, s, &st, last ? bit : 1))
			return out;
	}
	return NULL;
}

/* What keeps mail unprotected is another matter than what keeps it from passing. */
static const char *code_of(const struct file *f, const char *code, const char *of_library)
{
	return f->mapped ? of_library : code;
}

static void check_modes(struct patient *p, const struct service *s, const struct file *f)
{
	char at[PATH_MAX];
	mode_t bit = f->executed ? 1 : f->written ? 2 : 4;

	if (shut_at(p, s, f->path, bit, at))
		diagnosis_add(&p->found, f->severity,
			code_of(f, "permission", "library-permission"),
			"Change its mode or group (who may read it may read the policy), or the "
			"User of the service",
			"%s %s: the service may not %s %s", f->what, f->path,
			strcmp(at, f->path) != 0 ? "pass"
			: f->executed		 ? "execute"
			: f->written		 ? "write"
						 : "read",
			at);
}

/* What is not there is made when it is needed, if its directory lets the service do that. */
static void check_directory(struct patient *p, const struct service *s, const struct file *f)
{
	static const char advice[] =
		"Give it a directory that it may write (LogsDirectory= in a drop-in), or log "
		"to syslog, where lines go until then";
	char directory[PATH_MAX], at[PATH_MAX];
	struct stat st;
	int rc;

	snprintf(directory, sizeof(directory), "%.*s",
		(int)(strrchr(f->path, '/') > f->path ? strrchr(f->path, '/') - f->path : 1),
		f->path);
	if (unit_is_bound(&s->unit, directory) || is_in_own_directory(&s->unit, f->path))
		return;
	rc = patient_stat(p, directory, &st);
	if (rc)
		diagnosis_add(&p->found, f->severity, "no-directory", advice, "%s %s%s: %s%s: %s",
			f->what, p->root_name, f->path, p->root_name, directory, strerror(-rc));
	else if (p->user_given &&
		 (shut_at(p, s, directory, 2, at) || shut_at(p, s, directory, 1, at)))
		diagnosis_add(&p->found, f->severity, "permission", advice,
			"%s %s: the service may not make it in %s", f->what, f->path, directory);
}

static void check_file(struct patient *p, const struct service *s, const struct file *f)
{
	const struct unit *u = &s->unit;
	const char *hidden = unit_hidden_by(u, f->path);
	const char *shut = f->written ? read_only_by(u, f->path) : NULL;
	struct stat st;
	int rc = patient_stat(p, f->path, &st);

	if (hidden)
		diagnosis_add(&p->found, f->severity, code_of(f, "hidden", "library-hidden"),
			"Put it elsewhere, or add BindReadOnlyPaths= in a drop-in",
			"%s %s: %s hides it from the service", f->what, f->path, hidden);
	else if (rc == -EACCES && !f->written && geteuid() != 0)
		diagnosis_add(&p->found, SEVERITY_WARNING, "unseen", "Ask as root",
			"%s %s%s cannot be seen: %s", f->what, p->root_name, f->path,
			strerror(-rc));
	else if (rc && !f->written && !unit_is_bound(u, f->path))
		diagnosis_add(&p->found, f->severity, code_of(f, "file-missing", "library-missing"),
			p->root < 0 ? "Install or name it rightly"
				    : "Put it there too, or add BindReadOnlyPaths= in a drop-in",
			"%s %s%s: %s", f->what, p->root_name, f->path, strerror(-rc));
	else if (shut)
		diagnosis_add(&p->found, f->severity, "read-only",
			"Add ReadWritePaths= or LogsDirectory= in a drop-in, or log to syslog",
			"%s %s: %s makes it read-only", f->what, f->path, shut);
	else if (rc && f->written)
		check_directory(p, s, f);
	else if (p->user_given && !rc)
		check_modes(p, s, f);
	if (!hidden && (f->executed || f->mapped) &&
		listed(u, "NoExecPaths", f->path) > listed(u, "ExecPaths", f->path))
		diagnosis_add(&p->found, f->severity, code_of(f, "no-exec", "library-no-exec"),
			"Add ExecPaths= for it in a drop-in", "%s %s: NoExecPaths forbids it",
			f->what, f->path);
}

static void check_config(struct patient *p, const struct service *s)
{
	const char *named = service_variable(s, "MAILSEAL_CONFIG");
	struct file f = {named ? named : CONFIG_PATH, "the configuration", false, false, false,
		SEVERITY_OBSTACLE};
	struct stat st;

	if (!named && patient_stat(p, f.path, &st) == -ENOENT)
		diagnosis_add(&p->found, SEVERITY_NOTE, "config-default", NULL,
			"%s%s does not exist: the built-in default holds", p->root_name, f.path);
	else if (*f.path != '/')
		diagnosis_add(&p->found, SEVERITY_WARNING, "config-relative",
			"Write an absolute path", "MAILSEAL_CONFIG=%s depends on the directory",
			f.path);
	else
		check_file(p, s, &f);
}

/* Of what listens there is told elsewhere. */
static void check_socket(struct patient *p, const struct service *s)
{
	const char *path, *hidden;
	struct file f = {.what = "the socket of the system agent",
		.written = true,
		.severity = SEVERITY_OBSTACLE};

	patient_system_agent(p, service_variable(s, "MAILSEAL_SOCKET"),
		service_variable(s, "MAILSEAL_CONFIG"), &path);
	f.path = path;
	hidden = unit_hidden_by(&s->unit, path);
	if (hidden)
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "hidden",
			"Add BindReadOnlyPaths= for its directory in a drop-in",
			"%s %s: %s hides it from the service", f.what, path, hidden);
	else if (p->user_given)
		check_modes(p, s, &f);
}

/* /dev/log is a link into the journal's directory, as a rule. */
static const char *log_hidden_by(const struct patient *p, const struct unit *u)
{
	const char *journal = unit_hidden_by(u, JOURNAL_SOCKET),
		   *syslog = unit_hidden_by(u, DEV_LOG);
	struct stat st;

	if (!syslog && patient_stat(p, JOURNAL_DEV_LOG, &st) == 0)
		syslog = unit_hidden_by(u, JOURNAL_DEV_LOG);
	return journal ? syslog : NULL;
}

static void check_log(struct patient *p, const struct service *s)
{
	const char *log = service_variable(s, "MAILSEAL_LOG");
	const char *hidden = log_hidden_by(p, &s->unit);
	struct file f = {log, "the log", false, true, false, SEVERITY_WARNING};

	if (log && *log == '/')
		check_file(p, s, &f);
	else if (s->system_agent != SYSTEM_AGENT_NONE || (log && strcmp(log, "stderr") == 0))
		return; /* it writes elsewhere */
	else if (hidden)
		diagnosis_add(&p->found, SEVERITY_WARNING, "log-unreachable", log_advice,
			"the log is reached neither at %s nor at %s: %s hides them from the "
			"service",
			JOURNAL_SOCKET, DEV_LOG, hidden);
	else
		doctor_log_target(p, log);
}

static void check_agent(struct patient *p, const struct service *s)
{
	char path[PATH_MAX];
	struct file agent = {path, "the agent", true, false, false, SEVERITY_OBSTACLE};

	doctor_agent_path(p, service_variable(s, "MAILSEAL_AGENT"), path);
	if (s->by_run || !*p->library || *path != '/')
		return;
	check_file(p, s, &agent);
	doctor_agent_file(p, path);
	if (p->user_given && p->uid == OVERFLOW_UID)
		diagnosis_add(&p->found, SEVERITY_WARNING, "overflow-user",
			"Give it a user of its own, or use the system agent (mailseal enable "
			"--system-agent)",
			"its user (%u) stands for all who have none here, so it shares no agent: "
			"each connection starts one",
			OVERFLOW_UID);
}

void doctor_unit_paths(struct patient *p, const struct service *s)
{
	struct file library = {p->library, "the library", false, false, true, SEVERITY_OBSTACLE};

	if (!s->by_run && *library.path == '/')
		check_file(p, s, &library);
	if (s->system_agent == SYSTEM_AGENT_NONE) {
		check_agent(p, s);
		check_config(p, s);
	} else {
		check_socket(p, s);
	}
	if (!p->offline)
		check_log(p, s);
}
