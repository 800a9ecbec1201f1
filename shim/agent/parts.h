/*
 * parts: the inside of a session, shared by its files and nobody else.
 *
 *   opening.c   the request, and connecting
 *   session.c   life: the turn, the timer, the end
 *   server.c    the server's side: handshake, fresh connection, closing
 *   client.c    the application's side: closing
 *   parking.c   connections that outlive a session
 *   relay.c     intercept = false
 *   resumption.c  whether a TLS session is resumed, and by what key
 *   own_tls.c   the application's own STARTTLS
 *   report.c    what is logged
 */
#ifndef MAILSEAL_AGENT_PARTS_H
#define MAILSEAL_AGENT_PARTS_H

#include "shim/agent/agent.h"
#include "shim/agent/connect.h"
#include "shim/agent/handover.h"
#include "shim/agent/key.h"
#include "shim/agent/pool.h"
#include "shim/agent/session.h"
#include "shim/agent/stream.h"
#include "shim/smtp/dialogue.h"
#include "shim/tls/records.h"
#include "shim/tls/sessions.h"

#define NEVER UINT64_MAX
#define SERVER_LINGER_S 10 /* after our end: until the server's */
#define CLIENT_LINGER_S 30

enum stage {
	STAGE_CONNECTING,
	STAGE_DIALOGUE,
	STAGE_RELAY,
	STAGE_OWN_TLS,
};

/* One side's way to its end. */
enum leg {
	LEG_UP,
	LEG_SHAKING,	  /* server: handshake */
	LEG_RECONNECTING, /* server: the fresh connection is being made */
	LEG_ENDING,	  /* what is left is being sent */
	LEG_LINGERING,	  /* we ended; reading to the other's end */
	LEG_GONE,
};

/* What was seen of the application's own TLS. */
struct own {
	bool client_hello, server_hello; /* and what came so far may pass */
	bool denied;			 /* the server answered by an alert: it ends behind that */
	struct records from_client, from_server;
	const char *note; /* why it was ended, static; NULL: it was not */
};

struct session {
	struct lane *lane;
	struct session *next, **link;
	unsigned long long number;
	enum stage stage;
	struct stream client, server;
	enum leg client_leg, server_leg;
	bool client_eof_told, server_eof_told;
	size_t in_vain; /* octets that the application said after the end */
	struct task task;
	struct timer timer;
	uint64_t progress;			   /* when something moved last */
	uint64_t client_deadline, server_deadline; /* of lingering; NEVER */
	/* connecting */
	int channel;	/* request socket, -1 once the outcome was sent */
	int tcp, plain; /* as they came with the request; -1 once they are in use */
	int tcp_flags;
	struct handoff_request head;
	struct endpoint to, peer;
	/* what is known */
	char **names;
	unsigned name_count;
	char *mx_domain; /* whose MX records name the host, or NULL; display only */
	struct policy policy;
	struct edition *edition;     /* of the rules; held */
	struct tls_context *context; /* held, or NULL */
	struct tls_session_key resumption_key;
	/* a connection that another session left, or that is left to another one */
	struct key *key;       /* NULL: neither */
	struct parked *parked; /* until the dialogue begins */
	bool reused;	       /* it was made for another session */
	uint64_t kept_until;   /* and nobody's from then on, unless it is used */
	uint64_t tls_since;
	struct dialogue *dialogue;
	struct buf to_client, to_server; /* relay, the application's own TLS */
	uint64_t relayed;
	uint64_t traced_since; /* 0: not traced yet */
	unsigned traced_lines, traced_octets;
	struct own own;
	int likeness; /* unconnected, for a fresh connection once this one is closed; or -1 */
	char own_name[64];
	char address[64];	  /* of the peer, with port, for the log */
	char address_literal[64]; /* the same for replies (RFC 5321 4.1.3) */
	const char *server_name;
	struct tls_facts tls; /* for the log; protocol "" without TLS */
	pid_t pid;
	uid_t uid;
	gid_t gid;
	char *exe;  /* NULL without memory for it */
	char *unit; /* NULL: the agent's own, or without memory */
};

/* session.c */
void session_wake(struct session *s);
void session_turn(void *context);
void session_timer(void *context);
void session_free(struct session *s);

/* opening.c */
void opening_turn(struct session *s);
void opening_clear(struct session *s);			     /* what the request told */
void opening_find_demands(struct session *s);		     /* the policy for s->peer */
int opening_find_policy(struct session *s, struct err *err); /* and its TLS context */
/*
 * The connection did not come about, and the session ends. `told`: the acknowledgement was sent, so
 * this is the outcome, and the caller, who kept no copy of the TCP socket, gets it back. Otherwise
 * the answer promises that ours is closed.
 */
void opening_failed(struct session *s, int error, bool told, const char *why);

/* server.c: each carries out what can be carried out now; true if something happened. */
bool server_take_in(struct session *s, unsigned wishes);
bool server_put_out(struct session *s);
bool server_obey(struct session *s, unsigned wishes);
void server_close(struct session *s);
bool server_hangs(struct session *s); /* true: it is tried otherwise */

/* client.c */
bool client_take_in(struct session *s, unsigned wishes);
bool client_put_out(struct session *s);
bool client_obey(struct session *s, unsigned wishes);
void client_close(struct session *s);

/* resumption.c */
void resumption_offer(struct session *s); /* before the handshake */
/* The handshake failed or hangs: true if it is tried once more, in full. */
bool resumption_failed(struct session *s);
/* What resumed without proof of the server was not good enough. */
void resumption_not_enough(struct session *s);

/* parking.c */
void parking_note(struct session *s, int tcp); /* before connect() */
bool parking_take(struct session *s, int tcp); /* true: `tcp` is the session's, unconnected */
bool parking_take_another(struct session *s);  /* in place of the one that did not suit */
void parking_leave(struct session *s);	       /* by QUIT, if another session made it */
int parking_unconnected(struct session *s);    /* gives it back; the other one is closed */
void parking_settings(const struct session *s, struct dialogue_settings *settings);
void parking_begun(struct session *s); /* the dialogue, with those settings */
void parking_clear(struct session *s);
bool parking_put(struct session *s); /* true: the server's connection is no longer ours */
void parking_settle(struct session *s, unsigned wishes);

/* relay.c */
bool relay_turn(struct session *s);
bool relay_put(struct session *s, struct stream *from, struct stream *to, struct buf *b);
bool relay_is_over(const struct session *s);

/* own_tls.c */
void own_tls_begin(struct session *s);
bool own_tls_turn(struct session *s);
void own_tls_end(struct session *s, const char *note); /* static text */
unsigned own_tls_patience(const struct session *s);    /* seconds */

/* report.c */
void report_program(struct session *s); /* learns which it is, while it is there */
void report_dialogue(void *context, const struct dialogue_report *report);
void report_relay(struct session *s);
void report_trace(void *context, const char *direction, const char *text);
void report_own_tls(const struct session *s);
void report_refused(struct session *s, int error, const char *why);
/* A caller that got no session; `r` NULL, or decoded only if its magic is right. */
void report_caller(
	struct agent *agent, const struct ucred *peer, const struct request *r, const char *why);
void report_address(const struct sockaddr_storage *ss, bool port, char *out, size_t size);

#endif
