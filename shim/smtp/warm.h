/*
 * warm: what is known of a server's connection that goes on from one application to the next: what
 * the applications are shown of it, and what was seen of it. Such a connection has TLS, nobody ever
 * authenticated on it, and nothing was said on it that a server counts against it: see warm.c.
 */
#ifndef MAILSEAL_SMTP_WARM_H
#define MAILSEAL_SMTP_WARM_H

#include "config/policy.h"

#include <stdbool.h>

struct warm {
	char *greeting; /* the server's 220 as the application saw it, with CRLF; owned like all */
	bool helo;	/* it was greeted by HELO, not by EHLO */
	char *name;	/* with this argument */
	char *hello;	/* and said this, as the application saw it */
	struct facts facts;
	unsigned messages; /* that the server took on it */
	bool untouched;	   /* the application of this session said nothing on it */
	bool reset;	   /* RSET was the last that the server was told; else it has to be told */
	bool reset_spent;  /* it was told since the last message */
};

/* NULL without memory. */
struct warm *warm_new(void);
void warm_free(struct warm *warm); /* NULL is fine */

#endif
