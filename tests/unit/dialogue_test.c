/*
 * Transcripts of the dialogue, as tables. One line a step:
 *
 *   s<TEXT   the server says TEXT and CRLF        c<TEXT   the application says TEXT and CRLF
 *   s<<TEXT  the same without CRLF                c<<TEXT  the same without CRLF
 *   s>TEXT   the server has got exactly TEXT, CRLF   c>TEXT   the application has got exactly TEXT, CRLF
 *   s>>TEXT  … TEXT without CRLF
 *   s*TEXT   as s>, but only the beginning is compared (c* likewise)
 *   !EVENT   tls-valid, tls-invalid REASON, tls-old (1.2), tls-failed REASON, tls-again, tls-no-more, residue, another NAME, no-other NAME, reconnected, reconnect-failed WHY, s-eof, c-eof, lost WHY, timeout, stop
 *   ?WISH    starttls, reconnect, close-server, abort-server, close-client: must be wished; -WISH: must not be
 *   =NOTE    the last report's note begins with this
 *   ~RULE    the last report's rule begins with this; ~~RULE: the rule by which it refused recipients
 *   &VERDICT the last report's outcome: tls-verified, tls-unverified, cleartext, blocked, would-block
 *   +FATE    what became of AUTH, as the last report has it
 *   #SENDER  the last report's sender is this
 *   ^REMARK  the last report's remark begins with this
 *   @REPLY   the last report's reply begins with this, or is it where it is a bare code; @ alone: there was none
 *   %N       so many transactions were reported
 *   |N       in so many pieces came what went to the server since the last such step
 *   $N       so often the server refused a MAIL that the application had its 250 for
 *   known TEXT         what the next application has to know of the connection
 *   cut                server_out is dropped, and the dialogue told that nothing of it was written
 *   hold / release   server_out is (not) taken off the dialogue's hands
 *
 * In a text \r, \n, \0 and \xHH stand for octets. Whatever was sent must have been expected by the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/load.h"
#include "shim/smtp/dialogue.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))

enum policy_kind { OPPORTUNISTIC, REQUIRED, REQUIRED_REJECT, OBSERVED, CLEARTEXT_ON_BAD, REFUSE_ON_BAD, UNVERIFIED, UNPROTECTED, FROM_CONFIG };

/* With early replies, without them, or (most transcripts) it is all the same. */
enum replies { EITHER, LATE, EARLY };

struct transcript {
	const char *name;
	enum policy_kind policy;
	const char *steps;
	const char *config; /* FROM_CONFIG: the text of a configuration */
	enum replies replies;
	bool park;	 /* the connection may be kept */
	bool warm;	 /* it was kept: EHLO app.example */
	bool unverified; /* and its certificate was not valid */
	bool reset_due;
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
static const struct transcript transcripts[] = {
#include "tests/unit/dialogue_transcripts.inc"
#include "tests/unit/dialogue_policy.inc"
#include "tests/unit/dialogue_starttls.inc"
#include "tests/unit/dialogue_warm.inc"
#include "tests/unit/dialogue_early.inc"
};
#pragma GCC diagnostic pop

struct player {
	struct dialogue *d;
	const struct transcript *transcript;
	const char *at; /* the step being played */
	struct buf to_client, to_server;
	bool hold;
	unsigned transactions, pieces, disappointments;
	char note[256], reply[256], rule[320], refused_rule[320], remark[256], sender[DIALOGUE_ADDRESS_SIZE], credentials[16];
	const char *outcome;
};

static void fail_step(const struct player *p, const char *what, const char *got, size_t n)
{
	print_error("transcript \"%s\", step \"%.*s\": %s \"%.*s\"\n", p->transcript->name,
		(int)strcspn(p->at, "\n"), p->at, what, (int)n, got);
	fail();
}

static void on_report(void *context, const struct dialogue_report *report)
{
	struct player *p = context;

	p->transactions += report->transaction;
	snprintf(p->note, sizeof(p->note), "%s", report->note);
	snprintf(p->reply, sizeof(p->reply), "%s", report->reply);
	snprintf(p->rule, sizeof(p->rule), "%s", report->rule);
	snprintf(p->refused_rule, sizeof(p->refused_rule), "%s", report->refused_rule);
	snprintf(p->credentials, sizeof(p->credentials), "%s", report->credentials);
	snprintf(p->sender, sizeof(p->sender), "%s", report->sender);
	snprintf(p->remark, sizeof(p->remark), "%s", report->remark);
	p->outcome = report->would_block ? "would-block" : outcome_name(report->verdict.outcome);
}

static void on_disappointment(void *context)
{
	struct player *p = context;

	p->disappointments++;
}

static void drain(struct player *p)
{
	struct buf *out = dialogue_client_out(p->d);

	assert_int_equal(buf_append(&p->to_client, buf_bytes(out), buf_length(out)), 0);
	buf_consume(out, buf_length(out));
	out = dialogue_server_out(p->d);
	if (p->hold)
		return;
	p->pieces += buf_length(out) > 0;
	assert_int_equal(buf_append(&p->to_server, buf_bytes(out), buf_length(out)), 0);
	buf_consume(out, buf_length(out));
}

static void run(struct player *p)
{
	for (int i = 0; i < 3; i++) {
		dialogue_run(p->d);
		drain(p);
	}
}

static size_t unescape(char *out, const char *text, size_t n)
{
	size_t length = 0;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (c == '\\' && i + 1 < n) {
			c = text[++i];
			if (c == 'r')
				c = '\r';
			else if (c == 'n')
				c = '\n';
			else if (c == '0')
				c = '\0';
			else if (c == 'x') {
				char hex[3] = {text[i + 1], text[i + 2], 0};

				c = (char)strtol(hex, NULL, 16);
				i += 2;
			}
		}
		out[length++] = c;
	}
	return length;
}

static void feed(struct player *p, struct buf *in, const char *text, size_t n, bool crlf)
{
	char bytes[8192];
	size_t length = unescape(bytes, text, n);

	if (crlf) {
		bytes[length++] = '\r';
		bytes[length++] = '\n';
	}
	assert_int_equal(buf_append(in, bytes, length), 0);
	run(p);
}

static void expect(struct player *p, struct buf *got, const char *text, size_t n, char kind)
{
	char bytes[8192];
	size_t length = unescape(bytes, text, n);

	if (kind == '>') {
		bytes[length++] = '\r';
		bytes[length++] = '\n';
	}
	if (buf_length(got) < length || memcmp(buf_bytes(got), bytes, length) != 0)
		fail_step(p, "instead there is", buf_bytes(got), buf_length(got));
	if (kind == '*') {
		const char *lf = memchr(buf_bytes(got), '\n', buf_length(got));

		if (!lf)
			fail_step(p, "no whole line in", buf_bytes(got), buf_length(got));
		length = (size_t)(lf - buf_bytes(got)) + 1;
	}
	buf_consume(got, length);
}

static bool word(const char *step, size_t n, const char *name, const char **rest)
{
	size_t length = strlen(name);
	static char text[256];

	if (n < length || memcmp(step, name, length) != 0 || (n > length && step[length] != ' '))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(n > length ? n - length - 1 : 0), step + (n > length ? length + 1 : length));
	*rest = text;
	return true;
}

static struct warm *greeted_as(const char *name)
{
	struct warm *w = warm_new();

	assert_non_null(w);
	w->greeting = strdup("220 mx warm\r\n");
	w->name = strdup(name);
	w->hello = strdup("250-mx\r\n250 PIPELINING\r\n");
	w->facts = (struct facts){.tls = TLS_FACT_ON, .version = TLS_VERSION_1_3, .verified = true};
	return w;
}

static struct warm *warm_of(const struct transcript *t)
{
	struct warm *w = t->warm ? greeted_as("app.example") : NULL;

	if (w)
		w->facts.verified = !t->unverified;
	return w;
}

static void event(struct player *p, const char *step, size_t n)
{
	struct facts facts = {.tls = TLS_FACT_ON, .version = TLS_VERSION_1_3, .verified = true};
	const char *rest;

	if (word(step, n, "tls-valid", &rest)) {
		dialogue_tls_up(p->d, &facts);
	} else if (word(step, n, "tls-invalid", &rest)) {
		facts.verified = false;
		snprintf(facts.reason, sizeof(facts.reason), "%s", rest);
		dialogue_tls_up(p->d, &facts);
	} else if (word(step, n, "tls-old", &rest)) {
		facts.version = TLS_VERSION_1_2;
		dialogue_tls_up(p->d, &facts);
	} else if (word(step, n, "tls-failed", &rest)) {
		dialogue_tls_failed(p->d, rest);
	} else if (word(step, n, "tls-again", &rest)) {
		assert_true(dialogue_tls_again(p->d));
	} else if (word(step, n, "tls-no-more", &rest)) {
		assert_false(dialogue_tls_again(p->d));
	} else if (word(step, n, "residue", &rest)) {
		dialogue_residue(p->d);
	} else if (word(step, n, "another", &rest)) {
		struct warm *w = greeted_as(rest);

		assert_true(dialogue_would_take(p->d, w));
		dialogue_offered(p->d, w, false);
	} else if (word(step, n, "no-other", &rest)) {
		struct warm *w = greeted_as(rest);

		assert_false(dialogue_would_take(p->d, w));
		warm_free(w);
	} else if (word(step, n, "reconnected", &rest)) {
		dialogue_reconnected(p->d);
	} else if (word(step, n, "reconnect-failed", &rest)) {
		dialogue_reconnect_failed(p->d, rest);
	} else if (word(step, n, "s-eof", &rest)) {
		dialogue_server_eof(p->d);
	} else if (word(step, n, "c-eof", &rest)) {
		dialogue_client_eof(p->d);
	} else if (word(step, n, "lost", &rest)) {
		dialogue_server_lost(p->d, rest);
	} else if (word(step, n, "timeout", &rest)) {
		dialogue_timeout(p->d);
	} else if (word(step, n, "stop", &rest)) {
		dialogue_stop(p->d);
	} else {
		fail_step(p, "no such event", step, n);
	}
	run(p);
}

static unsigned wish_named(const char *name, size_t n)
{
	static const struct {
		const char *name;
		unsigned wish;
	} wishes[] = {
		{"starttls", DIALOGUE_START_TLS},
		{"reconnect", DIALOGUE_RECONNECT},
		{"close-server", DIALOGUE_CLOSE_SERVER},
		{"abort-server", DIALOGUE_ABORT_SERVER},
		{"close-client", DIALOGUE_CLOSE_CLIENT},
		{"hand-over", DIALOGUE_HAND_OVER},
		{"park", DIALOGUE_PARK},
		{"may-reconnect", DIALOGUE_MAY_RECONNECT},
		{"read-client", DIALOGUE_READ_CLIENT},
		{"read-server", DIALOGUE_READ_SERVER},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(wishes); i++) {
		if (strlen(wishes[i].name) == n && memcmp(wishes[i].name, name, n) == 0)
			return wishes[i].wish;
	}
	fail_msg("no such wish: %.*s", (int)n, name);
	return 0;
}

/* What the next application has to know, with | for the ends of lines. */
static void expect_known(struct player *p, const char *text, size_t n)
{
	struct warm *w = dialogue_warm(p->d);
	char got[1024] = "nothing";

	if (w)
		snprintf(got, sizeof(got), "%s%s %s\r\n%s", w->greeting, w->helo ? "HELO" : "EHLO", w->name, w->hello);
	for (char *cr = got; (cr = strstr(cr, "\r\n"));) {
		*cr = '|';
		memmove(cr + 1, cr + 2, strlen(cr + 2) + 1);
	}
	warm_free(w);
	if (strlen(got) != n || memcmp(got, text, n) != 0)
		fail_step(p, "known is", got, strlen(got));
}

static void play_step(struct player *p, const char *step, size_t n)
{
	char side = step[0], kind = n > 1 ? step[1] : '\0';
	bool doubled = n > 2 && step[2] == kind;
	size_t skip = doubled ? 3 : 2;

	if (n == 4 && memcmp(step, "hold", 4) == 0) {
		p->hold = true;
	} else if (n == 3 && memcmp(step, "cut", 3) == 0) {
		struct buf *out = dialogue_server_out(p->d);

		dialogue_server_cut(p->d, buf_position(out) - buf_length(out));
		buf_clear(out);
	} else if (n == 7 && memcmp(step, "release", 7) == 0) {
		p->hold = false;
		run(p);
	} else if (n > 6 && memcmp(step, "known ", 6) == 0) {
		expect_known(p, step + 6, n - 6);
	} else if (side == '!') {
		event(p, step + 1, n - 1);
	} else if (side == '?') {
		if (!(dialogue_wishes(p->d) & wish_named(step + 1, n - 1)))
			fail_step(p, "not wished", "", 0);
	} else if (side == '-') {
		if (dialogue_wishes(p->d) & wish_named(step + 1, n - 1))
			fail_step(p, "wished all the same", "", 0);
	} else if (side == '=') {
		if (strncmp(p->note, step + 1, n - 1) != 0)
			fail_step(p, "the note is", p->note, strlen(p->note));
	} else if (side == '+') {
		if (strlen(p->credentials) != n - 1 || memcmp(p->credentials, step + 1, n - 1) != 0)
			fail_step(p, "the credentials were", p->credentials, strlen(p->credentials));
	} else if (side == '#') {
		if (strncmp(p->sender, step + 1, n - 1) != 0 || strlen(p->sender) != n - 1)
			fail_step(p, "the sender is", p->sender, strlen(p->sender));
	} else if (side == '~') {
		const char *rule = kind == '~' ? p->refused_rule : p->rule;
		size_t from = kind == '~' ? 2 : 1;

		if (strncmp(rule, step + from, n - from) != 0 || (n == from && *rule))
			fail_step(p, "the rule is", rule, strlen(rule));
	} else if (side == '^') {
		if (strncmp(p->remark, step + 1, n - 1) != 0)
			fail_step(p, "the remark is", p->remark, strlen(p->remark));
	} else if (side == '&') {
		if (strlen(p->outcome) != n - 1 || memcmp(p->outcome, step + 1, n - 1) != 0)
			fail_step(p, "the outcome is", p->outcome, strlen(p->outcome));
	} else if (side == '@') {
		bool whole = n == 1 || n == 4;

		if (strncmp(p->reply, step + 1, n - 1) != 0 || (whole && strlen(p->reply) != n - 1))
			fail_step(p, "the reply is", p->reply, strlen(p->reply));
	} else if (side == '|') {
		assert_int_equal(p->pieces, strtoul(step + 1, NULL, 10));
		p->pieces = 0;
	} else if (side == '$') {
		assert_int_equal(p->disappointments, strtoul(step + 1, NULL, 10));
	} else if (side == '%') {
		assert_int_equal(p->transactions, strtoul(step + 1, NULL, 10));
	} else if (kind == '<') {
		feed(p, side == 's' ? dialogue_server_in(p->d) : dialogue_client_in(p->d), step + skip, n - skip, !doubled);
	} else if (kind == '>' || kind == '*') {
		expect(p, side == 's' ? &p->to_server : &p->to_client, step + skip, n - skip, doubled ? '.' : kind);
	} else {
		fail_step(p, "no such step", step, n);
	}
}

static struct origin rule = {.kind = SECTION_HOST, .label = "mx.b.example", .file = "mailseal.conf", .line = 14};

static struct policy policy_of(enum policy_kind kind)
{
	struct policy policy = {
		.demands = {.verify_certificate = true, .min_tls = TLS_VERSION_1_2, .mode = MODE_ENFORCE},
		.connection = {.protect_credentials = true, .application_tls = APPLICATION_TLS_AUTO, .intercept = true},
	};

	for (int i = 0; i < DEMAND_COUNT; i++)
		policy.demands.origin[i] = &rule;
	policy.connection.on_bad_certificate_origin = &rule;
	policy.connection.protect_credentials_origin = &rule;
	policy.connection.application_tls_origin = &rule;
	policy.demands.require_tls = kind == REQUIRED || kind == REQUIRED_REJECT || kind == OBSERVED;
	if (kind == REQUIRED_REJECT)
		policy.demands.violation = VIOLATION_REJECT;
	if (kind == OBSERVED)
		policy.demands.mode = MODE_OBSERVE;
	if (kind == CLEARTEXT_ON_BAD)
		policy.connection.on_bad_certificate = BAD_CERTIFICATE_CLEARTEXT;
	if (kind == REFUSE_ON_BAD)
		policy.connection.on_bad_certificate = BAD_CERTIFICATE_REFUSE;
	if (kind == UNVERIFIED)
		policy.demands.verify_certificate = false;
	if (kind == UNPROTECTED)
		policy.connection.protect_credentials = false;
	return policy;
}

/* The policy of a connection to mx.b.example, 192.0.2.25. */
static struct policy_set *policy_from(const char *config, struct policy *policy)
{
	static const char *const names[] = {"mx.b.example"};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000219)};
	struct policy_set *set;
	struct err err;

	if (policy_set_parse("mailseal.conf", config, strlen(config), &set, &err))
		fail_msg("%s", err.text);
	policy_for_host(set, names, 1, (struct sockaddr *)&address, policy);
	return set;
}

static void play(const struct transcript *t, bool early)
{
	struct policy_set *set = NULL;
	struct policy policy = policy_of(t->policy);
	struct player p = {.transcript = t};
	struct dialogue_settings settings = {
		.policy = &policy,
		.server_name = "mx.b.example",
		.own_name = "[192.0.2.1]",
		.early_replies = early,
		.may_park = t->park || t->warm,
		.warm = warm_of(t),
		.reset_due = t->reset_due,
		.report = on_report,
		.disappointed = on_disappointment,
		.context = &p,
	};

	if (t->policy == FROM_CONFIG)
		set = policy_from(t->config, &policy);
	buf_init(&p.to_client, 1 << 20);
	buf_init(&p.to_server, 1 << 20);
	p.d = dialogue_new(&settings);
	assert_non_null(p.d);
	run(&p);
	for (const char *at = t->steps; *at;) {
		size_t n = strcspn(at, "\n");

		p.at = at;
		if (n > 0)
			play_step(&p, at, n);
		at += n + (at[n] == '\n');
	}
	if (buf_length(&p.to_client))
		fail_step(&p, "the application also got", buf_bytes(&p.to_client), buf_length(&p.to_client));
	if (buf_length(&p.to_server))
		fail_step(&p, "the server also got", buf_bytes(&p.to_server), buf_length(&p.to_server));
	dialogue_free(p.d);
	policy_set_free(set);
	buf_clear(&p.to_client);
	buf_clear(&p.to_server);
}

static void play_late(void **state)
{
	play(*state, false);
}

static void play_early(void **state)
{
	play(*state, true);
}

/* However the octets of a conversation are cut into pieces, it comes out the same. */
static void play_in_single_octets(void **state)
{
	static const char server[] = "220-mx\r\n220 mx\r\n", client[] = "EHLO a.example\r\n";
	static const char offer[] = "250-mx\r\n250 STARTTLS\r\n";
	struct policy policy = policy_of(REQUIRED);
	struct dialogue_settings settings = {.policy = &policy, .server_name = "mx.b.example", .own_name = "[192.0.2.1]"};
	struct dialogue *d = dialogue_new(&settings);

	(void)state;
	for (size_t i = 0; i < sizeof(server) - 1; i++) {
		buf_append(dialogue_server_in(d), server + i, 1);
		dialogue_run(d);
	}
	for (size_t i = 0; i < sizeof(client) - 1; i++) {
		buf_append(dialogue_client_in(d), client + i, 1);
		dialogue_run(d);
	}
	assert_int_equal(buf_length(dialogue_server_out(d)), sizeof(client) - 1);
	buf_consume(dialogue_server_out(d), sizeof(client) - 1);
	for (size_t i = 0; i < sizeof(offer) - 1; i++) {
		buf_append(dialogue_server_in(d), offer + i, 1);
		dialogue_run(d);
	}
	assert_memory_equal(buf_bytes(dialogue_server_out(d)), "STARTTLS\r\n", 10);
	dialogue_free(d);
}

/* Content of any length passes through buffers of a fixed size. */
static void content_streams_in_bounded_memory(void **state)
{
	struct policy policy = policy_of(OPPORTUNISTIC);
	struct dialogue_settings settings = {.policy = &policy, .server_name = "mx.b.example", .own_name = "[192.0.2.1]"};
	struct dialogue *d = dialogue_new(&settings);
	static const char *const turns[] = {"s220 mx\r\n", "cEHLO a\r\n", "s250 mx\r\n", "cDATA\r\n", "s354 go\r\n"};
	size_t passed = 0, total = 8 << 20;
	char piece[10000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(turns); i++) {
		buf_append_text(turns[i][0] == 's' ? dialogue_server_in(d) : dialogue_client_in(d), turns[i] + 1);
		dialogue_run(d);
		buf_consume(dialogue_server_out(d), buf_length(dialogue_server_out(d)));
	}
	memset(piece, 'x', sizeof(piece));
	for (size_t fed = 0; passed < total;) {
		struct buf *in = dialogue_client_in(d), *out = dialogue_server_out(d);

		while (fed < total && buf_room(in) >= sizeof(piece) && (dialogue_wishes(d) & DIALOGUE_READ_CLIENT)) {
			buf_append(in, piece, sizeof(piece));
			fed += sizeof(piece);
		}
		dialogue_run(d);
		assert_true(buf_length(out) <= 65536 && buf_length(in) <= 65536);
		assert_true(buf_length(out) > 0);
		passed += buf_length(out);
		buf_consume(out, buf_length(out));
	}
	dialogue_free(d);
}

/* In the clear, up to the 354 for a message from `sender`, which SECTIONS holds or opens. */
static struct dialogue *before_content(struct policy *policy, bool early, const char *const *turns, size_t count)
{
	struct dialogue_settings settings = {.policy = policy, .server_name = "mx.b.example", .own_name = "[192.0.2.1]", .early_replies = early};
	struct dialogue *d = dialogue_new(&settings);

	for (size_t i = 0; i < count; i++) {
		buf_append_text(turns[i][0] == 's' ? dialogue_server_in(d) : dialogue_client_in(d), turns[i] + 1);
		dialogue_run(d);
		buf_consume(dialogue_server_out(d), buf_length(dialogue_server_out(d)));
		buf_consume(dialogue_client_out(d), buf_length(dialogue_client_out(d)));
	}
	return d;
}

/* A header whose field of ours begins at `at`, in pieces; then the blank line and the dot. True if the server got any of it. */
static bool long_header_goes(struct policy *policy, size_t at, size_t piece, bool *ended)
{
	static const char *const turns[] = {"s220 mx\r\n", "cEHLO a\r\n", "s250 mx\r\n", "cMAIL FROM:<a@a.example>\r\n",
		"cRCPT TO:<b@b.example>\r\n", "s250 ok\r\n", "s250 ok\r\n", "cDATA\r\n"};
	struct dialogue *d = before_content(policy, false, turns, ARRAY_LENGTH(turns));
	size_t total = at + 64, length = 0, fed = 0;
	char *text = malloc(total);
	bool goes = false;

	while (length + 4 <= at) {
		size_t n = at - length < 100 ? at - length : at - length < 200 ? 50 : 100;

		memset(text + length, 'x', n);
		memcpy(text + length, "X:", 2);
		memcpy(text + length + n - 2, "\r\n", 2);
		length += n;
	}
	length += (size_t)snprintf(text + length, total - length, "Mailseal-Require-TLS: yes\r\n\r\nx\r\n.\r\n");
	for (unsigned idle = 0; idle < 10; idle += fed == length) {
		size_t n = length - fed < piece ? length - fed : piece;

		if (!(dialogue_wishes(d) & DIALOGUE_READ_CLIENT))
			break;
		if (buf_room(dialogue_client_in(d)) >= n && buf_append(dialogue_client_in(d), text + fed, n) == 0)
			fed += n;
		dialogue_run(d);
		if (buf_length(dialogue_server_out(d)) >= 6 && memcmp(buf_bytes(dialogue_server_out(d)), "DATA\r\n", 6) == 0) {
			goes = true;
			buf_append_text(dialogue_server_in(d), "354 go\r\n");
		}
		buf_consume(dialogue_server_out(d), buf_length(dialogue_server_out(d)));
		dialogue_run(d);
	}
	*ended = dialogue_wishes(d) & DIALOGUE_ABORT_SERVER;
	free(text);
	dialogue_free(d);
	return goes;
}

/* The bound is one octet, however the header arrives; a field behind it ends the message that is under way. */
static void header_is_read_up_to_256_kilobytes(void **state)
{
	static const size_t pieces[] = {1, 7, 1000, 65536};
	struct policy policy;
	struct policy_set *set = policy_from(SECTIONS, &policy);
	bool ended;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
		assert_false(long_header_goes(&policy, 262144 - 25, pieces[i], &ended));
		assert_false(ended);
		assert_true(long_header_goes(&policy, 262144, pieces[i], &ended));
		assert_true(ended);
	}
	policy_set_free(set);
}

/* What is held fits where it is read again, however long the application's line ends are. */
static void longest_held_line_is_refused_by_name(void **state)
{
	static const char *const turns[] = {"s220 mx\r\n", "cEHLO a\n", "s250 mx\r\n", "cMAIL FROM:<a@soft.example>\n"};
	static const char *const rest[] = {"cDATA\nMailseal-Require-TLS: no\n\n.\n", "s250 ok\r\n", "s550 no\r\n"};
	struct policy policy;
	struct policy_set *set = policy_from(SECTIONS, &policy);
	static const size_t lengths[] = {2046, 2047};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
		struct dialogue *d = before_content(&policy, false, turns, ARRAY_LENGTH(turns));
		char line[2100];
		size_t tail = strlen("@b.example>");

		memset(line, 'b', sizeof(line));
		memcpy(line, "RCPT TO:<", 9);
		memcpy(line + lengths[i] - tail, "@b.example>\n", tail + 1);
		buf_append(dialogue_client_in(d), line, lengths[i] + 1);
		dialogue_run(d);
		assert_memory_equal(buf_bytes(dialogue_client_out(d)), lengths[i] == 2046 ? "250 2.1.5" : "500 5.5.2", 9);
		buf_consume(dialogue_client_out(d), buf_length(dialogue_client_out(d)));
		for (size_t k = 0; k < ARRAY_LENGTH(rest) && i == 0; k++) {
			buf_append_text(rest[k][0] == 's' ? dialogue_server_in(d) : dialogue_client_in(d), rest[k] + 1);
			dialogue_run(d);
			buf_consume(dialogue_server_out(d), buf_length(dialogue_server_out(d)));
		}
		if (i == 0)
			assert_non_null(memmem(buf_bytes(dialogue_client_out(d)), buf_length(dialogue_client_out(d)), "554-5.5.0 <bbb", 14));
		dialogue_free(d);
	}
	policy_set_free(set);
}

/* A hundred recipients that were held are more than may be outstanding at once. */
static void many_held_recipients_are_said_again_as_room_allows(void **state)
{
	static const char *const turns[] = {"s220 mx\r\n", "cEHLO a\r\n", "s250-mx\r\n250 PIPELINING\r\n", "cMAIL FROM:<a@soft.example>\r\n"};
	struct policy policy;
	struct policy_set *set = policy_from(SECTIONS, &policy);
	struct dialogue *d = before_content(&policy, true, turns, ARRAY_LENGTH(turns));
	struct buf *out = dialogue_server_out(d);
	unsigned heard = 0, pieces = 0;
	char line[80];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "RCPT TO:<b%u@b.example>\r\n", i);
		buf_append_text(dialogue_client_in(d), line);
		dialogue_run(d);
	}
	buf_append_text(dialogue_client_in(d), "DATA\r\nMailseal-Require-TLS: no\r\n\r\nx\r\n.\r\n");
	for (dialogue_run(d); heard <= 100 && buf_length(out) > 0; dialogue_run(d)) {
		unsigned lines = 0;

		for (size_t i = 0; i < buf_length(out); i++)
			lines += buf_bytes(out)[i] == '\n';
		buf_consume(out, buf_length(out));
		heard += lines;
		pieces++;
		while (lines-- > 0)
			buf_append_text(dialogue_server_in(d), "250 ok\r\n");
	}
	assert_int_equal(heard, 101);
	assert_true(pieces <= 3);
	assert_int_equal(buf_length(out), 6);
	assert_memory_equal(buf_bytes(out), "DATA\r\n", 6);
	dialogue_free(d);
	policy_set_free(set);
}

int main(void)
{
	static char names[ARRAY_LENGTH(transcripts)][128];
	struct CMUnitTest tests[2 * ARRAY_LENGTH(transcripts) + 5];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(transcripts); i++) {
		const struct transcript *t = &transcripts[i];

		snprintf(names[i], sizeof(names[i]), "%s, with early replies", t->name);
		if (t->replies != EARLY)
			tests[n++] = (struct CMUnitTest){t->name, play_late, NULL, NULL, (void *)(uintptr_t)t};
		if (t->replies != LATE)
			tests[n++] = (struct CMUnitTest){names[i], play_early, NULL, NULL, (void *)(uintptr_t)t};
	}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(play_in_single_octets);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(header_is_read_up_to_256_kilobytes);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(longest_held_line_is_refused_by_name);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(many_held_recipients_are_said_again_as_room_allows);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(content_streams_in_bounded_memory);
	return _cmocka_run_group_tests("dialogue", tests, n, NULL, NULL);
}
