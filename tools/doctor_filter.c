/*
 * doctor_filter: SystemCallFilter=, held against what the library and its agent call.
 * The groups are those of systemd-analyze syscall-filter; only what is needed is listed, with the
 * group that holds it. All of it is in @system-service and in @known.
 */
#include "tools/doctor_unit.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *group;
	bool by_agent; /* else by the library, inside the program */
} needed[] = {
	{"socketpair", "@network-io", false},
	{"socket", "@network-io", false},
	{"connect", "@network-io", false},
	{"bind", "@network-io", false},
	{"sendmsg", "@network-io", false},
	{"recvmsg", "@network-io", false},
	{"sendto", "@network-io", false},
	{"recvfrom", "@network-io", false},
	{"getsockopt", "@network-io", false},
	{"setsockopt", "@network-io", false},
	{"getsockname", "@network-io", false},
	{"getpeername", "@network-io", false},
	{"listen", "@network-io", false},
	{"clone", "@process", false},
	{"wait4", "@process", false},
	{"prctl", "@process", false},
	{"kill", "@process", false},
	{"execve", "@default", false},
	{"getrandom", "@default", false},
	{"prlimit64", "@default", false},
	{"mmap", "@default", false},
	{"munmap", "@default", false},
	{"getpid", "@default", false},
	{"geteuid", "@default", false},
	{"getresuid", "@default", false},
	{"rt_sigprocmask", "@signal", false},
	{"rt_sigaction", "@signal", false},
	{"ppoll", "@io-event", false},
	{"epoll_ctl", "@io-event", false},
	{"openat", "@file-system", false},
	{"fcntl", "@file-system", false},
	{"readlinkat", "@file-system", false},
	{"statx", "@file-system", false},
	{"getdents64", "@file-system", false},
	{"chdir", "@file-system", false},
	{"read", "@basic-io", false},
	{"close", "@basic-io", false},
	{"close_range", "@basic-io", false},
	{"dup3", "@basic-io", false},
	{"umask", "@system-service", false},
	{"setsid", "@system-service", false},
	{"accept4", "@network-io", true},
	{"shutdown", "@network-io", true},
	{"epoll_create1", "@io-event", true},
	{"epoll_wait", "@io-event", true},
	{"poll", "@io-event", true},
	{"signalfd4", "@signal", true},
	{"write", "@basic-io", true},
	{"pread64", "@basic-io", true},
	{"newfstatat", "@file-system", true},
	{"readlink", "@file-system", true},
	{"futex", "@default", true},
	{"arch_prctl", "@process", true},
	{"madvise", "@system-service", true},
	{"sysinfo", "@system-service", true},
};

#define NEEDED (sizeof(needed) / sizeof(*needed))

static bool covers(const char *word, size_t length, size_t i)
{
	const char *const names[] = {needed[i].name, needed[i].group, "@system-service", "@known"};

	for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++) {
		if (strlen(names[n]) == length && strncmp(names[n], word, length) == 0)
			return true;
	}
	return false;
}

/* "name:errno" in a list of what is allowed forbids after all, without killing. */
static bool forbids(const char *word, bool listed_are_allowed)
{
	const char *colon = strchr(word, ':');

	return listed_are_allowed && colon && strcmp(colon, ":kill") != 0;
}

static void apply(bool allowed[NEEDED], const char *value, bool listed_are_allowed)
{
	bool inverted = *value == '~';
	char word[128];

	value += inverted;
	while (unit_word(&value, word, sizeof(word))) {
		size_t length = strcspn(word, ":");
		/* the first line says what listing means; ~ on a later one takes back */
		bool to = !inverted && !forbids(word, listed_are_allowed);

		for (size_t i = 0; i < NEEDED; i++) {
			if (covers(word, length, i))
				allowed[i] = to;
		}
	}
}

static unsigned list_forbidden(const bool allowed[NEEDED], bool by_agent, char *out, size_t size)
{
	unsigned count = 0;
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < NEEDED; i++) {
		if (allowed[i] || needed[i].by_agent != by_agent)
			continue;
		if (count++ < 6 && n < size)
			n += (size_t)snprintf(
				out + n, size - n, "%s%s", count > 1 ? ", " : "", needed[i].name);
	}
	if (count > 6 && n < size)
		snprintf(out + n, size - n, " and %u more", count - 6);
	return count;
}

static bool only_starting_is_forbidden(const bool allowed[NEEDED])
{
	for (size_t i = 0; i < NEEDED; i++) {
		if (!allowed[i] && !needed[i].by_agent && strcmp(needed[i].name, "clone") != 0 &&
			strcmp(needed[i].name, "execve") != 0 &&
			strcmp(needed[i].name, "wait4") != 0 &&
			strcmp(needed[i].name, "setsid") != 0 &&
			strcmp(needed[i].name, "umask") != 0 &&
			strcmp(needed[i].name, "chdir") != 0)
			return false;
	}
	return true;
}

static void tell(struct patient *p, const struct service *s, const bool allowed[NEEDED])
{
	const char *answer = unit_value(&s->unit, "SystemCallErrorNumber");
	bool kills = !answer || strcmp(answer, "kill") == 0;
	char list[256];

	if (list_forbidden(allowed, false, list, sizeof(list)))
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "system-call-filter",
			only_starting_is_forbidden(allowed)
				? "Allow them (SystemCallFilter=@system-service in a drop-in "
				  "does), "
				  "or run the system-wide agent, so that none need be started"
				: "Allow them: SystemCallFilter=@system-service in a drop-in does",
			"SystemCallFilter forbids what the library calls: %s; %s", list,
			kills ? "the service is killed at its first mail"
			      : "no mail leaves the service");
	else if (list_forbidden(allowed, true, list, sizeof(list)))
		diagnosis_add(&p->found, SEVERITY_OBSTACLE, "system-call-filter",
			"Allow them (SystemCallFilter=@system-service in a drop-in does), or run "
			"the system-wide agent",
			"SystemCallFilter forbids what the agent calls, which the service starts: "
			"%s; no mail leaves the service",
			list);
	else
		diagnosis_add(&p->found, SEVERITY_OK, "system-call-filter", NULL,
			"SystemCallFilter allows what mailseal calls");
}

void doctor_filter(struct patient *p, const struct service *s)
{
	bool allowed[NEEDED], listed_are_allowed = false;
	const char *value;
	size_t at = 0, lines = 0;

	while ((value = unit_next(&s->unit, "SystemCallFilter", &at))) {
		if (lines++ == 0) {
			listed_are_allowed = *value != '~';
			for (size_t i = 0; i < NEEDED; i++)
				allowed[i] = !listed_are_allowed ||
					     strcmp(needed[i].group, "@default") == 0;
		}
		apply(allowed, value, listed_are_allowed);
	}
	if (lines)
		tell(p, s, allowed);
}
