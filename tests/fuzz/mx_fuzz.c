/* Answers to a query for MX: whatever stands in them, reading stays in bounds, and the hosts stand in order. */
#include "tools/probe/mx.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *answer = malloc(size ? size : 1);
	static struct mx_list list;

	if (!answer)
		return 0;
	if (size)
		memcpy(answer, data, size);
	if (mx_parse(answer, size, &list) == 0 && list.count == 0 && !list.none)
		abort();
	if (list.count > MX_MOST || list.count > list.total)
		abort();
	for (unsigned i = 0; i < list.count; i++) {
		if (!*list.at[i].name || strlen(list.at[i].name) >= sizeof(list.at[i].name))
			abort();
		if (i && list.at[i].preference < list.at[i - 1].preference)
			abort();
	}
	free(answer);
	return 0;
}
