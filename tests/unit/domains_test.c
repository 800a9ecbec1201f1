/*
 * load and edit: the configuration and its domains file are one set, and what is edited is written
 * back as it means.
 */
#include "config/edit.h"
#include "config/load.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[] = "/tmp/domains_test.XXXXXX";
static char config[100], domains[140], folder[110];

static void put_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void remove_files(void)
{
	unlink(domains);
	rmdir(domains);
	unlink(folder);
	rmdir(folder);
	unlink(config);
}

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(config, sizeof(config), "%s/mailseal.conf", directory);
	snprintf(folder, sizeof(folder), "%s/mailseal.d", directory);
	snprintf(domains, sizeof(domains), "%s/domains.conf", folder);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	remove_files();
	return rmdir(directory);
}

static void assert_path(const char *path, const char *expected)
{
	char out[100];

	assert_int_equal(domains_path(path, out, sizeof(out)), 0);
	assert_string_equal(out, expected);
}

static void the_domains_file_stands_beside_the_configuration(void **state)
{
	char out[27], long_path[5000];

	(void)state;
	assert_path("/etc/mailseal.conf", "/etc/mailseal.d/domains.conf");
	assert_path("/srv/policy", "/srv/policy.d/domains.conf");
	assert_path("/a.conf/b", "/a.conf/b.d/domains.conf");
	assert_path("x.conf.conf", "x.conf.d/domains.conf");
	assert_int_equal(domains_path("/etc/mailseal.conf", out, sizeof(out)), -ENAMETOOLONG);
	memset(long_path, 'a', sizeof(long_path));
	long_path[4999] = '\0';
	assert_int_equal(domains_path(long_path, out, sizeof(out)), -ENAMETOOLONG);
}

static struct policy_set *load(struct seen *seen)
{
	struct policy_set *set = NULL;
	struct err err;

	if (policy_set_load(config, false, &set, seen, &err))
		fail_msg("%s", err.text);
	return set;
}

static void both_files_are_one_set(void **state)
{
	struct policy_set *set;
	struct seen seen;
	struct stat st;

	(void)state;
	remove_files();
	put_text(config, "default { require_tls = true }\nhost \"a.b\" { min_tls = 1.3 }\n");
	set = load(&seen);
	assert_int_equal(set->count, 2);
	assert_true(seen.main_present && !seen.domains_present);
	policy_set_free(set);
	mkdir(folder, 0700);
	set = load(&seen);
	assert_true(seen.main_present && !seen.domains_present);
	policy_set_free(set);
	put_text(domains, "\nsender \"a.b\" {\n require_tls = true }");
	set = load(&seen);
	assert_int_equal(set->count, 3);
	assert_string_equal(set->sections[0]->path, config);
	assert_string_equal(set->sections[2]->path, domains);
	assert_string_equal(set->sections[2]->origin[SETTING_REQUIRE_TLS].file, "domains.conf");
	assert_int_equal(set->sections[2]->origin[SETTING_REQUIRE_TLS].line, 3);
	assert_true(seen.domains_present);
	assert_int_equal(stat(domains, &st), 0);
	assert_int_equal(seen.domains.st_ino, st.st_ino);
	policy_set_free(set);
}

static void assert_fails(bool optional, int code, const char *path, const char *what)
{
	struct policy_set *set = NULL;
	struct err err;
	struct seen seen = {.main.st_ino = 7};

	assert_int_equal(policy_set_load(config, optional, &set, &seen, &err), code);
	assert_null(set);
	assert_int_equal(seen.main.st_ino, 7);
	if (strncmp(err.text, path, strlen(path)) != 0 ||
		strncmp(err.text + strlen(path), what, strlen(what)) != 0)
		fail_msg("expected %s%s\ngot      %s", path, what, err.text);
}

static void errors_name_the_file_they_stand_in(void **state)
{
	char text[300];

	(void)state;
	remove_files();
	mkdir(folder, 0700);
	put_text(config, "\nsender \"Example.com\" { }\n");
	put_text(domains, "sender \"a.b\" {\n require_tls = maybe }");
	assert_fails(false, -EINVAL, domains, ":2: require_tls: \"maybe\" is not a value");
	put_text(domains, "recipient \"example.com\" {}\n\nsender \"example.COM\" {}");
	snprintf(text, sizeof(text),
		":3: sender \"example.COM\": second section for the same; the first is at %s:2: "
		"keep one of them",
		config);
	assert_fails(false, -EINVAL, domains, text);
	put_text(domains, "\ndefault { }");
	snprintf(text, sizeof(text),
		":2: default: stands in the main configuration only; put its settings into "
		"default of %s",
		config);
	assert_fails(false, -EINVAL, domains, text);
	put_text(domains, "");
	put_text(config, "default { mode = x }");
	assert_fails(false, -EINVAL, config, ":1: mode: \"x\" is not");
}

static void what_is_there_but_cannot_be_read_is_not_missing(void **state)
{
	(void)state;
	remove_files();
	put_text(config, "");
	mkdir(folder, 0700);
	mkdir(domains, 0700);
	assert_fails(false, -EINVAL, domains, ": not a regular file");
	rmdir(domains);
	assert_int_equal(symlink("nowhere", domains), 0);
	assert_fails(false, -EINVAL, domains, ": symbolic link leads nowhere");
	remove_files();
	put_text(config, "");
	assert_int_equal(symlink("nowhere", folder), 0);
	assert_fails(false, -EINVAL, domains, ": symbolic link leads nowhere");
	unlink(folder);
	put_text(folder, "");
	assert_fails(false, -ENOTDIR, domains, ": Not a directory");
	unlink(folder);
	if (geteuid() != 0) {
		mkdir(folder, 0700);
		put_text(domains, "");
		chmod(domains, 0);
		assert_fails(false, -EACCES, domains, ": Permission denied");
		chmod(folder, 0);
		assert_fails(false, -EACCES, domains, ": Permission denied");
		chmod(folder, 0700);
	}
}

static void a_missing_configuration_may_be_allowed(void **state)
{
	struct policy_set *set = NULL;
	struct seen seen;

	(void)state;
	remove_files();
	assert_fails(false, -ENOENT, config, ": No such file or directory");
	assert_int_equal(policy_set_load(config, true, &set, &seen, NULL), 0);
	assert_int_equal(set->count, 0);
	assert_true(!seen.main_present && !seen.domains_present);
	policy_set_free(set);
	mkdir(folder, 0700);
	put_text(domains, "sender \"a.b\" {}");
	assert_int_equal(policy_set_load(config, true, &set, &seen, NULL), 0);
	assert_int_equal(set->count, 1);
	assert_true(!seen.main_present && seen.domains_present);
	policy_set_free(set);
	assert_int_equal(symlink("nowhere", config), 0);
	assert_fails(true, -EINVAL, config, ": symbolic link leads nowhere");
	assert_fails(false, -ENOENT, config, ": No such file");
}

/* Edit */

static char *written(const struct policy_set *set, const char *path)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	struct err err;

	if (edit_write(stream, set, path, &err))
		fail_msg("%s", err.text);
	fclose(stream);
	return text;
}

static void sections_are_set_and_written(void **state)
{
	static const char expected[] = "sender \"B\xc3\xbc.example\" {\n"
				       "\trequire_tls = true\n"
				       "\tmin_tls = \"1.3\"\n"
				       "\tviolation = \"reject\"\n"
				       "}\n"
				       "host \"10.0.0.0/8\" {\n"
				       "\tintercept = false\n"
				       "\tmatch = { \"x.example\", \"y.example\" }\n"
				       "\tciphers = \"A'B\"\n"
				       "}\n";
	struct policy_set *set, *again = NULL;
	struct section *section;
	struct err err;
	char *text;

	(void)state;
	remove_files();
	put_text(config, "sender \"main.example\" { }\n");
	mkdir(folder, 0700);
	put_text(
		domains, "sender \"B\xc3\xbc.example\" { require_tls = off\nmin_tls = TLSv1.3 }\n");
	set = load(NULL);
	assert_int_equal(edit_find(set, SECTION_SENDER, "MAIN.example", &section, &err), 0);
	assert_string_equal(section->path, config);
	assert_int_equal(edit_find(set, SECTION_RECIPIENT, "main.example", &section, &err), 0);
	assert_null(section);
	assert_int_equal(edit_find(set, SECTION_SENDER, "xn--b-eha.example", &section, &err), 0);
	assert_string_equal(section->path, domains);
	assert_int_equal(edit_put(section, "require_tls", "yes", &err), 0);
	assert_int_equal(edit_put(section, "violation", "reject", &err), 0);
	assert_int_equal(edit_put(section, "mode", "observe", &err), 0);
	assert_int_equal(edit_unset(section, "mode", &err), 0);
	assert_int_equal(edit_add(set, SECTION_HOST, "10.0.0.0/8", domains, &section, &err), 0);
	assert_int_equal(edit_put(section, "intercept", "false", &err), 0);
	assert_int_equal(edit_put(section, "match", "z.example", &err), 0);
	assert_int_equal(edit_put(section, "match", "x.example, Y.example", &err), 0);
	assert_int_equal(edit_put(section, "ciphers", "A'B", &err), 0);
	assert_string_equal(section_written(section, SETTING_MATCH, 1), "y.example");
	assert_null(section_written(section, SETTING_MATCH, 2));
	assert_null(section_written(section, SETTING_MODE, 0));
	text = written(set, domains);
	assert_string_equal(text, expected);
	if (policy_set_load_with(config, false, text, strlen(text), &again, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(again->count, 3);
	policy_set_free(again);
	edit_remove(set, section);
	edit_find(set, SECTION_SENDER, "b\xc3\xbc.example", &section, &err);
	edit_remove(set, section);
	free(text);
	text = written(set, domains);
	assert_string_equal(text, "");
	free(text);
	policy_set_free(set);
}

static void edits_are_checked(void **state)
{
	struct policy_set *set, *again = NULL;
	struct section *section;
	struct err err;
	FILE *stream;

	(void)state;
	remove_files();
	put_text(config, "sender \"a.b\" { }\n");
	set = load(NULL);
	section = set->sections[0];
	assert_int_equal(edit_find(set, SECTION_SENDER, "x@y", &section, &err), -EINVAL);
	assert_int_equal(edit_add(set, SECTION_SENDER, "*.x", domains, &section, &err), -EINVAL);
	assert_int_equal(edit_add(set, SECTION_SENDER, "x", "/other", &section, &err), -EINVAL);
	assert_int_equal(edit_put(section, "require_tls", "ja", &err), -EINVAL);
	assert_int_equal(strncmp(err.text, "require_tls: \"ja\" is not", 24), 0);
	assert_int_equal(edit_put(section, "ca_file", "/x", &err), -EINVAL);
	assert_int_equal(strncmp(err.text, "ca_file: is a setting of the conn", 33), 0);
	assert_int_equal(edit_put(section, "requiretls", "true", &err), -EINVAL);
	assert_int_equal(edit_unset(section, "requiretls", &err), -EINVAL);
	assert_string_equal(err.text, "requiretls: unknown setting; did you mean require_tls?");
	assert_int_equal(section->set, 0);
	/* What would break the whole is found before it is written. */
	assert_int_equal(
		policy_set_load_with(config, false, "sender A.B {}", 13, &again, NULL, &err),
		-EINVAL);
	assert_int_equal(strncmp(err.text, domains, strlen(domains)), 0);
	assert_null(again);
	/* Nor is text written that would be read otherwise. */
	edit_add(set, SECTION_HOST, "h", domains, &section, &err);
	assert_int_equal(edit_put(section, "ciphers", "a\"b'c", &err), 0);
	stream = fopen("/dev/null", "w");
	assert_non_null(stream);
	assert_int_equal(edit_write(stream, set, config, &err), 0);
	assert_int_equal(edit_write(stream, set, domains, &err), -EINVAL);
	fclose(stream);
	policy_set_free(set);
}

static void kinds_are_told(void **state)
{
	enum section_kind kind;
	struct err err;

	(void)state;
	assert_int_equal(section_kind_parse("recipient", &kind, &err), 0);
	assert_int_equal(kind, SECTION_RECIPIENT);
	assert_string_equal(section_kind_name(kind), "recipient");
	assert_int_equal(section_kind_parse("recipent", &kind, &err), -EINVAL);
	assert_string_equal(err.text, "unknown section; did you mean recipient?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_domains_file_stands_beside_the_configuration),
		cmocka_unit_test(both_files_are_one_set),
		cmocka_unit_test(errors_name_the_file_they_stand_in),
		cmocka_unit_test(what_is_there_but_cannot_be_read_is_not_missing),
		cmocka_unit_test(a_missing_configuration_may_be_allowed),
		cmocka_unit_test(sections_are_set_and_written),
		cmocka_unit_test(edits_are_checked),
		cmocka_unit_test(kinds_are_told),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
