/*
 * rules: what of the configuration the agent keeps, and when two connections share a TLS context.
 */
#include "shim/agent/rules.h"
#include "shim/handoff/handoff.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[] = "/tmp/agent_rules_XXXXXX";
static char config[64], ca_file[64];

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void write_authority(const char *path)
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
	assert_int_equal(fclose(f), 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(config, sizeof(config), "%s/mailseal.conf", directory);
	snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", directory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(config);
	unlink(ca_file);
	return rmdir(directory);
}

static void line_of(char *out, size_t size, const char *path, bool present)
{
	struct stat st;

	if (present)
		assert_int_equal(stat(path, &st), 0);
	assert_true(handoff_config_line(out, size, path, present ? &st : NULL) > 0);
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
	assert_non_null(rules_policy(r));
	assert_true(rules_fit(r, line, strlen(line)));
	rules_free(r);
	r = rules_new(config, true);
	assert_non_null(strstr(rules_error(r), config));
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
	return c;
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
	name = rules_name("mx.b\xc3\xbc"
			  "cher.example");
	assert_string_equal(name, "mx.xn--bcher-kva.example");
	free(name);
	name = rules_name("MX.b.example.");
	assert_string_equal(name, "MX.b.example.");
	free(name);
	name = rules_name("\xff\xfe");
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
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
