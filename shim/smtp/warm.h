/*
 * warm: what is known of a server's connection that goes on from one application to the next: what
 * the applications are shown of it, and what was seen of it. Such a connection has TLS, nobody ever
 * authenticated on it, and the server was told RSET since the last message.
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
};

/* NULL without memory. */
struct warm *warm_new(void);
void warm_free(struct warm *warm); /* NULL is fine */

#endif
