#include "tools/seal/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

void cgroup_service(const char *text, const char *init, char unit[SERVICE_NAME_SIZE],
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
