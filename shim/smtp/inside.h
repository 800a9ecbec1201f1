/*
 * inside: the dialogue's own state, shared by its files and nobody else.
 *
 *   dialogue.c  life, events, the run loop, wishes, patience
 *   upgrade.c   from the greeting to the decision: EHLO, STARTTLS, handshake, fresh connection
 *   request.c   what the application says
 *   answer.c    what the server says once the decision fell; how everything ends
 *   report.c    what is kept for the log
 */
#ifndef MAILSEAL_SMTP_INSIDE_H
#define MAILSEAL_SMTP_INSIDE_H

#include "shim/smtp/command.h"
#include "shim/smtp/content.h"
#include "shim/smtp/dialogue.h"
#include "shim/smtp/pending.h"
#include "shim/smtp/reply.h"

enum phase {
	PHASE_GREETING,	  /* the server's greeting is awaited */
	PHASE_READY,	  /* the application has not said who it is */
	PHASE_EHLO,	  /* EHLO was sent in the clear */
	PHASE_STARTTLS,	  /* STARTTLS was sent */
	PHASE_HANDSHAKE,  /* the session drives TLS */
	PHASE_RECONNECT,  /* the session makes a fresh connection */
	PHASE_REGREETING, /* the fresh connection's greeting is awaited */
	PHASE_HELLO, /* the greeting that counts was sent: inside TLS, or in the clear for good */
	PHASE_OPEN,  /* commands pass */
	PHASE_ALONE, /* policy blocks: no server any more, the relay answers by itself */
	PHASE_OVER,
};

/* What the client's octets are. */
enum speech {
	SPEECH_COMMANDS,
	SPEECH_AWAITING_DATA, /* after DATA: nothing is read until the server's 354 */
	SPEECH_CONTENT,
	SPEECH_AWAITING_AUTH, /* after AUTH or one of its lines: nothing is read until the reply */
	SPEECH_AUTH,	      /* after 334: one opaque line */
	SPEECH_BDAT,	      /* octets of a refused chunk */
	SPEECH_LONG_LINE,     /* the rest of a line that was too long */
	SPEECH_OVER,	      /* after QUIT */
};

/* Who made the greeting that is under way. */
enum greeter { GREETER_NONE, GREETER_EHLO, GREETER_HELO, GREETER_OURS };

struct transaction {
	bool begun;
	char sender[DIALOGUE_ADDRESS_SIZE];
	char *recipients[DIALOGUE_RECIPIENTS]; /* owned */
	unsigned recipient_count;
	uint64_t bytes;
	char reply[REPLY_TEXT_SIZE];
};

struct dialogue {
	struct dialogue_settings settings;
	struct buf client_in, client_out, server_in, server_out;
	struct pending pending;
	enum phase phase;
	enum speech speech;
	enum greeter greeter;
	unsigned wishes;
	bool client_eof, server_eof, stopping;
	uint64_t sent; /* octets of server_out that were written, if it was cut off; else UINT64_MAX
			*/
	bool lf_known, lf_client;
	bool no_esmtp;	  /* the application was told that the server knows no EHLO */
	bool credentials; /* the application has sent some */
	bool judged, would_block;
	struct facts facts;
	struct verdict verdict;
	struct content content;
	uint64_t bdat_left;
	char hello[COMMAND_LINE_MAX]; /* the argument of EHLO or HELO */
	struct buf shown; /* the reply to EHLO in the clear, as the application may see it */
	struct transaction transaction;
	unsigned transactions; /* reported so far */
	char note[160];
	char lost[128]; /* how the server's connection was lost, "" for a plain close */
};

/* Room that must be free before anything is taken up that may write. */
#define CLIENT_OUT_ROOM (REPLY_MAX + 2048)
#define SERVER_OUT_ROOM (AUTH_LINE_MAX + 16)

/* dialogue.c */
void enter_phase(struct dialogue *d, enum phase phase);
bool is_blocked(const struct dialogue *d);
void send_command(struct dialogue *d, const char *verb, const char *argument);
void put_server(
	struct dialogue *d, const char *bytes, size_t n); /* without memory: both sides end */
void put_client(struct dialogue *d, const char *bytes, size_t n);
void await(struct dialogue *d, enum awaited what); /* the reply to what was just put */

/* upgrade.c */
void upgrade_begin(struct dialogue *d, enum greeter greeter, const char *argument, size_t length);
void upgrade_reply(struct dialogue *d, const struct reply *reply);
void upgrade_judge(struct dialogue *d);

/* request.c: takes one thing from client_in; false when nothing can be taken now. */
bool request_step(struct dialogue *d);
bool request_waits(const struct dialogue *d); /* a whole line stands in client_in */

/* answer.c */
void answer_reply(struct dialogue *d, const struct reply *reply);
void relay(struct dialogue *d, const struct reply *reply); /* the server's words, cleaned */
void relay_hello(
	struct dialogue *d, const struct reply *reply, bool single); /* a 250 to EHLO, filtered */
void answer_own(struct dialogue *d, bool last, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void answer_verdict(struct dialogue *d, enum verb verb);
void answer_credentials(struct dialogue *d); /* protect_credentials refuses AUTH */
void answer_flush(struct dialogue *d);
void end(struct dialogue *d, unsigned server_wish);
void end_after_client_out(struct dialogue *d);
void end_protocol_error(struct dialogue *d, const char *why);
void end_attack(struct dialogue *d, const char *why);
void end_lost(struct dialogue *d, const char *why);
void end_with_reply(struct dialogue *d, const char *enhanced, const char *why);

/* report.c */
void report_mail(struct dialogue *d, const struct command *command);
void report_recipient(struct dialogue *d, const struct command *command);
void report_reply(struct dialogue *d, const char *line, bool final);
void report_transaction(struct dialogue *d);
void report_connection(struct dialogue *d);
void rule_describe(const struct dialogue *d, char *out, size_t size);
void note_set(struct dialogue *d, const char *kind, const char *why);

#endif
