/* Server replies: whatever comes, parsing stays in bounds and what is shown stays in its lines. */
#include "shim/smtp/reply.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is shown must parse again, as one reply with the same code. */
static void must_parse(const struct buf *out, int code)
{
	struct reply again;
	const char *why;

	if (reply_parse(buf_bytes(out), buf_length(out), &again, &why) != REPLY_WHOLE || again.code != code ||
		again.octets != buf_length(out))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size ? size : 1), text[REPLY_TEXT_SIZE];
	struct reply reply;
	const char *why;
	struct buf out;

	if (!bytes)
		return 0;
	if (size)
		memcpy(bytes, data, size);
	if (reply_parse(bytes, size, &reply, &why) == REPLY_WHOLE) {
		if (reply.octets > size || reply.octets > REPLY_MAX || reply.code < 200 || reply.code > 599)
			abort();
		buf_init(&out, 4 * REPLY_MAX);
		if (reply_copy(bytes, &reply, &out) < 0)
			abort();
		must_parse(&out, reply.code);
		buf_clear(&out);
		if (reply.code != 334) {
			if (ehlo_copy(bytes, &reply, false, size & 1 ? "STARTTLS" : NULL, &out) < 0)
				abort();
			must_parse(&out, reply.code);
		}
		buf_clear(&out);
		(void)ehlo_offers(bytes, &reply, "STARTTLS");
		reply_text(bytes, text, sizeof(text));
	}
	free(bytes);
	return 0;
}
