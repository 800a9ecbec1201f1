/*
 * relay: the real dialogue between a scripted application and a strict, well-behaved mail server.
 * All that the server ever hears is kept, with how it came there and how much the application had
 * said by then; so are all replies. Shared by the tests that hold the dialogue against a policy.
 *
 * What the server does to an address or a transaction stands in the local part: m4- m5- m2- (450,
 * 550, 552 to MAIL), r4- r5- (450, 550 to RCPT), d4- (451 to DATA), f5- (554 to the content).
 */
#ifndef MAILSEAL_TEST_RELAY_H
#define MAILSEAL_TEST_RELAY_H

#include "shim/base/buf.h"
#include "shim/smtp/dialogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RELAY_HEARD 96
#define RELAY_REPLIES 64
#define RELAY_REPORTS 8
#define RELAY_SERVER "mx.b.example"

/* One command line without its CRLF, or one message with its final dot. */
struct heard {
	bool content, tls;
	unsigned connection;
	unsigned fed;	   /* whole lines that the application had said before */
	size_t at, length; /* in `wire` */
};

struct relay_reply {
	int code;
	bool own;	/* mailseal's, not the server's */
	char text[520]; /* the first line, and behind it the others */
};

struct relay_report {
	bool transaction, would_block;
	enum outcome outcome;
	unsigned recipients, refused;
	uint64_t bytes;
	struct overrides overrides;
};

struct relay {
	struct dialogue *d;
	struct facts server; /* what it is like */
	bool pieces;	     /* octets arrive in pieces of random size, in random order */
	bool lf;	     /* the application ends its lines with LF alone */
	bool fails_once;     /* the first handshake fails by our own fault, and is made up for */
	uint64_t random;
	struct buf to_say, to_reply; /* of the application, of the server: not delivered yet */
	unsigned fed;

	/* the server */
	bool tls, again, in_data, has_mail, loses_data, loses_message;
	unsigned connection, recipients;
	size_t line; /* in `wire`, where the command or the message that is not over began */
	struct buf wire;
	struct heard heard[RELAY_HEARD];
	unsigned heard_count;

	/* the application */
	struct buf hears;
	struct relay_reply reply[RELAY_REPLIES];
	unsigned reply_count;
	struct relay_report report[RELAY_REPORTS];
	unsigned report_count;
	bool closed;
	const char *broken; /* what the server or the harness could not take; NULL */
};

static inline unsigned relay_random(struct relay *r, unsigned below)
{
	r->random = r->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((r->random >> 33) % below);
}

static inline void relay_on_report(void *context, const struct dialogue_report *report)
{
	struct relay *r = context;

	if (r->report_count == RELAY_REPORTS)
		return;
	r->report[r->report_count++] = (struct relay_report){
		.transaction = report->transaction,
		.would_block = report->would_block,
		.outcome = report->verdict.outcome,
		.recipients = report->recipient_count,
		.refused = report->refused_count,
		.bytes = report->bytes,
		.overrides = report->overrides,
	};
}

/* --- the server --- */

static inline void relay_server_says(struct relay *r, const char *text)
{
	if (buf_append_text(&r->to_reply, text) < 0)
		r->broken = "the server's replies do not fit";
}

static inline void relay_reset_server(struct relay *r)
{
	r->has_mail = r->loses_data = r->loses_message = false;
	r->recipients = 0;
}

static inline void relay_hello(struct relay *r, bool extended)
{
	bool offers = !r->tls && r->connection == 0 && r->server.tls != TLS_FACT_NOT_OFFERED;

	relay_reset_server(r);
	if (!extended)
		relay_server_says(r, "250 srv\r\n");
	else if (offers)
		relay_server_says(r, "250-srv\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 SIZE\r\n");
	else
		relay_server_says(r, "250-srv\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n");
}

static inline void relay_mail(struct relay *r, const char *line)
{
	if (r->has_mail) {
		relay_server_says(r, "503 5.5.1 srv nested\r\n");
	} else if (strstr(line, "m4-")) {
		relay_server_says(r, "450 4.2.0 srv later\r\n");
	} else if (strstr(line, "m5-")) {
		relay_server_says(r, "550 5.2.0 srv no\r\n");
	} else if (strstr(line, "m2-")) {
		relay_server_says(r, "552 5.3.4 srv big\r\n");
	} else {
		r->has_mail = true;
		r->loses_data = strstr(line, "d4-") != NULL;
		r->loses_message = strstr(line, "f5-") != NULL;
		relay_server_says(r, "250 2.1.0 srv sender\r\n");
	}
}

static inline void relay_recipient(struct relay *r, const char *line)
{
	if (!r->has_mail) {
		relay_server_says(r, "503 5.5.1 srv order\r\n");
	} else if (strstr(line, "r4-")) {
		relay_server_says(r, "450 4.2.1 srv busy\r\n");
	} else if (strstr(line, "r5-")) {
		relay_server_says(r, "550 5.1.1 srv unknown\r\n");
	} else {
		r->recipients++;
		relay_server_says(r, "250 2.1.5 srv recipient\r\n");
	}
}

static inline void relay_data(struct relay *r)
{
	if (r->recipients == 0) {
		relay_server_says(r, "554 5.5.1 srv nobody\r\n");
	} else if (r->loses_data) {
		relay_server_says(r, "451 4.3.0 srv disk\r\n");
	} else {
		r->in_data = true;
		relay_server_says(r, "354 srv go\r\n");
	}
}

static inline void relay_command(struct relay *r, const char *line)
{
	if (strncasecmp(line, "EHLO", 4) == 0 || strncasecmp(line, "HELO", 4) == 0) {
		relay_hello(r, line[0] == 'E' || line[0] == 'e');
	} else if (strcmp(line, "STARTTLS") == 0) {
		relay_server_says(r, r->server.tls == TLS_FACT_REFUSED ? "454 4.7.0 srv not now\r\n"
								       : "220 srv go\r\n");
	} else if (strncmp(line, "MAIL ", 5) == 0) {
		relay_mail(r, line);
	} else if (strncmp(line, "RCPT ", 5) == 0) {
		relay_recipient(r, line);
	} else if (strcmp(line, "DATA") == 0) {
		relay_data(r);
	} else if (strcmp(line, "RSET") == 0) {
		relay_reset_server(r);
		relay_server_says(r, "250 2.0.0 srv reset\r\n");
	} else if (strncmp(line, "AUTH ", 5) == 0) {
		relay_server_says(r, "235 2.7.0 srv welcome\r\n");
	} else if (strncmp(line, "VRFY ", 5) == 0) {
		relay_server_says(r, "252 2.1.5 srv perhaps\r\n");
	} else if (strcmp(line, "QUIT") == 0) {
		relay_server_says(r, "221 2.0.0 srv bye\r\n");
	} else {
		relay_server_says(r, "500 5.5.2 srv what\r\n");
		r->broken = "the server heard a command that nobody gave";
	}
}

static inline bool relay_content_is_over(const struct relay *r)
{
	size_t n = buf_length(&r->wire) - r->line;
	const char *end = buf_bytes(&r->wire) + buf_length(&r->wire);

	return (n == 3 && memcmp(end - 3, ".\r\n", 3) == 0) ||
	       (n >= 5 && memcmp(end - 5, "\r\n.\r\n", 5) == 0);
}

static inline void relay_hears(struct relay *r)
{
	size_t length = buf_length(&r->wire) - r->line;
	const char *start = buf_bytes(&r->wire) + r->line;
	struct heard heard = {
		.content = r->in_data,
		.tls = r->tls,
		.connection = r->connection,
		.fed = r->fed,
		.at = r->line,
		.length = length - (r->in_data ? 0 : 2),
	};
	char line[2100];

	if (r->heard_count == RELAY_HEARD) {
		r->broken = "the server heard too much";
		return;
	}
	r->heard[r->heard_count++] = heard;
	r->line += length;
	if (r->in_data) {
		r->in_data = false;
		relay_server_says(r,
			r->loses_message ? "554 5.6.0 srv spam\r\n" : "250 2.0.0 srv queued\r\n");
		relay_reset_server(r);
		return;
	}
	if (length < 2 || start[length - 2] != '\r' || length > sizeof(line)) {
		r->broken = "the server heard a line that does not end in CRLF";
		return;
	}
	snprintf(line, sizeof(line), "%.*s", (int)heard.length, start);
	relay_command(r, line);
}

static inline void relay_take_octets(struct relay *r, struct buf *out, size_t n)
{
	const char *bytes = buf_bytes(out);

	for (size_t i = 0; i < n && !r->broken;) {
		const char *lf = memchr(bytes + i, '\n', n - i);
		size_t run = lf ? (size_t)(lf - bytes) + 1 - i : n - i;

		if (buf_append(&r->wire, bytes + i, run) < 0)
			r->broken = "the wire is full";
		i += run;
		if (lf && (!r->in_data || relay_content_is_over(r)))
			relay_hears(r);
	}
	buf_consume(out, n);
}

/* --- the application --- */

static inline bool relay_is_last_line(const char *line, size_t n)
{
	return n < 4 || line[3] != '-';
}

static inline void relay_take_replies(struct relay *r)
{
	for (;;) {
		const char *bytes = buf_bytes(&r->hears), *p = bytes;
		size_t n = buf_length(&r->hears);
		const char *lf;
		struct relay_reply *reply = &r->reply[r->reply_count];

		while ((lf = n ? memchr(p, '\n', (size_t)(bytes + n - p)) : NULL) &&
			!relay_is_last_line(p, (size_t)(lf - p)))
			p = lf + 1;
		if (!lf)
			return;
		n = (size_t)(lf - bytes) + 1;
		if (r->reply_count == RELAY_REPLIES || n < 6) {
			r->broken = "the application got more than it can take";
			return;
		}
		reply->code = (int)strtol(bytes, NULL, 10);
		snprintf(reply->text, sizeof(reply->text), "%.*s", (int)n - 2, bytes);
		reply->own = !strstr(reply->text, " srv ") || strstr(reply->text, "mailseal: ");
		r->reply_count++;
		buf_consume(&r->hears, n);
	}
}

/* --- between them --- */

static inline size_t relay_piece(struct relay *r, size_t n)
{
	size_t size;

	if (!r->pieces || n == 0)
		return n;
	switch (relay_random(r, 4)) {
	case 0:
		return n;
	case 1:
		size = relay_random(r, 3);
		break;
	default:
		size = relay_random(r, n > 4000 ? 4000 : 40) + 1;
		break;
	}
	return size < n ? size : n;
}

static inline bool relay_deliver(struct relay *r, struct buf *from, struct buf *to, unsigned wish)
{
	size_t n = relay_piece(r, buf_length(from));
	const char *bytes = buf_bytes(from);

	if (!(dialogue_wishes(r->d) & wish))
		return false;
	if (n > buf_room(to))
		n = buf_room(to);
	if (n == 0 || buf_append(to, bytes, n) < 0)
		return false;
	for (size_t i = 0; i < n && from == &r->to_say; i++)
		r->fed += bytes[i] == '\n';
	buf_consume(from, n);
	return true;
}

static inline bool relay_collect(struct relay *r)
{
	struct buf *client = dialogue_client_out(r->d), *server = dialogue_server_out(r->d);
	size_t n = relay_piece(r, buf_length(server)), m = buf_length(client);

	if (m > 0) {
		if (buf_append(&r->hears, buf_bytes(client), m) < 0)
			r->broken = "replies do not fit";
		buf_consume(client, m);
		relay_take_replies(r);
	}
	if (dialogue_wishes(r->d) & DIALOGUE_ABORT_SERVER)
		buf_consume(server, buf_length(server));
	else
		relay_take_octets(r, server, n);
	return n > 0 || m > 0;
}

static inline bool relay_grant(struct relay *r)
{
	unsigned wishes = dialogue_wishes(r->d);
	struct facts facts = r->server;

	r->closed |= (wishes & DIALOGUE_CLOSE_CLIENT) != 0;
	if (wishes & DIALOGUE_RECONNECT) {
		r->tls = r->in_data = false;
		if (r->again) {
			/* nothing may differ from now on: as if this had been the first one */
			r->heard_count = 0;
			r->line = 0;
			buf_clear(&r->wire);
			r->again = false;
		} else {
			r->connection++;
		}
		relay_reset_server(r);
		buf_consume(&r->to_reply, buf_length(&r->to_reply));
		dialogue_reconnected(r->d);
		relay_server_says(r, "220 srv again\r\n");
		return true;
	}
	if (!(wishes & DIALOGUE_START_TLS) || buf_length(dialogue_server_out(r->d)) > 0 ||
		buf_length(&r->to_reply) > 0)
		return false;
	if (r->fails_once) {
		r->fails_once = false;
		r->again = dialogue_tls_again(r->d);
	} else if (facts.tls == TLS_FACT_HANDSHAKE_FAILED) {
		dialogue_tls_failed(r->d, facts.reason);
	} else {
		r->tls = true;
		relay_reset_server(r);
		dialogue_tls_up(r->d, &facts);
	}
	return true;
}

/* Is something under way that somebody wants to hear? */
static inline bool relay_is_busy(const struct relay *r)
{
	unsigned wishes = dialogue_wishes(r->d);

	return (buf_length(&r->to_say) > 0 && wishes & DIALOGUE_READ_CLIENT) ||
	       (buf_length(&r->to_reply) > 0 && wishes & DIALOGUE_READ_SERVER) ||
	       buf_length(dialogue_server_out(r->d)) > 0 ||
	       buf_length(dialogue_client_out(r->d)) > 0;
}

/* Until nobody has anything left to say, or the application has got so many replies. */
static inline void relay_run_to(struct relay *r, unsigned replies)
{
	unsigned idle = 0;

	while ((idle < 2 || relay_is_busy(r)) && !r->broken && r->reply_count < replies) {
		bool moved = false;

		if (!r->pieces || relay_random(r, 2))
			moved |= relay_deliver(
				r, &r->to_say, dialogue_client_in(r->d), DIALOGUE_READ_CLIENT);
		if (!r->pieces || relay_random(r, 2))
			moved |= relay_deliver(
				r, &r->to_reply, dialogue_server_in(r->d), DIALOGUE_READ_SERVER);
		dialogue_run(r->d);
		moved |= relay_collect(r);
		if (relay_grant(r)) {
			dialogue_run(r->d);
			moved = true;
		}
		idle = moved ? 0 : idle + 1;
	}
}

static inline void relay_run(struct relay *r)
{
	relay_run_to(r, RELAY_REPLIES + 1);
}

static inline void relay_say(struct relay *r, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n;) {
		const char *cr = r->lf ? memchr(bytes + i, '\r', n - i) : NULL;
		size_t run = cr ? (size_t)(cr - bytes) - i : n - i;

		if (buf_append(&r->to_say, bytes + i, run) < 0)
			r->broken = "the application says too much";
		i += run + (cr != NULL);
	}
}

/* A command, or several, and all that follows from it. */
static inline void relay_tell(struct relay *r, const char *lines)
{
	relay_say(r, lines, strlen(lines));
	relay_run(r);
}

/*
 * Up to the reply to EHLO. `policy` outlives the relay. Octets arrive whole, and as CRLF clients
 * say them, unless `pieces` or `lf`; no reply is given before the server's, unless `early`.
 */
static inline void relay_open(struct relay *r, const struct policy *policy,
	const struct facts *server, bool pieces, bool lf, bool early, uint64_t seed)
{
	struct dialogue_settings settings = {
		.policy = policy,
		.server_name = RELAY_SERVER,
		.own_name = "[192.0.2.1]",
		.early_replies = early,
		.report = relay_on_report,
		.context = r,
	};

	*r = (struct relay){.server = *server, .pieces = pieces, .lf = lf, .random = seed};
	r->fails_once = seed % 3 == 0;
	buf_init(&r->to_say, 1 << 20);
	buf_init(&r->to_reply, 1 << 16);
	buf_init(&r->wire, 1 << 21);
	buf_init(&r->hears, 1 << 16);
	r->d = dialogue_new(&settings);
	if (!r->d)
		abort();
	relay_server_says(r, "220 srv ready\r\n");
	relay_run(r);
	relay_tell(r, "EHLO app.example\r\n");
}

/* What was heard and said stays. */
static inline void relay_close_dialogue(struct relay *r)
{
	dialogue_free(r->d);
	r->d = NULL;
}

static inline void relay_close(struct relay *r)
{
	relay_close_dialogue(r);
	buf_clear(&r->to_say);
	buf_clear(&r->to_reply);
	buf_clear(&r->wire);
	buf_clear(&r->hears);
}

/* The reply to the n-th command, the greeting being the reply to the 0th; code 0: none came. */
static inline const struct relay_reply *relay_reply_to(const struct relay *r, unsigned n)
{
	static const struct relay_reply none = {.text = "(none)"};

	return n < r->reply_count ? &r->reply[n] : &none;
}

/* Does the n-th thing that the server heard read so? */
static inline bool relay_heard_is(
	const struct relay *r, unsigned n, const char *text, size_t length)
{
	const struct heard *heard = &r->heard[n];

	return n < r->heard_count && heard->length == length &&
	       memcmp(buf_bytes(&r->wire) + heard->at, text, length) == 0;
}

static inline bool relay_heard_anywhere(const struct relay *r, const char *text)
{
	return buf_length(&r->wire) > 0 &&
	       memmem(buf_bytes(&r->wire), buf_length(&r->wire), text, strlen(text)) != NULL;
}

#endif
