/*
 * mailseal check: reads a configuration as the agent will, and tells what it means or what is wrong
 * with it.
 */
#include "tools/check/check.h"

#include "tools/print.h"
#include "tools/json.h"

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct arguments {
	const char *file;
	bool json;
};

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "print the result as JSON", 0},
	{0},
};

static const char text[] =
	"Check a configuration and tell what it means: FILE, else the one that MAILSEAL_CONFIG "
	"names, else " CONFIG_PATH "."
	"\v"
	"Exit status 0: it can be used, though there may be warnings. 78: it has an error, told on "
	"standard error as "
	"file:line: setting: what is wrong; mailseal would let no mail through.";

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'j':
		arguments->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->file)
			argp_error(state, "more than one file given");
		if (!*argument)
			argp_error(state, "the name of the file is empty");
		arguments->file = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int load(struct configuration *c, const char *named, struct err *err)
{
	int rc = configuration_find(c, named, err);

	if (!rc)
		rc = configuration_load(c, err);
	return rc ? rc : configuration_check_tls(c->set, err);
}

void check_warnings(const struct configuration *c,
	void (*warn)(void *context, const struct warning *warning), void *context)
{
	for (size_t i = 0; i < c->set->count; i++)
		meaning_warnings(c->set, c->set->sections[i], warn, context);
	check_places(c, warn, context);
}

static void print_sentence(void *context, const char *sentence)
{
	(void)context;
	printf("    ");
	print_wrapped(sentence, 4, 4, 79);
}

static void print_warning(void *context, const struct warning *warning)
{
	unsigned *count = context;

	printf("%s%s", (*count)++ ? "" : "\n", warning->path);
	if (warning->setting)
		printf(":%u: warning: %s: %s\n", warning->line, warning->setting, warning->text);
	else
		printf(": warning: %s\n", warning->text);
}

/* Which connections, or which mail, the words below are about. */
static const char *case_of(const struct policy_set *set, const struct section *section)
{
	switch (section->kind) {
	case SECTION_DEFAULT:
		return ": every other host";
	case SECTION_SENDER:
		return ": mail from it, where host and recipient have no section";
	case SECTION_RECIPIENT:
		return ": mail to it, where host and sender have no section";
	case SECTION_HOST:
		if (section->host.form == HOST_ADDRESS && set->named > 0)
			return ": connections to the bare address (where a name was looked up, its "
			       "section counts beside this one)";
		return "";
	case SECTION_BUILTIN:
	case SECTION_MESSAGE:
		break;
	}
	return "";
}

static void print_section(const struct configuration *c, const struct section *section)
{
	char name[300];
	struct policy policy;

	meaning_section_name(section, name, sizeof(name));
	printf("\n%s, ", name);
	if (strcmp(section->path, c->path) != 0)
		printf("%s, ", section->path);
	printf("line %u%s\n", section->line, case_of(c->set, section));
	meaning_policy(c->set, section, &policy);
	meaning_in_words(&policy, print_sentence, NULL);
}

static void print_elsewhere(const struct policy_set *set)
{
	struct policy policy;

	if (!set->by_default) {
		printf("\n%s, built in\n", set->count ? "every other host" : "every host");
		meaning_policy_elsewhere(set, false, &policy);
		meaning_in_words(&policy, print_sentence, NULL);
	}
	if (set->named == 0)
		return;
	printf("\na bare address without a section, since any of the names above may be meant\n");
	meaning_policy_elsewhere(set, true, &policy);
	meaning_in_words(&policy, print_sentence, NULL);
}

static void print_words(const struct configuration *c)
{
	unsigned warnings = 0;

	if (!c->seen.main_present)
		printf("%s does not exist: the built-in default applies.\n", c->path);
	else
		printf("%s: ok\n", c->path);
	if (c->seen.domains_present)
		printf("%s: ok\n", c->domains);
	for (size_t i = 0; i < c->set->count; i++)
		print_section(c, c->set->sections[i]);
	print_elsewhere(c->set);
	check_warnings(c, print_warning, &warnings);
}

static int fail(const struct configuration *c, bool json, const struct err *err)
{
	if (json)
		json_print(json_pack("{s:o, s:b, s:o}", "file",
			json_text(c->named ? c->named : CONFIG_PATH), "ok", false, "error",
			json_text(err->text)));
	fflush(stdout);
	print_plain(stderr, err->text);
	fputc('\n', stderr);
	return EX_CONFIG;
}

int command_check(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "[FILE]", text, NULL, NULL, NULL};
	struct configuration c = {0};
	struct arguments arguments = {0};
	int code = EX_OK;
	struct err err;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (load(&c, arguments.file, &err))
		code = fail(&c, arguments.json, &err);
	else if (arguments.json)
		code = json_print(check_as_json(&c));
	else
		print_words(&c);
	configuration_clear(&c);
	return code;
}
