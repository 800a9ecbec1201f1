#include "tools/json.h"

#include "tools/mailseal.h"

#include <stdio.h>
#include <sysexits.h>

json_t *json_text(const char *text)
{
	json_t *json = json_string(text);
	char plain[1200];
	size_t length;

	if (json)
		return json;
	for (length = 0; text[length] && length < sizeof(plain) - 1; length++)
		plain[length] = text[length] & 0x80 ? '?' : text[length];
	plain[length] = '\0';
	return json_string(plain);
}

json_t *json_strings(const char *const *list)
{
	json_t *array;

	if (!list)
		return json_null();
	array = json_array();
	for (; *list; list++)
		json_array_append_new(array, json_text(*list));
	return array;
}

int json_print(json_t *result)
{
	int code = EX_OK;

	if (!result || json_dumpf(result, stdout, JSON_INDENT(2)) < 0)
		code = complain(EX_SOFTWARE, "cannot write the result as JSON");
	else
		putchar('\n');
	json_decref(result);
	return code;
}
