/*
 * Content in pieces, in which whole runs pass at once, against the same octet by octet: the same octets go out, and it
 * ends at the same one. What went out holds no end of data but the last.
 */
#include "shim/smtp/content.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROOM (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum content_state pass(const char *bytes, size_t n, size_t piece, bool lf_client, size_t *taken, struct buf *out)
{
	enum content_state state = CONTENT_MORE;
	struct content content;
	size_t some;

	content_begin(&content, lf_client);
	for (*taken = 0; *taken < n && state == CONTENT_MORE; *taken += some) {
		some = n - *taken < piece ? n - *taken : piece;
		state = content_pass(&content, bytes + *taken, some, &some, out);
	}
	return state;
}

static void must_not_end_early(const struct buf *out, enum content_state state)
{
	const char *end = memmem(buf_bytes(out), buf_length(out), "\r\n.\r\n", 5);
	size_t last = buf_length(out) - (state == CONTENT_END ? 5 : 0);

	if (end && (state != CONTENT_END || (size_t)(end - buf_bytes(out)) != last))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum content_state state;
	size_t taken, expected;
	struct buf out, octets;
	char *bytes;

	if (size < 2)
		return 0;
	bytes = malloc(size);
	if (!bytes)
		return 0;
	memcpy(bytes, data + 1, size - 1);
	buf_init(&out, ROOM);
	buf_init(&octets, ROOM);
	state = pass(bytes, size - 1, (size_t)(data[0] >> 1) * 5 + 1, data[0] & 1, &taken, &out);
	if (state != pass(bytes, size - 1, 1, data[0] & 1, &expected, &octets) || taken != expected ||
		buf_length(&out) != buf_length(&octets) ||
		memcmp(buf_bytes(&out), buf_bytes(&octets), buf_length(&out)) != 0)
		abort();
	buf_clear(&octets);
	must_not_end_early(&out, state);
	buf_clear(&out);
	free(bytes);
	return 0;
}
