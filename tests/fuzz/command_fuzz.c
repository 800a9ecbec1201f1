/* Command lines: whatever the application writes, parsing stays in bounds. */
#include "shim/smtp/command.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size ? size : 1), path[64];
	struct command command;
	struct line line;
	uint64_t octets;

	if (!bytes)
		return 0;
	if (size)
		memcpy(bytes, data, size);
	if (line_scan(bytes, size, COMMAND_LINE_MAX, &line) == LINE_WHOLE) {
		if (line.octets > size || line.length >= line.octets)
			abort();
		command_parse(&line, &command);
		if (command.argument < bytes || command.argument + command.argument_length > bytes + line.length)
			abort();
		if (command.verb != VERB_BAD && memchr(line.text, '\r', line.length))
			abort();
		command_path(&command, path, sizeof(path));
		(void)command_bdat_size(&command, &octets);
	}
	free(bytes);
	return 0;
}
