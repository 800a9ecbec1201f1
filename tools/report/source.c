#include "tools/report/source.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE (256 * 1024)

extern char **environ;

static int actions_for(posix_spawn_file_actions_t *actions, int input, int output, int errors)
{
	int rc = input >= 0 ? posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO)
			    : posix_spawn_file_actions_addopen(
				      actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(actions, errors, STDERR_FILENO);
	return rc;
}

static int spawn(struct source_child *child, char *const *argv, int input, int output)
{
	posix_spawn_file_actions_t actions;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc)
		return -rc;
	rc = actions_for(&actions, input, output, child->errors);
	if (rc == 0)
		rc = posix_spawnp(&child->pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

int source_spawn(struct source_child *child, char *const *argv, int input)
{
	int ends[2], rc;

	*child = (struct source_child){.output = -1, .errors = -1};
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child->errors = memfd_create("errors", MFD_CLOEXEC);
	rc = child->errors < 0 ? -errno : spawn(child, argv, input, ends[1]);
	close(ends[1]);
	if (rc == 0) {
		child->output = ends[0];
		return 0;
	}
	close(ends[0]);
	if (child->errors >= 0)
		close(child->errors);
	*child = (struct source_child){.output = -1, .errors = -1};
	return rc;
}

int source_reap(struct source_child *child, char *said, size_t size)
{
	ssize_t n = 0;
	int status, rc;

	close(child->output);
	do
		rc = waitpid(child->pid, &status, 0);
	while (rc < 0 && errno == EINTR);
	rc = rc < 0 ? -errno : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (size > 0) {
		n = pread(child->errors, said, size - 1, 0);
		said[n > 0 ? n : 0] = '\0';
	}
	close(child->errors);
	*child = (struct source_child){.output = -1, .errors = -1};
	return rc;
}

/* What was read, up to the last line end in it. The rest goes to the buffer's beginning. */
static int whole_lines(char *buffer, size_t *length, source_each *each, void *context)
{
	char *begin = buffer, *end = buffer + *length, *stop;
	int rc = 0;

	while (rc == 0 && (stop = memchr(begin, '\n', (size_t)(end - begin))) != NULL) {
		rc = each(context, begin, (size_t)(stop - begin), true);
		begin = stop + 1;
	}
	*length = (size_t)(end - begin);
	memmove(buffer, begin, *length);
	return rc;
}

/* The rest of a line that is too long is dropped. */
static void drop_to_line_end(char *buffer, size_t *length, bool *dropping)
{
	char *stop = memchr(buffer, '\n', *length);

	*dropping = !stop;
	*length -= stop ? (size_t)(stop + 1 - buffer) : *length;
	if (stop)
		memmove(buffer, stop + 1, *length);
}

static int read_all(int fd, char *buffer, source_each *each, void *context)
{
	bool dropping = false;
	size_t length = 0;
	ssize_t n;
	int rc = 0;

	for (;;) {
		n = read(fd, buffer + length, BUFFER_SIZE - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return length && !dropping ? each(context, buffer, length, true) : 0;
		length += (size_t)n;
		if (dropping)
			drop_to_line_end(buffer, &length, &dropping);
		if (!dropping)
			rc = whole_lines(buffer, &length, each, context);
		if (rc == 0 && length == BUFFER_SIZE) {
			rc = each(context, buffer, length, false);
			dropping = true;
			length = 0;
		}
		if (rc)
			return rc;
	}
}

int source_lines(int fd, source_each *each, void *context)
{
	char *buffer = malloc(BUFFER_SIZE);
	int rc = buffer ? read_all(fd, buffer, each, context) : -ENOMEM;

	free(buffer);
	return rc;
}

static const struct {
	const char *magic;
	size_t length;
	const char *tool, *package;
} packers[] = {
	{"\x1f\x8b", 2, "gzip", "gzip"},
	{"\xfd"
	 "7zXZ",
		5, "xz", "xz-utils"},
	{"\x28\xb5\x2f\xfd", 4, "zstd", "zstd"},
	{"BZh", 3, "bzip2", "bzip2"},
};

#define PACKERS (sizeof(packers) / sizeof(packers[0]))

static size_t packer_of(int fd)
{
	char magic[8];
	ssize_t n = pread(fd, magic, sizeof(magic), 0);
	size_t i = 0;

	while (i < PACKERS && (n < (ssize_t)packers[i].length ||
				      memcmp(magic, packers[i].magic, packers[i].length) != 0))
		i++;
	return i;
}

static int unpack(struct source *s, const char *path, size_t i, struct err *err)
{
	char tool[16], option[] = "-dc";
	char *argv[] = {tool, option, NULL};
	int rc;

	memcpy(tool, packers[i].tool, strlen(packers[i].tool) + 1);
	s->packed = packers[i].tool;
	rc = source_spawn(&s->child, argv, s->fd);
	close(s->fd);
	s->fd = s->child.output;
	if (rc == -ENOENT)
		return err_fail(err, ENOEXEC,
			"%s: is packed, and there is no %s here to unpack it; install %s", path,
			packers[i].tool, packers[i].package);
	return rc ? err_fail(err, -rc, "%s: %s: %s", path, packers[i].tool, strerror(-rc)) : 0;
}

int source_open(struct source *s, const char *path, struct err *err)
{
	bool standard = strcmp(path, "-") == 0;
	struct stat st;
	size_t packer;

	*s = (struct source){.changed = time(NULL)};
	s->fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (s->fd < 0 || fstat(s->fd, &st) < 0)
		return err_fail(err, errno, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		close(s->fd);
		return err_fail(err, EISDIR, "%s: is a directory; name the log file in it", path);
	}
	if (!S_ISREG(st.st_mode))
		return 0;
	s->changed = st.st_mtime;
	packer = packer_of(s->fd);
	return packer < PACKERS ? unpack(s, path, packer, err) : 0;
}

int source_close(struct source *s, struct err *err)
{
	const char *packed = s->packed;
	char said[200], *text;
	int rc;

	if (!s->child.pid) {
		close(s->fd);
		return 0;
	}
	rc = source_reap(&s->child, said, sizeof(said));
	text = said + strspn(said, "\n");
	text[strcspn(text, "\n")] = '\0';
	return rc ? err_fail(err, EIO, "%s", *text ? text : packed) : 0;
}
