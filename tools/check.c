/*
 * mailseal check: reads a configuration as the agent will, and tells what it means or what is wrong
 * with it.
 */
#include "config/load.h"
#include "config/setting.h"
#include "shim/tls/tls.h"
#include "tools/mailseal.h"
#include "tools/meaning.h"

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct check {
	const char *named; /* as an argument, or by MAILSEAL_CONFIG; NULL: the default place */
	char path[TOOL_PATH_SIZE];
	bool json;
	struct policy_set *set;
	struct seen seen;
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
	struct check *check = state->input;

	switch (key) {
	case 'j':
		check->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (check->named)
			argp_error(state, "more than one file given");
		if (!*argument)
			argp_error(state, "the name of the file is empty");
		check->named = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The whole of each CA file, which the loader only looks at from outside. */
static int check_authorities(const struct check *check, struct err *err)
{
	for (size_t i = 0; i < check->set->count; i++) {
		const struct section *s = check->set->sections[i];
		struct tls_settings settings = {
			.ca_file = s->ca_file, .min_version = TLS_VERSION_1_2};
		struct tls_context *context = NULL;
		struct err why;

		if (!s->ca_file)
			continue;
		if (tls_context_new(&context, &settings, &why))
			return err_fail(err, EINVAL, "%.200s:%u: ca_file: %.200s", check->path,
				s->origin[SETTING_CA_FILE].line, why.text);
		tls_context_free(context);
	}
	return 0;
}

/* 0, or the code of an error; *built_in where there is no file at the default place. */
static int load(struct check *check, bool *built_in, struct err *err)
{
	int rc = absolute_path(check->named ? check->named : CONFIG_PATH, check->path, err);

	if (rc)
		return rc;
	rc = policy_set_load(check->path, false, &check->set, &check->seen, err);
	*built_in = rc == -ENOENT && !check->named;
	if (*built_in) {
		check->set = policy_set_builtin();
		return check->set ? 0 : err_fail(err, ENOMEM, "out of memory");
	}
	return rc ? rc : check_authorities(check, err);
}

static bool others_may_write(const struct check *check)
{
	return check->set->count > 0 && check->seen.main.st_mode & (S_IWGRP | S_IWOTH);
}

static const char writable[] = "others than its owner may write the file, and with it the policy";

/* Words */

/* Indented, and broken between words at 79 columns. */
static void print_sentence(void *context, const char *sentence)
{
	size_t column = 0;

	(void)context;
	while (*sentence) {
		size_t length = strcspn(sentence, " ");

		if (column == 0 || column + 1 + length > 79) {
			printf("%s    ", column ? "\n" : "");
			column = 4;
		} else {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)length, sentence);
		column += length;
		sentence += length + (sentence[length] == ' ');
	}
	putchar('\n');
}

struct print {
	const char *path;
	unsigned count;
};

static void print_warning(void *context, const struct warning *warning)
{
	struct print *print = context;

	printf("%s%s:%u: warning: %s: %s\n", print->count++ ? "" : "\n", print->path, warning->line,
		warning->setting, warning->text);
}

/* Which connections the words below are about. */
static const char *case_of(const struct check *check, const struct section *section)
{
	if (section->kind == SECTION_DEFAULT)
		return ": every other host";
	if (section->kind == SECTION_HOST && section->host.form == HOST_ADDRESS &&
		check->set->named > 0)
		return ": connections to the bare address (where a name was looked up, its "
		       "section counts beside this one)";
	return "";
}

static void print_section(const struct check *check, const struct section *section)
{
	char name[300];
	struct policy policy;

	meaning_section_name(section, name, sizeof(name));
	printf("\n%s, line %u%s\n", name, section->line, case_of(check, section));
	meaning_policy(check->set, section, &policy);
	meaning_in_words(&policy, print_sentence, NULL);
}

static void print_elsewhere(const struct check *check)
{
	struct policy policy;

	if (!check->set->by_default) {
		printf("\n%s, built in\n", check->set->count ? "every other host" : "every host");
		meaning_policy_elsewhere(check->set, false, &policy);
		meaning_in_words(&policy, print_sentence, NULL);
	}
	if (check->set->named == 0)
		return;
	printf("\na bare address without a section, since any of the names above may be meant\n");
	meaning_policy_elsewhere(check->set, true, &policy);
	meaning_in_words(&policy, print_sentence, NULL);
}

static void print_words(const struct check *check, bool built_in)
{
	struct print print = {.path = check->path};

	if (built_in)
		printf("%s does not exist: the built-in default applies.\n", check->path);
	else
		printf("%s: ok\n", check->path);
	for (size_t i = 0; i < check->set->count; i++)
		print_section(check, check->set->sections[i]);
	print_elsewhere(check);
	for (size_t i = 0; i < check->set->count; i++)
		meaning_warnings(check->set, check->set->sections[i], print_warning, &print);
	if (others_may_write(check))
		printf("%s%s: warning: %s\n", print.count ? "" : "\n", check->path, writable);
}

/* JSON */

static json_t *json_setting(const struct section *section, enum setting setting)
{
	json_t *names;

	switch (setting) {
	case SETTING_REQUIRE_TLS:
	case SETTING_VERIFY_CERTIFICATE:
	case SETTING_PROTECT_CREDENTIALS:
	case SETTING_INTERCEPT:
		return json_boolean(section->value[setting]);
	case SETTING_MIN_TLS:
	case SETTING_VIOLATION:
	case SETTING_MODE:
	case SETTING_ON_BAD_CERTIFICATE:
		return json_string(setting_value_name(setting, section->value[setting]));
	case SETTING_CA_FILE:
		return json_string(section->ca_file);
	case SETTING_SERVERNAME:
		return json_string(section->servername);
	case SETTING_MATCH:
		names = json_array();
		for (char **name = section->match; name && *name; name++)
			json_array_append_new(names, json_string(*name));
		return names;
	case SETTING_MESSAGE_OVERRIDE:
	case SETTING_FINGERPRINTS:
	case SETTING_CLIENT_CERTIFICATE:
	case SETTING_CLIENT_KEY:
	case SETTING_CIPHERS:
	case SETTING_CIPHERSUITES:
	case SETTING_COUNT:
		break;
	}
	return json_null();
}

static json_t *json_set_here(const struct section *section)
{
	json_t *object = json_object();

	for (enum setting s = 0; s < SETTING_COUNT; s++) {
		if (section_sets(section, s))
			json_object_set_new(object, setting_name(s),
				json_pack("{s:o, s:i}", "value", json_setting(section, s), "line",
					(int)section->origin[s].line));
	}
	return object;
}

static json_t *json_strings(const char *const *list)
{
	json_t *array;

	if (!list)
		return json_null();
	array = json_array();
	for (; *list; list++)
		json_array_append_new(array, json_string(*list));
	return array;
}

static json_t *json_policy(const struct policy *p)
{
	const struct demands *d = &p->demands;
	const struct connection_settings *c = &p->connection;

	return json_pack("{s:b, s:b, s:b, s:s, s:s, s:s, s:s, s:b, s:s?, s:o, s:s?}", "intercept",
		c->intercept, "require_tls", d->require_tls, "verify_certificate",
		d->verify_certificate, "min_tls", setting_value_name(SETTING_MIN_TLS, d->min_tls),
		"violation", setting_value_name(SETTING_VIOLATION, d->violation), "mode",
		setting_value_name(SETTING_MODE, d->mode), "on_bad_certificate",
		setting_value_name(SETTING_ON_BAD_CERTIFICATE, c->on_bad_certificate),
		"protect_credentials", c->protect_credentials, "ca_file", c->ca_file, "match",
		json_strings(c->match), "servername", c->servername);
}

static void add_warning(void *context, const struct warning *warning)
{
	json_array_append_new(context, json_pack("{s:i, s:s, s:s}", "line", (int)warning->line,
					       "setting", warning->setting, "text", warning->text));
}

static json_t *json_section(const struct check *check, const struct section *section)
{
	struct policy policy;

	meaning_policy(check->set, section, &policy);
	return json_pack("{s:s, s:s, s:i, s:o, s:o}", "kind",
		section->kind == SECTION_HOST ? "host" : "default", "label", section->label, "line",
		(int)section->line, "set", json_set_here(section), "effective",
		json_policy(&policy));
}

static json_t *json_elsewhere(const struct check *check, bool no_name)
{
	struct policy policy;

	meaning_policy_elsewhere(check->set, no_name, &policy);
	return json_policy(&policy);
}

static json_t *json_result(const struct check *check, bool built_in)
{
	json_t *sections = json_array(), *warnings = json_array();

	for (size_t i = 0; i < check->set->count; i++) {
		json_array_append_new(sections, json_section(check, check->set->sections[i]));
		meaning_warnings(check->set, check->set->sections[i], add_warning, warnings);
	}
	if (others_may_write(check))
		json_array_append_new(warnings,
			json_pack("{s:n, s:n, s:s}", "line", "setting", "text", writable));
	return json_pack("{s:s, s:b, s:b, s:o, s:o, s:o, s:o}", "file", check->path, "ok", true,
		"built_in", built_in, "sections", sections, "name_without_section",
		json_elsewhere(check, false), "address_without_name_and_section",
		json_elsewhere(check, true), "warnings", warnings);
}

static int print_json(json_t *result)
{
	int code = EX_OK;

	if (!result || json_dumpf(result, stdout, JSON_INDENT(2)) < 0)
		code = complain(EX_SOFTWARE, "cannot write the result as JSON");
	else
		putchar('\n');
	json_decref(result);
	return code;
}

static int fail(const struct check *check, const struct err *err)
{
	if (check->json)
		print_json(json_pack("{s:s, s:b, s:s}", "file",
			check->named ? check->named : CONFIG_PATH, "ok", false, "error",
			err->text));
	fflush(stdout);
	fprintf(stderr, "%s\n", err->text);
	return EX_CONFIG;
}

int command_check(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "[FILE]", text, NULL, NULL, NULL};
	struct check check = {0};
	bool built_in = false;
	int code = EX_OK;
	struct err err;

	argp_parse(&argp, argc, argv, 0, NULL, &check);
	if (!check.named)
		check.named = environment("MAILSEAL_CONFIG");
	if (load(&check, &built_in, &err))
		code = fail(&check, &err);
	else if (check.json)
		code = print_json(json_result(&check, built_in));
	else
		print_words(&check, built_in);
	policy_set_free(check.set);
	return code;
}
