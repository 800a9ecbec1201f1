/*
 * names: what the keys of a tally are made of: units, programs, next hops, and the domains of
 * addresses, as policy compares them (lower case, A-labels).
 */
#ifndef MAILSEAL_TOOLS_REPORT_NAMES_H
#define MAILSEAL_TOOLS_REPORT_NAMES_H

#include "tools/report/intern.h"

#define TALLY_NONE "-"	      /* there was none, or nothing is known of it */
#define TALLY_BOUNCE "<>"     /* the empty sender */
#define TALLY_UNCLEAR "?"     /* an address without one certain domain */
#define TALLY_UNLISTED "..."  /* recipients that the log counts, but does not name */
#define TALLY_OTHER "(other)" /* beyond the limits of the tally */

struct names {
	struct intern intern;
	const char *none, *bounce, *unclear, *unlisted, *other; /* the above, among the texts */
	bool overflow;						/* something became `other` */
};

/* 0 or -ENOMEM. */
int names_init(struct names *n);
void names_clear(struct names *n);

/* Each returns the one copy of its text, TALLY_OTHER where there is no room for more; of an empty
 * text TALLY_NONE, or itself. */
const char *names_text(struct names *n, const struct slice *text);
const char *names_said(struct names *n, const struct slice *text);

/* A unit of systemd. Scopes count as none: they come and go with sessions. */
const char *names_unit(struct names *n, const struct slice *unit);

/* The name, and the port if it is not 25; the address where there is no name. */
const char *names_host(struct names *n, const struct slice *host, const struct slice *addr);
const char *names_sender(struct names *n, const struct slice *address);

struct names_count {
	const char *domain;
	uint64_t count;
};

#define NAMES_MOST 16

/* The domains of a list as the log writes it, of `count` addresses in all, and how many of these
 * each has. Returns how many domains there are. */
size_t names_recipients(struct names *n, const struct slice *list, uint64_t count,
	struct names_count out[NAMES_MOST]);

#endif
