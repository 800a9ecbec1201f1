/*
 * envelope: what policy says about a connection, and about each transaction on it, command by
 * command: MAIL, each RCPT, then the message's own wishes.
 * No I/O and no SMTP syntax: domains and facts in, steps out. The dialogue carries the steps out,
 * `mailseal explain` prints them.
 */
#ifndef MAILSEAL_SMTP_ENVELOPE_H
#define MAILSEAL_SMTP_ENVELOPE_H

#include "config/policy.h"

/* A verdict, and whether mode = observe lets pass what it blocks. */
struct judgement {
	struct verdict verdict;
	const struct origin *require_tls; /* where the require_tls comes from that was judged by */
	bool would_block; /* verdict.outcome is OUTCOME_BLOCKED, but the mail goes */
};

/* Is it blocked, and not only observed? */
bool judgement_blocks(const struct judgement *judgement);

/*
 * policy_judge() for a connection whose way is settled: on_bad_certificate = cleartext acts as
 * unauthenticated where TLS stands.
 */
void judge_here(const struct policy *policy, const struct demands *demands,
	const struct facts *facts, struct judgement *judgement);

/* How a connection goes on once its facts are known. */
enum route {
	ROUTE_STAY,   /* on this connection */
	ROUTE_AFRESH, /* in the clear, on a fresh connection: facts_in_clear() */
	ROUTE_ALONE,  /* no mail can pass, whoever sends it to whom, and whatever it says */
};

enum route route_of(const struct policy *policy, const struct facts *facts);

/* The facts of the fresh connection that ROUTE_AFRESH leads to. */
void facts_in_clear(struct facts *facts);

/*
 * May no envelope that the configuration knows of be blocked here? With `messages`: nor by what any
 * message may ask for.
 */
bool is_good_for_all(const struct policy *policy, const struct facts *facts, bool messages);

/*
 * What becomes of AUTH on this connection; *judgement is that of the policy's own demands
 * (judge_here()).
 */
enum credentials_step {
	CREDENTIALS_PASS,
	CREDENTIALS_PASS_OBSERVED, /* only because mode = observe */
	CREDENTIALS_BLOCKED,
};

enum credentials_step credentials_step(
	const struct policy *policy, const struct facts *facts, const struct judgement *judgement);

enum envelope_state {
	ENVELOPE_NONE,	    /* no MAIL */
	ENVELOPE_REFUSED,   /* MAIL was refused here */
	ENVELOPE_OPEN,	    /* MAIL is the server's; each recipient is judged by itself */
	ENVELOPE_UNDECIDED, /* MAIL is held until a recipient decides */
	ENVELOPE_HELD,	    /* MAIL and recipients are held until the message's header decides */
};

#define ENVELOPE_READINGS 9 /* for each of the two fields: absent, no, yes */

struct envelope {
	const struct policy *policy;
	const struct facts *facts;
	enum envelope_state state;
	struct domain sender;
	unsigned accepted; /* recipients counted by envelope_accept() */
	/* for all accepted recipients together, by what the message may say */
	struct judgement reading[ENVELOPE_READINGS];
};

/* No transaction. `policy` and `facts` outlive the envelope. */
void envelope_init(
	struct envelope *envelope, const struct policy *policy, const struct facts *facts);

/* MAIL. Begins a transaction. */
enum mail_step {
	MAIL_PASSES,
	MAIL_WAITS,   /* hold it and answer 250: the first recipient decides */
	MAIL_REFUSED, /* no recipient and no message can save it: *judgement tells why */
};

enum mail_step envelope_mail(
	struct envelope *envelope, const struct domain *sender, struct judgement *judgement);

/* RCPT, in a transaction that was not refused. */
enum recipient_step {
	RECIPIENT_PASSES,
	RECIPIENT_OPENS,    /* the held MAIL goes first: then envelope_opened(), and ask again */
	RECIPIENT_WAITS,    /* hold it and answer 250: the message decides */
	RECIPIENT_SEPARATE, /* it would pass where the others wait: 452 */
	RECIPIENT_REFUSED,  /* *judgement tells why */
};

/*
 * *judgement, as long as the message says nothing; *demands: what policy demands of mail to this
 * recipient, for envelope_accept().
 */
enum recipient_step envelope_recipient(struct envelope *envelope, const struct domain *recipient,
	struct judgement *judgement, struct demands *demands);

/* The held MAIL went to the server. */
void envelope_opened(struct envelope *envelope);

/* The recipient got its 250: from the server, or from us (RECIPIENT_WAITS). */
void envelope_accept(struct envelope *envelope, const struct demands *demands);

/* Must the header be read before the server gets DATA? For the recipients accepted so far. */
bool envelope_awaits_header(const struct envelope *envelope);

/* What becomes of the message, with what its header says (NULL: nothing). */
void envelope_message(const struct envelope *envelope, const struct overrides *overrides,
	struct judgement *judgement);

/* The transaction is over. */
void envelope_reset(struct envelope *envelope);

#endif
