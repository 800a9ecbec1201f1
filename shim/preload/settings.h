/*
 * settings: what the environment said when the library was loaded, and what `/` was then.
 * Copied once into static memory, because programs clear their environment later. What cannot be
 * understood makes every connect() to a mail port fail: `refuse` says why.
 */
#ifndef MAILSEAL_PRELOAD_SETTINGS_H
#define MAILSEAL_PRELOAD_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define SETTINGS_PATH_SIZE 1024
#define SETTINGS_PORTS 16
#define SETTINGS_SOCKET_SIZE 108 /* sun_path of the kernel */
#define SETTINGS_TIMEZONE_SIZE 64

enum settings_log { SETTINGS_LOG_SYSLOG, SETTINGS_LOG_STDERR, SETTINGS_LOG_FILE };

/* How MAILSEAL_SOCKET speaks of the system agent. */
enum settings_system {
	SETTINGS_SYSTEM_DEFAULT, /* not at all: where one is at the default path */
	SETTINGS_SYSTEM_NAMED,	 /* at this path */
	SETTINGS_SYSTEM_NONE,	 /* never */
};

/* The texts are static, or the dynamic linker's, and never NULL. */
struct settings {
	const char *refuse;  /* NULL: all is well */
	bool config_named;   /* by MAILSEAL_CONFIG: must then be readable */
	const char *config;  /* absolute path */
	const char *agent;   /* MAILSEAL_AGENT, absolute; empty if not set */
	const char *library; /* this library's absolute path; empty if unknown */
	enum settings_system system;
	const char *socket; /* of the system agent, absolute; fits into sun_path */
	enum settings_log log;
	const char *log_text;	/* syslog, journal, stderr, or the file's absolute path */
	const char *ports_text; /* "25,587", sorted, without repetition */
	uint16_t ports[SETTINGS_PORTS];
	unsigned port_count;
	const char *timezone; /* TZ for the agent's log; empty if not set */
	dev_t root_dev;
	ino_t root_ino;
};

/* Never NULL. Reads the environment if the constructor has not run yet. */
const struct settings *settings_get(void);

/* Is this an IPv4 or IPv6 address with a mail port? */
bool settings_mail_address(const struct sockaddr *address, socklen_t length);

#endif
