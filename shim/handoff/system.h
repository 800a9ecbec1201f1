/*
 * system: what sets the system agent apart from those that the preload starts: a name that all
 * know, and a request that does not describe the agent, since the agent's configuration is its own.
 */
#ifndef MAILSEAL_HANDOFF_SYSTEM_H
#define MAILSEAL_HANDOFF_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct sockaddr_un;

/* The abstract name, for programs that see no path any more. Returns its address length. */
socklen_t system_name(struct sockaddr_un *sun);

/*
 * The identity text of a request to the system agent: "system\n", and behind it "config=PATH\n"
 * where the program was told a configuration by name (`config` not NULL). Returns its length
 * without the NUL, or -ENAMETOOLONG if it does not fit `size` bytes.
 */
int system_text(char *out, size_t size, const char *config);

/*
 * Is this such a text? The configuration that it names is then at *config, not terminated, with its
 * *length; NULL and 0 if it names none.
 */
bool system_text_read(const char *text, size_t size, const char **config, size_t *length);

#endif
