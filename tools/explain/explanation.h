/*
 * explanation: what would become of mail, for each row of the truth table: the functions that the
 * dialogue asks about a connection and a transaction are asked the same, in the same order.
 */
#ifndef MAILSEAL_TOOLS_EXPLANATION_H
#define MAILSEAL_TOOLS_EXPLANATION_H

#include "shim/smtp/envelope.h"
#include "shim/smtp/own_tls.h"
#include "shim/smtp/verdict.h"
#include "tools/explain/question.h"

/* The command at which mail ends. */
enum stop {
	STOP_NOWHERE, /* it goes */
	STOP_MAIL,
	STOP_RECIPIENT,
	STOP_SEPARATE, /* 452 to this recipient: it has to be sent by itself */
	STOP_MESSAGE,  /* after the final dot */
};

/* What becomes of the mail to one recipient. */
struct fate {
	enum stop stop;
	bool waits;		    /* the application got 250 before the server heard of it */
	struct judgement judgement; /* not where stop is STOP_SEPARATE */
	char reply[VERDICT_SIZE];   /* where it stops: what the application gets; else "" */
};

#define ROWS_MOST 6

struct row {
	char server[32];	 /* what it does: "STARTTLS", "no STARTTLS", ... */
	const char *certificate; /* "valid", "not valid", or NULL; static */
	struct facts seen;	 /* of the first connection */
	struct facts facts;	 /* of the one that the mail would take: as it was judged with */
	enum route route;
	enum credentials_step auth;    /* what becomes of AUTH */
	char auth_reply[VERDICT_SIZE]; /* where it is blocked; else "" */
	struct fate *fates;	       /* one for each recipient of the question */
};

/* Zeroed before the first use. */
struct explanation {
	struct policy policy;
	struct demands *demands; /* for each recipient, with what the message says */
	struct row rows[ROWS_MOST];
	unsigned row_count;
	struct own_tls own_tls;		  /* STARTTLS that the program issues itself */
	char own_tls_reply[VERDICT_SIZE]; /* where it is not accepted; else "" */
};

/* Into `set` and `question` go pointers. 0 or -ENOMEM; explanation_clear() is due after either. */
int explanation_make(struct explanation *explanation, const struct policy_set *set,
	const struct question *question);

/* The same with one row, for a server of which `seen` is known. */
int explanation_make_seen(struct explanation *explanation, const struct policy_set *set,
	const struct question *question, const struct facts *seen);

void explanation_clear(struct explanation *explanation);

#endif
