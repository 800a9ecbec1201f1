/*
 * tally: what the lines of a log add up to: rows by unit, program, next hop, sender and recipient
 * domain, the reasons behind what did not go well, and how it went over time. No I/O. Memory is
 * bounded: names beyond the limits are counted under TALLY_OTHER. All texts belong to the tally,
 * and may hold any octet but NUL: what prints them has to escape them.
 */
#ifndef MAILSEAL_TOOLS_REPORT_TALLY_H
#define MAILSEAL_TOOLS_REPORT_TALLY_H

#include "tools/report/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What became of a message (up to TALLY_ATTACK), or of a connection. */
enum tally_outcome {
	TALLY_VERIFIED,	   /* over TLS, the certificate is good */
	TALLY_UNVERIFIED,  /* over TLS, nobody vouched for the server */
	TALLY_CLEARTEXT,   /* in the clear, as the policy allows */
	TALLY_BLOCKED,	   /* refused by policy */
	TALLY_WOULD_BLOCK, /* passed in observe mode, TLS or not; enforce would have refused it */
	TALLY_UNDECIDED,   /* given up, or refused by the server, before anything was decided */
	TALLY_ATTACK,	   /* ended because something was slipped in; a message or a connection */
	TALLY_FAILED,	   /* no connection, or it broke or was refused before a message */
	TALLY_RELAYED,	   /* passed untouched, by intercept = false */
	TALLY_OWN_TLS,	   /* the program's own STARTTLS: what passed is not known */
	TALLY_NO_MAIL,	   /* a connection without a message */
	TALLY_OUTCOMES,
};

/* As --only takes it and JSON and CSV write it: "tls-verified", "would-block" ... */
const char *tally_outcome_name(enum tally_outcome outcome);

/* A key may also be one of those in names.h, such as TALLY_NONE. */
enum tally_key { TALLY_UNIT, TALLY_PROGRAM, TALLY_HOST, TALLY_SENDER, TALLY_RECIPIENT, TALLY_KEYS };

/* "unit", "program", "host", "sender", "recipient" */
const char *tally_key_name(enum tally_key key);

struct tally_counts {
	/* Messages, or connections, by outcome. Each line of the log counts once in a row, and
	 * 1 + N times where it says suppressed=N. */
	uint64_t events[TALLY_OUTCOMES];
	/* Recipients that were named, by outcome. Those that policy refused in a message that
	 * passed for others count as blocked here. */
	uint64_t recipients[TALLY_OUTCOMES];
	uint64_t bytes;	 /* of messages, octets of content sent to the server */
	uint64_t passed; /* of TALLY_RELAYED and TALLY_OWN_TLS, all octets both ways */
	uint64_t taken;	 /* messages that the server took: its final reply was 2yz */
	/* Whatever their outcome: messages of which content went in the clear, and its octets. */
	uint64_t clear, clear_bytes;
	/* Messages of which no content went, but sender or recipients may have gone in the clear.
	 */
	uint64_t clear_envelopes;
	/* Lines of connections over which somebody logged in in the clear. */
	uint64_t clear_logins;
	int64_t first, last; /* seconds since the epoch, 0 where nothing is dated */
};

struct tally_row {
	const char *key[TALLY_KEYS]; /* NULL for a key that is not grouped by */
	struct tally_counts counts;  /* a message to several domains counts in several rows */
	uint64_t line;		     /* tally.c's own */
};

/* Why something was blocked, or would be, failed, went in the clear or unverified, or was an
 * attack. */
struct tally_reason {
	enum tally_outcome outcome;
	const char *host;
	const char
		*reason;  /* what was wrong: "STARTTLS is not offered"; "" where nothing is said */
	const char *rule; /* "require_tls by default, mailseal.conf:2"; "" where there is none */
	uint64_t events;
	uint64_t recipients;	     /* that were refused by themselves, while the message passed */
	uint64_t clear, clear_bytes; /* as in struct tally_counts */
	int64_t first, last;
};

/* Where content went in the clear. */
struct tally_clear {
	const char *host;
	uint64_t messages, bytes;
};

struct tally_bucket {
	uint64_t events[TALLY_OUTCOMES];
};

#define TALLY_BUCKETS 512 /* most */

/* Of equal width, without gaps, the first and the last not empty; `width` divides a day or is a
 * multiple of one. Local midnight is the beginning of one. */
struct tally_time {
	struct tally_bucket at[TALLY_BUCKETS];
	unsigned count;
	int64_t start; /* of at[0], seconds since the epoch */
	int64_t width; /* seconds */
	int64_t shift; /* local time less UTC, at the first event that was added */
};

#define TALLY_DAMAGES 5 /* places that are told */

/* What the log itself is worth. */
struct tally_reading {
	/* All that was read but empty lines: the sum of counted, others, damaged, outside,
	 * other_unit, strangers, strays, own and trace. */
	uint64_t lines;
	uint64_t counted;    /* lines of mail and connections that stand in the tally */
	uint64_t others;     /* of other programs */
	uint64_t damaged;    /* ours, but not to be understood: nothing is known of them */
	uint64_t outside;    /* before --since or after --until */
	uint64_t undated;    /* ours, counted, but without a time that could be read */
	uint64_t other_unit; /* of another unit than --unit */
	uint64_t unplaced; /* of these, of no unit that is known, and with something in the clear */
	uint64_t unseen;   /* counted, but journald did not see which program wrote them */
	uint64_t strangers;  /* under our name in the journal, but not by agent or library */
	uint64_t suppressed; /* events that were counted, but have no line of their own */
	uint64_t lost;	     /* lines, that agents say they could not write */
	uint64_t dropped;    /* lines, of any program, that the log daemon says it dropped */
	uint64_t repeated;   /* events that the log daemon says it did not repeat the line of */
	uint64_t strays;     /* no lines of a log: whose they are is not to be told */
	uint64_t quoting;    /* of other programs, with our tag in the midst of their text */
	uint64_t own;	     /* lines of agents about themselves, or of unknown events */
	/* events of the agent itself, and those that this version does not know */
	uint64_t overload, failed, stopped, reloaded, log, trace, unknown;
	char damage[TALLY_DAMAGES][160]; /* "FILE:LINE: what is wrong"; "" where there is none */
	int64_t first, last;		 /* of the lines counted */
	int64_t begins; /* the earliest time in what was read, of any program; 0: not known */
};

struct tally {
	unsigned by;   /* 1u << enum tally_key */
	unsigned only; /* 1u << enum tally_outcome: what stands in rows, reasons and time */
	struct tally_row *rows;
	size_t row_count;
	struct tally_reason *reasons;
	size_t reason_count;
	struct tally_clear *clear; /* most first; made by tally_sort(), whatever `only` says */
	size_t clear_count;
	struct tally_counts total;	   /* each line once, whatever `only` says */
	uint64_t clear_by[TALLY_OUTCOMES]; /* what total.clear is the sum of */
	struct tally_time time;
	struct tally_reading reading;
	bool overflow; /* a row or a reason stands for TALLY_OTHER */

	/* tally.c's own */
	struct names names;
	uint64_t line;
	uint32_t *row_index, *reason_index;
	size_t row_room, reason_room;
	bool no_memory;
};

struct entry;

/* Whether an outcome is among those of `only`. */
static inline bool tally_wants(const struct tally *t, enum tally_outcome outcome)
{
	return t->only >> outcome & 1;
}

/* 0 or -ENOMEM. */
int tally_init(struct tally *t, unsigned by, unsigned only);
void tally_clear(struct tally *t);

/* One line that entry_parse() understood and that is to be counted. 0, or -ENOMEM: the tally is
 * worth nothing then. */
int tally_add(struct tally *t, const struct entry *e);

/* Rows by their keys; reasons by outcome, what went in the clear first, and number. To be called
 * once, after the last line, and before anything but `total` and `reading` is looked at. 0 or
 * -ENOMEM. */
int tally_sort(struct tally *t);

/* All rows, those first that matter most: in the clear, then what would be blocked, then what was,
 * then by number. To be freed; NULL: out of memory. */
const struct tally_row **tally_by_weight(const struct tally *t);

#endif
