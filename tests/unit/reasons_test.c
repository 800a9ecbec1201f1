/*
 * tls: OpenSSL's words for an error are there, though it was told at its start to leave them out. A
 * program of its own: nothing here may have made OpenSSL begin before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/tls/tls.h"

static void refused_as(const char *text, const char *words)
{
	char path[] = "/tmp/reasons_XXXXXX";
	const struct tls_settings settings = {.min_version = 12, .ca_file = path};
	struct err err = {""};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_true(tls_settings_check(&settings, &err) < 0);
	unlink(path);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" has no \"%s\"", err.text, words);
}

static void authorities_that_cannot_be_read_are_told_in_words(void **state)
{
	const struct tls_settings plain = {.min_version = 12};
	struct err err = {""};

	(void)state;
	assert_int_equal(tls_settings_check(&plain, &err), 0);
	refused_as("", "no certificate or crl found");
	refused_as("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "PEM lib");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authorities_that_cannot_be_read_are_told_in_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
