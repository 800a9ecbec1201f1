/*
 * Arbitrary octets as TLS on the wire: however they are cut, they pass or not, and no octet beyond
 * them is read; a hello that was seen is not unseen by what follows.
 */
#include "shim/tls/records.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many octets pass, one at a time. */
static size_t passing(const char *bytes, size_t n)
{
	struct records records = {0};
	size_t i;

	for (i = 0; i < n && records_pass(&records, bytes + i, 1); i++)
		;
	return i;
}

static void look_at_hellos(const char *bytes, size_t n)
{
	enum hello client = HELLO_PARTIAL, server = HELLO_PARTIAL;
	int version = 0, before = 0;
	size_t end;

	for (size_t i = 0; i <= n && i < 400; i++) {
		char *copy = malloc(i ? i : 1);
		enum hello now;

		if (!copy)
			return;
		memcpy(copy, bytes, i);
		now = records_client_hello(copy, i);
		if (client != HELLO_PARTIAL && now != client)
			abort();
		client = now;
		now = records_server_hello(copy, i, &version, &end);
		if (server != HELLO_PARTIAL && (now != server || version != before))
			abort();
		server = now;
		before = version;
		if (end > i)
			abort();
		if (version != 0 && (version < 10 || version > 13))
			abort();
		free(copy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct records records = {0};
	size_t n = size > 4096 ? 4096 : size, good;
	char *bytes = malloc(n ? n : 1);

	if (!bytes)
		return 0;
	memcpy(bytes, data, n);
	good = passing(bytes, n);
	if (records_pass(&records, bytes, n) != (good == n))
		abort();
	look_at_hellos(bytes, n);
	free(bytes);
	return 0;
}
