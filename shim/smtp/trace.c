/*
 * trace: the dialogue as support may read it, for `trace` of the configuration.
 *
 * It shows what is known to be harmless, and of all else the length: no argument of AUTH and no
 * line behind it, no content, no command that it does not understand. What a server says is shown
 * until something was said that it could repeat: the reply to AUTH, to what was not understood and
 * to content is a code, and after AUTH or what was not understood each is.
 */
#include "shim/smtp/inside.h"

#include "shim/smtp/address.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TEXT_SIZE 1200

static const char *const names[] = {
	[VERB_EHLO] = "EHLO",
	[VERB_HELO] = "HELO",
	[VERB_MAIL] = "MAIL",
	[VERB_RCPT] = "RCPT",
	[VERB_DATA] = "DATA",
	[VERB_BDAT] = "BDAT",
	[VERB_RSET] = "RSET",
	[VERB_NOOP] = "NOOP",
	[VERB_QUIT] = "QUIT",
	[VERB_AUTH] = "AUTH",
	[VERB_STARTTLS] = "STARTTLS",
	[VERB_VRFY] = "VRFY",
	[VERB_EXPN] = "EXPN",
	[VERB_HELP] = "HELP",
	[VERB_DESYNCHRONISING] = NULL,
};

static const char *const mechanisms[] = {"PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1",
	"SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER", "NTLM", "GSSAPI", "EXTERNAL"};

static const char *const parameters[] = {"SIZE=", "BODY=7BIT", "BODY=8BITMIME", "BODY=BINARYMIME",
	"SMTPUTF8", "RET=FULL", "RET=HDRS", "REQUIRETLS", "AUTH=<>", "NOTIFY=NEVER"};

struct words {
	char text[TEXT_SIZE];
	size_t length;
	bool hides; /* something stands there as its length alone */
};

__attribute__((format(printf, 2, 3))) static void add(struct words *w, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(w->text + w->length, sizeof(w->text) - w->length, format, ap);
	va_end(ap);
	if (n > 0)
		w->length += (size_t)n;
	if (w->length >= sizeof(w->text))
		w->length = sizeof(w->text) - 1;
}

static void say(struct dialogue *d, const char *direction, const char *text)
{
	d->settings.trace(d->settings.context, direction, text);
}

void trace_note(struct dialogue *d, const char *direction, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list ap;

	if (!d->settings.trace)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	say(d, direction, text);
}

/* --- commands --- */

static bool is_word(const char *text, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(text, word, n) == 0;
}

static void add_octets(struct words *w, size_t n)
{
	if (n == 0)
		return;
	add(w, " [%zu octets]", n);
	w->hides = true;
}

/* What a host calls itself. */
static void add_name(struct words *w, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.:[]", text[i])) {
			add_octets(w, n);
			return;
		}
	}
	if (n > 0)
		add(w, " %.*s", n < NAME_SIZE ? (int)n : NAME_SIZE, text);
}

static bool is_number(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isdigit((unsigned char)text[i]))
			return false;
	return n > 0 && n < 20;
}

static void add_parameter(struct words *w, const char *text, size_t n)
{
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		size_t length = strlen(parameters[i]);
		bool size = parameters[i][length - 1] == '=';

		if (size ? n > length && strncasecmp(text, parameters[i], length) == 0 &&
					is_number(text + length, n - length)
			 : is_word(text, n, parameters[i])) {
			add(w, " %.*s", (int)n, text);
			return;
		}
	}
	add_octets(w, n);
}

/* Behind an address that parses: its closing '>', or, without one, its last octet. What comes then
 * may hold another '>'. */
static const char *path_end(const char *at, const char *end)
{
	bool quoted = false, angled;

	while (at < end && *at++ != ':')
		;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	angled = at < end && *at == '<';
	for (; at < end; at++) {
		if (quoted && *at == '\\')
			at++;
		else if (*at == '"')
			quoted = !quoted;
		else if (!quoted && angled && *at == '>')
			return at + 1;
		else if (!quoted && !angled && (*at == ' ' || *at == '\t'))
			return at;
	}
	return end;
}

static void add_parameters(struct words *w, const struct command *c)
{
	const char *end = c->argument + c->argument_length;
	const char *at = path_end(c->argument, end);

	while (at < end) {
		const char *from = at;

		while (at < end && *at != ' ' && *at != '\t')
			at++;
		if (at > from)
			add_parameter(w, from, (size_t)(at - from));
		else
			at++;
	}
}

/* An address that two readers could understand differently may be anything. */
static void add_path(struct words *w, const struct command *c)
{
	char path[DIALOGUE_ADDRESS_SIZE];
	struct domain domain;

	address_of_command(c, &domain);
	if (domain.form == DOMAIN_AMBIGUOUS) {
		add_octets(w, c->argument_length);
		return;
	}
	command_path(c, path, sizeof(path));
	add(w, " %s<%s>", c->verb == VERB_MAIL ? "FROM:" : "TO:", path);
	add_parameters(w, c);
}

static void add_mechanism(struct words *w, const struct command *c)
{
	size_t n = 0;

	while (n < c->argument_length && c->argument[n] != ' ' && c->argument[n] != '\t')
		n++;
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
		if (!is_word(c->argument, n, mechanisms[i]))
			continue;
		add(w, " %s%s", mechanisms[i],
			n < c->argument_length ? " [credentials hidden]" : "");
		return;
	}
	add(w, " [credentials hidden]");
}

/* True: it may hold what nobody should read, and a server may repeat it. */
static bool add_command(struct words *w, const struct line *line)
{
	struct command c;
	uint64_t size;

	command_parse(line, &c);
	if (c.verb == VERB_UNKNOWN || c.verb == VERB_BAD || !names[c.verb]) {
		add(w, "[a line of %zu octets that is no command of mail]", line->length);
		return true;
	}
	add(w, "%s", names[c.verb]);
	switch (c.verb) {
	case VERB_EHLO:
	case VERB_HELO:
		add_name(w, c.argument, c.argument_length);
		return w->hides;
	case VERB_MAIL:
	case VERB_RCPT:
		add_path(w, &c);
		return w->hides;
	case VERB_AUTH:
		add_mechanism(w, &c);
		return true;
	case VERB_BDAT:
		if (command_bdat_size(&c, &size) == 0)
			add(w, " [%llu octets of content]", (unsigned long long)size);
		return false;
	case VERB_DATA:
	case VERB_RSET:
	case VERB_NOOP:
	case VERB_QUIT:
	case VERB_STARTTLS:
	case VERB_VRFY:
	case VERB_EXPN:
	case VERB_HELP:
	case VERB_UNKNOWN:
	case VERB_BAD:
	case VERB_DESYNCHRONISING:
		break;
	}
	add_octets(w, c.argument_length);
	return w->hides;
}

/* A line may be looked at more than once before it is taken. */
void trace_command_tell(struct dialogue *d, const struct line *line)
{
	struct words w = {.length = 0};

	if (d->trace.taken == d->client_in.gone + 1)
		return;
	d->trace.taken = d->client_in.gone + 1;
	d->trace.secret |= add_command(&w, line);
	say(d, "app>", w.text);
}

void trace_credentials(struct dialogue *d)
{
	d->trace.secret = true;
	trace_note(d, "app>", "[credentials hidden]");
}

/* What was put since the last command, if that is one line. */
static void add_sent(struct dialogue *d, struct words *w, uint64_t from, size_t octets)
{
	const struct buf *out = &d->server_out;
	struct line line;

	if (from >= out->gone &&
		line_scan(buf_bytes(out) + (from - out->gone), octets, AUTH_LINE_MAX, &line) ==
			LINE_WHOLE &&
		line.octets == octets)
		add_command(w, &line);
	else
		add(w, "[%zu octets]", octets);
}

void trace_sent_tell(struct dialogue *d, enum awaited what)
{
	uint64_t to = buf_position(&d->server_out), from = d->trace.sent;
	struct words w = {.length = 0};

	d->trace.sent = to;
	if (from >= to)
		return;
	if (what == AWAITED_END_OF_DATA)
		add(&w, "[%llu octets of content, and its end]", (unsigned long long)(to - from));
	else if (what == AWAITED_AUTH && d->speech == SPEECH_AUTH)
		add(&w, "[credentials hidden]");
	else
		add_sent(d, &w, from, (size_t)(to - from));
	say(d, ">server", w.text);
}

/* --- replies --- */

/* RFC 3463 */
static int enhanced_length(const char *text, size_t n)
{
	unsigned dots = 0, digits = 0;

	for (size_t i = 0; i < n && i < 12; i++) {
		if (text[i] == '.' && digits && dots < 2) {
			dots++;
			digits = 0;
		} else if (isdigit((unsigned char)text[i]) && digits < 3) {
			digits++;
		} else {
			return dots == 2 && digits && (text[i] == ' ' || text[i] == '\r') ? (int)i
											  : 0;
		}
	}
	return 0;
}

static void add_reply(struct words *w, const char *bytes, const struct reply *reply, bool hidden)
{
	size_t left = reply->octets;
	char text[REPLY_TEXT_SIZE];
	struct line line;
	int n;

	if (hidden) {
		n = left > 4 ? enhanced_length(bytes + 4, left - 4) : 0;
		add(w, n ? "%d %.*s" : "%d", reply->code, n, bytes + 4);
		add(w, " [text hidden]");
		return;
	}
	while (left > 0 && line_scan(bytes, left, left, &line) == LINE_WHOLE) {
		line_sanitize(text, sizeof(text), line.text, line.length, true);
		add(w, "%s%s", w->length ? " / " : "", text);
		bytes += line.octets;
		left -= line.octets;
	}
}

static bool may_repeat(enum awaited what)
{
	return what == AWAITED_AUTH || what == AWAITED_OTHER || what == AWAITED_END_OF_DATA;
}

static bool is_hidden(const struct dialogue *d, bool passing)
{
	enum awaited what = passing ? pending_first(&d->pending) : AWAITED_NOTHING;

	return d->trace.secret || may_repeat(what) || d->speech == SPEECH_CONTENT ||
	       d->speech == SPEECH_AWAITING_AUTH;
}

void trace_heard_tell(struct dialogue *d, const struct reply *reply)
{
	struct words w = {.length = 0};

	if (d->trace.heard == d->server_in.gone + 1)
		return;
	d->trace.heard = d->server_in.gone + 1;
	add_reply(&w, buf_bytes(&d->server_in), reply, is_hidden(d, true) || reply->code == 334);
	say(d, "<server", w.text);
}

/* `passing`: the server's words; else our own. */
void trace_shown_tell(struct dialogue *d, bool passing)
{
	const struct buf *out = &d->client_out;
	uint64_t from = d->trace.shown > out->gone ? d->trace.shown : out->gone;
	bool hidden = is_hidden(d, passing);
	struct reply reply;
	const char *why;

	while (from < buf_position(out)) {
		const char *bytes = buf_bytes(out) + (from - out->gone);
		struct words w = {.length = 0};

		if (reply_parse(bytes, (size_t)(buf_position(out) - from), &reply, &why) !=
			REPLY_WHOLE)
			break;
		add_reply(&w, bytes, &reply, hidden || reply.code == 334);
		say(d, "<app", w.text);
		from += reply.octets;
	}
	d->trace.shown = buf_position(out);
}

/* Where the server is on another connection, positions begin anew. */
void trace_afresh(struct dialogue *d)
{
	d->trace.sent = buf_position(&d->server_out);
	d->trace.heard = 0;
	trace_note(d, "-", "[a fresh connection]");
}
