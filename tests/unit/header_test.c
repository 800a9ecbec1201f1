/* The header of a message: what fields of ours say, and that nothing else changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "shim/smtp/header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define REST "Subject: x\r\n\r\n"
#define TLS "Mailseal-Require-TLS"
#define CERTIFICATE "Mailseal-Verify-Certificate"

struct result {
	struct header header;
	struct overrides said;
	char *text; /* all that came out, terminated */
	size_t length;
	bool end;
};

/* Takes all out of `out`, so that there is room again. */
static void drain(struct result *result, struct buf *out)
{
	size_t n = buf_length(out);

	result->text = realloc(result->text, result->length + n + 1);
	assert_non_null(result->text);
	memcpy(result->text + result->length, buf_bytes(out), n);
	result->length += n;
	result->text[result->length] = '\0';
	buf_consume(out, n);
}

/* Pieces of up to `piece` octets through room for `room`; 0: of random size, anew each time. */
static struct result pass(const char *wire, size_t n, size_t piece, size_t room)
{
	struct result result = {.text = NULL};
	size_t at = 0;
	struct buf out;

	header_begin(&result.header);
	buf_init(&out, 0);
	while (!result.end && at < n) {
		size_t size = piece ? piece : (size_t)rand() % 9 + 1, taken = 0;

		out.limit = room ? room : (size_t)rand() % 9 + 1;
		if (size > n - at)
			size = n - at;
		result.end =
			header_pass(&result.header, wire + at, size, &taken, &out) == HEADER_END;
		assert_true(taken <= size);
		at += taken;
		drain(&result, &out);
	}
	out.limit = HEADER_HELD;
	if (!result.end)
		assert_int_equal(header_finish(&result.header, &out), 0);
	drain(&result, &out);
	header_overrides(&result.header, &result.said);
	if (result.end) { /* the body goes where it likes */
		out.limit = n;
		assert_int_equal(buf_append(&out, wire + at, n - at), 0);
		drain(&result, &out);
	}
	buf_clear(&out);
	return result;
}

static const struct row {
	const char *wire, *out;
	enum field tls, certificate;
	const char *remark; /* a part of it; NULL: none */
} rows[] = {
	/* plain */
	{"", "", 0, 0, NULL},
	{"\r\nbody\r\n.\r\n", "\r\nbody\r\n.\r\n", 0, 0, NULL},
	{REST, REST, 0, 0, NULL},
	{"A: b\r\n c\r\n\td: e\r\n" REST "f\r\n.\r\n", "A: b\r\n c\r\n\td: e\r\n" REST "f\r\n.\r\n",
		0, 0, NULL},
	/* what they say */
	{TLS ": yes\r\n" REST, REST, FIELD_YES, 0, NULL},
	{TLS ": no\r\n" REST, REST, FIELD_NO, 0, NULL},
	{TLS ": true\r\n" REST, REST, FIELD_YES, 0, NULL},
	{TLS ": false\r\n" REST, REST, FIELD_NO, 0, NULL},
	{CERTIFICATE ": yes\r\n" REST, REST, 0, FIELD_YES, NULL},
	{CERTIFICATE ": no\r\n" REST, REST, 0, FIELD_NO, NULL},
	{"mailSEAL-require-tls:FALSE\r\n" REST, REST, FIELD_NO, 0, NULL},
	{TLS " \t : \t No \t\r\n" REST, REST, FIELD_NO, 0, NULL},
	{"Subject: x\r\n" TLS ": no\r\nMessage-Id: y\r\n" CERTIFICATE ":no\r\n\r\nb",
		"Subject: x\r\nMessage-Id: y\r\n\r\nb", FIELD_NO, FIELD_NO, NULL},
	{TLS ": no\r\n\r\n" TLS ": yes\r\n", "\r\n" TLS ": yes\r\n", FIELD_NO, 0, NULL},
	/* folded */
	{TLS ":\r\n no\r\n" REST, REST, FIELD_NO, 0, NULL},
	{TLS ": no\r\n\t\r\n" REST, REST, 0, 0, "well-formed"},
	{TLS ": n\r\n o\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS ": no\r\n yes\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{"Subject: a\r\n " TLS ": yes\r\n\r\n", "Subject: a\r\n " TLS ": yes\r\n\r\n", 0, 0, NULL},
	/* doubtful values */
	{TLS ":\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS ": no (comment)\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS ": (no) no\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS ": 0\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS ": nono\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS ": falsefalse\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS ": no,no,no,no,no,no,no,no,no,no,no,no,no,no,no\r\n" REST, REST, FIELD_YES, 0,
		"neither"},
	{TLS ": no\x80\r\n" REST, REST, FIELD_YES, 0, "neither"},
	/* doubtful names */
	{TLS " no\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS "\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS "\r\n : no\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS "=no\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS "(c): no\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS " yes\r\n" CERTIFICATE ": no\r\n" REST, REST, FIELD_YES, 0,
		"Require-TLS says neither"},
	{TLS "X: no\r\n" REST, TLS "X: no\r\n" REST, 0, 0, "begins with Mailseal-"},
	{TLS "-2: yes\r\n" REST, TLS "-2: yes\r\n" REST, 0, 0, "begins with Mailseal-"},
	{"Mailseal-Other: yes\r\n" REST, "Mailseal-Other: yes\r\n" REST, 0, 0,
		"begins with Mailseal-"},
	{"Mailseal-: yes\r\n" REST, "Mailseal-: yes\r\n" REST, 0, 0, "begins with Mailseal-"},
	{"Mailseal: yes\r\nM: x\r\n" REST, "Mailseal: yes\r\nM: x\r\n" REST, 0, 0, NULL},
	{"X-" TLS ": yes\r\n" REST, "X-" TLS ": yes\r\n" REST, 0, 0, NULL},
	/* more than one */
	{TLS ": no\r\n" TLS ": no\r\n" REST, REST, FIELD_NO, 0, "more than once"},
	{TLS ": no\r\n" TLS ": yes\r\n" REST, REST, FIELD_YES, 0, "more than once"},
	{CERTIFICATE ": yes\r\n" CERTIFICATE ": no\r\n" REST, REST, 0, FIELD_YES,
		"Verify-Certificate is given more than once"},
	/* stuffed dots, which the server drops */
	{"." TLS ": no\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{"." TLS ": yes\r\n a\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{".." TLS ": yes\r\n" REST, ".." TLS ": yes\r\n" REST, 0, 0, NULL},
	{TLS ": no\r\n. \r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS ": no\r\n. no\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS ": no\r\n.A: b\r\n" REST, ".A: b\r\n" REST, 0, 0, "well-formed"},
	{"A: b\r\n. c\r\n" TLS ": no\r\n" REST, "A: b\r\n. c\r\n" REST, 0, 0, "well-formed"},
	/* no end */
	{TLS ": no\r\n", "", 0, 0, "no end"},
	{TLS ": no\r\n.\r\n", ".\r\n", 0, 0, "no end"},
	{TLS ": yes\r\nA: b\r\n.\r\n", "A: b\r\n.\r\n", FIELD_YES, 0, NULL},
	{".\r\n", ".\r\n", 0, 0, NULL},
	{".\r\n" TLS ": yes\r\n" REST, ".\r\n" TLS ": yes\r\n" REST, 0, 0, NULL},
	{TLS ": no", "", FIELD_YES, 0, "neither"},
	{TLS ": no\r", "", FIELD_YES, 0, "neither"},
	{TLS, TLS, FIELD_YES, 0, NULL},
	{"Mailseal-Req", "Mailseal-Req", 0, 0, NULL},
	{".", ".", 0, 0, NULL},
	{"A: b\r", "A: b\r", 0, 0, NULL},
	/* not well-formed: nothing says no, yes still counts */
	{" a\r\n" TLS ": no\r\n" REST, " a\r\n" REST, 0, 0, "well-formed"},
	{" a\r\n" TLS ": yes\r\n" REST, " a\r\n" REST, FIELD_YES, 0, NULL},
	{"no field\r\n" TLS ": no\r\n" REST, "no field\r\n" REST, 0, 0, "well-formed"},
	{"nofield\r\n" TLS ": no\r\n" REST, "nofield\r\n" REST, 0, 0, "well-formed"},
	{": b\r\n" TLS ": no\r\n" REST, ": b\r\n" REST, 0, 0, "well-formed"},
	{"\xc3\xa4: b\r\n" TLS ": no\r\n" REST, "\xc3\xa4: b\r\n" REST, 0, 0, "well-formed"},
	{"A : b\r\n" TLS ": no\r\n" REST, "A : b\r\n" REST, FIELD_NO, 0, NULL},
	{"A: b\r\n \t \r\n" TLS ": no\r\n" REST, "A: b\r\n \t \r\n" REST, 0, 0, "well-formed"},
	{TLS ": no\r\n" TLS " no\r\n" REST, REST, FIELD_YES, 0, "more than once"},
	/* mailbox files */
	{"From a@b.example Mon\r\n" TLS ": no\r\n" REST, "From a@b.example Mon\r\n" REST, FIELD_NO,
		0, NULL},
	{">From a@b\r\n" TLS ": no\r\n" REST, ">From a@b\r\n" REST, FIELD_NO, 0, NULL},
	{"From: a@b\r\n" TLS ": no\r\n" REST, "From: a@b\r\n" REST, FIELD_NO, 0, NULL},
	{"from a@b\r\n" TLS ": no\r\n" REST, "from a@b\r\n" REST, 0, 0, "well-formed"},
	{"A: b\r\nFrom a@b\r\n" TLS ": no\r\n" REST, "A: b\r\nFrom a@b\r\n" REST, 0, 0,
		"well-formed"},
	/* bare CR and LF may be line breaks or not */
	{"A: b\n" TLS ": no\r\n" REST, "A: b\n" TLS ": no\r\n" REST, FIELD_YES, 0, "bare CR or LF"},
	{"A: b\r" CERTIFICATE ": no\r\n" REST, "A: b\r" CERTIFICATE ": no\r\n" REST, 0, FIELD_YES,
		"bare CR or LF"},
	{"A: b\n." TLS ": no\r\n" REST, "A: b\n." TLS ": no\r\n" REST, FIELD_YES, 0,
		"bare CR or LF"},
	{"A: b\n" TLS "X: no\r\n" REST, "A: b\n" TLS "X: no\r\n" REST, 0, 0,
		"begins with Mailseal-"},
	{"A: b\nC: d\r\n" TLS ": no\r\n" REST, "A: b\nC: d\r\n" REST, 0, 0, "well-formed"},
	{"A: b\rC: d\r\n" TLS ": no\r\n" REST, "A: b\rC: d\r\n" REST, 0, 0, "well-formed"},
	{TLS ": no\n" CERTIFICATE ": no\r\n" REST, REST, FIELD_YES, FIELD_YES, "neither"},
	{TLS ": no\r\r\n" REST, REST, FIELD_YES, 0, "neither"},
	{TLS "\n: no\r\n" REST, REST, FIELD_YES, 0, "neither"},
	/* blank lines that are none */
	{"A: b\n\n" TLS ": no\r\n" REST, "A: b\n\n" TLS ": no\r\n" REST, FIELD_YES, 0, "bare"},
	{"A: b\r\n\n" TLS ": no\r\n" REST, "A: b\r\n\n" TLS ": no\r\n" REST, FIELD_YES, 0, "bare"},
	{"A: b\n\r\n" TLS ": no\r\n" REST, "A: b\n\r\n" REST, 0, 0, "well-formed"},
	{"A: b\r\r\n" TLS ": no\r\n" REST, "A: b\r\r\n" REST, 0, 0, "well-formed"},
	{"A: b\r\n\r\r\n" TLS ": yes\r\n" REST, "A: b\r\n\r\r\n" REST, FIELD_YES, 0, NULL},
};

static void check(const struct row *row, const struct result *result)
{
	const char *remark = header_remark(&result->header);

	if (strcmp(result->text, row->out) != 0 || result->said.require_tls != row->tls ||
		result->said.verify_certificate != row->certificate ||
		(row->remark ? !strstr(remark, row->remark) : remark[0] != '\0'))
		fail_msg("of \"%s\" came \"%s\", tls %d, certificate %d, remark \"%s\"", row->wire,
			result->text, result->said.require_tls, result->said.verify_certificate,
			remark);
}

static void fields_of_ours_speak_and_go_and_all_else_passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct result result = pass(rows[i].wire, strlen(rows[i].wire), SIZE_MAX, SIZE_MAX);

		check(&rows[i], &result);
		free(result.text);
	}
}

static void pieces_and_room_change_nothing(void **state)
{
	static const struct {
		size_t piece, room;
	} ways[] = {{1, SIZE_MAX}, {SIZE_MAX, 1}, {1, 1}, {2, 3}, {SIZE_MAX, 2}, {0, SIZE_MAX},
		{0, 0}, {0, 0}, {0, 0}, {0, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		for (size_t j = 0; j < ARRAY_LENGTH(ways); j++) {
			struct result result = pass(
				rows[i].wire, strlen(rows[i].wire), ways[j].piece, ways[j].room);

			check(&rows[i], &result);
			free(result.text);
		}
	}
}

static void nul_forbids_no(void **state)
{
	static const char before[] = "A: \0\r\nMailseal-Require-TLS: no\r\n\r\n";
	static const char inside[] = "Mailseal-Require-TLS: no\0\r\n\r\n";
	struct result result;

	(void)state;
	result = pass(before, sizeof(before) - 1, SIZE_MAX, SIZE_MAX);
	assert_int_equal(result.said.require_tls, FIELD_ABSENT);
	assert_int_equal(result.length, 8);
	assert_memory_equal(result.text, "A: \0\r\n\r\n", 8);
	free(result.text);
	result = pass(inside, sizeof(inside) - 1, SIZE_MAX, SIZE_MAX);
	assert_int_equal(result.said.require_tls, FIELD_YES);
	assert_string_equal(result.text, "\r\n");
	free(result.text);
}

/* Texts made of the pieces that matter: any fragmentation gives what one piece gives. */
static void random_headers_pass_alike_in_any_pieces(void **state)
{
	static const char *const words[] = {"Mailseal-", "Require-TLS", "Verify-Certificate", ":",
		" ", "\t", "\r\n", "\r\n", "\r\n", "\r", "\n", ".", "yes", "no", "A: b\r\n",
		"From ", ">", "M", TLS ": no\r\n", CERTIFICATE ": yes\r\n"};

	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		char text[400] = "";
		struct result whole, pieces;
		size_t n = 0;

		for (int i = rand() % 12; i >= 0; i--) {
			const char *word = words[(size_t)rand() % ARRAY_LENGTH(words)];

			memcpy(text + n, word, strlen(word));
			n += strlen(word);
		}
		whole = pass(text, n, SIZE_MAX, SIZE_MAX);
		pieces = pass(text, n, 0, 0);
		assert_int_equal(whole.length, pieces.length);
		assert_memory_equal(whole.text, pieces.text, whole.length);
		assert_memory_equal(&whole.said, &pieces.said, sizeof(whole.said));
		assert_ptr_equal(header_remark(&whole.header), header_remark(&pieces.header));
		free(whole.text);
		free(pieces.text);
	}
}

static void finishing_without_room_says_so_and_changes_nothing(void **state)
{
	struct header header;
	struct buf out;
	size_t taken;

	(void)state;
	header_begin(&header);
	buf_init(&out, 4);
	assert_int_equal(header_pass(&header, "Mailseal", 8, &taken, &out), HEADER_MORE);
	assert_int_equal(taken, 8);
	assert_int_equal(header_finish(&header, &out), -ENOBUFS);
	assert_int_equal(buf_length(&out), 0);
	out.limit = HEADER_HELD;
	assert_int_equal(header_finish(&header, &out), 0);
	assert_int_equal(buf_length(&out), 8);
	assert_int_equal(header_finish(&header, &out), 0);
	assert_int_equal(buf_length(&out), 8);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_of_ours_speak_and_go_and_all_else_passes),
		cmocka_unit_test(pieces_and_room_change_nothing),
		cmocka_unit_test(nul_forbids_no),
		cmocka_unit_test(random_headers_pass_alike_in_any_pieces),
		cmocka_unit_test(finishing_without_room_says_so_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
