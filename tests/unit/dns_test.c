/* Answers of the DNS: which name each address belongs to, and that nothing malformed is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shim/preload/dns.c"

static uint8_t bytes[65535];
static size_t length;
static char found[1 << 17]; /* what was told, "name=address " and "target<domain " */
static unsigned addresses;

static void put(const void *more, size_t size)
{
	assert_true(length + size <= sizeof(bytes));
	memcpy(bytes + length, more, size);
	length += size;
}

static void put_number(unsigned n)
{
	put((uint8_t[]){(uint8_t)(n >> 8), (uint8_t)n}, 2);
}

static void put_name(const char *name)
{
	while (*name) {
		size_t size = strcspn(name, ".");

		put((uint8_t[]){(uint8_t)size}, 1);
		put(name, size);
		name += size + (name[size] == '.');
	}
	put("", 1);
}

/* A message with a question of this name, and so many records to come. */
static void begin(const char *name, unsigned answers, unsigned others)
{
	length = 0;
	put_number(1);
	put_number(0x8180);
	put_number(1);
	put_number(answers);
	put_number(0);
	put_number(others);
	put_name(name);
	put_number(TYPE_A);
	put_number(1);
}

static void put_fixed(unsigned type, unsigned size)
{
	put_number(type);
	put_number(1);
	put_number(0);
	put_number(60);
	put_number(size);
}

static void put_address(const char *owner, uint8_t last)
{
	if (owner)
		put_name(owner);
	else
		put_number(0xc00c);
	put_fixed(TYPE_A, 4);
	put((uint8_t[]){192, 0, 2, last}, 4);
}

static void put_mx(const char *target)
{
	put_number(0xc00c);
	put_fixed(TYPE_MX, (unsigned)strlen(target) + 4);
	put_number(10);
	put_name(target);
}

static void note(const char *format, ...)
{
	size_t at = strlen(found);
	va_list list;

	va_start(list, format);
	vsnprintf(found + at, sizeof(found) - at, format, list);
	va_end(list);
}

static void on_address(void *context, const char *name, int family, const void *address)
{
	(void)context;
	addresses++;
	note("%s=%u%s ", name, ((const uint8_t *)address)[family == AF_INET ? 3 : 15],
		family == AF_INET ? "" : ":");
}

static void on_target(void *context, const char *target, const char *domain)
{
	(void)context;
	note("%s<%s ", target, domain);
}

static void on_too_many(void *context)
{
	(void)context;
	note("too many ");
}

static void read_bytes(size_t size)
{
	static const struct dns_finder finder = {on_address, on_target, on_too_many, NULL};
	uint8_t *exact = malloc(size ? size : 1); /* so that a sanitizer sees a read past the end */

	memcpy(exact, bytes, size);
	found[0] = '\0';
	addresses = 0;
	dns_read(exact, size, &finder);
	free(exact);
}

static void expect(const char *what)
{
	read_bytes(length);
	assert_string_equal(found, what);
}

static void addresses_belong_to_the_name_asked(void **state)
{
	(void)state;
	begin("mx.b.example", 3, 0);
	put_number(0xc00c);
	put_fixed(5, 5);
	put_name("r.x");
	put_address("r.x", 1);
	put_number(0xc00c);
	put_fixed(TYPE_AAAA, 16);
	put((uint8_t[16]){0x20, [15] = 9}, 16);
	expect("mx.b.example=1 mx.b.example=9: ");
}

static void additional_addresses_belong_to_targets_alone(void **state)
{
	(void)state;
	begin("b.example", 2, 3);
	put_mx("mx1.b.example");
	put_mx("mx2.b.example");
	put_address("MX2.b.Example", 2);
	put_address("ns.b.example", 3);
	put_address("mx1.b.example", 1);
	expect("mx1.b.example<b.example mx2.b.example<b.example mx2.b.example=2 mx1.b.example=1 ");
}

static void null_mx_names_nothing(void **state)
{
	(void)state;
	begin("b.example", 1, 0);
	put_mx("");
	expect("");
}

static void names_that_cannot_be_said_are_empty(void **state)
{
	(void)state;
	begin("b.example", 1, 0);
	bytes[13] = '.';
	put_address(NULL, 1);
	expect("=1 ");
	begin("mx b.example", 1, 0);
	put_address(NULL, 1);
	expect("=1 ");
	begin("", 1, 0);
	put_address(NULL, 1);
	expect("=1 ");
	begin("b.example", 1, 1); /* an additional one's owner is an odd target */
	put_mx("a b.c");
	put_address("a b.c", 1);
	expect("=1 ");
}

static void longest_name_is_said_and_a_longer_one_is_not(void **state)
{
	static const char label[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	char name[400], expected[410];

	(void)state;
	for (int last = 62; last <= 63; last++) {
		snprintf(name, sizeof(name), "%s.%s.%s.%.*s", label, label, label, last, label);
		begin(name, 1, 0);
		put_address(NULL, 1);
		snprintf(expected, sizeof(expected), "%s=1 ", last == 62 ? name : "");
		expect(expected);
	}
}

static void pointers_lead_backwards_only(void **state)
{
	(void)state;
	begin("b.example", 1, 1);
	put_mx("x");
	length -= 3;
	put_number(0xc000 | (unsigned)length); /* to itself */
	put("", 1);			       /* inside the data still */
	put_address(NULL, 1);
	expect("");
	begin("b.example", 1, 0);
	bytes[12] = 0xc0; /* the question points into the header */
	bytes[13] = 0x02;
	put_address(NULL, 1);
	read_bytes(length); /* the walk is lost, as any other reader's */
}

static void error_is_no_answer(void **state)
{
	(void)state;
	begin("b.example", 1, 0);
	put_address(NULL, 1);
	bytes[3] |= 3;
	expect("");
}

static void without_a_single_question_no_name_can_be_said(void **state)
{
	(void)state;
	begin("b.example", 1, 0);
	put_address(NULL, 1);
	bytes[5] = 0;
	memmove(bytes + 12, bytes + 27, length - 27);
	length -= 15;
	expect("=1 ");
}

/* Whatever can be read of a cut message is read, and nothing else is told. */
static void message_cut_anywhere(void **state)
{
	static const char *const steps[] = {"", "mx1.b.example<b.example ",
		"mx1.b.example<b.example mx1.b.example=1 ",
		"mx1.b.example<b.example mx1.b.example=1 b.example=2 "};
	size_t whole, step = 0;

	(void)state;
	begin("b.example", 3, 0);
	put_mx("mx1.b.example");
	put_address("mx1.b.example", 1);
	put_address("else.example", 2);
	whole = length;
	for (size_t i = 0; i <= whole; i++) {
		read_bytes(i);
		if (strcmp(found, steps[step]) != 0)
			step++;
		assert_string_equal(found, steps[step]);
	}
	assert_int_equal(step, 3);
}

static void too_many_targets_are_told(void **state)
{
	(void)state;
	begin("b", DNS_TARGETS + 1, 0);
	for (int i = 0; i <= DNS_TARGETS; i++)
		put_mx("x");
	read_bytes(length);
	assert_string_equal(found + strlen(found) - 9, "too many ");
	begin("b", DNS_TARGETS, 0);
	for (int i = 0; i < DNS_TARGETS; i++)
		put_mx("x");
	read_bytes(length);
	assert_null(strstr(found, "too many"));
}

/* Made so that each comparison is long: the work is bounded, and where it ended early is told. */
static void slow_message_is_bounded(void **state)
{
	char name[181];
	unsigned count = 0;

	(void)state;
	memset(name, 'a', sizeof(name));
	for (int i = 1; i < 180; i += 2)
		name[i] = '.';
	name[179] = name[180] = '\0';
	begin("b", DNS_TARGETS, 0);
	for (int i = 0; i < DNS_TARGETS; i++)
		put_mx(name);
	name[178] = 'b'; /* the last label differs */
	for (; length + 210 < sizeof(bytes); count++)
		put_address(name, 1);
	bytes[7] = (uint8_t)(DNS_TARGETS + count);
	bytes[6] = (uint8_t)((DNS_TARGETS + count) >> 8);
	read_bytes(length);
	assert_int_equal(addresses, count);
	assert_string_equal(found + strlen(found) - 9, "too many ");
}

static void noise(void **state)
{
	(void)state;
	srandom(4);
	for (int i = 0; i < 20000; i++) {
		begin("mx.b.example", 2, 2);
		put_mx("mx1.b.example");
		put_address(NULL, 1);
		put_address("mx1.b.example", 2);
		put_mx("x");
		for (int k = 0; k < 4; k++)
			bytes[(size_t)random() % length] = (uint8_t)random();
		read_bytes(length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_belong_to_the_name_asked),
		cmocka_unit_test(additional_addresses_belong_to_targets_alone),
		cmocka_unit_test(null_mx_names_nothing),
		cmocka_unit_test(names_that_cannot_be_said_are_empty),
		cmocka_unit_test(longest_name_is_said_and_a_longer_one_is_not),
		cmocka_unit_test(pointers_lead_backwards_only),
		cmocka_unit_test(error_is_no_answer),
		cmocka_unit_test(without_a_single_question_no_name_can_be_said),
		cmocka_unit_test(message_cut_anywhere),
		cmocka_unit_test(too_many_targets_are_told),
		cmocka_unit_test(slow_message_is_bounded),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
