/*
 * command: takes an SMTP command line apart (RFC 5321 4.1.1).
 */
#ifndef MAILSEAL_SMTP_COMMAND_H
#define MAILSEAL_SMTP_COMMAND_H

#include "shim/smtp/line.h"

#include <stdbool.h>
#include <stdint.h>

#define COMMAND_LINE_MAX                                                                           \
	2048 /* octets with CRLF: RFC 5321 4.5.3.1.4, with room for parameters of extensions */
#define AUTH_LINE_MAX 12288 /* RFC 4954 4 */

enum verb {
	VERB_UNKNOWN, /* well-formed, but nothing that this relay has an opinion on */
	VERB_BAD,     /* does not begin with a letter, or holds control characters */
	VERB_EHLO,
	VERB_HELO,
	VERB_MAIL,
	VERB_RCPT,
	VERB_DATA,
	VERB_BDAT,
	VERB_RSET,
	VERB_NOOP,
	VERB_QUIT,
	VERB_AUTH,
	VERB_STARTTLS,
	VERB_VRFY,
	VERB_EXPN,
	VERB_HELP,
	VERB_DESYNCHRONISING, /* XCLIENT, TURN, BURL …: change who speaks, or what counts as a reply
			       */
};

struct command {
	enum verb verb;
	const char *argument; /* into the line, blanks around it trimmed, not terminated */
	size_t argument_length;
};

void command_parse(const struct line *line, struct command *command);

/* The chunk size of BDAT (RFC 3030 2). 0, or -EINVAL where it is no number or beyond 2^62. */
int command_bdat_size(const struct command *command, uint64_t *size);

/* The path behind FROM: or TO: in the argument of VERB_MAIL or VERB_RCPT, without <>; for the log.
 * Terminated, sanitised, cut to fit; "" where there is none. */
void command_path(const struct command *command, char *out, size_t size);

#endif
