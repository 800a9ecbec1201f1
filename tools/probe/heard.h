/*
 * heard: what a server said, reply by reply, fit to be shown: control characters, and octets that
 * are not ASCII, are escaped. It decides nothing: that is the dialogue's.
 */
#ifndef MAILSEAL_TOOLS_PROBE_HEARD_H
#define MAILSEAL_TOOLS_PROBE_HEARD_H

#include "shim/base/buf.h"

#include <stdbool.h>

/* What is awaited of the server. */
enum moment {
	MOMENT_GREETING,
	MOMENT_EHLO, /* in the clear */
	MOMENT_STARTTLS,
	MOMENT_HANDSHAKE,
	MOMENT_EHLO_INSIDE, /* inside TLS */
	MOMENT_QUIT,
	MOMENT_COUNT,
};

/* Its lines without the code. Zeroed before the first use. */
struct saying {
	int code; /* 0: nothing was heard */
	char **lines;
	unsigned count;
};

/* Zeroed before the first use, but for heard_begin(). */
struct heard {
	enum moment moment;
	struct saying said[MOMENT_COUNT];
	char odd[128]; /* how what is no reply begins; "" */
	struct buf pending;
};

void heard_begin(struct heard *heard);

/* Nothing is heard yet of what follows; what is half heard is forgotten. */
void heard_await(struct heard *heard, enum moment moment);

/* A command goes to the server, which decides what is awaited. */
void heard_command(struct heard *heard, const char *line, size_t length, bool inside);

/* Octets came, none where the memory is short of. */
void heard_octets(struct heard *heard, const char *bytes, size_t n);

void heard_clear(struct heard *heard);

/* "greeting", "reply to EHLO", ... */
const char *moment_words(enum moment moment);

/* `n` octets as printable ASCII: "\x1b", "\r"; a backslash is doubled. Cut with "..." to fit. */
void text_escape(char *out, size_t size, const char *bytes, size_t n);

#endif
