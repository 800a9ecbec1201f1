/* What probe shows of a server's words: whatever comes, and however it is cut, it is printable and bounded. */
#include "tools/probe/heard.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_plain(const char *text, size_t most)
{
	size_t n = strlen(text);

	if (n > most)
		abort();
	for (size_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			abort();
}

static void look(const struct heard *h)
{
	must_be_plain(h->odd, sizeof(h->odd) - 1);
	for (unsigned i = 0; i < MOMENT_COUNT; i++) {
		if (h->said[i].code && (h->said[i].code < 200 || h->said[i].code > 599))
			abort();
		for (unsigned j = 0; j < h->said[i].count; j++)
			must_be_plain(h->said[i].lines[j], 1023);
	}
}

/* 0xff, a number and a letter: that many octets at once behind a command; all else is the server's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const commands[] = {"EHLO a", "HELO a", "STARTTLS", "QUIT", "", "E"};
	struct heard h = {0};
	size_t chunk = 1;

	heard_begin(&h);
	for (size_t i = 0; i < size;) {
		size_t n = size - i < chunk ? size - i : chunk;

		if (data[i] == 0xff && size - i >= 3) {
			const char *command = commands[data[i + 2] % 6];

			chunk = data[i + 1] + 1u;
			heard_command(&h, command, strlen(command), data[i + 2] & 0x80);
			i += 3;
			continue;
		}
		heard_octets(&h, (const char *)data + i, n);
		i += n;
	}
	look(&h);
	heard_clear(&h);
	return 0;
}
