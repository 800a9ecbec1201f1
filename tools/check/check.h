/*
 * check: what the files of `mailseal check` share.
 */
#ifndef MAILSEAL_TOOLS_CHECK_H
#define MAILSEAL_TOOLS_CHECK_H

#include "tools/configuration.h"
#include "tools/meaning.h"

#include <jansson.h>

/* All that may not be meant: one call of `warn` for each; without setting and line, of a file or
 * directory. */
void check_warnings(const struct configuration *configuration,
	void (*warn)(void *context, const struct warning *warning), void *context);

/* Those of them that are about files and directories. */
void check_places(const struct configuration *configuration,
	void (*warn)(void *context, const struct warning *warning), void *context);

json_t *check_as_json(const struct configuration *configuration);

#endif
