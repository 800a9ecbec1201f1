/*
 * dialogue: decides what an SMTP relay says next, to the application (the client) and to the
 * server. It does no I/O and knows no clock: bytes and events go in, bytes and wishes come out;
 * agent/session.c carries them out.
 *
 * How it is driven: put received bytes into dialogue_client_in()/dialogue_server_in(), tell events
 * by the calls below, then call dialogue_run(); afterwards send what stands in
 * client_out/server_out and carry out dialogue_wishes(). Whoever drains an output buffer calls
 * dialogue_run() again, since the dialogue stops working while there is no room. Every buffer is
 * bounded, and a full one is how the session knows to stop reading.
 */
#ifndef MAILSEAL_SMTP_DIALOGUE_H
#define MAILSEAL_SMTP_DIALOGUE_H

#include "config/policy.h"
#include "shim/base/buf.h"
#include "shim/smtp/warm.h"

#include <stdbool.h>
#include <stdint.h>

#define DIALOGUE_RECIPIENTS 10	  /* recipients kept for the log; the rest is counted */
#define DIALOGUE_ADDRESS_SIZE 320 /* RFC 5321 4.5.3.1: 64 + 1 + 255 */

struct dialogue;

/* What came of one transaction, or of a connection that had none. For the log; valid during the
 * call only. */
struct dialogue_report {
	bool transaction;   /* false: the connection ended without one */
	const char *sender; /* path as the application wrote it, without <>; "" for bounces */
	const char *recipients[DIALOGUE_RECIPIENTS];
	unsigned recipient_count;		  /* all of them, also beyond the array */
	const char *refused[DIALOGUE_RECIPIENTS]; /* by policy, while others passed */
	unsigned refused_count;
	const char *refused_rule; /* as `rule`, for the first of them */
	uint64_t bytes;		  /* octets of content sent to the server */
	struct facts facts;
	struct verdict verdict;
	bool would_block; /* mode = observe let pass what enforce blocks */
	const char *rule; /* "require_tls by host \"x\", mailseal.conf:14", "" where nothing was
			     decided */
	struct overrides overrides; /* what the message asked for */
	const char *remark;	    /* what was doubtful about that; "" */
	const char *credentials;    /* what became of AUTH on the connection: "", "sent", "refused",
				       "would-block" */
	const char *credentials_rule; /* as `rule`: why the last two */
	const char *reply; /* the final reply that the application got, first line; "" if none */
	const char *note; /* why it ended: "", "connection lost", "protocol error: …", "attack: …",
			     "timeout: …" */
};

struct dialogue_settings {
	const struct policy *policy; /* outlives the dialogue */
	const char *server_name; /* for texts: the looked-up name, else the address; outlives the
				    dialogue */
	const char *own_name;	 /* EHLO argument where the application gives none: address literal,
				    e.g. "[192.0.2.1]" */
	bool early_replies;	 /* as in the policy, and this next hop did not disappoint lately */
	bool may_park;		 /* DIALOGUE_PARK may be wished */
	/*
	 * The connection is a warm one: the dialogue's from dialogue_new() on, unless that fails;
	 * NULL: it was made for this application. `reset_due`: the reply to RSET is still to come.
	 */
	struct warm *warm;
	bool reset_due;
	void (*report)(void *context, const struct dialogue_report *report);
	/* The server refused a MAIL that the application had its 250 for: this next hop is not to
	 * be trusted with early replies for a while. May be NULL. */
	void (*disappointed)(void *context);
	/*
	 * NULL: none. What is said, one command, reply or event at a time, without credentials and
	 * content: "app>", ">server", "<server", "<app", and "-" for events. Not yet escaped.
	 */
	void (*trace)(void *context, const char *direction, const char *text);
	void *context;
};

/* NULL without memory. */
struct dialogue *dialogue_new(const struct dialogue_settings *settings);
/* Reports what is still unreported, frees. */
void dialogue_free(struct dialogue *d);

struct buf *dialogue_client_in(struct dialogue *d);
struct buf *dialogue_client_out(struct dialogue *d);
struct buf *dialogue_server_in(struct dialogue *d);
struct buf *dialogue_server_out(struct dialogue *d);

/* Events. Each is followed by dialogue_run(). */
void dialogue_client_eof(struct dialogue *d); /* the application will send no more */
void dialogue_server_eof(struct dialogue *d); /* after all its bytes were put into server_in */
void dialogue_server_lost(struct dialogue *d,
	const char *why); /* reset, TLS record error: what was read before still counts */
/* Of all that passed through server_out only the first `sent` octets were written; the rest never
 * will be. */
void dialogue_server_cut(struct dialogue *d, uint64_t sent);
void dialogue_tls_up(struct dialogue *d, const struct facts *facts);
void dialogue_tls_failed(struct dialogue *d, const char *why);
/* In place of tls_failed, once at most: the fault may be ours, so the server is asked for TLS once
 * more, on a fresh connection. False where no handshake is awaited. */
bool dialogue_tls_again(struct dialogue *d);
void dialogue_residue(struct dialogue *d); /* bytes between the 220 to STARTTLS and the handshake */
void dialogue_reconnected(
	struct dialogue *d); /* the fresh connection stands; server_in/out start empty */
void dialogue_reconnect_failed(struct dialogue *d, const char *why);
void dialogue_timeout(struct dialogue *d); /* dialogue_patience() ran out */
void dialogue_stop(struct dialogue
		*d); /* the agent is ending: no new transaction; finish the outstanding reply */

void dialogue_run(struct dialogue *d);

/* Wishes: a set, renewed by each dialogue_run(). START_TLS and RECONNECT stand until they are
 * answered. */
#define DIALOGUE_START_TLS                                                                         \
	0x01u /* server_out first, look for residue once more, then handshake; answer by           \
		 tls_up/tls_failed/residue */
#define DIALOGUE_RECONNECT                                                                         \
	0x02u /* drop the server connection; a fresh TCP connection, no TLS; answer by             \
		 reconnected/reconnect_failed */
#define DIALOGUE_CLOSE_SERVER                                                                      \
	0x04u /* server_out first, then close (close_notify where TLS); nothing more comes or goes \
	       */
#define DIALOGUE_ABORT_SERVER                                                                      \
	0x08u /* close at once, server_out unsent (attack, protocol error)                         \
	       */
#define DIALOGUE_CLOSE_CLIENT                                                                      \
	0x10u /* client_out first, then shutdown(SHUT_WR); read to EOF and discard */
#define DIALOGUE_HAND_OVER                                                                         \
	0x80u /* client_out first, then the dialogue is done: what both sides say now is the       \
		 application's own TLS, to be relayed as long as it looks like it */
#define DIALOGUE_MAY_RECONNECT                                                                     \
	0x100u /* RECONNECT may still come, though the server's connection is being closed */
#define DIALOGUE_PARK                                                                              \
	0x200u /* keep the server's connection for the next application, by dialogue_warm(), or    \
		  end it by QUIT; this dialogue is done with it. Beside RECONNECT: before that */
#define DIALOGUE_READ_CLIENT 0x20u /* there is use for more bytes */
#define DIALOGUE_READ_SERVER 0x40u
unsigned dialogue_wishes(const struct dialogue *d);

/* What the next application has to know of the connection; the caller's. NULL: it cannot be kept.
 */
struct warm *dialogue_warm(struct dialogue *d);

/* While it wants RECONNECT: does the application greet as this one was greeted? Then it may be
 * offered instead, as in the settings. */
bool dialogue_would_take(const struct dialogue *d, const struct warm *warm);
void dialogue_offered(struct dialogue *d, struct warm *warm, bool reset_due);

/* Seconds that what is awaited may take (RFC 5321 4.5.3.2), from the last progress on; 0: for ever.
 */
unsigned dialogue_patience(const struct dialogue *d);

#endif
