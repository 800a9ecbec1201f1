/*
 * unit: reads cgroups(7)' lines of both versions: `1:name=systemd:/path`, `0::/path`.
 */
#include "shim/handoff/unit.h"

#include <stdbool.h>
#include <string.h>

struct span {
	const char *bytes;
	size_t length;
};

static bool ends_in(struct span s, const char *suffix)
{
	size_t n = strlen(suffix), i;

	if (s.length <= n)
		return false;
	for (i = 0; i < n; i++)
		if (s.bytes[s.length - n + i] != suffix[i])
			return false;
	return true;
}

static bool is_name(struct span s)
{
	size_t i;

	for (i = 0; i < s.length; i++) {
		char c = s.bytes[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    (c && strchr(":-_.\\@", c))))
			return false;
	}
	return s.length < UNIT_NAME_SIZE;
}

/* Slices hold units, and have no processes that anybody would look for. */
static bool is_unit(struct span s)
{
	return is_name(s) &&
	       (ends_in(s, ".service") || ends_in(s, ".scope") || ends_in(s, ".socket") ||
		       ends_in(s, ".mount") || ends_in(s, ".swap"));
}

/* The last unit of a path; a name that the kernel could take for a file of its own has a '_' before
 * it. */
static struct span last_unit(struct span path)
{
	struct span found = {path.bytes, 0}, part = {path.bytes, 0};
	const char *at, *end = path.bytes + path.length;

	for (at = path.bytes; at <= end; at++) {
		if (at < end && *at != '/') {
			part.length++;
			continue;
		}
		if (part.length > 0 && *part.bytes == '_')
			part = (struct span){part.bytes + 1, part.length - 1};
		if (is_unit(part))
			found = part;
		part = (struct span){at + 1, 0};
	}
	return found;
}

static struct span line_after(const char *text, size_t length, const char *controllers)
{
	size_t n = strlen(controllers), i, same, end;

	for (i = 0; i < length; i = end + 1) {
		for (end = i; end < length && text[end] != '\n'; end++)
			;
		while (i < end && text[i] != ':') /* the hierarchy's number */
			i++;
		for (same = 0; same < n && i + same < end; same++)
			if (text[i + same] != controllers[same])
				break;
		if (same == n)
			return (struct span){text + i + n, end - i - n};
	}
	return (struct span){text, 0};
}

void unit_of_cgroup(const char *text, size_t length, char out[UNIT_NAME_SIZE])
{
	struct span unit = last_unit(line_after(text, length, ":name=systemd:"));

	if (!unit.length)
		unit = last_unit(line_after(text, length, "::"));
	memcpy(out, unit.bytes, unit.length);
	out[unit.length] = '\0';
}
