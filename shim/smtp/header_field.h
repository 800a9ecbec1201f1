/*
 * header_field: what the fields of ours in one header say, and what was doubtful about them.
 * header.c finds them and hands over their octets; nobody else calls this.
 */
#ifndef MAILSEAL_SMTP_HEADER_FIELD_H
#define MAILSEAL_SMTP_HEADER_FIELD_H

#include "config/policy.h"

#include <stdbool.h>
#include <stddef.h>

#define HEADER_VALUE 8

enum header_name { HEADER_REQUIRE_TLS, HEADER_VERIFY_CERTIFICATE, HEADER_NAMES };

enum header_doubt {
	HEADER_TWICE_TLS,
	HEADER_TWICE_CERTIFICATE,
	HEADER_UNCLEAR_TLS,
	HEADER_UNCLEAR_CERTIFICATE,
	HEADER_LOOSE,
	HEADER_MALFORMED,
	HEADER_ENDLESS,
	HEADER_UNKNOWN,
	HEADER_DOUBTS,
};

struct header_fields {
	enum field said[HEADER_NAMES];
	unsigned doubts; /* 1u << enum header_doubt */

	/* The field whose value is being read. */
	bool open;
	bool unclear; /* it counts as "yes", whatever its value */
	enum header_name name;
	char value[HEADER_VALUE]; /* unfolded, trimmed, lower case */
	size_t value_length;
	bool gap; /* blanks were read behind `value` */
};

/* A name of ours begins with these octets (any case) and then `next`. */
bool header_name_goes_on(const char *name, size_t length, char next);

/* It begins as all names of ours do. */
bool header_name_looks_like_ours(const char *name, size_t length);

/* This is a name of ours: *which. */
bool header_name_find(const char *name, size_t length, enum header_name *which);

void header_field_open(struct header_fields *fields, enum header_name name, bool unclear);

/* The next octet of the value. A fold is a blank. */
void header_field_octet(struct header_fields *fields, char c);

/* The field is over; nothing where none is open. */
void header_field_close(struct header_fields *fields);

/* Of several the strictest counts. */
void header_field_say(struct header_fields *fields, enum header_name name, enum field what);

void header_field_doubt(struct header_fields *fields, enum header_doubt doubt);

/* The gravest doubt in words, or "". Static. */
const char *header_field_remark(const struct header_fields *fields);

#endif
