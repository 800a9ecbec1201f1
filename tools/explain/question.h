/*
 * question: what `mailseal explain` is asked about, as it was written and as policy reads it.
 */
#ifndef MAILSEAL_TOOLS_QUESTION_H
#define MAILSEAL_TOOLS_QUESTION_H

#include "config/domain.h"
#include "config/policy.h"

#include <stdbool.h>
#include <sys/socket.h>

struct mailbox {
	const char *text; /* NULL: none was given, any without a section */
	struct domain domain;
	bool no_domain; /* the server puts one of its own there: DOMAIN_AMBIGUOUS */
};

struct field_line {
	char *text; /* unfolded (RFC 5322 2.2.3); owned */
	bool ours;  /* it says something to policy */
};

/* Zeroed before the first use; the texts are the caller's. */
struct question {
	char (*names)[NAME_SIZE]; /* looked up by the application */
	unsigned name_count;
	const char *address_text; /* NULL: not known */
	char literal[64]; /* the address as replies name it: "[192.0.2.1]" (RFC 5321 4.1.3) */
	struct sockaddr_storage address;
	struct mailbox sender;
	struct mailbox *recipients; /* one that was not given, if there are none */
	unsigned recipient_count;
	struct field_line *fields;
	unsigned field_count;
	struct overrides overrides;
	const char *remark; /* what is doubtful about the header, or "" */
};

/* What was given, each as it stands on the command line. */
struct question_words {
	char **hosts, **recipients, **headers;
	unsigned host_count, recipient_count, header_count;
	const char *address, *sender;
};

/*
 * Reads the words. EX_OK, or a code of sysexits.h once the error was told on standard error, with
 * the option and the word. question_clear() is due after either.
 */
int question_read(struct question *question, const struct question_words *words);

/* Which connection it is about, in place of hosts and address in the words: `name` as it was looked
 * up, or NULL; `text` says `address`, and is kept. False without memory. */
bool question_connection(struct question *question, const char *name,
	const struct sockaddr *address, const char *text);

void question_clear(struct question *question);

/* Which host it is about, as replies name a server. */
const char *question_server(const struct question *question);

/* The policy for such a connection. */
void question_policy(
	const struct question *question, const struct policy_set *set, struct policy *policy);

#endif
