/*
 * settings: what the environment said when the library was loaded, and what `/` was then.
 * The library's one constructor is here. It reads the environment and asks libc for the definitions
 * behind our own; it opens nothing, allocates nothing and prints nothing.
 */
#include "shim/preload/settings.h"

#include <dlfcn.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "shim/handoff/handoff.h"
#include "shim/handoff/text.h"
#include "shim/preload/next.h"
#include "shim/preload/sys.h"

#ifndef MAILSEAL_CONFIG_DEFAULT
#define MAILSEAL_CONFIG_DEFAULT "/etc/mailseal.conf"
#endif
#ifndef MAILSEAL_SOCKET_DEFAULT
#define MAILSEAL_SOCKET_DEFAULT "/run/mailseal/agent.sock"
#endif

static const char ports_doubtful[] =
	"25,465,587,2525"; /* refused where MAILSEAL_PORTS cannot be understood */

/* Defined by the agent's program alone, see shim/handoff/handoff.h. */
extern const char HANDOFF_AGENT_MARK[] __attribute__((weak));

/*
 * Every process that is preloaded pays for what the constructor does: what stands here as it is
 * where the environment says nothing is not written, and the buffers are pages that are not
 * touched.
 */
static struct settings settings MAILSEAL_AT_START = {
	.config = MAILSEAL_CONFIG_DEFAULT,
	.agent = "",
	.library = "",
	.socket = MAILSEAL_SOCKET_DEFAULT,
	.log = SETTINGS_LOG_SYSLOG,
	.log_text = "syslog",
	.ports_text = "25",
	.ports = {25},
	.port_count = 1,
	.timezone = "",
};
static int ready MAILSEAL_AT_START;

static struct {
	char config[SETTINGS_PATH_SIZE], agent[SETTINGS_PATH_SIZE], library[SETTINGS_PATH_SIZE],
		log[SETTINGS_PATH_SIZE], socket[SETTINGS_PATH_SIZE];
	char ports[128], timezone[SETTINGS_TIMEZONE_SIZE];
} texts;

static bool printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

/* Copies a path, made absolute by the current directory. */
static bool take_path(char out[SETTINGS_PATH_SIZE], const char *path)
{
	struct text t;
	long n;

	text_init(&t, out, SETTINGS_PATH_SIZE);
	if (path[0] != '/') {
		n = sys(SYS_getcwd, out, SETTINGS_PATH_SIZE);
		if (n <= 0 || out[0] != '/') {
			out[0] = '\0';
			return false;
		}
		t.length = (size_t)n - 1;
		text_add(&t, "/");
	}
	text_add(&t, path);
	if (t.overflow || !printable(out))
		out[0] = '\0';
	return out[0] != '\0';
}

static bool take_ports(struct settings *s, const char *list)
{
	uint16_t found[SETTINGS_PORTS];
	unsigned count = 0;
	struct text t;

	for (const char *at = list;; at++) {
		unsigned long port = 0;
		unsigned place = 0;

		for (; *at >= '0' && *at <= '9' && port <= 65535; at++)
			port = port * 10 + (unsigned)(*at - '0');
		if (port < 1 || port > 65535 || (*at && *at != ',') || count == SETTINGS_PORTS)
			return false;
		while (place < count && found[place] < port)
			place++;
		if (place == count || found[place] != port) {
			memmove(found + place + 1, found + place,
				(count - place) * sizeof(found[0]));
			found[place] = (uint16_t)port;
			count++;
		}
		if (!*at)
			break;
	}
	text_init(&t, texts.ports, sizeof(texts.ports));
	for (unsigned i = 0; i < count; i++) {
		if (i)
			text_add(&t, ",");
		text_add_number(&t, found[i]);
		s->ports[i] = found[i];
	}
	s->ports_text = texts.ports;
	s->port_count = count;
	return true;
}

/* Why take_path() did not take the value of a variable. */
#define REFUSAL(name, value)                                                                       \
	((value)[0] != '/' ? name " is not an absolute path, and cannot be made one here"          \
			   : name " is too long or malformed")

static void take_log(struct settings *s, const char *value)
{
	if (strcmp(value, "syslog") == 0)
		return;
	if (strcmp(value, "journal") == 0) {
		s->log_text = "journal";
	} else if (strcmp(value, "stderr") == 0) {
		s->log = SETTINGS_LOG_STDERR;
		s->log_text = "stderr";
	} else if (take_path(texts.log, value)) {
		s->log = SETTINGS_LOG_FILE;
		s->log_text = texts.log;
	} else {
		s->refuse = REFUSAL("MAILSEAL_LOG", value);
	}
}

static void take_config(struct settings *s, const char *value)
{
	s->config_named = true;
	s->config = texts.config;
	if (!take_path(texts.config, value))
		s->refuse = REFUSAL("MAILSEAL_CONFIG", value);
}

_Static_assert(sizeof(MAILSEAL_SOCKET_DEFAULT) <= SETTINGS_SOCKET_SIZE, "the default path fits");

static void take_socket(struct settings *s, const char *value)
{
	s->system = SETTINGS_SYSTEM_NAMED;
	if (strcmp(value, "none") == 0)
		s->system = SETTINGS_SYSTEM_NONE;
	else if (take_path(texts.socket, value) && strlen(texts.socket) < SETTINGS_SOCKET_SIZE)
		s->socket = texts.socket;
	else
		s->refuse = REFUSAL("MAILSEAL_SOCKET", value);
}

static void take_agent(struct settings *s, const char *value)
{
	s->agent = texts.agent;
	if (!take_path(texts.agent, value))
		s->refuse = REFUSAL("MAILSEAL_AGENT", value);
}

static void take_port_list(struct settings *s, const char *value)
{
	if (take_ports(s, value))
		return;
	s->refuse = "MAILSEAL_PORTS is malformed";
	take_ports(s, ports_doubtful);
}

static void take_timezone(struct settings *s, const char *value)
{
	size_t length = strlen(value);

	if (length >= sizeof(texts.timezone) || !printable(value))
		return;
	memcpy(texts.timezone, value, length + 1);
	s->timezone = texts.timezone;
}

static const struct {
	char name[16];
	void (*take)(struct settings *s, const char *value);
} variables[] = {
	{"MAILSEAL_LOG", take_log},
	{"MAILSEAL_CONFIG", take_config},
	{"MAILSEAL_SOCKET", take_socket},
	{"MAILSEAL_AGENT", take_agent},
	{"MAILSEAL_PORTS", take_port_list},
	{"TZ", take_timezone},
};

/* The first of that name counts, as for getenv(). */
static void take_environment(struct settings *s)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *value = getenv(variables[i].name);

		if (value && *value)
			variables[i].take(s, value);
	}
}

/* Where this library was loaded from. */
static void take_library(struct settings *s)
{
	Dl_info info;

	if (!dladdr(&settings, &info) || !info.dli_fname || !strchr(info.dli_fname, '/'))
		return;
	if (info.dli_fname[0] == '/' && printable(info.dli_fname))
		s->library = info.dli_fname;
	else if (take_path(texts.library, info.dli_fname))
		s->library = texts.library;
}

__attribute__((constructor)) static void settings_take(void)
{
	struct stat root;

	if (__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		return;
	next_resolve();
	if (!getauxval(AT_SECURE)) {
		take_environment(&settings);
		take_library(&settings);
	}
	if (HANDOFF_AGENT_MARK)
		settings.port_count = 0;
	if (sys_stat("/", &root) == 0) {
		settings.root_dev = root.st_dev;
		settings.root_ino = root.st_ino;
	}
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
}

const struct settings *settings_get(void)
{
	/* Before our constructor there is one thread as a rule; two would write the same bytes. */
	if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		settings_take();
	return &settings;
}

bool settings_mail_address(const struct sockaddr *address, socklen_t length)
{
	const struct settings *s = settings_get();
	uint16_t family, port;

	if (!address || length < sizeof(struct sockaddr_in))
		return false;
	memcpy(&family, address, sizeof(family));
	if (family != AF_INET && family != AF_INET6)
		return false;
	memcpy(&port, (const char *)address + offsetof(struct sockaddr_in, sin_port), sizeof(port));
	port = ntohs(port);
	for (unsigned i = 0; i < s->port_count; i++)
		if (port == s->ports[i])
			return true;
	return false;
}
