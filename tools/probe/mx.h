/*
 * mx: the mail servers of a domain, as the DNS has them (RFC 5321 5.1, RFC 7505). What it says is
 * unsigned, and names in it are anybody's.
 */
#ifndef MAILSEAL_TOOLS_PROBE_MX_H
#define MAILSEAL_TOOLS_PROBE_MX_H

#include "config/host.h"
#include "shim/base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define MX_MOST 20

struct mx_host {
	unsigned preference;
	char name[4 * NAME_SIZE]; /* as dn_expand(3) writes it: odd octets as \ddd */
};

struct mx_list {
	struct mx_host at[MX_MOST]; /* by preference */
	unsigned count, total;	    /* the most preferred, of all that there are */
	bool none;		    /* the domain says that it takes no mail */
};

/* An answer to a query for MX. 0; -ENODATA where there is none in it; -EBADMSG. */
int mx_parse(const unsigned char *answer, size_t length, struct mx_list *list);

/* Asks the resolver, for at most `ms` milliseconds. A domain without MX is its own mail server. 0
 * or -errno with err. */
int mx_find(const char *domain, long long ms, struct mx_list *list, struct err *err);

#endif
