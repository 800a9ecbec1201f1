/*
 * host: what the label of a host section means, and which names and addresses it matches.
 * Pure: no files, no DNS.
 */
#ifndef MAILSEAL_CONFIG_HOST_H
#define MAILSEAL_CONFIG_HOST_H

#include "shim/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define NAME_SIZE 254 /* RFC 1035 2.3.4: 253 characters without the trailing dot, and a NUL */

enum host_form {
	HOST_NAME,    /* "mail.example.com": this name alone */
	HOST_SUFFIX,  /* ".example.com": its subdomains, not itself */
	HOST_ADDRESS, /* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32" */
};

/* An address as policy compares it: v4-mapped IPv6 became IPv4. */
struct address {
	int family; /* AF_INET, AF_INET6, or 0: unknown, matched by nothing */
	unsigned char bytes[16];
};

struct host {
	enum host_form form;
	char name[NAME_SIZE]; /* lower case A-labels, no trailing dot; with the leading dot of a
				 suffix */
	struct address address;
	unsigned prefix; /* bits of the address that count */
};

/* Takes a label apart. 0, or -EINVAL with err telling what is wrong with it and what to write. */
int host_parse(const char *label, struct host *host, struct err *err);

/* A name (no suffix, no address) as it is compared. 0, or -EINVAL with err. U-labels become
 * A-labels. */
int host_name_parse(const char *text, char name[NAME_SIZE], struct err *err);

/*
 * Did `text`, which host_name_parse() made `name` of, mean another name to software of IDNA2003
 * (sharp s, final sigma, joiners: RFC 5894 7.2)? Some still is of that kind.
 */
bool host_name_was_another(const char *text, const char *name);

/*
 * A name that an application looked up, made comparable: lower case, no trailing dot.
 * False if it is an address or not a DNS name in ASCII.
 */
bool host_name_normalise(const char *text, char name[NAME_SIZE]);

void address_from_sockaddr(const struct sockaddr *sa, struct address *address);

/* `name` as host_name_normalise() gave it. */
bool host_matches_name(const struct host *host, const char *name);
bool host_matches_address(const struct host *host, const struct address *address);

/* Among hosts that match the same name (or the same address): the larger, the more specific. */
unsigned host_specificity(const struct host *host);

bool host_equal(const struct host *a, const struct host *b);

#endif
