/*
 * rules: what of the configuration the agent keeps, and when two connections share a TLS context.
 */
#include "shim/agent/rules.h"
#include "shim/hop/hop.h"
#include "shim/handoff/handoff.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[] = "/tmp/agent_rules_XXXXXX";
static char config[64], ca_file[64], domains_directory[64], domains[80];

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void write_certificate(const char *path, bool with_key)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	FILE *f = fopen(path, "w");

	assert_true(key && cert && f);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 1000);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(f, cert), 1);
	if (with_key)
		assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(f), 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void write_authority(const char *path)
{
	write_certificate(path, false);
}

static void write_pair(const char *path)
{
	write_certificate(path, true);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(config, sizeof(config), "%s/mailseal.conf", directory);
	snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", directory);
	snprintf(domains_directory, sizeof(domains_directory), "%s/mailseal.d", directory);
	snprintf(domains, sizeof(domains), "%s/domains.conf", domains_directory);
	return 0;
}

static int teardown(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "%s.new", domains);
	unlink(path); /* of who was killed */
	unlink(config);
	unlink(ca_file);
	unlink(domains);
	rmdir(domains_directory);
	return rmdir(directory);
}

static void line_of(char *out, size_t size, const char *path, bool present)
{
	struct stat st;

	if (present)
		assert_int_equal(stat(path, &st), 0);
	assert_true(handoff_config_line(out, size, path, present ? &st : NULL) > 0);
}

static void expect_edition(struct rules *r, bool there)
{
	struct edition *e = rules_edition(r);

	assert_int_equal(e != NULL, there);
	if (e)
		assert_non_null(edition_policy(e));
	edition_release(e);
}

static void absent_default_is_the_builtin_and_absent_named_file_an_error(void **state)
{
	struct rules *r;
	char line[256];

	(void)state;
	unlink(config);
	line_of(line, sizeof(line), config, false);
	r = rules_new(config, false);
	assert_null(rules_error(r));
	expect_edition(r, true);
	assert_true(rules_fit(r, line, strlen(line)));
	rules_free(r);
	r = rules_new(config, true);
	assert_non_null(strstr(rules_error(r), config));
	assert_non_null(strstr(rules_error(r), "run 'mailseal check "));
	expect_edition(r, false);
	rules_free(r);
}

static void identity_fits_the_file_that_was_read(void **state)
{
	struct rules *r;
	char line[256], text[600];

	(void)state;
	write_text(config, "default { require_tls = true }\n");
	line_of(line, sizeof(line), config, true);
	r = rules_new(config, true);
	assert_null(rules_error(r));
	assert_true(rules_fit(r, "", 0));
	snprintf(text, sizeof(text), "version=1\n%slog=x\n", line);
	assert_true(rules_fit(r, text, strlen(text)));
	snprintf(text, sizeof(text), "version=1\nx%slog=x\n", line);
	assert_false(rules_fit(r, text, strlen(text)));
	line_of(line, sizeof(line), config, false);
	assert_false(rules_fit(r, line, strlen(line)));
	assert_false(rules_fit(r, "version=1\n", 10));
	rules_free(r);
}

static void bad_file_is_an_error_of_that_file(void **state)
{
	struct rules *r;
	char line[256];

	(void)state;
	write_text(config, "default { require_tls = perhaps }\n");
	line_of(line, sizeof(line), config, true);
	r = rules_new(config, false);
	assert_non_null(strstr(rules_error(r), "mailseal.conf:1: require_tls"));
	assert_true(rules_fit(r, line, strlen(line)));
	write_text(config, "default { require_tls = true  }\n# longer\n");
	line_of(line, sizeof(line), config, true);
	assert_false(rules_fit(r, line, strlen(line)));
	rules_free(r);
}

static struct tls_context *context_for(struct rules *r, const char *ca, enum tls_version min)
{
	const struct policy p = {.demands.min_tls = min, .connection.ca_file = ca};
	struct tls_context *c = NULL;
	struct err err = {""};

	assert_int_equal(rules_tls(r, &p, &c, &err), 0);
	assert_non_null(c);
	tls_context_free(c); /* the rules keep theirs, so that pointers can be compared */
	return c;
}

/* Whether `rules` demand TLS of a host without a section of its own. */
static bool requires_tls(const struct policy_set *set)
{
	static const char *const names[] = {"mx.b.example"};
	struct policy p;

	policy_for_host(set, names, 1, NULL, &p);
	return p.demands.require_tls;
}

static bool now_requires_tls(struct rules *r)
{
	struct edition *e = rules_edition(r);
	bool yes;

	assert_non_null(e);
	yes = requires_tls(edition_policy(e));
	edition_release(e);
	return yes;
}

static void held_edition_outlives_a_change_of_the_domains_file(void **state)
{
	struct edition *old;
	struct rules *r;

	(void)state;
	write_text(config, "default { require_tls = false }\n");
	r = rules_new(config, true);
	assert_false(rules_refresh(r, true));
	old = rules_edition(r);
	assert_int_equal(mkdir(domains_directory, 0755), 0);
	assert_false(rules_refresh(r, false));
	write_text(domains, "host \"mx.b.example\" { require_tls = true }\n");
	assert_true(rules_refresh(r, false));
	assert_false(rules_refresh(r, false));
	assert_true(now_requires_tls(r));
	assert_false(requires_tls(edition_policy(old)));
	write_text(domains, "# nothing here\n");
	assert_true(rules_refresh(r, false));
	assert_false(now_requires_tls(r));
	assert_int_equal(unlink(domains), 0);
	assert_true(rules_refresh(r, false));
	assert_false(rules_refresh(r, false));
	rules_free(r);
	assert_false(requires_tls(edition_policy(old)));
	edition_release(old);
}

static void expect_trouble(struct rules *r, const char *words)
{
	assert_true(rules_refresh(r, false));
	assert_non_null(rules_error(r));
	assert_non_null(strstr(rules_error(r), words));
	expect_edition(r, false);
}

static void expect_recovery(struct rules *r)
{
	assert_true(rules_refresh(r, false));
	assert_null(rules_error(r));
	expect_edition(r, true);
	assert_false(rules_refresh(r, false));
}

static void unusable_domains_file_is_an_error_until_it_is_mended(void **state)
{
	struct rules *r;

	(void)state;
	write_text(config, "default { require_tls = false }\n");
	mkdir(domains_directory, 0755);
	r = rules_new(config, true);
	write_text(domains, "host \"mx.b.example\" { require_tls = perhaps }\n");
	expect_trouble(r, "domains.conf:1: require_tls");
	write_text(domains, "host \"mx.b.example\" { require_tls = true }\n");
	expect_recovery(r);
	assert_int_equal(unlink(domains), 0);
	assert_int_equal(mkdir(domains, 0755), 0);
	expect_trouble(r, "domains.conf");
	assert_int_equal(rmdir(domains), 0);
	expect_recovery(r);
	assert_int_equal(symlink("nowhere", domains), 0);
	expect_trouble(r, "domains.conf");
	assert_int_equal(unlink(domains), 0);
	expect_recovery(r);
	rules_free(r);
}

/* Two sections that always agree, as long as nothing is read by halves. Until it is killed. */
static void replace_again_and_again(void)
{
	char path[96], text[300];
	int i;

	snprintf(path, sizeof(path), "%s.new", domains);
	alarm(60);
	for (i = 0;; i++) {
		const char *word = i % 2 ? "true" : "false";

		snprintf(text, sizeof(text),
			"host \"a.example\" { require_tls = %s }\n"
			"host \"b.example\" { require_tls = %s }\n",
			word, word);
		write_text(path, text);
		if (rename(path, domains) < 0)
			_exit(1);
	}
}

static void file_replaced_all_the_time_is_never_read_by_halves(void **state)
{
	static const char *const a[] = {"a.example"}, *const b[] = {"b.example"};
	struct policy first, second;
	unsigned reloads = 0;
	int status = -1;
	struct rules *r;
	pid_t child;

	(void)state;
	write_text(config, "default { require_tls = false }\n");
	mkdir(domains_directory, 0755);
	r = rules_new(config, true);
	child = fork();
	if (child == 0)
		replace_again_and_again();
	while (reloads < 200 && waitpid(child, &status, WNOHANG) == 0) {
		struct edition *e;

		reloads += rules_refresh(r, false);
		e = rules_edition(r);
		assert_non_null(e);
		policy_for_host(edition_policy(e), a, 1, NULL, &first);
		policy_for_host(edition_policy(e), b, 1, NULL, &second);
		assert_int_equal(first.demands.require_tls, second.demands.require_tls);
		edition_release(e);
	}
	assert_int_equal(reloads, 200);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	rules_refresh(r, false);
	assert_false(rules_refresh(r, false));
	rules_free(r);
	unlink(domains);
}

/* Time stamps of files move on in steps of milliseconds, and the size may stay. */
static void change_that_leaves_size_and_time_is_found(void **state)
{
	struct rules *r;
	int i;

	(void)state;
	write_text(config, "default { require_tls = false }\n");
	mkdir(domains_directory, 0755);
	r = rules_new(config, true);
	for (i = 0; i < 100; i++) {
		write_text(domains, i % 2 ? "host \"mx.b.example\" { require_tls =  true }\n"
					  : "host \"mx.b.example\" { require_tls = false }\n");
		rules_refresh(r, false);
		assert_int_equal(now_requires_tls(r), i % 2);
	}
	rules_free(r);
	unlink(domains);
}

static void main_file_is_watched_only_where_asked_for(void **state)
{
	struct rules *r;
	char before[256];

	(void)state;
	write_text(config, "default { require_tls = false }\n");
	line_of(before, sizeof(before), config, true);
	r = rules_new(config, true);
	write_text(config, "default { require_tls = true }\n");
	assert_false(rules_refresh(r, false));
	assert_false(now_requires_tls(r));
	assert_true(rules_fit(r, before, strlen(before)));
	assert_true(rules_refresh(r, true));
	assert_true(now_requires_tls(r));
	assert_false(rules_fit(r, before, strlen(before)));
	rules_free(r);
}

static void bad_tls_setting_is_an_error_of_its_line(void **state)
{
	static const struct {
		const char *text, *words;
	} table[] = {
		{"default {\n ciphers = \"MISSPELT\"\n}\n",
			"mailseal.conf:2: ciphers: \"MISSPELT\""},
		{"host \"a.example\" {\n\n ciphersuites = \"MISSPELT\"\n}\n",
			"mailseal.conf:3: ciphersuites: unknown name MISSPELT"},
		{"default { client_certificate = \"/dev/null\"\n client_key = \"/dev/null\" }\n",
			"mailseal.conf:1: client_certificate: /dev/null"},
	};
	struct rules *r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		write_text(config, table[i].text);
		r = rules_new(config, true);
		assert_non_null(rules_error(r));
		if (!strstr(rules_error(r), table[i].words))
			fail_msg("not \"%s\": %s", table[i].words, rules_error(r));
		assert_non_null(strstr(rules_error(r), "run 'mailseal check "));
		rules_free(r);
	}
}

static void every_setting_of_a_connection_makes_a_context_of_its_own(void **state)
{
	const struct policy plain = {.demands.min_tls = 12},
			    ciphers = {.demands.min_tls = 12,
				    .connection.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"},
			    suites = {.demands.min_tls = 12,
				    .connection.ciphersuites = "TLS_AES_128_GCM_SHA256"};
	const struct policy *const all[] = {&plain, &ciphers, &suites};
	struct tls_context *c[3], *again;
	struct err err;
	struct rules *r;
	int i;

	(void)state;
	unlink(config);
	r = rules_new(config, false);
	for (i = 0; i < 3; i++)
		assert_int_equal(rules_tls(r, all[i], &c[i], &err), 0);
	assert_ptr_not_equal(c[0], c[1]);
	assert_ptr_not_equal(c[0], c[2]);
	assert_ptr_not_equal(c[1], c[2]);
	assert_int_equal(rules_tls(r, &suites, &again, &err), 0);
	assert_ptr_equal(again, c[2]);
	rules_free(r);
	for (i = 0; i < 3; i++)
		tls_context_free(c[i]); /* still whole */
	tls_context_free(again);
}

/* A certificate is renewed in place: the next connection shows the new one. */
static void renewed_client_certificate_is_read_anew(void **state)
{
	const struct policy p = {.demands.min_tls = 12,
		.connection.client_certificate = ca_file,
		.connection.client_key = ca_file};
	struct tls_context *first, *second, *third;
	struct err err;
	struct rules *r;

	(void)state;
	unlink(config);
	r = rules_new(config, false);
	write_pair(ca_file);
	assert_int_equal(rules_tls(r, &p, &first, &err), 0);
	assert_int_equal(rules_tls(r, &p, &second, &err), 0);
	assert_ptr_equal(first, second);
	write_pair(ca_file);
	assert_int_equal(rules_tls(r, &p, &third, &err), 0);
	assert_ptr_not_equal(first, third);
	unlink(ca_file);
	assert_true(rules_tls(r, &p, &second, &err) < 0);
	assert_non_null(strstr(err.text, "client_certificate: "));
	rules_free(r);
	tls_context_free(first);
	tls_context_free(first);
	tls_context_free(third);
}

static void equal_settings_share_a_context_until_the_file_changes(void **state)
{
	struct rules *r;
	struct tls_context *c;
	const struct policy missing = {.demands.min_tls = 12, .connection.ca_file = "/nonexistent"};
	struct err err = {""};

	(void)state;
	unlink(config);
	r = rules_new(config, false);
	write_authority(ca_file);
	c = context_for(r, ca_file, TLS_VERSION_1_2);
	assert_ptr_equal(context_for(r, ca_file, TLS_VERSION_1_2), c);
	/* what is demanded beyond TLS 1.2 is judged after the handshake */
	assert_ptr_equal(context_for(r, ca_file, TLS_VERSION_1_3), c);
	assert_ptr_not_equal(context_for(r, ca_file, TLS_VERSION_1_1), c);
	assert_ptr_not_equal(context_for(r, NULL, TLS_VERSION_1_2), c);
	assert_ptr_equal(
		context_for(r, NULL, TLS_VERSION_1_2), context_for(r, NULL, TLS_VERSION_1_2));
	write_text(ca_file, "no certificate\n");
	assert_true(
		rules_tls(r, &(struct policy){.demands.min_tls = 12, .connection.ca_file = ca_file},
			&c, &err) < 0);
	assert_non_null(strstr(err.text, ca_file));
	assert_true(rules_tls(r, &missing, &c, &err) < 0);
	write_authority(ca_file);
	context_for(r, ca_file, TLS_VERSION_1_2);
	rules_free(r);
}

static void internationalised_names_become_a_labels(void **state)
{
	char *name;

	(void)state;
	name = hop_name("mx.b\xc3\xbc"
			"cher.example");
	assert_string_equal(name, "mx.xn--bcher-kva.example");
	free(name);
	name = hop_name("MX.b.example.");
	assert_string_equal(name, "MX.b.example.");
	free(name);
	name = hop_name("\xff\xfe");
	assert_string_equal(name, "\xff\xfe");
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_default_is_the_builtin_and_absent_named_file_an_error),
		cmocka_unit_test(identity_fits_the_file_that_was_read),
		cmocka_unit_test(bad_file_is_an_error_of_that_file),
		cmocka_unit_test(equal_settings_share_a_context_until_the_file_changes),
		cmocka_unit_test(internationalised_names_become_a_labels),
		cmocka_unit_test(held_edition_outlives_a_change_of_the_domains_file),
		cmocka_unit_test(unusable_domains_file_is_an_error_until_it_is_mended),
		cmocka_unit_test(file_replaced_all_the_time_is_never_read_by_halves),
		cmocka_unit_test(change_that_leaves_size_and_time_is_found),
		cmocka_unit_test(main_file_is_watched_only_where_asked_for),
		cmocka_unit_test(bad_tls_setting_is_an_error_of_its_line),
		cmocka_unit_test(every_setting_of_a_connection_makes_a_context_of_its_own),
		cmocka_unit_test(renewed_client_certificate_is_read_anew),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
