/*
 * entry: one line of mailseal's log, behind its tag: key=value, values quoted where they came from
 * elsewhere. What is no such line, or lacks what its event needs, is damaged: it is never taken for
 * anything else.
 * No I/O, no allocation: values are unescaped within the line.
 */
#ifndef MAILSEAL_TOOLS_REPORT_ENTRY_H
#define MAILSEAL_TOOLS_REPORT_ENTRY_H

#include "tools/report/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum entry_kind {
	ENTRY_MAIL,	/* a message or a connection: `outcome` says what became of it */
	ENTRY_OVERLOAD, /* the rest is about the agent itself */
	ENTRY_FAILED,
	ENTRY_STOPPED,
	ENTRY_RELOADED,
	ENTRY_LOG,
	ENTRY_TRACE,   /* a piece of a dialogue, which has lines of its own kind too */
	ENTRY_UNKNOWN, /* an event of another version */
};

struct entry {
	enum entry_kind kind;
	enum tally_outcome outcome;
	bool message;	 /* a transaction, else a connection that had none */
	int64_t time;	 /* set by the caller; 0 where the line tells none */
	uint64_t weight; /* how many events the line stands for; 1 unless it says suppressed=N */
	struct slice exe, host, addr, sender, recipients, refused, unit;
	struct slice reason; /* what was wrong; of an attack, the note */
	struct slice rule, refused_rule;
	uint64_t recipient_count, refused_count;
	uint64_t bytes;
	uint64_t lost;	     /* ENTRY_LOG: lines that an agent could not write anywhere */
	bool taken;	     /* the server took the message: its final reply was 2yz */
	bool clear;	     /* content went in the clear */
	bool clear_envelope; /* no content, but sender or recipients may have */
	bool clear_login;
	bool refusing; /* policy refused the connection, or would have, whether or not mail came */
};

/*
 * Takes `length` octets apart and writes into them. NULL, or what is wrong with the line (a static
 * text). The entry is valid as long as the line.
 */
const char *entry_parse(char *text, size_t length, struct entry *e);

#endif
