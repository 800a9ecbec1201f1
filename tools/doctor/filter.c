/*
 * filter: SystemCallFilter=, held against what the library and its agent call.
 * The groups are those of systemd-analyze syscall-filter; only what is needed is listed, with the
 * group that holds it. All of it is in @system-service and in @known.
 */
#include "tools/doctor/unit.h"

#include <stdio.h>
#include <string.h>

enum caller {
	LIBRARY, /* inside the program, for each connection */
	STARTER, /* inside the program, where it starts an agent of its own */
	AGENT,	 /* which is in the same sandbox then */
};

static const struct {
	const char *name, *group;
	enum caller caller;
} needed[] = {
	{"socket", "@network-io", LIBRARY},
	{"connect", "@network-io", LIBRARY},
	{"bind", "@network-io", LIBRARY},
	{"getsockopt", "@network-io", LIBRARY},
	{"setsockopt", "@network-io", LIBRARY},
	{"sendmsg", "@network-io", LIBRARY},
	{"recvmsg", "@network-io", LIBRARY},
	{"recvfrom", "@network-io", LIBRARY},
	{"socketpair", "@network-io", LIBRARY},
	{"clock_gettime", "@default", LIBRARY},
	{"getpid", "@default", LIBRARY},
	{"getrandom", "@default", LIBRARY},
	{"mmap", "@default", LIBRARY},
	{"munmap", "@default", LIBRARY},
	{"rt_sigprocmask", "@signal", LIBRARY},
	{"ppoll", "@io-event", LIBRARY},
	{"epoll_ctl", "@io-event", LIBRARY},
	{"openat", "@file-system", LIBRARY},
	{"fcntl", "@file-system", LIBRARY},
	{"statx", "@file-system", LIBRARY},
	{"getdents64", "@file-system", LIBRARY},
	{"close", "@file-system", LIBRARY},
	{"dup3", "@basic-io", LIBRARY},
	{"read", "@basic-io", LIBRARY},
	{"kcmp", "@system-service", LIBRARY},
	{"clone", "@process", STARTER},
	{"wait4", "@process", STARTER},
	{"prctl", "@process", STARTER},
	{"execve", "@default", STARTER},
	{"geteuid", "@default", STARTER},
	{"getegid", "@default", STARTER},
	{"prlimit64", "@default", STARTER},
	{"exit", "@default", STARTER},
	{"getpeername", "@network-io", STARTER},
	{"listen", "@network-io", STARTER},
	{"readlinkat", "@file-system", STARTER},
	{"close_range", "@basic-io", STARTER},
	{"accept4", "@network-io", AGENT},
	{"getsockname", "@network-io", AGENT},
	{"sendto", "@network-io", AGENT},
	{"shutdown", "@network-io", AGENT},
	{"epoll_create1", "@io-event", AGENT},
	{"epoll_wait", "@io-event", AGENT},
	{"poll", "@io-event", AGENT},
	{"signalfd4", "@signal", AGENT},
	{"rt_sigaction", "@signal", AGENT},
	{"chdir", "@file-system", AGENT},
	{"readlink", "@file-system", AGENT},
	{"newfstatat", "@file-system", AGENT},
	{"write", "@basic-io", AGENT},
	{"lseek", "@basic-io", AGENT},
	{"pread64", "@basic-io", AGENT},
	{"futex", "@default", AGENT},
	{"getresuid", "@default", AGENT},
	{"getresgid", "@default", AGENT},
	{"setsid", "@system-service", AGENT},
	{"umask", "@system-service", AGENT},
	{"sysinfo", "@system-service", AGENT},
	{"madvise", "@system-service", AGENT},
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

/* What is forbidden of the callers up to `last`, in words; how many they are. `in_program` is set
 * where the program itself makes such a call. */
static unsigned list_forbidden(
	const bool allowed[NEEDED], enum caller last, char *out, size_t size, bool *in_program)
{
	unsigned count = 0;
	size_t n = 0;

	out[0] = '\0';
	*in_program = false;
	for (size_t i = 0; i < NEEDED; i++) {
		if (allowed[i] || needed[i].caller > last)
			continue;
		*in_program = *in_program || needed[i].caller != AGENT;
		if (count++ < 6 && n < size)
			n += (size_t)snprintf(
				out + n, size - n, "%s%s", count > 1 ? ", " : "", needed[i].name);
	}
	if (count > 6 && n < size)
		snprintf(out + n, size - n, " and %u more", count - 6);
	return count;
}

static bool kills(const struct service *s)
{
	const char *answer = unit_value(&s->unit, "SystemCallErrorNumber");

	return !answer || strcmp(answer, "kill") == 0;
}

static void tell(struct patient *p, const struct service *s, const bool allowed[NEEDED])
{
	bool served = s->system_agent != SYSTEM_AGENT_NONE, in_program, by_library;
	char list[256], all[256];

	if (list_forbidden(allowed, served ? LIBRARY : AGENT, all, sizeof(all), &in_program) == 0) {
		diagnosis_add(&p->found, SEVERITY_OK, "system-call-filter", NULL,
			"SystemCallFilter allows what mailseal calls in the service");
		return;
	}
	diagnosis_add(&p->found, SEVERITY_OBSTACLE, "system-call-filter",
		list_forbidden(allowed, LIBRARY, list, sizeof(list), &by_library)
			? "Allow them: SystemCallFilter=@system-service in a drop-in does"
			: "Allow them (SystemCallFilter=@system-service in a drop-in does), or run "
			  "the system-wide agent, so that the service need not start one",
		"SystemCallFilter forbids what mailseal calls in the service: %s; %s", all,
		in_program && kills(s) ? "the service is killed at its first mail"
				       : "no mail leaves the service");
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
