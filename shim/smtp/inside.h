/*
 * inside: the dialogue's own state, shared by its files and nobody else.
 *
 *   dialogue.c     life, events, the run loop, wishes
 *   patience.c     how long what is awaited may take
 *   upgrade.c      from the greeting to the decision: EHLO, STARTTLS, handshake, fresh connection
 *   starttls.c     the application's own STARTTLS
 *   warm.c         a connection that goes on from one application to the next
 *   request.c      what the application says, and commands that are no transaction's
 *   alone.c        the same without a server
 *   transaction.c  MAIL, RCPT and DATA, and what is held of them
 *   early.c        what is answered while the server's answer is still to come
 *   message.c      content: its header, and what becomes of it
 *   replay.c       a held envelope goes to the server after all
 *   answer.c       what the server says once the decision fell; how everything ends
 *   verdict.c      our own replies that tell a verdict
 *   report.c       what is kept for the log
 *   trace.c        the dialogue itself, for the log where it is asked for
 */
#ifndef MAILSEAL_SMTP_INSIDE_H
#define MAILSEAL_SMTP_INSIDE_H

#include "shim/smtp/command.h"
#include "shim/smtp/content.h"
#include "shim/smtp/dialogue.h"
#include "shim/smtp/envelope.h"
#include "shim/smtp/header.h"
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
	/* the application said STARTTLS itself: the octets behind the server's 220 are its own */
	PHASE_OWN_RECONNECT,
	PHASE_OWN_GREETING,
	PHASE_OWN_EHLO,
	PHASE_OWN_STARTTLS,
	PHASE_OWN_TLS, /* the server's 220 was passed on: the session relays */
	PHASE_OVER,
};

/* What the client's octets are. */
enum speech {
	SPEECH_COMMANDS,
	SPEECH_AWAITING_DATA, /* after DATA: nothing is read until the server's 354 */
	SPEECH_CONTENT,
	SPEECH_HEADER,	      /* content whose header decides what becomes of it: kept in `head` */
	SPEECH_HELD,	      /* the server is being asked to take it: nothing is read */
	SPEECH_DISCARD,	      /* content that is refused: swallowed up to its end */
	SPEECH_AWAITING_AUTH, /* after AUTH or one of its lines: nothing is read until the reply */
	SPEECH_AUTH,	      /* after 334: one opaque line */
	SPEECH_BDAT,	      /* octets of a refused chunk */
	SPEECH_LONG_LINE,     /* the rest of a line that was too long */
	SPEECH_OVER,	      /* after QUIT */
};

/* What became of the last AUTH, for the log. */
enum credentials_fate {
	CREDENTIALS_NONE,
	CREDENTIALS_SENT,
	CREDENTIALS_OBSERVED, /* sent, because mode = observe */
	CREDENTIALS_REFUSED,
};

/* Who made the greeting that is under way. */
enum greeter { GREETER_NONE, GREETER_EHLO, GREETER_HELO, GREETER_OURS };

/* What the connection is, where it was not made for this application: see warm.c. */
enum warm_state { WARM_NO, WARM_OFFERED, WARM_UNPROVEN, WARM_RENEWED, WARM_GIVEN_UP };

struct warmth {
	enum warm_state state;
	struct warm *known; /* owned; NULL: it cannot be kept */
	bool used;	    /* the server took a message on it */
	bool unfit;	    /* something was refused, or may have changed the server's mind */
	struct buf sent;    /* while UNPROVEN: what was said and is not answered */
	uint64_t sent_from; /* where in server_out that begins */
};

/* Addresses for the log: the first few, and how many there were. */
struct address_list {
	char *address[DIALOGUE_RECIPIENTS]; /* owned */
	unsigned count;
};

struct transaction {
	bool begun;
	char *sender; /* owned */
	struct address_list recipients;
	struct address_list refused; /* by policy, while others passed */
	bool judged;
	struct judgement judgement; /* of what passed, or, if nothing did, of what was refused */
	struct judgement refused_judgement; /* of the first recipient in `refused` */
	struct overrides overrides;	    /* what the message asked for */
	const char *remark;		    /* about its header; static */
	uint64_t bytes;
	char *reply; /* owned; NULL for none */
};

/* What is kept back of a transaction. */
struct held {
	struct buf lines; /* MAIL, then each RCPT, with CRLF */
	size_t replayed;  /* octets of `lines` that were sent again */
	size_t answered;  /* octets of `lines` whose replies came */
	unsigned recipients;
	bool opening;	       /* the held MAIL was sent ahead of its first recipient */
	bool mail_may_go;      /* it only waits to share a packet with its first recipient */
	char *mail_refusal;    /* how the server refused it, with CRLF: answers every RCPT; owned */
	struct buf head;       /* content read before the decision */
	size_t head_octets;    /* of the application's that were read for it */
	bool content_ended;    /* the final dot stands in `head`, or was swallowed */
	struct buf refusals;   /* lines for the final reply: what the server refused on replay */
	bool refused_for_good; /* one of them was 5yz */
	bool sender_refused;
	struct buf final; /* the reply to the end of refused content, complete */
};

/* Up to where it was told, as positions in the buffers; `taken` and `heard`: one more, of the last
 * line and reply that was looked at. */
struct trace {
	uint64_t taken, sent, heard, shown;
	bool secret; /* the server may repeat something */
};

struct dialogue {
	struct dialogue_settings settings;
	struct trace trace;
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
	bool no_esmtp;		 /* the application was told that the server knows no EHLO */
	bool pipelining;	 /* the server offers it, where this connection stands now */
	bool server_has_mail;	 /* it took one, and may have it still */
	bool again, tried_again; /* a fresh connection is to be asked for TLS; it was */
	bool credentials;	 /* the application has sent some */
	enum credentials_fate credentials_fate;
	bool credentials_untold; /* no report since */
	bool judged;
	bool watched; /* some envelope may be forbidden on this connection */
	bool obeys;   /* some message may forbid itself on this connection */
	struct facts facts;
	struct judgement judgement; /* of the connection, before sender and recipient are known */
	struct envelope envelope;
	struct held held;
	struct content content;
	struct header header;
	bool in_header; /* the content's header is not over */
	uint64_t bdat_left;
	char *hello;	  /* the argument of EHLO or HELO; owned, NULL before */
	struct buf shown; /* the reply to EHLO in the clear, as the application may see it */
	struct warmth warm;
	struct transaction transaction;
	unsigned transactions; /* reported so far */
	char *note;	       /* why it ends; owned, NULL for nothing to tell */
	char *lost; /* how the server's connection was lost; owned, NULL for a plain close */
};

#define HEAD_MAX (256u * 1024) /* octets of content that are read for the decision at most */
#define HEAD_SLACK 4160u

/* Room that must be free before anything is taken up that may write. */
#define CLIENT_OUT_ROOM (REPLY_MAX + 2048)
#define SERVER_OUT_ROOM (COMMAND_LINE_MAX + AUTH_LINE_MAX + 16) /* a held MAIL goes first */

/* dialogue.c */
void enter_phase(struct dialogue *d, enum phase phase);
void send_command(struct dialogue *d, const char *verb, const char *argument); /* may be NULL */
void put_server(
	struct dialogue *d, const char *bytes, size_t n); /* without memory: both sides end */
void put_client(struct dialogue *d, const char *bytes, size_t n);
void await(struct dialogue *d, enum awaited what); /* the reply to what was just put */

/* upgrade.c */
void upgrade_begin(struct dialogue *d, enum greeter greeter, const char *argument, size_t length);
bool upgrade_keep_hello(struct dialogue *d, const char *argument, size_t length); /* or it ends */
void upgrade_reply(struct dialogue *d, const struct reply *reply);
void upgrade_judge(struct dialogue *d);
/* The facts of a warm connection: false where policy, asked again, does not stay on it. */
bool upgrade_again(struct dialogue *d, const struct facts *facts);

/* starttls.c */
bool starttls_take(struct dialogue *d, const struct command *command); /* false: it stays */
bool starttls_under_way(const struct dialogue *d);
bool starttls_may_come(const struct dialogue *d); /* and be accepted, while the relay is alone */
bool starttls_step(struct dialogue *d);		  /* what the application says meanwhile */
void starttls_reply(struct dialogue *d, const struct reply *reply);
bool starttls_shown(const struct dialogue *d, const struct reply *reply); /* to EHLO */
bool starttls_shown_alone(const struct dialogue *d);

/* warm.c */
void warm_begin(struct dialogue *d, struct warm *known, bool reset_due);
bool warm_take(struct dialogue *d, const struct command *command); /* OFFERED; false: it stays */
void warm_keep_greeting(struct dialogue *d, const struct reply *reply);
void warm_keep_hello(struct dialogue *d, const struct reply *reply);
bool warm_may_park(const struct dialogue *d);  /* instead of QUIT, once all is answered */
bool warm_park(struct dialogue *d);	       /* false: not now; ask again whether it may */
bool warm_put_back(struct dialogue *d);	       /* true: at an end without QUIT, nothing said */
void warm_note_other(struct dialogue *d);      /* a command that is not for mail goes out */
void warm_note_reset(struct dialogue *d);      /* RSET went out */
bool warm_was_reset(const struct dialogue *d); /* and is the last that the server was told */
/* The server is gone, or as good as gone. True: a fresh connection is on its way. */
bool warm_lost(struct dialogue *d);
bool warm_late(struct dialogue *d);		      /* the same for a reply that does not come */
bool warm_leaves_for_credentials(struct dialogue *d); /* true: AUTH stays */
bool warm_renews(const struct dialogue *d);	      /* and the application has to wait */
void warm_over(struct dialogue *d);		      /* it is like any other */
void warm_note_sent(struct dialogue *d, const char *bytes, size_t n);
void warm_note_reply(struct dialogue *d, enum awaited what, int code);
/* What happens to a fresh connection in place of a warm one. False: it is not that. */
bool warm_reply(struct dialogue *d, const struct reply *reply);
bool warm_tls_up(struct dialogue *d, const struct facts *before);
bool warm_tls_failed(struct dialogue *d, const char *why);

/* transaction.c: MAIL, RCPT, DATA. False: the line stays, and is read again later. */
bool transaction_mail(struct dialogue *d, const struct line *line, const struct command *command);
bool transaction_recipient(
	struct dialogue *d, const struct line *line, const struct command *command);
bool transaction_data(struct dialogue *d, const struct line *line, const struct command *command);
bool transaction_waits(const struct dialogue *d); /* no command can be taken now */
void transaction_send_mail(struct dialogue *d);	  /* what is held; the application has its 250 */
void transaction_mail_replied(struct dialogue *d, const struct reply *reply, bool held);
void transaction_over(struct dialogue *d); /* reports it, and forgets what is held */
void transaction_clear_held(struct dialogue *d);
void refuse_data_before_content(struct dialogue *d); /* what follows may be content: never read it
							as commands */

/* early.c */
void early_learn(struct dialogue *d, const struct reply *reply); /* a 250 to EHLO or HELO */
bool early_may(const struct dialogue *d); /* is this a server, and a moment, for early replies? */
/* Where a MAIL is held that the reply to this command may depend on, it goes first. */
void early_before(struct dialogue *d, const struct command *command);
bool early_data(struct dialogue *d, const struct line *line); /* false: nothing was done */
void early_disappointed(struct dialogue *d);		      /* an early 250 turned out wrong */

/* message.c */
void message_begin(struct dialogue *d, enum speech speech); /* the application got its 354 */
bool message_step(struct dialogue *d);			    /* takes content from client_in */
void message_refuse(struct dialogue *d); /* held.final is the reply once all of it is swallowed */
/* The server goes away. True where refused content is being swallowed: the refusal is told all the
 * same. */
bool message_outlives_server(struct dialogue *d);
void message_goes(struct dialogue *d); /* the server said 354: what is held may go */

/* replay.c */
void replay_begin(struct dialogue *d);
void replay_replied(struct dialogue *d, const struct reply *reply);
void replay_data_replied(struct dialogue *d, const struct reply *reply);
void replay_reset(struct dialogue *d); /* RSET, its reply for nobody */

/* request.c: takes one thing from client_in; false when nothing can be taken now. */
bool request_step(struct dialogue *d);
bool request_waits(const struct dialogue *d); /* a whole line stands in client_in */
void forward(struct dialogue *d, const struct line *line, enum awaited what);
void refuse_unsupported(struct dialogue *d);
void refuse_credentials(struct dialogue *d);

/* alone.c */
void command_alone(struct dialogue *d, const struct command *command);

/* answer.c */
void answer_reply(struct dialogue *d, const struct reply *reply);
void relay(struct dialogue *d, const struct reply *reply); /* the server's words, cleaned */
void relay_hello(
	struct dialogue *d, const struct reply *reply, bool single); /* a 250 to EHLO, filtered */
int show_hello(const struct dialogue *d, const struct reply *reply, bool single, struct buf *out);
void answer_own(struct dialogue *d, bool last, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void answer_prepared(struct dialogue *d, const char *reply); /* clean, with CRLF */
void answer_flush(struct dialogue *d);
void end(struct dialogue *d, unsigned server_wish);
void end_after_client_out(struct dialogue *d);
void end_protocol_error(struct dialogue *d, const char *why);
void end_attack(struct dialogue *d, const char *why);
void end_lost(struct dialogue *d, const char *why);
void end_with_reply(struct dialogue *d, const char *enhanced, const char *why);

/* verdict.c */
void answer_verdict(struct dialogue *d, enum verb verb, const struct verdict *verdict);
void answer_alone_hello(struct dialogue *d, bool esmtp); /* EHLO or HELO where no mail can pass */
void answer_separate(struct dialogue *d);    /* 452 to a recipient that does not fit the others */
void answer_credentials(struct dialogue *d); /* protect_credentials refuses AUTH */
/* The same as answer_verdict() to the end of the content, but into `out`. */
int verdict_write(const struct dialogue *d, const struct verdict *verdict, struct buf *out);

/* report.c */
void report_mail(struct dialogue *d, const struct command *command);
void report_recipient(struct dialogue *d, const struct command *command);
void report_unannounced(struct dialogue *d); /* content or a recipient goes without a MAIL */
void report_refused_recipient(
	struct dialogue *d, const struct command *command, const struct judgement *judgement);
void report_judgement(struct dialogue *d, const struct judgement *judgement);
void report_reply(struct dialogue *d, const char *line, bool final);
void report_transaction(struct dialogue *d);
void report_connection(struct dialogue *d);
/* Which setting of which section decided; without a verdict that blocks: what require_tls says. */
void rule_describe(
	const struct dialogue *d, const struct judgement *judgement, char *out, size_t size);
void note_set(struct dialogue *d, const char *kind, const char *why);

/* trace.c: nothing where it is not asked for, at the cost of asking */
void trace_command_tell(struct dialogue *d, const struct line *line);
void trace_sent_tell(struct dialogue *d, enum awaited what);
void trace_heard_tell(struct dialogue *d, const struct reply *reply);
void trace_shown_tell(struct dialogue *d, bool passing);
void trace_credentials(struct dialogue *d); /* a line after 334 */
void trace_afresh(struct dialogue *d);
void trace_note(struct dialogue *d, const char *direction, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Before it is taken. */
static inline void trace_command(struct dialogue *d, const struct line *line)
{
	if (d->settings.trace)
		trace_command_tell(d, line);
}

/* It was just put. */
static inline void trace_sent(struct dialogue *d, enum awaited what)
{
	if (d->settings.trace)
		trace_sent_tell(d, what);
}

/* Before it is taken. */
static inline void trace_heard(struct dialogue *d, const struct reply *reply)
{
	if (d->settings.trace)
		trace_heard_tell(d, reply);
}

/* It was just put; `passing`: it is the server's, not our own. */
static inline void trace_shown(struct dialogue *d, bool passing)
{
	if (d->settings.trace)
		trace_shown_tell(d, passing);
}

#endif
