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

static const char ports_default[] = "25";
static const char ports_doubtful[] =
	"25,465,587,2525"; /* refused where MAILSEAL_PORTS cannot be understood */

/* Defined by the agent's program alone, see shim/handoff/handoff.h. */
extern const char HANDOFF_AGENT_MARK[] __attribute__((weak));

static struct settings settings;
static int ready;

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
	text_init(&t, s->ports_text, sizeof(s->ports_text));
	for (unsigned i = 0; i < count; i++) {
		if (i)
			text_add(&t, ",");
		text_add_number(&t, found[i]);
		s->ports[i] = htons(found[i]);
	}
	s->port_count = count;
	return true;
}

static const char *variable(const char *name, bool secure)
{
	const char *value = secure ? NULL : getenv(name);

	return value && *value ? value : NULL;
}

/* Why take_path() did not take the value of a variable. */
#define REFUSAL(name, value)                                                                       \
	((value) && (value)[0] != '/' ? name                                                       \
			" is not an absolute path, and cannot be made one here"                    \
				      : name " is too long or malformed")

static void take_log(struct settings *s, const char *value)
{
	s->log = SETTINGS_LOG_SYSLOG;
	memcpy(s->log_text, "syslog", sizeof("syslog"));
	if (!value || strcmp(value, "syslog") == 0)
		return;
	if (strcmp(value, "stderr") == 0) {
		s->log = SETTINGS_LOG_STDERR;
		memcpy(s->log_text, "stderr", sizeof("stderr"));
	} else if (take_path(s->log_text, value)) {
		s->log = SETTINGS_LOG_FILE;
	} else {
		memcpy(s->log_text, "syslog", sizeof("syslog"));
		s->refuse = REFUSAL("MAILSEAL_LOG", value);
	}
}

static void take_beside(struct settings *s)
{
	static const char name[] = "mailseal-agent";
	Dl_info info;
	char *slash;

	if (!dladdr(&settings, &info) || !info.dli_fname || !strchr(info.dli_fname, '/'))
		return;
	if (!take_path(s->beside, info.dli_fname))
		return;
	slash = strrchr(s->beside, '/');
	if ((size_t)(slash + 1 - s->beside) + sizeof(name) <= sizeof(s->beside))
		memcpy(slash + 1, name, sizeof(name));
	else
		s->beside[0] = '\0';
}

static void take_config(struct settings *s, const char *value)
{
	s->config_named = value != NULL;
	if (!take_path(s->config, value ? value : MAILSEAL_CONFIG_DEFAULT))
		s->refuse = REFUSAL("MAILSEAL_CONFIG", value);
}

_Static_assert(sizeof(MAILSEAL_SOCKET_DEFAULT) <= SETTINGS_SOCKET_SIZE, "the default path fits");

static void take_socket(struct settings *s, const char *value)
{
	char path[SETTINGS_PATH_SIZE];

	memcpy(s->socket, MAILSEAL_SOCKET_DEFAULT, sizeof(MAILSEAL_SOCKET_DEFAULT));
	s->system = SETTINGS_SYSTEM_DEFAULT;
	if (!value)
		return;
	s->system = SETTINGS_SYSTEM_NAMED;
	if (strcmp(value, "none") == 0)
		s->system = SETTINGS_SYSTEM_NONE;
	else if (take_path(path, value) && strlen(path) < sizeof(s->socket))
		memcpy(s->socket, path, strlen(path) + 1);
	else
		s->refuse = REFUSAL("MAILSEAL_SOCKET", value);
}

static void take_environment(struct settings *s, bool secure)
{
	const char *value;

	take_log(s, variable("MAILSEAL_LOG", secure));
	take_config(s, variable("MAILSEAL_CONFIG", secure));
	take_socket(s, variable("MAILSEAL_SOCKET", secure));
	value = variable("MAILSEAL_AGENT", secure);
	if (value && !take_path(s->agent, value))
		s->refuse = REFUSAL("MAILSEAL_AGENT", value);
	value = variable("MAILSEAL_PORTS", secure);
	if (!take_ports(s, value ? value : ports_default)) {
		s->refuse = "MAILSEAL_PORTS is malformed";
		take_ports(s, ports_doubtful);
	}
	value = variable("TZ", secure);
	if (value && strlen(value) < sizeof(s->timezone) && printable(value))
		memcpy(s->timezone, value, strlen(value) + 1);
	if (!secure)
		take_beside(s);
}

__attribute__((constructor)) static void settings_take(void)
{
	struct stat root;

	if (__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		return;
	next_resolve();
	take_environment(&settings, getauxval(AT_SECURE) != 0);
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
	for (unsigned i = 0; i < s->port_count; i++)
		if (port == s->ports[i])
			return true;
	return false;
}
