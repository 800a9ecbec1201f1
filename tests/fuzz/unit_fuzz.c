/* Unit files and the cache of the loader: whatever stands in them, reading stays in bounds. */
#include "tools/doctor/ld_cache.h"
#include "tools/doctor/unit_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

static void read_values(const struct unit *u, const char *key)
{
	char word[64], expanded[64];
	const char *value;
	size_t at = 0;

	(void)unit_is_on(u, key, true);
	if (unit_value(u, key) && !*unit_value(u, key))
		abort();
	while ((value = unit_next(u, key, &at))) {
		while (unit_word(&value, word, sizeof(word))) {
			if (strlen(word) >= sizeof(word))
				abort();
			if (unit_expand(u, word, expanded, sizeof(expanded)) &&
				strlen(expanded) >= sizeof(expanded))
				abort();
		}
	}
}

static int take_assignment(void *context, const char *assignment)
{
	(void)context;
	if (!strchr(assignment, '='))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unit u = {.name = "billing@instance.service"};
	char *text = copy(data, size);
	struct ld_cache cache;
	const char *path;

	if (unit_parse(&u, "x.service", text))
		abort();
	read_values(&u, "ExecStart");
	read_values(&u, "Environment");
	unit_clear(&u);
	free(text);
	text = copy(data, size);
	if (env_file_parse(text, take_assignment, NULL))
		abort();
	free(text);
	ld_cache_parse(&cache, copy(data, size), size);
	for (unsigned i = 0; (path = ld_cache_find(&cache, "libc.so.6", i)); i++)
		(void)strlen(path);
	ld_cache_clear(&cache);
	return 0;
}
