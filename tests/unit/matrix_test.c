/*
 * matrix: what becomes of a mail for every combination of server, certificate, require_tls,
 * verify_certificate, on_bad_certificate, message_override, header fields, violation and mode, as
 * the dialogue does it. tests/policy/matrix.ref is the table, to be read by a person; run from the
 * root of the tree. MAILSEAL_WRITE_REF=1 in the environment writes it anew.
 *
 * Rows that say the same are joined, so that what is joined was seen to be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/load.h"
#include "tests/unit/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#define REFERENCE "tests/policy/matrix.ref"
#define COLUMNS 9
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const struct server {
	const char *name;
	struct facts facts;
} servers[] = {
	{"certificate valid", {TLS_FACT_ON, TLS_VERSION_1_3, true, ""}},
	{"certificate invalid", {TLS_FACT_ON, TLS_VERSION_1_3, false, "expired"}},
	{"valid, below min_tls", {TLS_FACT_ON, TLS_VERSION_1_2, true, ""}},
	{"invalid, below min_tls", {TLS_FACT_ON, TLS_VERSION_1_2, false, "expired"}},
	{"no STARTTLS", {TLS_FACT_NOT_OFFERED, 0, false, ""}},
	{"STARTTLS refused", {TLS_FACT_REFUSED, 0, false, ""}},
	{"handshake failed", {TLS_FACT_HANDSHAKE_FAILED, 0, false, "alert"}},
};

static const char *const bools[] = {"false", "true"};
static const char *const bad[] = {"unauthenticated", "cleartext", "refuse"};
static const char *const rights[] = {"any", "tighten", "ignore"};
static const char *const violations[] = {"tempfail", "reject"};
static const char *const modes[] = {"enforce", "observe"};
static const char *const fields[] = {"", "no", "yes"};

/* Where the demands stand. */
enum place { IN_DEFAULT, IN_RECIPIENT, PLACES };

static const char *const places[] = {
	"The demands stand in default.",
	"The demands stand in the recipient's section; default has on_bad_certificate only.",
};

struct combination {
	enum place place;
	const struct server *server;
	unsigned require, verify, on_bad, right, violation, mode;
	bool early; /* replies may be given early */
};

static struct policy_set *load(const struct combination *c, struct policy *policy)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000219)};
	const char *name = RELAY_SERVER;
	struct policy_set *set;
	struct err err;
	char text[600];

	snprintf(text, sizeof(text),
		"default { on_bad_certificate = %s\n%s require_tls = %s verify_certificate = %s\n"
		"message_override = %s violation = %s mode = %s min_tls = %s }\n",
		bad[c->on_bad], c->place == IN_DEFAULT ? "" : "}\nrecipient \"b.example\" {",
		bools[c->require], bools[c->verify], rights[c->right], violations[c->violation],
		modes[c->mode], strstr(c->server->name, "below") ? "1.3" : "1.2");
	if (policy_set_parse("mailseal.conf", text, strlen(text), &set, &err))
		fail_msg("%s", err.text);
	policy_for_host(set, &name, 1, (struct sockaddr *)&address, policy);
	return set;
}

/* A mail; the reply that ends it, at which command. */
static const struct relay_reply *send_mail(struct relay *r, unsigned field, const char **at)
{
	char head[200];

	*at = "MAIL";
	relay_tell(r, "MAIL FROM:<a@a.example>\r\n");
	if (relay_reply_to(r, 2)->code != 250)
		return relay_reply_to(r, 2);
	*at = "RCPT";
	relay_tell(r, "RCPT TO:<b@b.example>\r\n");
	if (relay_reply_to(r, 3)->code != 250)
		return relay_reply_to(r, 3);
	*at = "DATA";
	relay_tell(r, "DATA\r\n");
	if (relay_reply_to(r, 4)->code != 354)
		return relay_reply_to(r, 4);
	*at = "dot";
	snprintf(head, sizeof(head), "%s%s%s%s%s%s", field / 3 ? "Mailseal-Require-TLS: " : "",
		fields[field / 3], field / 3 ? "\r\n" : "",
		field % 3 ? "Mailseal-Verify-Certificate: " : "", fields[field % 3],
		field % 3 ? "\r\n" : "");
	relay_say(r, head, strlen(head));
	relay_tell(r, "Subject: secret\r\n\r\nsecret\r\n.\r\n");
	return relay_reply_to(r, 5);
}

/* How the mail went to the server, or NULL. */
static const struct heard *arrived(const struct relay *r)
{
	static const char content[] = "Subject: secret\r\n\r\nsecret\r\n.\r\n";

	for (unsigned i = 0; i < r->heard_count; i++) {
		if (relay_heard_is(r, i, content, sizeof(content) - 1))
			return &r->heard[i];
	}
	return NULL;
}

static void assert_nothing_leaked(const struct relay *r, const char *at)
{
	assert_false(relay_heard_anywhere(r, "secret"));
	if (strcmp(at, "dot") != 0)
		assert_false(relay_heard_anywhere(r, "b.example>"));
	if (strcmp(at, "MAIL") == 0)
		assert_false(relay_heard_anywhere(r, "a.example>"));
}

/* The cell of one combination. What only violation changes is asserted, not shown. */
static void answer(const struct combination *c, unsigned field, char *cell, size_t size)
{
	struct policy policy;
	struct policy_set *set = load(c, &policy);
	struct relay r;
	const struct relay_reply *reply;
	const struct relay_report *report;
	const struct heard *heard;
	const char *at;

	relay_open(&r, &policy, &c->server->facts, false, false, c->early, 1);
	reply = send_mail(&r, field, &at);
	heard = arrived(&r);
	relay_tell(&r, "QUIT\r\n");
	report = &r.report[0];
	assert_null(r.broken);
	assert_true(report->transaction && r.report_count == 1);
	assert_false(relay_heard_anywhere(&r, "Mailseal-"));
	if (reply->code == 250) {
		const char *outcome = report->outcome == OUTCOME_TLS_VERIFIED ? "TLS+"
				      : heard && heard->tls		      ? "TLS-"
									      : "clear";

		assert_non_null(heard);
		assert_true(report->outcome != OUTCOME_BLOCKED || report->would_block);
		assert_true(heard->tls || report->outcome != OUTCOME_TLS_VERIFIED);
		if (!report->would_block)
			assert_true((report->outcome == OUTCOME_CLEARTEXT) == !heard->tls);
		snprintf(cell, size, "%s%s", outcome, report->would_block ? "!" : "");
	} else {
		int first = c->violation ? 5 : 4;

		assert_null(heard);
		assert_nothing_leaked(&r, at);
		assert_int_equal(report->outcome, OUTCOME_BLOCKED);
		assert_int_equal(reply->code, first == 4 ? 454 : at[0] == 'd' ? 554 : 550);
		assert_int_equal(reply->text[4], first + '0');
		assert_memory_equal(reply->text + 5, ".7.", 3);
		snprintf(cell, size, "%s %c", at, reply->text[8]);
	}
	relay_close(&r);
	policy_set_free(set);
}

/* Both violations, which must differ in the first digit alone, with early replies and without. */
static void answer_cells(struct combination c, char cells[COLUMNS][24])
{
	char other[24];

	for (unsigned i = 0; i < COLUMNS; i++) {
		c.violation = 0;
		c.early = false;
		answer(&c, i, cells[i], sizeof(cells[i]));
		for (unsigned k = 1; k < 4; k++) {
			c.violation = k & 1;
			c.early = k & 2;
			answer(&c, i, other, sizeof(other));
			assert_string_equal(cells[i], other);
		}
	}
}

struct row {
	char cells[COLUMNS][24];
	bool done;
};

static bool same_row(const struct row *a, const struct row *b)
{
	return memcmp(a->cells, b->cells, sizeof(a->cells)) == 0;
}

static void add_name(char *list, size_t size, const char *name)
{
	size_t n = strlen(list);

	snprintf(list + n, size - n, "%s%s", n ? "," : "", name);
}

/* The names of a set of three. */
static const char *list(char text[60], const char *const names[3], unsigned set)
{
	text[0] = '\0';
	for (unsigned i = 0; i < 3 && set != 7; i++) {
		if (set & 1u << i)
			add_name(text, 60, names[i]);
	}
	return set == 7 ? "*" : text;
}

/* Rows of the same cells become one, which names the settings that it stands for. */
static void print_joined(FILE *out, const struct combination *c, struct row rows[3][3],
	unsigned on_bad, unsigned right)
{
	const struct row *first = &rows[on_bad][right];
	char bads[60], overrides[60];
	unsigned b_set = 0, k_set = 0;

	for (unsigned b = 0; b < 3; b++)
		b_set |= (unsigned)same_row(first, &rows[b][right]) << b;
	for (unsigned k = 0; k < 3; k++) {
		bool same = true, new = false;

		for (unsigned b = 0; b < 3; b++) {
			same &= !(b_set & 1u << b) || same_row(first, &rows[b][k]);
			new |= (b_set & 1u << b) && !rows[b][k].done;
		}
		k_set |= (unsigned)(same && new) << k;
	}
	for (unsigned i = 0; i < 9; i++)
		rows[i / 3][i % 3].done |= b_set >> i / 3 & k_set >> i % 3 & 1;
	fprintf(out, "%-6s %-6s %-25s %-14s", bools[c->require], bools[c->verify],
		list(bads, bad, b_set), list(overrides, rights, k_set));
	for (unsigned k = 0; k < COLUMNS; k++)
		fprintf(out, "%s%-6s", k % 3 ? " " : " | ", first->cells[k]);
	fprintf(out, "\n");
}

static void print_rows(FILE *out, const struct combination *c, struct row rows[3][3])
{
	for (unsigned i = 0; i < 9; i++) {
		if (!rows[i / 3][i % 3].done)
			print_joined(out, c, rows, i / 3, i % 3);
	}
}

static void print_head(FILE *out, const struct combination *c)
{
	static const char *const says[] = {"absent", "no", "yes"};

	fprintf(out, "\n== mode = %s, server: %s\n", modes[c->mode], c->server->name);
	fprintf(out, "%-54s", "");
	for (unsigned k = 0; k < 3; k++)
		fprintf(out, " | Require-TLS: %-7s", says[k]);
	fprintf(out, "\n%-6s %-6s %-25s %-14s", "req.", "verify", "on_bad_certificate", "override");
	for (unsigned k = 0; k < COLUMNS; k++)
		fprintf(out, "%s%s%-*s", k % 3 ? " " : " | ", k % 3 ? "" : "V: ", k % 3 ? 6 : 3,
			k % 3 ? says[k % 3] : "-");
	fprintf(out, "\n");
}

static void print_table(FILE *out, struct combination c)
{
	print_head(out, &c);
	for (unsigned i = 0; i < 4; i++) {
		struct row rows[3][3] = {0};

		c.require = i / 2;
		c.verify = i % 2;
		for (c.on_bad = 0; c.on_bad < 3; c.on_bad++) {
			for (c.right = 0; c.right < 3; c.right++)
				answer_cells(c, rows[c.on_bad][c.right].cells);
		}
		print_rows(out, &c, rows);
	}
}

static const char legend[] = "What becomes of a mail, as the dialogue does it "
			     "(tests/unit/matrix_test.c writes this file).\n"
			     "Across: the header field Mailseal-Require-TLS, and under each "
			     "Mailseal-Verify-Certificate (V).\n"
			     "\n"
			     "  TLS+ TLS- clear       it goes: over TLS with a valid certificate, "
			     "over TLS, in the clear\n"
			     "  ...!                  it goes, and the log says would-block\n"
			     "  MAIL 4 RCPT 4 dot 4   it is refused at that command (after the "
			     "final dot), and nothing that came later, nor the\n"
			     "                        command itself, reached the server. "
			     "violation = tempfail: 454 4.7.4; reject: 550 5.7.4,\n"
			     "                        after the final dot 554 5.7.4\n"
			     "  *                     every value of the setting gives this row\n";

static void print_all(FILE *out)
{
	fputs(legend, out);
	for (unsigned place = 0; place < PLACES; place++) {
		fprintf(out, "\n\n%s\n", places[place]);
		for (unsigned mode = 0; mode < 2; mode++) {
			for (size_t s = 0; s < LENGTH(servers); s++)
				print_table(out, (struct combination){.place = (enum place)place,
							 .server = &servers[s],
							 .mode = mode});
		}
	}
}

static void strip_blanks(char *text)
{
	char *to = text;

	for (char *p = text; *p; p++) {
		if (*p == '\n')
			while (to > text && to[-1] == ' ')
				to--;
		*to++ = *p;
	}
	*to = '\0';
}

static void compare(const char *got, FILE *ref)
{
	char line[400];
	unsigned number = 0;

	while (fgets(line, sizeof(line), ref)) {
		number++;
		if (strncmp(got, line, strlen(line)) != 0)
			fail_msg(REFERENCE ":%u: expected\n%sgot\n%.*s", number, line,
				(int)strcspn(got, "\n"), got);
		got += strlen(line);
	}
	assert_string_equal(got, "");
}

static void every_combination_does_what_the_table_says(void **state)
{
	bool writes = getenv("MAILSEAL_WRITE_REF") != NULL;
	char *text = NULL;
	size_t size;
	FILE *ref, *out = open_memstream(&text, &size);

	(void)state;
	print_all(out);
	fclose(out);
	strip_blanks(text);
	ref = fopen(REFERENCE, writes ? "w+" : "r");
	if (!ref)
		fail_msg(REFERENCE ": %s (run from the root of the tree)", strerror(errno));
	if (writes)
		fputs(text, ref);
	rewind(ref);
	compare(text, ref);
	fclose(ref);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_does_what_the_table_says),
	};

	return cmocka_run_group_tests_name("matrix", tests, NULL, NULL);
}
