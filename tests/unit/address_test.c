/* The domain of the address in MAIL and RCPT: found where all readers find the same one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "shim/smtp/address.h"

#include <stdio.h>
#include <string.h>

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define AMBIGUOUS NULL

static void parse(enum verb verb, const char *argument, size_t n, struct domain *domain)
{
	struct command command = {.verb = verb, .argument = argument, .argument_length = n};

	memset(domain, 'x', sizeof(*domain));
	address_of_command(&command, domain);
}

static void expect(const char *of, const struct domain *domain, const char *name)
{
	enum domain_form form = !name	       ? DOMAIN_AMBIGUOUS
				: !*name       ? DOMAIN_NULL
				: *name == '[' ? DOMAIN_LITERAL
					       : DOMAIN_NAME;

	if (domain->form != form || strcmp(domain->name, name ? name : "") != 0)
		fail_msg("of %s: form %d, name \"%s\"", of, domain->form, domain->name);
}

/* Paths as they stand in both commands. */
static const struct {
	const char *path;
	const char *domain; /* NULL: ambiguous */
} paths[] = {
	{"<a@b.example>", "b.example"},
	{"<a@B.Example>", "b.example"},
	{"<a@b.example.>", "b.example"},
	{"<a@b>", "b"},
	{"<a.b+c=d!e%f#$&'*/?^_`{|}~-@b.example>", "b.example"},
	{"<x!y%c.example@b.example>", "b.example"},
	{"<.a..b.@b.example>", "b.example"},
	/* quoted */
	{"<\"a b\"@c.example>", "c.example"},
	{"<\"a@b.example\"@c.example>", "c.example"},
	{"<\"a>b\"@c.example>", "c.example"},
	{"<\"a\\\"@b.example\"@c.example>", "c.example"},
	{"<\"a\\\\\"@c.example>", "c.example"},
	{"<\"\"@c.example>", "c.example"},
	{"<\"a\".b.\"c\"@c.example>", "c.example"},
	{"<\"a@b.example>", AMBIGUOUS},
	{"<\"a\"b@c.example>", AMBIGUOUS},
	{"<a\"b\"@c.example>", AMBIGUOUS},
	{"<\"a\"\"b\"@c.example>", AMBIGUOUS},
	{"<\"a\\\"@c.example>", AMBIGUOUS},
	{"<\"a\tb\"@c.example>", AMBIGUOUS},
	{"<\"a\\\tb\"@c.example>", AMBIGUOUS},
	{"<\"a\rb\"@c.example>", AMBIGUOUS},
	{"<\"a@b.example\">", AMBIGUOUS},
	{"<\"<a@b.example>\"@c.example>", "c.example"},
	/* source routes */
	{"<@a.example:b@c.example>", "c.example"},
	{"<@a.example,@[192.0.2.1],@[IPv6:2001:db8::1]:b@c.example>", "c.example"},
	{"<@a.example:\"b@x\"@c.example>", "c.example"},
	{"<@a.example,b.example:c@d.example>", AMBIGUOUS},
	{"<@a.example, @b.example:c@d.example>", AMBIGUOUS},
	{"<@a.example,:c@d.example>", AMBIGUOUS},
	{"<@:c@d.example>", AMBIGUOUS},
	{"<@a.example:>", AMBIGUOUS},
	{"<@a.example:c>", AMBIGUOUS},
	{"<@a.example:@d.example>", AMBIGUOUS},
	{"<@a.example>", AMBIGUOUS},
	{"<a@b.example,@c.example>", AMBIGUOUS},
	{"<a.example:b@c.example>", AMBIGUOUS},
	{"<@a..example:b@c.example>", AMBIGUOUS},
	/* literals */
	{"<a@[192.0.2.1]>", "[192.0.2.1]"},
	{"<a@[IPv6:2001:DB8::0:1]>", "[IPv6:2001:db8::1]"},
	{"<a@[192.0.2.1>", AMBIGUOUS},
	{"<a@192.0.2.1>", AMBIGUOUS},
	{"<a@[192.0.2.1].example>", AMBIGUOUS},
	{"<a@[192.0.2.1 ]>", AMBIGUOUS},
	{"<a@[b.example]>", AMBIGUOUS},
	{"<a@[]>", AMBIGUOUS},
	/* beyond ASCII */
	{"<\xc3\xa4@b.example>", "b.example"},
	{"<a@m\xc3\xbcller.example>", "xn--mller-kva.example"},
	{"<a@M\xc3\x9cLLER.example>", "xn--mller-kva.example"},
	{"<\"\xc3\xa4 \xf0\x9f\x98\x80\"@b.example>", "b.example"},
	{"<\xe4@b.example>", AMBIGUOUS},
	{"<a@m\xfcller.example>", AMBIGUOUS},
	{"<\xc0\xaf@b.example>", AMBIGUOUS},
	{"<\xe0\x80\xaf@b.example>", AMBIGUOUS},
	{"<\xf0\x80\x80\xaf@b.example>", AMBIGUOUS},
	{"<\xed\xa0\x80@b.example>", AMBIGUOUS},
	{"<\xf4\x90\x80\x80@b.example>", AMBIGUOUS},
	{"<\xf5\x80\x80\x80@b.example>", AMBIGUOUS},
	{"<\xc2\x85@b.example>", AMBIGUOUS},
	{"<\xc3@b.example>", AMBIGUOUS},
	{"<a@b.example> X=\xc3", AMBIGUOUS},
	/* what is none */
	{"", AMBIGUOUS},
	{"<", AMBIGUOUS},
	{">", AMBIGUOUS},
	{"< >", AMBIGUOUS},
	{"<<>>", AMBIGUOUS},
	{"<a>", AMBIGUOUS},
	{"<postmaster>", AMBIGUOUS},
	{"postmaster", AMBIGUOUS},
	{"<@b.example>", AMBIGUOUS},
	{"<a@>", AMBIGUOUS},
	{"<a@.>", AMBIGUOUS},
	{"<a@.b.example>", AMBIGUOUS},
	{"<a@b..example>", AMBIGUOUS},
	{"<a@b.example..>", AMBIGUOUS},
	{"<a@b.example", AMBIGUOUS},
	{"a@b.example>", AMBIGUOUS},
	{"<<a@b.example>>", AMBIGUOUS},
	{"<a@b@c.example>", AMBIGUOUS},
	{"<a@b.example>c@d.example", AMBIGUOUS},
	{"<a@b.example><c@d.example>", AMBIGUOUS},
	{"<a@b.example> <c@d.example>", AMBIGUOUS},
	{"X <a@b.example>", AMBIGUOUS},
	{"\"X\" <a@b.example>", AMBIGUOUS},
	{"<a@b.example>SIZE=1", AMBIGUOUS},
	{"<a b@c.example>", AMBIGUOUS},
	{"<a @b.example>", AMBIGUOUS},
	{"<a@ b.example>", AMBIGUOUS},
	{"<a@b.example >", AMBIGUOUS},
	{"< a@b.example>", AMBIGUOUS},
	{"<a@b.example(c)>", AMBIGUOUS},
	{"<(c)a@b.example>", AMBIGUOUS},
	{"<a\\@b@c.example>", AMBIGUOUS},
	{"<a\\b@c.example>", AMBIGUOUS},
	{"<a@b\\.example>", AMBIGUOUS},
	{"<a,b@c.example>", AMBIGUOUS},
	{"<a;b@c.example>", AMBIGUOUS},
	{"<a:b@c.example>", AMBIGUOUS},
	{"<a<b@c.example>", AMBIGUOUS},
	{"<a@b.example;c>", AMBIGUOUS},
	{"<a@b%c.example>", AMBIGUOUS},
	{"<a@b!c.example>", AMBIGUOUS},
	{"<a@\"b.example\">", AMBIGUOUS},
	{"<a\x01@b.example>", AMBIGUOUS},
	{"<a\x7f@b.example>", AMBIGUOUS},
	/* parameters */
	{"<a@b.example> SIZE=10", "b.example"},
	{"<a@b.example> \t SIZE=10\tBODY=8BITMIME  AUTH=<> 8X", "b.example"},
	{"<a@b.example> =", AMBIGUOUS},
	{"<a@b.example> X=1 <>", AMBIGUOUS},
	{"<a@b.example> (c)", AMBIGUOUS},
	{"<a@b.example> @c.example", AMBIGUOUS},
	/* without brackets */
	{"a@b.example", "b.example"},
	{"a.b@b.example SIZE=10", "b.example"},
	{"a@[192.0.2.1]", "[192.0.2.1]"},
	{"\"a\"@b.example", AMBIGUOUS},
	{"@a.example:b@c.example", AMBIGUOUS},
	{"a@b.example,c@d.example", AMBIGUOUS},
	{"a@b.example <c@d.example>", AMBIGUOUS},
	{"a@b@c.example", AMBIGUOUS},
	{"a@b.example (c)", AMBIGUOUS},
	{"a b@c.example", AMBIGUOUS},
};

static void paths_name_one_domain_or_are_ambiguous(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
		char text[200];
		struct domain domain;
		int n;

		n = snprintf(text, sizeof(text), "FROM:%s", paths[i].path);
		parse(VERB_MAIL, text, (size_t)n, &domain);
		expect(text, &domain, paths[i].domain);
		n = snprintf(text, sizeof(text), "to: \t%s", paths[i].path);
		parse(VERB_RCPT, text, (size_t)n, &domain);
		expect(text, &domain, paths[i].domain);
	}
}

static void only_mail_knows_the_empty_path(void **state)
{
	struct domain domain;

	(void)state;
	parse(VERB_MAIL, "FROM:<>", 7, &domain);
	expect("MAIL", &domain, "");
	parse(VERB_MAIL, "FROM:<> SIZE=1", 14, &domain);
	expect("MAIL with a parameter", &domain, "");
	parse(VERB_MAIL, "FROM:<>a@b.example", 18, &domain);
	expect("MAIL with more", &domain, AMBIGUOUS);
	parse(VERB_RCPT, "TO:<>", 5, &domain);
	expect("RCPT", &domain, AMBIGUOUS);
}

static void another_keyword_or_verb_is_ambiguous(void **state)
{
	static const char *const arguments[] = {"TO:<a@b.example>", "FROM <a@b.example>",
		"FROM :<a@b.example>", "<a@b.example>", "FROM"};
	struct domain domain;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(arguments); i++) {
		parse(VERB_MAIL, arguments[i], strlen(arguments[i]), &domain);
		expect(arguments[i], &domain, AMBIGUOUS);
	}
	parse(VERB_RCPT, "FROM:<a@b.example>", 18, &domain);
	expect("RCPT FROM", &domain, AMBIGUOUS);
	parse(VERB_VRFY, "TO:<a@b.example>", 16, &domain);
	expect("VRFY", &domain, AMBIGUOUS);
}

static void nul_is_ambiguous(void **state)
{
#define WITH_NUL(text)                                                                             \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
	static const struct {
		const char *text;
		size_t n;
	} arguments[] = {WITH_NUL("FROM:<a\0@b.example>"), WITH_NUL("FROM:<a@b\0.example>"),
		WITH_NUL("FROM:<a@b.example\0>"), WITH_NUL("FROM:<a@b.example> A\0"),
		WITH_NUL("FROM:<\"a\0b\"@c.example>"), WITH_NUL("FROM:<a@b.example>\0")};
	struct domain domain;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(arguments); i++) {
		parse(VERB_MAIL, arguments[i].text, arguments[i].n, &domain);
		expect(arguments[i].text, &domain, AMBIGUOUS);
	}
}

static void long_names_are_ambiguous(void **state)
{
	char text[2000] = "FROM:<a@";
	struct domain domain;
	size_t n = strlen(text);

	(void)state;
	while (n < 1900) {
		memcpy(text + n, "abcdefg.", 8);
		n += 8;
	}
	memcpy(text + n, "b>", 2);
	parse(VERB_MAIL, text, n + 2, &domain);
	expect("a long name", &domain, AMBIGUOUS);
	memset(text + 6, 'a', n - 6);
	memcpy(text + n, "@b.example>", 11);
	parse(VERB_MAIL, text, n + 11, &domain);
	expect("a long local part", &domain, "b.example");
}

static void a_person_writes_addresses_with_and_without_brackets(void **state)
{
	static const struct {
		const char *text, *sender, *recipient;
	} rows[] = {
		{"a@b.example", "b.example", "b.example"},
		{"<a@b.example>", "b.example", "b.example"},
		{"\"a b\"@c.example", "c.example", "c.example"},
		{"a@[192.0.2.1]", "[192.0.2.1]", "[192.0.2.1]"},
		{"<>", "", AMBIGUOUS},
		{"", "", AMBIGUOUS},
		{"b.example", AMBIGUOUS, AMBIGUOUS},
		{"@b.example", AMBIGUOUS, AMBIGUOUS},
		{"a@b.example ", AMBIGUOUS, AMBIGUOUS},
		{"<a@b.example> SIZE=1", AMBIGUOUS, AMBIGUOUS},
		{"a@b.example, c@d.example", AMBIGUOUS, AMBIGUOUS},
		{"<a@b.example", AMBIGUOUS, AMBIGUOUS},
		{"\xff@b.example", AMBIGUOUS, AMBIGUOUS},
	};
	struct domain domain;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		address_of_text(rows[i].text, true, &domain);
		expect(rows[i].text, &domain, rows[i].sender);
		address_of_text(rows[i].text, false, &domain);
		expect(rows[i].text, &domain, rows[i].recipient);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_name_one_domain_or_are_ambiguous),
		cmocka_unit_test(only_mail_knows_the_empty_path),
		cmocka_unit_test(another_keyword_or_verb_is_ambiguous),
		cmocka_unit_test(nul_is_ambiguous),
		cmocka_unit_test(long_names_are_ambiguous),
		cmocka_unit_test(a_person_writes_addresses_with_and_without_brackets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
