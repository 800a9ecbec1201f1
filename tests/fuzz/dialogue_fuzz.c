/*
 * The dialogue under arbitrary bytes and events, held against what must always be true:
 *   - under require_tls nothing but EHLO, HELO, NOOP, RSET, STARTTLS and QUIT goes out before TLS
 * stands with a valid certificate;
 *   - no octet goes to the server between STARTTLS and the handshake's end;
 *   - where some mail may be blocked no MAIL goes before the application named a recipient;
 *   - no address of a recipient that policy blocks, whatever its message says, reaches the server;
 *   - one that only a message's header can save does not reach it before that header;
 *   - a field of mailseal's own never reaches it;
 *   - the connection is handed over only to an application that said STARTTLS, where policy lets
 * it, with the server's 220 as the last word, and nothing said behind it;
 *   - nothing goes to the server between DATA and its 354;
 *   - of what the server accepts, only a sender and a recipient that are held are told before it
 * did;
 *   - it counts as a disappointment only if the server refused a MAIL, with early replies;
 *   - a connection is kept for the next application only if nothing is under way on it, nothing was
 * refused, and no AUTH was sent; one that was kept gets no AUTH before MAIL or another greeting;
 *   - buffers stay bounded, every run ends.
 *
 * The first octet chooses the configuration, with 0x20 a warm connection, with 0x40 early replies,
 * and with 0x80 a server that follows the protocol (it offers PIPELINING where the replies are
 * early); then the second one says what it is like. Each record behind it is one octet of kind, one
 * of length, and that many octets: of the application, of the server (octets of the wire; with 0x80
 * one for each reply). Other kinds are events. With 0x80, octets of the application from 0x80 on
 * stand for words.
 */
#include "config/load.h"
#include "shim/smtp/address.h"
#include "shim/smtp/dialogue.h"
#include "shim/smtp/envelope.h"
#include "shim/smtp/own_tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEFAULT(require, bad)                                                                      \
	"default { message_override = ignore require_tls = " require " on_bad_certificate = " bad  \
	" }\n"

/* Of the first six the number says require_tls (1) and on_bad_certificate (2, 4). */
static const char *const configs[] = {
	DEFAULT("false", "unauthenticated"),
	DEFAULT("true", "unauthenticated"),
	DEFAULT("false", "cleartext"),
	DEFAULT("true", "cleartext"),
	DEFAULT("false", "refuse"),
	DEFAULT("true", "refuse"),
	"sender \"strict.example\" { require_tls = true message_override = tighten }\n"
	"sender \"soft.example\" { require_tls = true }\n"
	"recipient \"bank.example\" { require_tls = true message_override = tighten violation = "
	"reject }\n"
	"recipient \"gentle.example\" { require_tls = true }\n"
	"recipient \"deaf.example\" { message_override = ignore }\n",
	"default { require_tls = true }\n"
	"recipient \"open.example\" { require_tls = false }\n"
	"recipient \".open.example\" { verify_certificate = false }\n"
	"sender \"<>\" { message_override = ignore }\n",
	"default { on_bad_certificate = cleartext }\n"
	"recipient \"bank.example\" { require_tls = true verify_certificate = false "
	"message_override = tighten }\n",
	"default { mode = observe require_tls = true }\n"
	"recipient \"bank.example\" { mode = enforce message_override = tighten violation = reject "
	"}\n"
	"recipient \"gentle.example\" { mode = enforce }\n",
	"default { on_bad_certificate = refuse min_tls = 1.3 }\n"
	"sender \".example\" { verify_certificate = false min_tls = 1.2 }\n"
	"recipient \"[192.0.2.1]\" { require_tls = true }\n",
	"",
	"default { application_tls = allow require_tls = true }\n"
	"recipient \"open.example\" { require_tls = false }\n",
	"default { application_tls = refuse verify_certificate = false }\n",
	"default { require_tls = true verify_certificate = false }\n"
	"recipient \"open.example\" { require_tls = false }\n",
};

static const char *const words[] = {
	"MAIL FROM:<",
	"RCPT TO:<",
	">\r\n",
	"DATA\r\n",
	"\r\n.\r\n",
	"\r\n",
	"a@strict.example",
	"a@soft.example",
	"b@bank.example",
	"b@gentle.example",
	"b@deaf.example",
	"b@open.example",
	"b@b.example",
	"b@[192.0.2.1]",
	"Mailseal-Require-TLS: ",
	"Mailseal-Verify-Certificate: ",
	"yes\r\n",
	"no\r\n",
	"Subject: x\r\n",
	"RSET\r\n",
	"QUIT\r\n",
	"EHLO a\r\n",
	"VRFY bank\r\n",
	"AUTH LOGIN\r\n",
	"BDAT 3\r\n",
	"\n",
	"\r",
	"\r\n ",
	"postmaster",
	"@a.example:b@bank.example",
	"NOOP\r\n",
	"\"b@b.example\"",
};

struct world {
	struct dialogue *d;
	struct policy policy;
	bool scripted, early, warm, handed_over;

	/* the server as someone on the wire sees it */
	bool required, verified_tls, handshaking;
	struct buf line; /* the command that is not over yet, or the line of content */

	/* the server that follows the protocol */
	struct facts server, facts; /* what it is like, what it is now */
	bool fails_once, again;	    /* the first handshake fails, and is made up for */
	bool fresh, in_data, in_auth, in_header, in_own_field;
	bool data_asked; /* and its reply was not heard yet */
	bool refused_mail;
	bool refused, logged_in, mail_asked; /* on this connection */
	bool reset, counted; /* RSET since DATA; more than servers let pass without counting it */
	const uint8_t *replies;
	size_t reply_count;
	struct domain sender;
	struct buf said; /* by the application, the last of it, lower case */
};

static void leaked(const char *why, const char *text, size_t n)
{
	fprintf(stderr, "%s: %.*s\n", why, (int)n, text);
	abort();
}

static void may_pass_in_the_clear(const char *line, size_t n)
{
	static const char *const verbs[] = {"EHLO", "HELO", "NOOP", "RSET", "STARTTLS", "QUIT"};

	for (size_t i = 0; i < LENGTH(verbs); i++) {
		size_t length = strlen(verbs[i]);

		if (n >= length && strncasecmp(line, verbs[i], length) == 0 &&
			(n == length || line[length] == ' ' || line[length] == '\r'))
			return;
	}
	leaked("leaked", line, n);
}

/* --- a server that follows the protocol --- */

static void server_says(struct world *w, const char *text)
{
	struct buf *in = dialogue_server_in(w->d);

	if (dialogue_wishes(w->d) & DIALOGUE_READ_SERVER || buf_length(in) == 0)
		buf_append_text(in, text);
}

/* The next of the fuzzer's choices: mostly what is asked for. False: something else. */
static bool choose(struct world *w, const char *good)
{
	unsigned choice = 0;

	if (w->reply_count > 0) {
		choice = *w->replies++;
		w->reply_count--;
	}
	w->refused |= choice % 8 >= 1 && choice % 8 <= 3;
	switch (choice % 8) {
	case 1:
		server_says(w, "450 4.2.0 later\r\n");
		return false;
	case 2:
		server_says(w, "550 5.7.1 no\r\n");
		return false;
	case 3:
		server_says(w, choice & 8 ? "421 4.3.0 bye\r\n" : "552 5.3.4 big\r\n");
		return false;
	default:
		w->in_data |= strncmp(good, "354", 3) == 0;
		w->in_header |= w->in_data;
		w->in_auth = strncmp(good, "334", 3) == 0;
		server_says(w, good);
		return true;
	}
}

static bool policy_blocks(const struct world *w, const struct demands *demands)
{
	struct judgement judgement;

	judge_here(&w->policy, demands, &w->facts, &judgement);
	return judgement_blocks(&judgement);
}

/* May this recipient be here at all; and if only for its message's sake, did the message come? */
static void check_recipient(
	struct world *w, const struct command *command, const char *line, size_t n)
{
	struct demands demands, said;
	struct domain recipient;
	bool saved = false;

	address_of_command(command, &recipient);
	policy_for_envelope(&w->policy, &w->sender, &recipient, &demands);
	if (!policy_blocks(w, &demands))
		return;
	for (unsigned i = 0; i < 9 && !saved; i++) {
		struct overrides overrides = {(enum field)(i / 3), (enum field)(i % 3)};

		policy_override(&demands, &overrides, &said);
		saved = !policy_blocks(w, &said);
	}
	if (!saved)
		leaked("a blocked recipient", line, n);
	if (!memmem(buf_bytes(&w->said), buf_length(&w->said), "data", 4) ||
		!memmem(buf_bytes(&w->said), buf_length(&w->said), "mailseal-", 9))
		leaked("a blocked recipient before its message", line, n);
}

/* Where some mail may be blocked, MAIL waits for a recipient. */
static void check_sender(const struct world *w, const char *line, size_t n)
{
	const char *said = buf_bytes(&w->said), *end = said + buf_length(&w->said), *at;
	char lower[COMMAND_LINE_MAX];

	if (is_good_for_all(&w->policy, &w->facts, false) || n > sizeof(lower))
		return;
	for (size_t i = 0; i < n; i++)
		lower[i] = (char)(line[i] >= 'A' && line[i] <= 'Z' ? line[i] - 'A' + 'a' : line[i]);
	at = memmem(said, (size_t)(end - said), lower, n);
	if (!at || !memmem(at, (size_t)(end - at), "rcpt", 4))
		leaked("a sender before any recipient", line, n);
}

static bool has_said(const struct world *w, const char *text)
{
	return memmem(buf_bytes(&w->said), buf_length(&w->said), text, strlen(text));
}

static void serve(struct world *w, const char *line, size_t n)
{
	struct line text = {.text = line, .length = n, .octets = n + 2, .crlf = true};
	struct command command;

	command_parse(&text, &command);
	switch (command.verb) {
	case VERB_EHLO:
		w->mail_asked = true;
		choose(w, w->facts.tls == TLS_FACT_NOT_OFFERED &&
					  w->server.tls != TLS_FACT_NOT_OFFERED && !w->fresh
				  ? "250-srv\r\n250 STARTTLS\r\n"
			  : w->fresh && w->server.tls != TLS_FACT_NOT_OFFERED &&
					  has_said(w, "starttls")
				  ? "250-srv\r\n250 STARTTLS\r\n"
			  : w->early ? "250-srv\r\n250-PIPELINING\r\n250 AUTH LOGIN\r\n"
				     : "250-srv\r\n250 AUTH LOGIN\r\n");
		return;
	case VERB_STARTTLS:
		choose(w, w->server.tls == TLS_FACT_REFUSED ? "454 no\r\n" : "220 go\r\n");
		if (w->server.tls == TLS_FACT_REFUSED)
			w->facts.tls = TLS_FACT_REFUSED;
		return;
	case VERB_MAIL:
		w->mail_asked = true;
		check_sender(w, line, n);
		address_of_command(&command, &w->sender);
		w->refused_mail |= !choose(w, "250 sender\r\n");
		return;
	case VERB_RCPT:
		w->mail_asked = true;
		check_recipient(w, &command, line, n);
		choose(w, "250 recipient\r\n");
		return;
	case VERB_DATA:
		w->data_asked = w->mail_asked = true;
		choose(w, "354 go\r\n");
		return;
	case VERB_AUTH:
		if (w->warm && !w->mail_asked)
			leaked("credentials on a warm connection", line, n);
		w->logged_in = true;
		choose(w, "334 VXNlcm5hbWU6\r\n");
		return;
	case VERB_QUIT:
		choose(w, "221 bye\r\n");
		return;
	case VERB_HELO:
		w->mail_asked = true;
		choose(w, "250 srv\r\n");
		return;
	case VERB_RSET:
	case VERB_NOOP:
	case VERB_VRFY:
	case VERB_EXPN:
	case VERB_HELP:
	case VERB_UNKNOWN:
		choose(w, "250 ok\r\n");
		return;
	case VERB_BAD:
	case VERB_BDAT:
	case VERB_DESYNCHRONISING:
		leaked("not a command", line, n);
	}
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

static void take_content(struct world *w, const char *line, size_t n)
{
	static const char *const names[] = {"Mailseal-Require-TLS", "Mailseal-Verify-Certificate"};

	for (size_t i = 0; i < LENGTH(names) && w->in_header; i++) {
		size_t length = strlen(names[i]);

		if (n >= length && strncasecmp(line, names[i], length) == 0 &&
			(n == length || !is_word(line[length])))
			leaked("a field of ours", line, n);
	}
	if (n == 0)
		w->in_header = false;
	if (n == 1 && line[0] == '.') {
		w->in_data = w->in_header = false;
		choose(w, "250 queued\r\n");
	}
}

/* One line to the server, without its CRLF. */
static void count_line(struct world *w, const char *line)
{
	static const char *const free_of_charge[] = {
		"MAIL", "RCPT", "DATA", "QUIT", "EHLO", "HELO", "STARTTLS"};
	bool reset = strncasecmp(line, "RSET", 4) == 0;

	if (strncasecmp(line, "DATA", 4) == 0)
		w->reset = false;
	for (size_t i = 0; i < LENGTH(free_of_charge); i++)
		if (strncasecmp(line, free_of_charge[i], strlen(free_of_charge[i])) == 0)
			return;
	w->counted |= !reset || w->reset;
	w->reset |= reset;
}

static void take_line(struct world *w)
{
	size_t n = buf_length(&w->line);
	char *line = strndup(buf_bytes(&w->line), n);

	buf_clear(&w->line);
	if (!line)
		return;
	if (w->required && !w->verified_tls)
		may_pass_in_the_clear(line, n);
	if (!w->scripted) {
		free(line);
		return;
	}
	if (w->in_data) {
		take_content(w, line, n);
	} else if (w->in_auth) {
		w->in_auth = false;
		choose(w, "235 welcome\r\n");
	} else {
		count_line(w, line);
		serve(w, line, n);
	}
	free(line);
}

/* Takes what goes to the server. A line ends at CRLF; what does not fit `line` is looked at in
 * part. */
static void drain_server(struct world *w)
{
	struct buf *out = dialogue_server_out(w->d);
	size_t n = buf_length(out);
	char *bytes = malloc(n + 1);

	if (n > 65536 || !bytes || (n > 0 && w->handshaking))
		abort();
	memcpy(bytes, buf_bytes(out), n);
	buf_consume(out, n);
	if (buf_length(dialogue_server_in(w->d)) == 0)
		w->data_asked = false;
	for (size_t i = 0; i < n; i++) {
		size_t length = buf_length(&w->line);

		if (w->data_asked)
			leaked("between DATA and its reply", bytes + i, n - i);
		if (bytes[i] == '\n' && length > 0 && buf_bytes(&w->line)[length - 1] == '\r') {
			w->line.length--;
			take_line(w);
		} else if (buf_room(&w->line)) {
			buf_append(&w->line, bytes + i, 1);
		}
	}
	free(bytes);
}

static struct warm *greeted_as(const struct world *w, const char *name)
{
	struct warm *known = warm_new();

	if (!known)
		abort();
	known->greeting = strdup("220 srv\r\n");
	known->name = strdup(name);
	known->hello = strdup(w->early ? "250-srv\r\n250-PIPELINING\r\n250 AUTH LOGIN\r\n"
				       : "250-srv\r\n250 AUTH LOGIN\r\n");
	known->facts = w->server;
	return known;
}

/* Another one that is kept, on which EHLO b was said. */
static bool offer_another(struct world *w)
{
	struct warm *known = w->warm ? greeted_as(w, "b") : NULL;

	if (!known || !dialogue_would_take(w->d, known)) {
		warm_free(known);
		return false;
	}
	w->facts = w->server;
	w->verified_tls = w->server.verified;
	w->reset = true;
	buf_clear(&w->line);
	dialogue_offered(w->d, known, false);
	return true;
}

static void upgrade(struct world *w)
{
	unsigned wishes = dialogue_wishes(w->d);

	if (wishes & DIALOGUE_START_TLS && buf_length(dialogue_server_in(w->d)) == 0) {
		w->handshaking = false;
		if (w->fails_once) {
			w->fails_once = false;
			w->again = dialogue_tls_again(w->d);
		}
	}
	if (dialogue_wishes(w->d) & DIALOGUE_START_TLS &&
		buf_length(dialogue_server_in(w->d)) == 0) {
		w->facts = w->server;
		w->verified_tls = w->server.tls == TLS_FACT_ON && w->server.verified;
		if (w->server.tls == TLS_FACT_ON)
			dialogue_tls_up(w->d, &w->server);
		else
			dialogue_tls_failed(w->d, "failed");
	}
	if (dialogue_wishes(w->d) & DIALOGUE_RECONNECT && !offer_another(w)) {
		w->verified_tls = w->in_data = w->in_auth = false;
		w->refused = w->logged_in = w->data_asked = w->mail_asked = false;
		w->reset = w->counted = false;
		w->again |= w->warm;
		w->warm = false;
		if (w->again)
			w->facts.tls = TLS_FACT_NOT_OFFERED; /* all begins anew */
		else
			facts_in_clear(&w->facts);
		w->fresh = !w->again;
		w->again = false;
		buf_clear(&w->line);
		dialogue_reconnected(w->d);
		server_says(w, "220 srv\r\n");
	}
}

static void check_hand_over(struct world *w)
{
	const struct buf *out = dialogue_client_out(w->d);
	const char *text = buf_bytes(out);
	size_t n = buf_length(out), last = n;
	struct own_tls own;

	own_tls_judge(&w->policy, TLS_VERSION_1_3, &own);
	if (!own.accepted || !has_said(w, "starttls"))
		leaked("handed over", text, n);
	while (last > 1 && (last == n || text[last - 1] != '\n'))
		last--;
	if (n < 5 || strncmp(text + (last > 1 ? last : 0), "220", 3) != 0)
		leaked("handed over without a 220", text, n);
	if (buf_length(dialogue_client_in(w->d)) || buf_length(dialogue_server_in(w->d)) ||
		dialogue_wishes(w->d) & (DIALOGUE_READ_CLIENT | DIALOGUE_READ_SERVER))
		leaked("something was said behind STARTTLS", text, n);
	w->handed_over = true;
}

/* What the application is told by the dialogue itself is final only where it refuses. */
static void check_own_replies(const struct buf *out)
{
	const char *text = buf_bytes(out), *end = text + buf_length(out), *at = text;

	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		size_t n = lf ? (size_t)(lf + 1 - at) : (size_t)(end - at);

		if (at[0] == '2' && memmem(at, n, "mailseal: ", 10) &&
			strncmp(at, "250 2.1.0 mailseal: sender noted\r\n", n) != 0 &&
			strncmp(at, "250 2.1.5 mailseal: recipient noted", 35) != 0)
			leaked("told before the server said it", at, n);
		at += n;
	}
}

/* Kept, or put back. */
static void check_parking(struct world *w)
{
	const char *text = buf_bytes(dialogue_server_out(w->d));
	size_t n = buf_length(dialogue_server_out(w->d));

	if (n > 0 || w->handshaking || w->in_data || w->in_auth || w->data_asked)
		leaked("kept with something under way", text, n);
	if (w->scripted && (w->refused || w->logged_in || w->facts.tls != TLS_FACT_ON))
		leaked("kept, and unfit", text, n);
	if (w->scripted && w->counted)
		leaked("kept, and the server counts", text, n);
	warm_free(dialogue_warm(w->d));
}

/* That it hides what it should, tests/unit/trace_test.c shows. */
static void take_trace(void *context, const char *direction, const char *text)
{
	(void)context;
	if (strlen(direction) > 7 || strlen(text) > 1300)
		leaked("trace", text, strlen(text));
}

static void disappointed(void *context)
{
	struct world *w = context;

	if (!w->early || (w->scripted && !w->refused_mail))
		leaked("disappointed", "", 0);
}

static void run(struct world *w)
{
	for (int i = 0; i < (w->scripted ? 6 : 2); i++) {
		dialogue_run(w->d);
		drain_server(w);
		w->handshaking = dialogue_wishes(w->d) & DIALOGUE_START_TLS;
		if (buf_length(dialogue_client_out(w->d)) > 65536)
			abort();
		if (dialogue_wishes(w->d) & DIALOGUE_HAND_OVER) {
			check_hand_over(w);
			return;
		}
		if (dialogue_wishes(w->d) & DIALOGUE_PARK)
			check_parking(w);
		if (w->scripted)
			check_own_replies(dialogue_client_out(w->d));
		buf_consume(dialogue_client_out(w->d), buf_length(dialogue_client_out(w->d)));
		if (w->scripted)
			upgrade(w);
	}
}

static void handshake(struct world *w, bool valid)
{
	struct facts facts = {
		.tls = TLS_FACT_ON, .version = TLS_VERSION_1_3, .verified = valid, .reason = "why"};

	if (!(dialogue_wishes(w->d) & DIALOGUE_START_TLS))
		return;
	w->handshaking = false;
	w->verified_tls = valid;
	dialogue_tls_up(w->d, &facts);
}

static void event(struct world *w, uint8_t kind, bool again)
{
	if (w->scripted && kind <= 5)
		return; /* the server does these things by itself */
	switch (kind) {
	case 2:
		handshake(w, true);
		break;
	case 3:
		handshake(w, false);
		break;
	case 4:
		w->handshaking = false;
		if (!again || !dialogue_tls_again(w->d))
			dialogue_tls_failed(w->d, "failed");
		break;
	case 5:
		if (dialogue_wishes(w->d) & DIALOGUE_RECONNECT) {
			w->verified_tls = false;
			buf_clear(&w->line);
		}
		dialogue_reconnected(w->d);
		break;
	case 6:
		dialogue_client_eof(w->d);
		break;
	case 7:
		dialogue_server_eof(w->d);
		break;
	case 8:
		dialogue_timeout(w->d);
		break;
	case 9:
		dialogue_stop(w->d);
		break;
	default:
		dialogue_reconnect_failed(w->d, "refused");
		break;
	}
}

static void application_says(struct world *w, const char *bytes, size_t n)
{
	if (!(dialogue_wishes(w->d) & DIALOGUE_READ_CLIENT) ||
		buf_append(dialogue_client_in(w->d), bytes, n) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		char c = bytes[i] >= 'A' && bytes[i] <= 'Z' ? (char)(bytes[i] - 'A' + 'a')
							    : bytes[i];

		buf_append(&w->said, &c, 1);
	}
}

static void application(struct world *w, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t run = 0;

		while (i + run < n && !(w->scripted && data[i + run] & 0x80))
			run++;
		application_says(w, (const char *)data + i, run);
		i += run;
		if (i < n)
			application_says(w, words[data[i] % LENGTH(words)],
				strlen(words[data[i] % LENGTH(words)]));
	}
}

/* The policy of a connection to mx.b.example under one of the configurations, each read once. */
static void choose_policy(unsigned i, struct policy *policy)
{
	static struct policy_set *sets[LENGTH(configs)];
	static const char *const names[] = {"mx.b.example"};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000219)};
	struct err err;

	if (!sets[i] &&
		policy_set_parse("fuzz.conf", configs[i], strlen(configs[i]), &sets[i], &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	policy_for_host(sets[i], names, 1, (struct sockaddr *)&address, policy);
}

static void describe_server(struct world *w, uint8_t octet)
{
	static const enum tls_fact facts[] = {
		TLS_FACT_ON, TLS_FACT_NOT_OFFERED, TLS_FACT_REFUSED, TLS_FACT_HANDSHAKE_FAILED};

	w->server = (struct facts){
		.tls = facts[octet % 4], .version = octet & 8 ? TLS_VERSION_1_2 : TLS_VERSION_1_3};
	w->server.verified = w->server.tls == TLS_FACT_ON && octet & 4;
	w->fails_once = octet & 16;
	snprintf(w->server.reason, sizeof(w->server.reason), "%s", w->server.verified ? "" : "why");
	w->facts.tls = TLS_FACT_NOT_OFFERED;
}

/* The one before said EHLO a. */
static struct warm *warm_one(struct world *w)
{
	if (!w->scripted)
		w->server = (struct facts){
			.tls = TLS_FACT_ON, .version = TLS_VERSION_1_3, .verified = true};
	if (!w->warm || w->server.tls != TLS_FACT_ON) {
		w->warm = false;
		return NULL;
	}
	w->facts = w->server;
	w->verified_tls = w->server.verified;
	return greeted_as(w, "a");
}

static size_t record(struct world *w, const uint8_t *data, size_t size)
{
	uint8_t kind = data[0] % 11;
	size_t length = data[1] > size - 2 ? size - 2 : data[1];

	if (kind == 0) {
		application(w, data + 2, length);
	} else if (kind == 1 && w->scripted) {
		w->replies = data + 2;
		w->reply_count = length;
	} else if (kind == 1) {
		if (dialogue_wishes(w->d) & DIALOGUE_READ_SERVER)
			buf_append(dialogue_server_in(w->d), data + 2, length);
	} else {
		event(w, kind, data[1] & 1);
		length = 0;
	}
	run(w);
	return 2 + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {0};
	struct dialogue_settings settings = {.policy = &w.policy,
		.server_name = "mx",
		.own_name = "[192.0.2.1]",
		.disappointed = disappointed,
		.trace = take_trace,
		.context = &w};
	unsigned config = size ? (data[0] & 0x1f) % LENGTH(configs) : 0;
	size_t at = 1;

	if (size < 2)
		return 0;
	choose_policy(config, &w.policy);
	w.scripted = data[0] & 0x80;
	w.early = settings.early_replies = data[0] & 0x40;
	w.required = config < 6 && config & 1;
	buf_init(&w.line, 4096);
	buf_init(&w.said, 8 * 65536);
	w.warm = w.reset = data[0] & 0x20;
	if (w.scripted)
		describe_server(&w, data[at++]);
	settings.may_park = true;
	settings.warm = warm_one(&w);
	settings.reset_due = settings.warm && size & 1;
	w.d = dialogue_new(&settings);
	if (w.d && w.scripted)
		server_says(&w, !w.warm		     ? "220 srv\r\n"
				: settings.reset_due ? "250 flushed\r\n"
						     : "");
	while (w.d && at + 2 <= size && !w.handed_over)
		at += record(&w, data + at, size - at);
	dialogue_free(w.d);
	buf_clear(&w.line);
	buf_clear(&w.said);
	return 0;
}
