/*
 * tools_report_fields: what is read out of a line of JSON is what jansson reads out of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include <cmocka.h>

#include "tools/report/fields.c"

/* Allocated to the octet, so that a sanitizer sees a step beyond it. */
static char *copy(const char *text, size_t length)
{
	char *c = malloc(length ? length : 1);

	assert_non_null(c);
	memcpy(c, text, length);
	return c;
}

static void assert_taken(const char *json, const char *text, int other)
{
	struct field fields[] = {{.name = "B"}, {.name = "MESSAGE"}};
	char *line = copy(json, strlen(json));

	if (!fields_take(line, strlen(json), fields, 2))
		fail_msg("not taken: %s", json);
	assert_int_equal(fields[1].other, other);
	if (text) {
		assert_non_null(fields[1].text);
		assert_int_equal(fields[1].length, strlen(text));
		assert_string_equal(fields[1].text, text);
	} else {
		assert_null(fields[1].text);
	}
	free(line);
}

static void values_are_unescaped(void **state)
{
	(void)state;
	assert_taken("{}", NULL, 0);
	assert_taken(" { \"MESSAGE\" : \"x\" } \n", "x", 0);
	assert_taken("{\"MESSAGE\":\"\"}", "", 0);
	assert_taken("{\"A\":[1,2,{\"MESSAGE\":\"no\"}],\"MESSAGE\":\"a\\\"b\\\\\",\"C\":null}", "a\"b\\", 0);
	assert_taken("{\"MESSAGE\":\"\\b\\f\\n\\r\\t\\/\"}", "\b\f\n\r\t/", 0);
	assert_taken("{\"MESSAGE\":\"\\u00e9\\u20ac\\ud83d\\ude00\"}", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 0);
	assert_taken("{\"MESSAG\\u0045\":\"x\"}", "x", 0);
	assert_taken("{\"MESSAGE\":\"x\",\"MESSAGE\":\"y\"}", "y", 0);
	assert_taken("{\"MESSAGE\":\"x\",\"MESSAGE\":[120]}", NULL, 1);
	assert_taken("{\"MESSAGE\":null}", NULL, 1);
	assert_taken("{\"A\":\"\\\\\\\"}\",\"MESSAGE\":\"x\"}", "x", 0);
	assert_taken("{\"A\":\"\\\\\",\"MESSAGE\":\"x\"}", "x", 0);
}

static void what_is_no_object_is_not_taken(void **state)
{
	static const char *const lines[] = {"", "{", "[]", "x", "{\"MESSAGE\"}", "{\"MESSAGE\":}", "{\"MESSAGE\":\"x}",
		"{\"MESSAGE\":\"x\"", "{\"MESSAGE\":\"x\",}", "{\"MESSAGE\":\"x\"}}", "{\"MESSAGE\":\"\\x41\"}",
		"{\"MESSAGE\":\"\\u12\"}", "{\"MESSAGE\":\"\\ud83d\"}", "{\"MESSAGE\":\"\\ude00\"}",
		"{\"MESSAGE\":\"\\ud83d\\u0041\"}", "{\"MESSAGE\":\"a\tb\"}", "{\"A\":[1}", "{\"A\":[1", "{\"MESSAGE\":\"x\\",
		"{\"A\":\"x\\\"}", "{\"MESSAGE\":\"x\"} {}", "{MESSAGE:\"x\"}", "{\"A\" \"x\"}", "{,}"};
	struct field field = {.name = "MESSAGE"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char *line = copy(lines[i], strlen(lines[i]));

		if (fields_take(line, strlen(lines[i]), &field, 1))
			fail_msg("taken: %s", lines[i]);
		free(line);
	}
}

static void nesting_is_bounded(void **state)
{
	struct field field = {.name = "MESSAGE"};
	char *line = malloc(200002);

	(void)state;
	assert_non_null(line);
	memcpy(line, "{\"A\":", 5);
	memset(line + 5, '[', 200000 - 5);
	assert_false(fields_take(line, 200000, &field, 1));
	free(line);
}

/* Whatever jansson takes is taken, with the same texts. */
static void agrees_with_jansson(const char *text, size_t length, unsigned *both)
{
	struct field fields[] = {{.name = "MESSAGE"}, {.name = "A"}};
	json_t *object = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
	char *line = copy(text, length);
	bool taken = fields_take(line, length, fields, 2);

	if (json_is_object(object) && !taken)
		fail_msg("not taken: %.*s", (int)length, text);
	for (int i = 0; i < 2 && json_is_object(object); i++) {
		json_t *value = json_object_get(object, fields[i].name);

		++*both;
		assert_int_equal(json_is_string(value), fields[i].text != NULL);
		assert_int_equal(value && !json_is_string(value), fields[i].other);
		if (!fields[i].text)
			continue;
		assert_int_equal(json_string_length(value), fields[i].length);
		assert_memory_equal(json_string_value(value), fields[i].text, fields[i].length);
	}
	json_decref(object);
	free(line);
}

static void random_lines_mean_what_they_mean_to_jansson(void **state)
{
	static const char *const pieces[] = {"{", "}", "\"MESSAGE\":", "\"A\":", "\"x\"", "\"\\\\\"", "\"\\\"\"", ",", "[1,2]",
		"null", "-1.5e3", "{\"MESSAGE\":\"in\"}", "\"\\u00e9\\n\"", "\"\\ud83d\\ude00\"", "\"\\u0000y\"", " ", "\"B\":",
		"[\"]\",\"\\\\\"]", "true", "\\", "\""};
	unsigned both = 0;
	char line[400];

	(void)state;
	srandom(7);
	for (int round = 0; round < 60000; round++) {
		size_t n = 0;
		bool wild = round % 4 == 0;

		n += (size_t)snprintf(line, sizeof(line), "{");
		for (long i = random() % 5; i >= 0; i--) {
			const char *value = pieces[wild ? random() % 21 : (long[]){4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 17}[random() % 11]];

			n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%s%s", pieces[random() % 2 ? 2 : 3 + random() % 2 * 13],
				value, i ? "," : "}");
		}
		if (wild)
			line[random() % (long)n] = (char)(32 + random() % 95);
		agrees_with_jansson(line, n, &both);
	}
	assert_true(both > 30000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_unescaped),
		cmocka_unit_test(what_is_no_object_is_not_taken),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(random_lines_mean_what_they_mean_to_jansson),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
