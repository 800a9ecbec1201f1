/* The parsers of SMTP: lines, commands, replies, content, and the queue of pending replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "shim/smtp/command.h"
#include "shim/smtp/content.h"
#include "shim/smtp/line.h"
#include "shim/smtp/pending.h"
#include "shim/smtp/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void lines_end_at_lf_and_know_crlf(void **state)
{
	struct line line;

	(void)state;
	assert_int_equal(line_scan("ab\r\ncd", 6, 100, &line), LINE_WHOLE);
	assert_int_equal(line.length, 2);
	assert_int_equal(line.octets, 4);
	assert_true(line.crlf);
	assert_int_equal(line_scan("ab\n", 3, 100, &line), LINE_WHOLE);
	assert_false(line.crlf);
	assert_int_equal(line_scan("abc", 3, 100, &line), LINE_PARTIAL);
	assert_int_equal(line_scan("abcd\n", 5, 4, &line), LINE_TOO_LONG);
	assert_int_equal(line_scan("abc\n", 4, 4, &line), LINE_WHOLE);
}

static void text_cannot_break_out_of_its_line(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(line_sanitize(out, sizeof(out), "a\r\nb\xc3\x01", 6, true), 6);
	assert_string_equal(out, "a??b??");
	assert_int_equal(line_sanitize(out, sizeof(out), "0123456789", 10, false), 7);
	assert_string_equal(out, "0123456");
}

static const struct {
	const char *text;
	enum verb verb;
	const char *argument;
} commands[] = {
	{"EHLO a.example", VERB_EHLO, "a.example"},
	{"helo  a ", VERB_HELO, "a"},
	{"MAIL FROM:<a@b>", VERB_MAIL, "FROM:<a@b>"},
	{"rcpt\tTO:<a@b>", VERB_RCPT, "TO:<a@b>"},
	{"DATA", VERB_DATA, ""},
	{"DATA ", VERB_DATA, ""},
	{"DATAX", VERB_UNKNOWN, ""},
	{"XCLIENT A=b", VERB_DESYNCHRONISING, "A=b"},
	{"FOO bar", VERB_UNKNOWN, "bar"},
	{" DATA", VERB_BAD, ""},
	{"", VERB_BAD, ""},
	{"NOOP \x01", VERB_BAD, ""},
	{"NOOP a\rb", VERB_BAD, ""},
	{"334", VERB_BAD, ""},
};

static void commands_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
		struct line line = {.text = commands[i].text, .length = strlen(commands[i].text)};
		struct command command;

		command_parse(&line, &command);
		assert_int_equal(command.verb, commands[i].verb);
		assert_int_equal(command.argument_length, strlen(commands[i].argument));
		assert_memory_equal(
			command.argument, commands[i].argument, command.argument_length);
	}
}

static const struct {
	const char *argument, *path;
} paths[] = {
	{"FROM:<a@b.example>", "a@b.example"},
	{"FROM:<a@b.example> SIZE=10", "a@b.example"},
	{"FROM:<>", ""},
	{"TO:<\"a>b\"@c.example> X", "\"a>b\"@c.example"},
	{"TO:<\"a\\\">\"@c>", "\"a\\\">\"@c"},
	{"FROM: <a@b>", "a@b"},
	{"FROM:a@b SIZE=1", "a@b"},
	{"nothing", ""},
	{"TO:<unclosed", "unclosed"},
};

static void paths_are_found_for_the_log(void **state)
{
	char out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
		enum verb verb = paths[i].argument[0] == 'T' ? VERB_RCPT : VERB_MAIL;
		struct command command = {verb, paths[i].argument, strlen(paths[i].argument)};

		command_path(&command, out, sizeof(out));
		assert_string_equal(out, paths[i].path);
	}
}

static void bdat_sizes(void **state)
{
	struct command command = {VERB_BDAT, "10 LAST", 7};
	uint64_t size = 0;

	(void)state;
	assert_int_equal(command_bdat_size(&command, &size), 0);
	assert_int_equal(size, 10);
	command = (struct command){VERB_BDAT, "", 0};
	assert_int_equal(command_bdat_size(&command, &size), -EINVAL);
	command = (struct command){VERB_BDAT, "99999999999999999999999999", 26};
	assert_int_equal(command_bdat_size(&command, &size), -EINVAL);
	command = (struct command){VERB_BDAT, "-1", 2};
	assert_int_equal(command_bdat_size(&command, &size), -EINVAL);
	assert_int_equal(size, 10);
}

static const struct {
	const char *bytes;
	enum reply_state state;
	int code;
	size_t octets;
} replies[] = {
	{"250 ok\r\n", REPLY_WHOLE, 250, 8},
	{"250 ok\n", REPLY_WHOLE, 250, 7},
	{"250\r\n", REPLY_WHOLE, 250, 5},
	{"250-a\r\n250 b\r\n550 c\r\n", REPLY_WHOLE, 250, 14},
	{"250-a\r\n", REPLY_PARTIAL, 0, 0},
	{"250 ok\r", REPLY_PARTIAL, 0, 0},
	{"", REPLY_PARTIAL, 0, 0},
	{"2", REPLY_PARTIAL, 0, 0},
	{"250-a\r\n251 b\r\n", REPLY_MALFORMED, 0, 0},
	{"250-a\r\nfoo\r\n", REPLY_MALFORMED, 0, 0},
	{"HTTP/1.1", REPLY_MALFORMED, 0, 0},
	{"25x ok\r\n", REPLY_MALFORMED, 0, 0},
	{"2500 ok\r\n", REPLY_MALFORMED, 0, 0},
	{"650 ok\r\n", REPLY_MALFORMED, 0, 0},
	{"150 ok\r\n", REPLY_MALFORMED, 0, 0},
	{"\r\n", REPLY_MALFORMED, 0, 0},
};

static void replies_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(replies); i++) {
		struct reply reply = {0};
		const char *why;

		assert_int_equal(
			reply_parse(replies[i].bytes, strlen(replies[i].bytes), &reply, &why),
			replies[i].state);
		assert_int_equal(reply.code, replies[i].code);
		assert_int_equal(reply.octets, replies[i].octets);
	}
}

static void endless_replies_are_malformed(void **state)
{
	struct reply reply;
	const char *why;
	char *bytes = malloc(20000);

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', 20000);
	memcpy(bytes, "250 ", 4);
	assert_int_equal(reply_parse(bytes, REPLY_LINE_MAX - 1, &reply, &why), REPLY_PARTIAL);
	assert_int_equal(reply_parse(bytes, REPLY_LINE_MAX, &reply, &why), REPLY_MALFORMED);
	memcpy(bytes, "334 ", 4);
	assert_int_equal(reply_parse(bytes, REPLY_LINE_MAX, &reply, &why), REPLY_PARTIAL);
	assert_int_equal(reply_parse(bytes, REPLY_334_LINE_MAX, &reply, &why), REPLY_MALFORMED);
	for (size_t i = 0; i + 8 <= 20000; i += 8)
		memcpy(bytes + i, "250-ab\r\n", 8);
	assert_int_equal(reply_parse(bytes, REPLY_MAX, &reply, &why), REPLY_MALFORMED);
	free(bytes);
}

static char *passed(const char *bytes, bool lf_client, size_t piece, enum content_state *last)
{
	static char text[256];
	struct content content;
	struct buf out;
	size_t taken;

	buf_init(&out, 4096);
	content_begin(&content, lf_client);
	*last = CONTENT_MORE;
	for (size_t at = 0, n = strlen(bytes); at < n && *last == CONTENT_MORE; at += taken)
		*last = content_pass(
			&content, bytes + at, n - at < piece ? n - at : piece, &taken, &out);
	snprintf(text, sizeof(text), "%.*s", (int)buf_length(&out), buf_bytes(&out));
	buf_clear(&out);
	return text;
}

static const struct {
	const char *in, *out;
	bool lf_client;
	enum content_state last;
} contents[] = {
	{".\r\n", ".\r\n", false, CONTENT_END},
	{"a\r\n.\r\nrest", "a\r\n.\r\n", false, CONTENT_END},
	{"a\r\n..b\r\n.c\r\n.\r\n", "a\r\n..b\r\n.c\r\n.\r\n", false, CONTENT_END},
	{"a\nb\rc\r\r\n.\r\n", "a\nb\rc\r\r\n.\r\n", false, CONTENT_END},
	{"a\n.b\r\n", "a\n.b\r\n", false, CONTENT_MORE},
	{"a\n.\n", "a\n", false, CONTENT_SMUGGLING},
	{"a\r.\r\n", "a\r", false, CONTENT_SMUGGLING},
	{"a\r\n.\n", "a\r\n", false, CONTENT_SMUGGLING},
	{"a\r\n.\r\r\n", "a\r\n", false, CONTENT_SMUGGLING},
	{"a\n.\n", "a\r\n.\r\n", true, CONTENT_END},
	{"a\r\n.\n", "a\r\n.\r\n", true, CONTENT_END},
	{"a\n.\r\n", "a\r\n.\r\n", true, CONTENT_END},
	{"\n\n..\n.\n", "\r\n\r\n..\r\n.\r\n", true, CONTENT_END},
	{"a\r.\n", "a\r", true, CONTENT_SMUGGLING},
};

/* However the content is cut, the same comes out. */
static void content_ends_at_its_dot_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(contents); i++) {
		for (size_t piece = 1; piece < 8; piece++) {
			enum content_state last;

			assert_string_equal(
				passed(contents[i].in, contents[i].lf_client, piece, &last),
				contents[i].out);
			assert_int_equal(last, contents[i].last);
		}
	}
}

static void pending_keeps_order_and_bounds(void **state)
{
	static struct pending p;
	bool last;

	(void)state;
	assert_int_equal(pending_first(&p), AWAITED_NOTHING);
	for (int round = 0; round < 3; round++) {
		assert_int_equal(pending_add(&p, AWAITED_MAIL, 7), 0);
		assert_int_equal(pending_sent_at(&p), 7);
		for (int i = 1; i < PENDING_MAX; i++)
			assert_int_equal(pending_add_reply(&p, "250 ok\r\n", i == 3), 0);
		assert_true(pending_full(&p));
		assert_int_equal(pending_add(&p, AWAITED_RCPT, 0), -ENOBUFS);
		assert_null(pending_reply(&p, &last));
		pending_drop(&p);
		assert_string_equal(pending_reply(&p, &last), "250 ok\r\n");
		assert_false(last);
		pending_clear(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_end_at_lf_and_know_crlf),
		cmocka_unit_test(text_cannot_break_out_of_its_line),
		cmocka_unit_test(commands_are_taken_apart),
		cmocka_unit_test(paths_are_found_for_the_log),
		cmocka_unit_test(bdat_sizes),
		cmocka_unit_test(replies_are_read),
		cmocka_unit_test(endless_replies_are_malformed),
		cmocka_unit_test(content_ends_at_its_dot_only),
		cmocka_unit_test(pending_keeps_order_and_bounds),
	};

	return cmocka_run_group_tests_name("smtp", tests, NULL, NULL);
}
