/*
 * The traced dialogue between applications and servers that do what they should not with what is
 * secret: no eight octets of it may stand in the trace, whatever they say, and however the server
 * repeats it.
 */
#include "config/load.h"
#include "shim/smtp/dialogue.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

#define CANARY "Zx9canary7QkWwV"
#define BASE64 "Wng5Y2FuYXJ5N1FrV3dW"
#define PLAIN64 "AHVzZXJuYW1lAFp4OWNhbmFyeTdRa1d3Vg=="
#define HEX "5a783963616e61727937516b577756"

static const char *const secrets[] = {CANARY, BASE64, PLAIN64, HEX};

static const struct policy_set *set;
static struct policy policy;
static struct dialogue *d;
static char traced[1 << 20];
static size_t traced_length;
static unsigned long lines_seen;

static void assert_no_secret(const char *text)
{
	char part[9] = "";

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		for (const char *at = secrets[i]; strlen(at) >= 8; at++) {
			memcpy(part, at, 8);
			if (strcasestr(text, part))
				fail_msg("%s\nafter: %s", text,
					traced_length > 400 ? traced + traced_length - 400
							    : traced);
		}
}

static void take_trace(void *context, const char *direction, const char *text)
{
	(void)context;
	lines_seen++;
	if (traced_length < sizeof(traced) - 2000)
		traced_length += (size_t)snprintf(traced + traced_length,
			sizeof(traced) - traced_length, "%s %s\n", direction, text);
	assert_no_secret(text);
}

/* --- the server, which repeats all it hears --- */

static struct {
	char line[16384];
	size_t length;
	bool in_data, in_auth, tls, again;
} server;

static void reply(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void reply(const char *format, ...)
{
	char text[3000];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, 1000, format, ap);
	va_end(ap);
	n = n < 1000 ? n : 999;
	memcpy(text + n, "\r\n", 3);
	buf_append_text(dialogue_server_in(d), text);
}

static void hear(const char *line)
{
	bool good = random() % 3 != 0;

	if (server.in_data) {
		if (strcmp(line, ".") == 0) {
			reply("%d 2.0.0 your message was " CANARY " " BASE64, good ? 250 : 550);
			server.in_data = false;
		}
	} else if (server.in_auth || strncasecmp(line, "AUTH", 4) == 0) {
		int code = random() % 2 ? 334 : good ? 235 : 535;

		server.in_auth = code == 334;
		reply(code == 334 ? "%d %s" : "%d 5.7.8 %s is wrong", code, line);
	} else if (strncasecmp(line, "EHLO", 4) == 0) {
		buf_append_text(dialogue_server_in(d), "250-mx\r\n250-PIPELINING\r\n");
		if (!server.tls && good)
			buf_append_text(dialogue_server_in(d), "250-STARTTLS\r\n");
		reply("250 AUTH PLAIN LOGIN");
	} else if (strcasecmp(line, "STARTTLS") == 0) {
		reply("%d 2.0.0 %s", good ? 220 : 454, line);
	} else if (strcasecmp(line, "DATA") == 0) {
		server.in_data = good;
		reply("%d 2.0.0 %s", good ? 354 : 451, line);
	} else {
		reply("%d 2.0.0 %.900s", good ? 250 : 550, line);
	}
}

/* All that went to either side, one after the other. */
static uint64_t said_sum;

static void sum_up(const struct buf *b)
{
	for (size_t i = 0; i < buf_length(b); i++)
		said_sum = (said_sum ^ (unsigned char)buf_bytes(b)[i]) * UINT64_C(0x100000001b3);
	said_sum += buf_length(b);
}

static void let_server_hear(void)
{
	struct buf *out = dialogue_server_out(d);

	while (buf_length(out) > 0) {
		char c = *buf_bytes(out);

		buf_consume(out, 1);
		if (c == '\n') {
			if (server.length && server.line[server.length - 1] == '\r')
				server.length--;
			server.line[server.length] = '\0';
			server.length = 0;
			hear(server.line);
		} else if (server.length < sizeof(server.line) - 1) {
			server.line[server.length++] = c;
		}
	}
}

/* --- the application --- */

#define CONTENT                                                                                    \
	"Subject: " CANARY "\r\nAUTH PLAIN " PLAIN64 "\r\nX: " HEX "\r\n\r\n" CANARY               \
	"\r\n..\r\n" BASE64 "\r\n.\r\n"

/* What follows DATA is no command, whatever it looks like, and whatever became of DATA. */
#define DATA_AND_CONTENT                                                                           \
	"DATA\r\nMAIL FROM:<" CANARY "@a.example>\r\nEHLO " CANARY "\r\nRCPT TO:<" CANARY           \
	"@b.example>\r\n" CONTENT

static const char *const sayings[] = {"EHLO client.example\r\n", "HELO client.example\r\n",
	"EHLO <" CANARY "\r\n", "AUTH PLAIN " PLAIN64 "\r\n", "auth plain\t" PLAIN64 "\r\n",
	"AUTH PLAIN\r\n", "AUTH LOGIN\r\n", "AUTH LOGIN " BASE64 "\r\n", "AUTH " BASE64 "\r\n",
	"AUTH\r\n", "AUTH X" HEX " x\r\n", BASE64 "\r\n", PLAIN64 "\r\n", CANARY "\r\n",
	HEX "\r\n", "PASS " CANARY "\r\n", "NOOP " CANARY "\r\n", "HELP " CANARY "\r\n",
	"VRFY " CANARY "\r\n", "EXPN " CANARY "\r\n", "RSET " CANARY "\r\n",
	"STARTTLS " CANARY "\r\n", "XCLIENT LOGIN=" CANARY "\r\n", "XFORWARD NAME=" CANARY "\r\n",
	"MAIL " CANARY "\r\n", "MAIL FROM:" CANARY "\r\n", "MAIL FROM:<" CANARY "\r\n",
	"MAIL FROM:<" CANARY ">\r\n", "MAIL FROM:<s@a.example> AUTH=" CANARY "\r\n",
	"MAIL FROM:<s@a.example> AUTH=<" CANARY ">\r\n",
	"RCPT TO:<a@b.example> ORCPT=rfc822;<" CANARY "> NOTIFY=NEVER\r\n",
	"MAIL FROM:<s@a.example>" CANARY ">\r\n", "MAIL FROM: s@a.example <" CANARY ">\r\n",
	"MAIL FROM:<s@a.example> X=\"" CANARY "> SIZE=1\r\n",
	"RCPT TO:<a@b.example> " CANARY "> SIZE=1\r\n",
	"MAIL FROM:<s@a.example> SIZE=" CANARY " BODY=" CANARY "\r\n",
	"MAIL FROM:<s@a.example> ENVID=" CANARY ">x\r\n", "MAIL FROM:<s@a.example> " BASE64 "\r\n",
	"MAIL FROM:s@a.example " CANARY "\r\n", "MAIL FROM:<s@a.example>\r\n",
	"MAIL FROM:<s@a.example> SIZE=100 BODY=8BITMIME\r\n", "RCPT TO:<a@b.example>\r\n",
	"RCPT TO:<a@b.example>\r\n", "RCPT TO:" CANARY "\r\n",
	"RCPT TO:<a@b.example> ORCPT=rfc822;" CANARY "\r\n", "RCPT TO:<a@b.example> " HEX "\r\n",
	"DATA\r\n", "DATA\r\n", "DATA " CANARY "\r\n", CONTENT, CONTENT,
	"BDAT 20\r\nxx" CANARY "xxx", "BDAT 20 LAST\r\nxx" CANARY "xxx", "BDAT " CANARY "\r\n",
	"\x01" CANARY "\r\n", "A\x80" CANARY "\r\n", " " CANARY "\r\n", "\r\n", CANARY "\n",
	"\r" CANARY "\r\n", "*\r\n", "QUIT " CANARY "\r\n", "STARTTLS\r\n", "NOOP\r\n", "RSET\r\n"};

static void say_long(void)
{
	size_t n = random() % 2 ? 3000 : 13000;

	for (size_t i = 0; i < n; i += sizeof(CANARY) - 1)
		buf_append_text(dialogue_client_in(d), CANARY);
	buf_append_text(dialogue_client_in(d), "\r\n");
}

static bool said_auth;

static void say_something(void)
{
	size_t count = sizeof(sayings) / sizeof(sayings[0]);
	const char *saying = sayings[(size_t)random() % count];

	if (random() % 60 == 0)
		say_long();
	else if (random() % 15 == 0 && !said_auth)
		buf_append_text(dialogue_client_in(d), DATA_AND_CONTENT);
	else
		buf_append_text(dialogue_client_in(d), saying);
	said_auth |= strncasecmp(saying, "AUTH", 4) == 0; /* what follows may be taken for its */
}

static void carry_out_wishes(void)
{
	unsigned wishes = dialogue_wishes(d);
	struct facts facts = {
		.tls = TLS_FACT_ON, .version = TLS_VERSION_1_3, .verified = random() % 4 != 0};

	if (wishes & DIALOGUE_START_TLS) {
		server.tls = true;
		if (random() % 5)
			dialogue_tls_up(d, &facts);
		else
			dialogue_tls_failed(d, "no reason");
	} else if (wishes & DIALOGUE_RECONNECT) {
		memset(&server, 0, sizeof(server));
		dialogue_reconnected(d);
		reply("220 mx again");
	}
}

static bool untraced;

static void open_dialogue(bool early)
{
	const struct dialogue_settings settings = {.policy = &policy,
		.server_name = "mx.b.example",
		.own_name = "[192.0.2.1]",
		.early_replies = early,
		.trace = untraced ? NULL : take_trace};

	traced_length = 0;
	said_auth = false;
	memset(&server, 0, sizeof(server));
	d = dialogue_new(&settings);
	assert_non_null(d);
	reply("220 mx ready");
}

static void turn(void)
{
	dialogue_run(d);
	sum_up(dialogue_server_out(d));
	sum_up(dialogue_client_out(d));
	let_server_hear();
	buf_consume(dialogue_client_out(d), buf_length(dialogue_client_out(d)));
	carry_out_wishes();
	dialogue_run(d);
}

static void turns(void)
{
	for (int i = 0; i < 6; i++)
		turn();
}

static void load(const char *text)
{
	const struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(0xc0000201)}};
	static const char *const names[] = {"mx.b.example"};
	struct policy_set *loaded;
	struct err err;

	if (policy_set_parse("f", text, strlen(text), &loaded, &err))
		fail_msg("%s", err.text);
	set = loaded;
	policy_for_host(set, names, 1, (const struct sockaddr *)&in, &policy);
}

static const char *const configurations[] = {"default { protect_credentials = false }",
	"default { require_tls = true }", "default { mode = observe require_tls = true }",
	"default { early_replies = true application_tls = allow verify_certificate = false }",
	"recipient \"b.example\" { require_tls = true }"};

static void talk(int round)
{
	load(configurations[round % 5]);
	open_dialogue(round % 2);
	if (random() % 4)
		buf_append_text(dialogue_client_in(d), "EHLO client.example\r\n");
	for (int i = 0; i < 14; i++) {
		if (random() % 5 || !i)
			say_something();
		turn();
	}
	dialogue_client_eof(d);
	turn();
	dialogue_free(d);
	policy_set_free((struct policy_set *)set);
}

static void secrets_never_stand_in_the_trace(void **state)
{
	(void)state;
	srandom(5);
	for (int round = 0; round < 6000; round++)
		talk(round);
	assert_true(lines_seen > 100000);
}

static void a_trace_changes_nothing(void **state)
{
	uint64_t sum;

	(void)state;
	for (int round = 0; round < 1500; round++) {
		srandom((unsigned)round);
		said_sum = 0;
		talk(round);
		sum = said_sum;
		srandom((unsigned)round);
		said_sum = 0;
		untraced = true;
		talk(round);
		untraced = false;
		assert_int_equal(sum, said_sum);
	}
}

/* Not so much is hidden that nothing is left. */
static void harmless_things_are_told(void **state)
{
	(void)state;
	load("default { protect_credentials = false }");
	open_dialogue(false);
	srandom(4); /* a server that takes all */
	buf_append_text(dialogue_client_in(d), "EHLO client.example\r\n");
	turns();
	buf_append_text(dialogue_client_in(d),
		"MAIL FROM:<s@a.example> SIZE=100 BODY=8BITMIME X=y\r\n");
	turns();
	buf_append_text(dialogue_client_in(d), "RCPT TO:<a@b.example>\r\nAUTH PLAIN " PLAIN64 "\r\n");
	turns();
	dialogue_free(d);
	assert_non_null(strstr(traced, "<server 220 mx ready\n"));
	assert_non_null(strstr(traced, "app> EHLO client.example\n"));
	assert_non_null(strstr(traced, ">server EHLO client.example\n"));
	assert_non_null(
		strstr(traced, "app> MAIL FROM:<s@a.example> SIZE=100 BODY=8BITMIME [3 octets]\n"));
	assert_non_null(strstr(traced, "app> RCPT TO:<a@b.example>\n"));
	assert_non_null(strstr(traced, "app> AUTH PLAIN [credentials hidden]\n"));
	policy_set_free((struct policy_set *)set);
}

/* --- which servers --- */

static bool traces(const char *setting, const char *name, const char *address)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	char text[200];
	bool found;

	snprintf(text, sizeof(text), "default { %s }", setting);
	load(text);
	assert_int_equal(inet_pton(AF_INET, address, &in.sin_addr), 1);
	found = policy_set_traces(set, &name, name ? 1 : 0, (const struct sockaddr *)&in);
	policy_set_free((struct policy_set *)set);
	return found;
}

static void servers_are_named_as_in_host_sections(void **state)
{
	(void)state;
	assert_false(traces("", "mx.b.example", "192.0.2.1"));
	assert_true(traces("trace = mx.b.example", "MX.b.example.", "192.0.2.1"));
	assert_false(traces("trace = b.example", "mx.b.example", "192.0.2.1"));
	assert_true(traces("trace = .b.example", "mx.b.example", "192.0.2.1"));
	assert_true(traces("trace = { a.example, \"192.0.2.0/24\" }", NULL, "192.0.2.1"));
	assert_true(traces("trace = \"0.0.0.0/0\"", "x", "192.0.2.1"));
	assert_false(traces("trace = { \"192.0.2.2\" }", "mx.b.example", "192.0.2.1"));
	assert_false(traces("trace = mx.b.example", NULL, "192.0.2.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_never_stand_in_the_trace),
		cmocka_unit_test(a_trace_changes_nothing),
		cmocka_unit_test(harmless_things_are_told),
		cmocka_unit_test(servers_are_named_as_in_host_sections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
