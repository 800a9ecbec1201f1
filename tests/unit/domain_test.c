/*
 * domain: what stands behind the @ of an address is one domain, or surely told to be none.
 */
#include "config/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void assert_domain(const char *text, size_t length, enum domain_form form, const char *name)
{
	struct domain domain;

	memset(&domain, 0xff, sizeof(domain));
	domain_parse(text, length, &domain);
	if (domain.form != form || strcmp(domain.name, name) != 0)
		fail_msg("%.*s: got %d %s", (int)length, text, domain.form, domain.name);
}

static void domains_are_normalised(void **state)
{
	static const struct {
		const char *text, *name;
	} rows[] = {
		{"example.com", "example.com"},
		{"EXAMPLE.Com.", "example.com"},
		{"localhost", "localhost"},
		{"_dmarc.example.com", "_dmarc.example.com"},
		{"b\xc3\xbc.example", "xn--b-eha.example"},
		{"B\xc3\x9c.example", "xn--b-eha.example"},
		{"bu\xcc\x88.example", "xn--b-eha.example"},
		{"XN--B-EHA.example", "xn--b-eha.example"},
		{"a\xe3\x80\x82"
		 "b",
			"a.b"},
		{"3com.com", "3com.com"},
		{"1.2.3.example", "1.2.3.example"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_domain(rows[i].text, strlen(rows[i].text), DOMAIN_NAME, rows[i].name);
}

static void literals_are_normalised(void **state)
{
	static const struct {
		const char *text, *name;
	} rows[] = {
		{"[192.0.2.1]", "[192.0.2.1]"},
		{"[IPv6:2001:DB8:0:0::1]", "[IPv6:2001:db8::1]"},
		{"[ipv6:::1]", "[IPv6:::1]"},
		{"[IPv6:::ffff:192.0.2.1]", "[192.0.2.1]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_domain(rows[i].text, strlen(rows[i].text), DOMAIN_LITERAL, rows[i].name);
}

static void what_is_no_domain_is_ambiguous(void **state)
{
	static const char *const rows[] = {"", ".", "..", "a..b", ".a", "a.b..", "a b", "a@b",
		"1.2.3.4", "1.2.3.4.", "::1", "0x7f.1", "[", "]", "[]", "[1.2.3.4", "1.2.3.4]",
		"[1.2.3]", "[1.2.3.04]", "[::1]", "[IPv6:]", "[IPv6:1.2.3.4]", "[IPv6:::1%lo]",
		"[IPv6 ::1]", "[x:y]", "[1.2.3.4].", "[1.2.3.4]]", "[ 1.2.3.4]", "a.\xff", "\xc3",
		"a\xc0\xae"
		"b",
		"fa\xc3\x9f.example", "a\xcf\x82.example", "a,b", "a;b", "a<b>", "a(c)", "\"a\"",
		"a\\b", "a\tb", "a\x7f", "a/b", "*.b"};
	char text[1200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_domain(rows[i], strlen(rows[i]), DOMAIN_AMBIGUOUS, "");
	assert_domain("a\0b", 3, DOMAIN_AMBIGUOUS, "");
	assert_domain("a.b\0", 4, DOMAIN_AMBIGUOUS, "");
	memset(text, 'a', sizeof(text));
	assert_domain(text, 64, DOMAIN_AMBIGUOUS, "");
	for (size_t i = 1; i < sizeof(text); i += 2)
		text[i] = '.';
	assert_domain(text, 255, DOMAIN_AMBIGUOUS, "");
	assert_domain(text, sizeof(text), DOMAIN_AMBIGUOUS, "");
	text[253] = '\0';
	assert_domain(text, 253, DOMAIN_NAME, text);
}

static void labels_say_which_domains_are_meant(void **state)
{
	static const struct {
		const char *label;
		enum pattern_form form;
		const char *name;
	} rows[] = {
		{"Example.COM.", PATTERN_NAME, "example.com"},
		{".Example.COM", PATTERN_SUFFIX, ".example.com"},
		{".b\xc3\xbc", PATTERN_SUFFIX, ".xn--b-eha"},
		{"[IPv6:2001:DB8::0:1]", PATTERN_LITERAL, "[IPv6:2001:db8::1]"},
		{"<>", PATTERN_NULL, "<>"},
	};
	struct pattern pattern, other;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(pattern_parse(rows[i].label, true, &pattern, NULL), 0);
		assert_int_equal(pattern.form, rows[i].form);
		assert_string_equal(pattern.name, rows[i].name);
	}
	assert_int_not_equal(pattern_parse("<>", false, &pattern, NULL), 0);
	pattern_parse("a.b", true, &pattern, NULL);
	pattern_parse("A.b.", false, &other, NULL);
	assert_true(pattern_equal(&pattern, &other));
	pattern_parse(".a.b", true, &other, NULL);
	assert_false(pattern_equal(&pattern, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_are_normalised),
		cmocka_unit_test(literals_are_normalised),
		cmocka_unit_test(what_is_no_domain_is_ambiguous),
		cmocka_unit_test(labels_say_which_domains_are_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
