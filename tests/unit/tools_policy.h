/*
 * tools_policy: a configuration, and `mailseal policy` run on it, for the tests of that command.
 */
#include "tests/unit/tools_command.h"

#define DOMAINS "p.d/domains.conf"

static int prepare_configuration(void **state)
{
	int rc = prepare(state);

	if (!rc && have_command)
		write_file("p.conf", "# kept as it is\n"
				     "default { message_override = tighten }\n"
				     "sender \"main.example\" { require_tls = true }\n");
	return rc;
}

static int begin(void **state)
{
	(void)state;
	if (have_command)
		sh("rm -rf p.d");
	return 0;
}

/* Runs `mailseal policy --config p.conf` with these words. */
static void policy(int status, const char *words, const char *text)
{
	char command[1000];

	snprintf(command, sizeof(command), "./mailseal policy --config p.conf %s", words);
	assert_sh(status, command, text);
}
