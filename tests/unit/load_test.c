/*
 * load: each error names file, line, setting and what to do; what libconfuse does behind one's back
 * does not happen.
 */
#include "config/load.h"
#include "config/pem.h"
#include "config/set.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* A frame with a SEQUENCE in it: enough for a loader that leaves certificates to the TLS library.
 */
static const char pem[] =
	"-----BEGIN CERTIFICATE-----\nMAgCAQECAQEFAA==\n-----END CERTIFICATE-----\n";

static const char key[] =
	"-----BEGIN PRIVATE KEY-----\nMAgCAQECAQEFAA==\n-----END PRIVATE KEY-----\n";

static const char encrypted[] = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
				"DEK-Info: AES-128-CBC,00\n\nMAgCAQECAQEFAA==\n"
				"-----END RSA PRIVATE KEY-----\n";

static char directory[] = "/tmp/load_test.XXXXXX";
static char path[200];

static const char *in_directory(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void put_bytes(const char *name, const char *how, const void *bytes, size_t length)
{
	FILE *file = fopen(in_directory(name), how);

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void write_bytes(const char *name, const void *bytes, size_t length)
{
	put_bytes(name, "w", bytes, length);
}

static void append_bytes(const char *name, const void *bytes, size_t length)
{
	put_bytes(name, "a", bytes, length);
}

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	write_bytes("ca.pem", pem, strlen(pem));
	write_bytes("key.pem", key, strlen(key));
	write_bytes("text", "hello\n", 6);
	return 0;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"ca.pem", "key.pem", "both.pem", "secret.pem", "text",
		"mailseal.conf", "fifo", "link", "big"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(in_directory(names[i]));
	return rmdir(directory);
}

/* The text with each @ replaced by the directory. */
static char *expand(const char *text)
{
	char *out = calloc(1, strlen(text) + 20 * sizeof(directory)), *to = out;

	assert_non_null(out);
	for (; *text; text++) {
		if (*text == '@')
			to = stpcpy(to, directory);
		else
			*to++ = *text;
	}
	return out;
}

static struct policy_set *load_text(const char *text)
{
	char *expanded = expand(text);
	struct policy_set *set = NULL;
	struct err err;

	if (policy_set_parse("/etc/mailseal.conf", expanded, strlen(expanded), &set, &err))
		fail_msg("%s\n%s", text, err.text);
	free(expanded);
	return set;
}

static void assert_error(const char *text, size_t length, const char *expected)
{
	struct policy_set *untouched = (struct policy_set *)&path, *set = untouched;
	struct err err = {""};

	assert_int_equal(policy_set_parse("/etc/mailseal.conf", text, length, &set, &err), -EINVAL);
	assert_ptr_equal(set, untouched);
	if (strstr(err.text, expected) != err.text)
		fail_msg("%s\nexpected %s\ngot      %s", text, expected, err.text);
}

struct row {
	const char *text;
	const char *error; /* its beginning, behind the path, with @ for the directory */
};

static void assert_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *text = expand(rows[i].text), *error = expand(rows[i].error), expected[600];

		snprintf(expected, sizeof(expected), "/etc/mailseal.conf:%s", error);
		assert_error(text, strlen(text), expected);
		free(text);
		free(error);
	}
}

#define ROWS(rows) assert_rows(rows, sizeof(rows) / sizeof(*(rows)))

static void wrong_values_are_told(void **state)
{
	static const struct row rows[] = {
		{"default {\n\n require_tls = maybe\n}",
			"3: require_tls: \"maybe\" is not a value for it; write true or false"},
		{"default { require_tls = 1 }",
			"1: require_tls: \"1\" is not a value for it; write true or false"},
		{"default { require_tls = \"\" }", "1: require_tls: \"\" is not a value"},
		{"default { require_tls = \"true \" }", "1: require_tls: \"true \" is not a value"},
		{"default { verify_certificate = never }",
			"1: verify_certificate: \"never\" is not"},
		{"default { protect_credentials = x }", "1: protect_credentials: \"x\" is not"},
		{"default { min_tls = \"1.4\" }",
			"1: min_tls: \"1.4\" is not a value for it; write \"1.0\", \"1.1\""},
		{"default { min_tls = SSLv3 }", "1: min_tls: \"SSLv3\" is not"},
		{"default { violation = drop }", "1: violation: \"drop\" is not a value for it; "
						 "write \"tempfail\" or \"reject\""},
		{"default { mode = test }", "1: mode: \"test\" is not a value for it; write "
					    "\"enforce\" or \"observe\""},
		{"default { application_tls = yes }",
			"1: application_tls: \"yes\" is not a value for it; write \"auto\", "
			"\"allow\" or \"refuse\""},
		{"default { application_tls = alow }", "1: application_tls: \"alow\" is not a value "
			"for it; did you mean \"allow\"? Write \"auto\", "},
		{"default { connection_reuse = 61 }", "1: connection_reuse: \"61\" is not a value "
			"for it; write a whole number of seconds from 0 to 60"},
		{"default { connection_reuse = -1 }", "1: connection_reuse: \"-1\" is not"},
		{"default { connection_reuse = 1.5 }", "1: connection_reuse: \"1.5\" is not"},
		{"default { connection_reuse = on }", "1: connection_reuse: \"on\" is not"},
		{"default { early_replies = 2 }", "1: early_replies: \"2\" is not"},
		{"default { on_bad_certificate = ignore }",
			"1: on_bad_certificate: \"ignore\" is not a value for it; "
			"write \"unauthenticated\", \"cleartext\" or \"refuse\""},
		{"host \"a.b\" {\n intercept = false\n}",
			"2: intercept: stands in default and in host sections for addresses"},
		{"host \".b\" { intercept = true }", "1: intercept: stands in default"},
		{"host b.c {\n trace = b.c }", "2: trace: stands in default only"},
		{"sender b.c { trace = b.c }", "1: trace: stands in default only"},
		{"default { trace = \"*.b.c\" }", "1: trace: \"*.b.c\" has a wildcard"},
		{"default { trace = \"192.0.2.1/8\" }", "1: trace: \"192.0.2.1/8\" "},
		{"default { trace = {} }", "1: trace: list is empty"},
		{"default {\n intercept = 2 }", "2: intercept: \"2\" is not a value"},
		{"default {\n match = {} }", "2: match: list is empty"},
		{"default { match = { \"a.b\",\n \".b\" } }",
			"2: match: \".b\" stands for several names; write each name"},
		{"default { match = \"*.b\" }", "1: match: \"*.b\" stands for several names"},
		{"default { match = \"192.0.2.1\" }",
			"1: match: \"192.0.2.1\" is not a host name but an address; write names of "
			"the certificate, or leave match out"},
		{"default { match = \"192.0.2\" }", "1: match: \"192.0.2\" is not a host name"},
		{"default { servername = \"\" }", "1: servername: \"\" is empty"},
		{"default { servername = \"a b\" }",
			"1: servername: \"a b\" has a character that no host name has"},
		{"default { servername = \"::1\" }",
			"1: servername: \"::1\" is not a host name but an address; write the name "
			"that "
			"the server has in its certificate, or leave servername out"},
		{"default { violation = rejct }", "1: violation: \"rejct\" is not a value for it; "
						  "did you mean \"reject\"? Write "
						  "\"tempfail\" or \"reject\""},
		{"default { require_tls = ture }", "1: require_tls: \"ture\" is not a value for "
						   "it; did you mean \"true\"? Write"},
		{"default { on_bad_certificate = clear-text }",
			"1: on_bad_certificate: \"clear-text\" is not a value for it; did you mean "
			"\"cleartext\"?"},
		{"default { message_override = all }",
			"1: message_override: \"all\" is not a value for it; write \"any\", "
			"\"tighten\" or \"ignore\""},
		{"default { message_override = thighten }",
			"1: message_override: \"thighten\" is not a value for it; did you mean "
			"\"tighten\"?"},
		{"default { ciphers = \"\" }", "1: ciphers: is empty; write a list such as"},
		{"default { ciphersuites = \" : \" }",
			"1: ciphersuites: is empty; write a list such as \"TLS_AES_256"},
	};

	(void)state;
	ROWS(rows);
}

static void fingerprints_are_sha256_in_hexadecimal(void **state)
{
#define D8 "01234567"
#define D32 D8 D8 D8 D8
	static const struct row rows[] = {
		{"default { fingerprints = {} }", "1: fingerprints: list is empty"},
		{"default { fingerprints = \"\" }", "1: fingerprints: has 0 digits, and a SHA-256 "
						    "has 64; make one with: openssl x509"},
		{"default { fingerprints = { " D32 D32 ",\n " D32 D8 " } }",
			"2: fingerprints: is an SHA-1 fingerprint; only SHA-256 counts: make one "
			"with"},
		{"default { fingerprints = \"SHA1 Fingerprint=01:23\" }",
			"1: fingerprints: is an SHA-1 fingerprint"},
		{"default { fingerprints = " D32 " }", "1: fingerprints: is an MD5 fingerprint"},
		{"default { fingerprints = " D32 D32 "0 }", "1: fingerprints: has 65 digits"},
		{"default { fingerprints = \"sha256:" D32 D32 ":\" }",
			"1: fingerprints: \"sha256:01234567"},
		{"default { fingerprints = \"0:1234567" D8 D8 D8 D32 "\" }",
			"1: fingerprints: \"0:1"},
		{"default { fingerprints = \"01::234567" D8 D8 D8 D32 "\" }",
			"1: fingerprints: \"01"},
		{"default { fingerprints = \"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\" }",
			"1: fingerprints: \"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\" is "
			"base64; "
			"write it in hexadecimal, make one with: openssl x509"},
		{"default { fingerprints = \"xyz\" }", "1: fingerprints: \"xyz\" is not a SHA-256 "
						       "in hexadecimal digits; make one"},
	};
	struct policy_set *set;

	(void)state;
	ROWS(rows);
	set = load_text("host a { fingerprints = { " D32 D32 ", \"sha256:" D32 D32 "\",\n"
			"\"SHA256 Fingerprint=AB:CD:EF:67:01:23:45:67:01:23:45:67:01:23:45:67:"
			"01:23:45:67:01:23:45:67:01:23:45:67:01:23:45:67\" } }");
	assert_string_equal(set->sections[0]->fingerprints[0], D32 D32);
	assert_string_equal(set->sections[0]->fingerprints[1], D32 D32);
	assert_string_equal(set->sections[0]->fingerprints[2], "abcdef67" D8 D8 D8 D32);
	assert_null(set->sections[0]->fingerprints[3]);
	policy_set_free(set);
}

static void client_certificate_and_key_belong_together(void **state)
{
	static const struct row rows[] = {
		{"host a {\n client_key = \"@/key.pem\" }",
			"2: client_key: impossible combination: a key without a certificate; set "
			"client_certificate in the same section"},
		{"host a {\n client_certificate = \"@/ca.pem\" }",
			"2: client_certificate: @/ca.pem: no private key in PEM form in it; name "
			"the "
			"file of the key in client_key"},
		{"host a { client_certificate = \"@/key.pem\" }",
			"1: client_certificate: @/key.pem: no certificate in PEM form in it"},
		{"host a { client_certificate = \"@/ca.pem\"\n client_key = \"@/ca.pem\" }",
			"2: client_key: @/ca.pem: no private key in PEM form in it"},
		{"host a { client_certificate = \"@/ca.pem\"\n client_key = \"@/none\" }",
			"2: client_key: @/none: No such file or directory; name a readable file of "
			"the "
			"private key"},
		{"host a { client_certificate = \"@/ca.pem\"\n client_key = \"key.pem\" }",
			"2: client_key: \"key.pem\" is not an absolute path"},
		{"host a { client_certificate = \"@/ca.pem\"\n client_key = \"@/secret.pem\" }",
			"2: client_key: @/secret.pem: the private key in it is encrypted, and "
			"nobody "
			"is there to give the passphrase"},
	};

	(void)state;
	write_bytes("both.pem", pem, strlen(pem));
	write_bytes("secret.pem", encrypted, strlen(encrypted));
	ROWS(rows);
	append_bytes("both.pem", key, strlen(key));
	policy_set_free(load_text("host a { client_certificate = \"@/both.pem\" }"));
	policy_set_free(load_text("host a { client_key = \"@/key.pem\"\n"
				  "client_certificate = \"@/ca.pem\" }"));
}

static void tls_cannot_be_required_where_connections_pass_untouched(void **state)
{
	static const struct row rows[] = {
		{"host \"192.0.2.1\" {\n require_tls = true\n intercept = false }",
			"3: intercept: impossible combination: intercept = false lets connections "
			"pass "
			"untouched, so that require_tls = true in the same section could not hold; "
			"remove one of them"},
		{"default {\n intercept = off\n mode = observe\n require_tls = on }",
			"2: intercept: impossible combination: "},
	};

	(void)state;
	ROWS(rows);
	policy_set_free(load_text("default { require_tls = true }\n"
				  "host \"192.0.2.1\" { intercept = false require_tls = false }\n"
				  "host \"192.0.2.2\" { intercept = true require_tls = true }"));
}

static void connection_settings_have_no_place_beside_envelopes(void **state)
{
	static const struct row rows[] = {
		{"sender \"a.b\" {\n ca_file = \"@/ca.pem\" }",
			"2: ca_file: is a setting of the connection, and stands in default and "
			"host "
			"sections only; put it into a section for the server, host"},
		{"recipient \"a.b\" { match = { \"x.y\" } }", "1: match: is a setting of the conn"},
		{"recipient \"a.b\" { intercept = false }",
			"1: intercept: is a setting of the conn"},
		{"sender \"a.b\" { on_bad_certificate = refuse }",
			"1: on_bad_certificate: is a setting of the connection"},
		{"recipient \"a.b\" { application_tls = allow }",
			"1: application_tls: is a setting of the connection"},
		{"sender \"a.b\" { protect_credentials = false }",
			"1: protect_credentials: is a setting of the connection"},
		{"sender \"a.b\" { connection_reuse = 0 }", "1: connection_reuse: is a setting"},
		{"sender \"a.b\" { servername = x }", "1: servername: is a setting"},
		{"sender \"a.b\" { fingerprints = x }", "1: fingerprints: is a setting"},
		{"sender \"a.b\" { client_certificate = x }",
			"1: client_certificate: is a setting"},
		{"sender \"a.b\" { client_key = x }", "1: client_key: is a setting"},
		{"sender \"a.b\" { ciphers = x }", "1: ciphers: is a setting"},
		{"sender \"a.b\" { ciphersuites = x }", "1: ciphersuites: is a setting"},
	};
	struct policy_set *set;

	(void)state;
	ROWS(rows);
	set = load_text(
		"sender \"<>\" { require_tls = true verify_certificate = false min_tls = 1.3 "
		"violation = reject mode = observe message_override = ignore }");
	assert_int_equal(set->sections[0]->set, 0x3f);
	policy_set_free(set);
}

static void ca_file_must_be_usable(void **state)
{
	static const struct row rows[] = {
		{"default { ca_file = \"ca.pem\" }",
			"1: ca_file: \"ca.pem\" is not an absolute path"},
		{"default { ca_file = \"~/ca.pem\" }",
			"1: ca_file: \"~/ca.pem\" is not an absolute path"},
		{"default { ca_file = \"\" }", "1: ca_file: \"\" is not an absolute path"},
		{"default {\n ca_file = \"@/none.pem\" }",
			"2: ca_file: @/none.pem: No such file or directory; name a readable file"},
		{"default { ca_file = \"@\" }", "1: ca_file: @: not a regular file"},
		{"default { ca_file = \"/dev/zero\" }",
			"1: ca_file: /dev/zero: not a regular file"},
		{"default { ca_file = \"@/text\" }",
			"1: ca_file: @/text: no certificate in PEM form in it"},
		{"host \"a\" { ca_file = \"@/ca.pem\" }\nhost \"b\" { ca_file = \"@/text\" }",
			"2: ca_file: @/text: no cert"},
	};
	struct policy_set *set;

	(void)state;
	ROWS(rows);
	set = load_text(
		"host \"a\" { ca_file = \"@/ca.pem\" }\nhost \"b\" { ca_file = '@/ca.pem' }");
	assert_string_equal(set->sections[1]->ca_file, in_directory("ca.pem"));
	policy_set_free(set);
}

static void wrong_labels_are_told(void **state)
{
	static const struct row rows[] = {
		{"\nhost \"\" {}", "2: host \"\": is empty; write a name"},
		{"host \".\" {}", "1: host \".\": is empty"},
		{"host \"a..b\" {}", "1: host \"a..b\": has an empty label"},
		{"host \"..b\" {}", "1: host \"..b\": has an empty label"},
		{"host \"a b\" {}", "1: host \"a b\": has a character that no host name has"},
		{"host \"a.b.\xff\" {}",
			"1: host \"a.b.\xff\": is not a valid internationalised name"},
		{"host \"*.b\" {}", "1: host \"*.b\": has a wildcard; write .example.com"},
		{"host \"a.b/c\" {}", "1: host \"a.b/c\": is not an address"},
		{"host \"mail.example.com:25\" {}",
			"1: host \"mail.example.com:25\": is not an address; write 192.0.2.1"},
		{"host \"[::1]\" {}", "1: host \"[::1]\": has brackets; write the address alone"},
		{"host \"fe80::1%eth0\" {}", "1: host \"fe80::1%eth0\": is not an address"},
		{"host \"1.2.3\" {}", "1: host \"1.2.3\": is not an address"},
		{"host \"1.2.3.4.5\" {}", "1: host \"1.2.3.4.5\": is not an address"},
		{"host \"1.2.3.256\" {}", "1: host \"1.2.3.256\": is not an address"},
		{"host \"010.0.0.1\" {}", "1: host \"010.0.0.1\": is not an address"},
		{"host \"10.0.0.1/8\" {}",
			"1: host \"10.0.0.1/8\": has bits set behind the prefix; write 10.0.0.0/8"},
		{"host \"2001:db8::1/64\" {}", "1: host \"2001:db8::1/64\": has bits set behind "
					       "the prefix; write 2001:db8::/64"},
		{"host \"10.0.0.0/33\" {}", "1: host \"10.0.0.0/33\": has a prefix length that is "
					    "not a number from 0 to 32"},
		{"host \"10.0.0.0/\" {}", "1: host \"10.0.0.0/\": has a prefix length"},
		{"host \"10.0.0.0/08\" {}", "1: host \"10.0.0.0/08\": has a prefix length"},
		{"host \"10.0.0.0/-1\" {}", "1: host \"10.0.0.0/-1\": has a prefix length"},
		{"host \"10.0.0.0/8/8\" {}", "1: host \"10.0.0.0/8/8\": "},
		{"host \"::/129\" {}", "1: host \"::/129\": has a prefix length that is not a "
				       "number from 0 to 128"},
		{"host \"::ffff:10.0.0.1\" {}",
			"1: host \"::ffff:10.0.0.1\": is an IPv4 address in IPv6 form"},
	};
	static const struct row domains[] = {
		{"sender \"\" {}", "1: sender \"\": is empty; write a domain such as example.com"},
		{"recipient \"*.b\" {}",
			"1: recipient \"*.b\": has a wildcard; write .example.com"},
		{"recipient \"<>\" {}", "1: recipient \"<>\": is the empty sender of bounces, and "
					"stands in sender"},
		{"sender \".\" {}", "1: sender \".\": is empty"},
		{"sender \"a..b\" {}", "1: sender \"a..b\": has an empty label"},
		{"sender \"a b\" {}", "1: sender \"a b\": has a character that no host name has"},
		{"sender \"192.0.2.1\" {}",
			"1: sender \"192.0.2.1\": is not a domain of mail addresses; a server's "
			"section is host \"192.0.2.1\" { ... }, and mail addresses have it in "
			"brackets: \"[192.0.2.1]\""},
		{"recipient \"::1\" {}",
			"1: recipient \"::1\": is not a domain of mail addresses; a "
			"server's section is host \"::1\" { ... }, and mail addresses have it in "
			"brackets: \"[IPv6:::1]\""},
		{"sender \"10.0.0.0/8\" {}", "1: sender \"10.0.0.0/8\": is not a domain of mail "
					     "addresses; the section for "
					     "servers in a network is host \"10.0.0.0/8\" { ... }"},
		{"sender \"[::1]\" {}",
			"1: sender \"[::1]\": is not an address in brackets; write"},
		{"sender \"[1.2.3.4\" {}", "1: sender \"[1.2.3.4\": is not an address in brackets"},
		{"sender \"a.b.\xff\" {}",
			"1: sender \"a.b.\xff\": is not a valid internationalised name"},
	};
	char text[400], label[300];

	(void)state;
	ROWS(rows);
	ROWS(domains);
	assert_error("sender \"joe@example.com\" {}", 27,
		"/etc/mailseal.conf:1: sender \"joe@example.com\": has an @; sections are for "
		"domains, not for single addresses: write \"example.com\"");
	assert_error("recipient \"@\" {}", 16, "/etc/mailseal.conf:1: recipient \"@\": has an @");
	memset(label, 'a', 64);
	snprintf(label + 64, sizeof(label) - 64, ".example");
	snprintf(text, sizeof(text), "host \"%s\" {}", label);
	assert_error(text, strlen(text), "/etc/mailseal.conf:1: host \"aaa");
	for (size_t i = 0; i < 256; i++)
		label[i] = i % 2 ? '.' : 'a';
	label[255] = '\0';
	snprintf(text, sizeof(text), "host \"%s\" {}", label);
	assert_error(text, strlen(text), "/etc/mailseal.conf:1: host \"a.a.a");
}

static void what_is_unknown_is_told(void **state)
{
	static const struct row rows[] = {
		{"default {\n require-tls = true }",
			"2: require-tls: unknown setting; did you mean require_tls?"},
		{"default { Require_TLS = true }", "1: Require_TLS: unknown setting"},
		{"default { frobnicate = true }",
			"1: frobnicate: unknown setting; mailseal.conf(5) lists them"},
		{"hosts \"a.b\" {}", "1: hosts: unknown section; did you mean host?"},
		{"require_tls = true",
			"1: require_tls: stands outside a section; put it into one: default"},
		{"senders \"a.b\" {}", "1: senders: unknown section; did you mean sender?"},
		{"\nreceipient \"a.b\" {}",
			"2: receipient: unknown section; did you mean recipient?"},
		{"domain \"a.b\" {}", "1: domain: unknown section; the sections are default"},
		{"sender \"a.b\" { requiretls = true }",
			"1: requiretls: unknown setting; did you mean require_tls?"},
		{"default { fingerprint = x }",
			"1: fingerprint: unknown setting; did you mean fingerprints?"},
		{"default {\n sender \"a.b\" { } }", "2: sender: unknown setting; sections do not "
						     "nest: close the one before it"},
		{"default { default { } }", "1: default: unknown setting"},
	};

	(void)state;
	ROWS(rows);
}

static void second_sections_and_settings_are_told(void **state)
{
	static const struct row rows[] = {
		{"default {}\n\ndefault { require_tls = true }",
			"3: default: second section for the same; the first is on line 1"},
		{"host \"a.b\" {}\nhost\n \"a.b\"\n {}",
			"2: host \"a.b\": second section for the same; the first is on line 1"},
		{"host \"a.b\" {}\nhost \"A.b.\" {}",
			"2: host \"A.b.\": second section for the same; the first is on line 1"},
		{"host \".b\" {}\nhost \".B\" {}", "2: host \".B\": second section"},
		{"host \"10.0.0.1\" {}\nhost \"10.0.0.1/32\" {}",
			"2: host \"10.0.0.1/32\": second section"},
		{"host \"2001:db8::\" {}\nhost \"2001:DB8:0::0\" {}",
			"2: host \"2001:DB8:0::0\": second section"},
		{"host \"b\xc3\xbc.b\" {}\nhost \"xn--b-eha.b\" {}",
			"2: host \"xn--b-eha.b\": second section"},
		{"sender \"Example.COM\" {}\n sender \"example.com\" {}",
			"2: sender \"example.com\": second section for the same; the first is on "
			"line 1"},
		{"host a.b {}\nsender a.b {}\nrecipient a.b {}\nsender a.b {}",
			"4: sender \"a.b\": second section for the same; the first is on line 2"},
		{"recipient \"b\xc3\xbc.b\" {}\nrecipient \"XN--B-eha.b.\" {}",
			"2: recipient \"XN--B-eha.b.\": second section"},
		{"sender \"[IPv6:2001:DB8:0::1]\" {}\nsender \"[ipv6:2001:db8::1]\" {}",
			"2: sender \"[ipv6:2001:db8::1]\": second section"},
		{"sender \"[IPv6:::ffff:192.0.2.1]\" {}\nsender \"[192.0.2.1]\" {}",
			"2: sender \"[192.0.2.1]\": second section"},
		{"default {\n mode = observe\n mode = enforce }",
			"3: mode: is set a second time in this section; keep one"},
		{"default {\n match = \"a.b\"\n match = { \"a.c\" } }",
			"3: match: is set a second time"},
		{"default { match += \"a.b\" }", "1: syntax: '+' is not supported"},
	};

	(void)state;
	ROWS(rows);
	/* The same label is another host with a leading dot. */
	policy_set_free(load_text(
		"host \"a.b\" {} host \".a.b\" {} host \"10.0.0.0/8\" {} host \"10.0.0.0/9\" {} "
		"sender \"a.b\" {} recipient \"a.b\" {} recipient \".a.b\" {} sender \"<>\" {} "
		"sender \"_a.b\" {} sender \"[192.0.2.1]\" {}"));
}

static void broken_text_is_told(void **state)
{
	static const struct row rows[] = {
		{"default {\n require_tls\n mode = observe }",
			"3: syntax: missing equal sign after option 'require_tls'"},
		{"default {\n require_tls = }", "2: syntax: unexpected token '}'"},
		{"default {\n require_tls = { true } }", "2: syntax: unexpected token '{'"},
		{"\ndefault {\n", "2: syntax: section has no end; write the closing brace"},
		{"default { }\n}\n", "2: syntax: closing brace without an opening one"},
		{"host { }", "1: host: the server is missing, or the brace behind it; "
			     "write host \"mail.example.com\" { ... }"},
		{"\nsender { }", "2: sender: the domain is missing, or the brace behind it; write "
				 "sender \"example.com\" { ... }"},
		{"recipient a.example = { }", "1: recipient: the domain is missing, or the brace"},
		{"default {\n mode = observe\n match =\n { \n } }", "4: match: list is empty"},
		{"default {\n fingerprints = {}\n match = {} }", "1: match: list is empty"},
		{"default \"a\" { }", "1: default: takes no name; write default { ... }"},
		{"default { match = { { \"a\" } } }", "1: syntax: braces nest too deep"},
		{"default { ca_file = \"/etc/x\n }",
			"1: syntax: string has no end on its line; write the closing \""},
		{"default { ca_file = '/etc/x",
			"1: syntax: string has no end on its line; write the closing '"},
		{"default { require_tls = true; }", "1: syntax: unexpected ';'"},
		{"default { require_tls = !true }", "1: syntax: unexpected '!'"},
		{"default", "1: syntax: "},
		{"host \"a.b\"", "1: syntax: "},
	};

	(void)state;
	ROWS(rows);
	assert_error("host \"a@b.c\" {}", 15,
		"/etc/mailseal.conf:1: host \"a@b.c\": is a mail address; host sections are for "
		"servers");
	assert_error("default { }\0 ", 13, "/etc/mailseal.conf:1: syntax: NUL byte");
	assert_error(
		"\nhost \"a\0b\" {}", 14, "/etc/mailseal.conf:2: syntax: NUL byte in a string");
	assert_error("host \"a\x01\" {}", 11,
		"/etc/mailseal.conf:1: syntax: control character in a string");
	assert_error("\x1b[2J", 4, "/etc/mailseal.conf:1: syntax: control character");
	assert_error("default {\r }", 12, "/etc/mailseal.conf:1: syntax: control character");
}

/* Each of these would be taken silently by libconfuse alone. */
static void traps_of_libconfuse_are_closed(void **state)
{
	static const struct row rows[] = {
		{"default { ca_file = \"${MAILSEAL_TEST_CA}\" }",
			"1: syntax: environment variables are not put in for ${...}"},
		{"default { ca_file = ${MAILSEAL_TEST_CA} }", "1: syntax: environment variables"},
		{"default { ca_file = \"/x/${MAILSEAL_NONE:-y}\" }",
			"1: syntax: environment variables"},
		{"${MAILSEAL_TEST_CA} { }", "1: syntax: environment variables"},
		{"default { }\ninclude(\"@/other.conf\")",
			"2: syntax: functions such as include() are not supported"},
		{"host \"a.b\\000.evil\" { }",
			"1: syntax: backslash in a string; escapes are not supported"},
		{"host \"a.b\\x00.evil\" { }", "1: syntax: backslash in a string"},
		{"host 'a\\'b' { }", "1: syntax: backslash in a string"},
		{"host \"a\\\n.b\" { }", "1: syntax: backslash in a string"},
		{"default { }\n/* forgotten\nhost \"a.b\" { require_tls = true }",
			"2: syntax: comment has no end"},
		{"default { }\n\"default|require_tls\" = false", "2: "},
		{"default { }\n\"default=0|require_tls\" = false", "2: "},
		{"host \"a.b\" { }\n\"host=a.b|require_tls\" = false", "2: "},
		{"host|require_tls = false", "1: syntax: unexpected '|'"},
		{"\"host|\" { }", "1: "},
		{"\"\" = \"\"", "1: "},
		{"default { \"\" = \"\" }", "1: "},
		{"default { require_tls + = true }", "1: syntax: '+' is not supported"},
		{"default { require_tls * = true }", "1: syntax: unexpected '*'"},
	};

	(void)state;
	setenv("MAILSEAL_TEST_CA", in_directory("ca.pem"), 1);
	ROWS(rows);
}

/* libconfuse counts a line too many after a comment in C style, and allows comments at few places
 * only. */
static void comments_change_neither_lines_nor_meaning(void **state)
{
	struct policy_set *set = load_text("\xef\xbb\xbf# first\r\n"
					   "/* two\r\n   lines, a \" and a { and ${HOME} */ // \"\n"
					   "default /* here */ { # there {\n"
					   "\t/**/ require_tls /* \n */ = // }\n\ttrue\n"
					   "\tmatch = { \"a.b\", # 'one\n"
					   "\t\t/* two */ 'b.c' /* three */ }\n"
					   "}\n"
					   "host mail.example#comment\n"
					   "{ min_tls = 1.2/* */ } #");
	const struct section *d = set->by_default, *h = set->sections[1];

	(void)state;
	assert_int_equal(d->line, 4);
	assert_int_equal(d->origin[SETTING_REQUIRE_TLS].line, 7);
	assert_int_equal(d->origin[SETTING_MATCH].line, 8);
	assert_string_equal(d->match[1], "b.c");
	assert_int_equal(h->line, 11);
	assert_string_equal(h->label, "mail.example");
	assert_int_equal(h->origin[SETTING_MIN_TLS].line, 12);
	policy_set_free(set);
}

static void every_setting_is_taken(void **state)
{
	struct policy_set *set = load_text(
		"default { require_tls = YES\n verify_certificate = off\n min_tls = TLSv1.3\n "
		"violation = \"reject\"\n"
		" mode = observe\n on_bad_certificate = 'refuse'\n protect_credentials = false\n "
		"application_tls = Allow intercept = on\n"
		" session_resumption = no early_replies = off connection_reuse = 17\n"
		" message_override = tighten fingerprints = { "
		"0000000000000000000000000000000000000000000000000000000000000000 }"
		" client_certificate = @/ca.pem client_key = @/key.pem ciphers = HIGH ciphersuites "
		"= TLS_X "
		" trace = { a.example, \"192.0.2.0/24\" }"
		" ca_file = @/ca.pem\n match = { \"MX.Example.\" }\n servername = SNI.example }");
	const struct section *d = set->by_default;

	(void)state;
	assert_int_equal(d->set, (1u << SETTING_COUNT) - 1);
	assert_int_equal(d->value[SETTING_REQUIRE_TLS], true);
	assert_int_equal(d->value[SETTING_VERIFY_CERTIFICATE], false);
	assert_int_equal(d->value[SETTING_MIN_TLS], TLS_VERSION_1_3);
	assert_int_equal(d->value[SETTING_VIOLATION], VIOLATION_REJECT);
	assert_int_equal(d->value[SETTING_MODE], MODE_OBSERVE);
	assert_int_equal(d->value[SETTING_ON_BAD_CERTIFICATE], BAD_CERTIFICATE_REFUSE);
	assert_int_equal(d->value[SETTING_PROTECT_CREDENTIALS], false);
	assert_int_equal(d->value[SETTING_APPLICATION_TLS], APPLICATION_TLS_ALLOW);
	assert_int_equal(d->value[SETTING_SESSION_RESUMPTION], false);
	assert_int_equal(d->value[SETTING_EARLY_REPLIES], false);
	assert_int_equal(d->value[SETTING_CONNECTION_REUSE], 17);
	assert_int_equal(d->value[SETTING_INTERCEPT], true);
	assert_string_equal(d->ca_file, in_directory("ca.pem"));
	assert_string_equal(d->match[0], "mx.example");
	assert_null(d->match[1]);
	assert_string_equal(d->servername, "sni.example");
	assert_string_equal(d->trace[1], "192.0.2.0/24");
	assert_null(d->trace[2]);
	for (enum setting s = 0; s < SETTING_COUNT; s++) {
		assert_int_equal(d->origin[s].line, s == SETTING_MODE ? 5 : d->origin[s].line);
		assert_string_equal(d->origin[s].file, "mailseal.conf");
	}
	policy_set_free(set);
}

static void what_is_not_set_is_not_set(void **state)
{
	struct policy_set *set =
		load_text("default { } host \"a.b\" { verify_certificate = true }");

	(void)state;
	assert_int_equal(set->by_default->set, 0);
	assert_int_equal(set->sections[1]->set, 1u << SETTING_VERIFY_CERTIFICATE);
	policy_set_free(set);
	set = load_text("");
	assert_int_equal(set->count, 0);
	policy_set_free(set);
	set = load_text(" # nothing");
	assert_int_equal(set->count, 0);
	policy_set_free(set);
}

static void a_failed_load_leaves_nothing_for_the_next(void **state)
{
	static const char *const broken[] = {
		"default { require_tls = tru",
		"default { ca_file = \"x",
		"default { match = { \"a.b\", ",
		"host \"a.b\" {} /* ",
		"host \"a.b\" { require_tls = true } host \"a.b\" { }",
		"default { match = \"a.b\" match = \"",
		"}",
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		struct policy_set *set = NULL;

		assert_int_equal(
			policy_set_parse("f", broken[i], strlen(broken[i]), &set, &err), -EINVAL);
		assert_null(set);
		set = load_text("default { match = \"c.d\" }");
		assert_string_equal(set->by_default->match[0], "c.d");
		assert_null(set->by_default->match[1]);
		policy_set_free(set);
	}
}

static void sections_are_bounded(void **state)
{
	size_t size = 10001 * 24, length = 0;
	char *text = malloc(size);
	struct policy_set *set = NULL;
	struct err err;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 10000; i++)
		length += (size_t)snprintf(text + length, size - length, "host h%d {}\n", i);
	assert_int_equal(policy_set_parse("f", text, length, &set, &err), 0);
	assert_int_equal(set->count, 10000);
	policy_set_free(set);
	length += (size_t)snprintf(text + length, size - length, "host x {}");
	set = NULL;
	assert_int_equal(policy_set_parse("f", text, length, &set, &err), -EINVAL);
	assert_string_equal(err.text, "f:10001: syntax: more than 10000 sections");
	free(text);
}

/* Files */

static void assert_load_fails(const char *name, int code, const char *what)
{
	struct policy_set *set = NULL;
	struct err err;
	struct seen seen = {.main.st_ino = 7};

	assert_int_equal(policy_set_load(in_directory(name), false, &set, &seen, &err), code);
	assert_null(set);
	assert_int_equal(seen.main.st_ino, 7);
	if (!strstr(err.text, what) || strstr(err.text, directory) != err.text)
		fail_msg("%s: %s", name, err.text);
}

static void files_that_cannot_be_read_are_told(void **state)
{
	char *big = calloc(1, (1u << 20) + 1);

	(void)state;
	assert_load_fails("none", -ENOENT, ": No such file or directory");
	assert_load_fails("", -EINVAL, ": not a regular file");
	assert_load_fails("text/x", -ENOTDIR, ": Not a directory");
	assert_int_equal(mkfifo(in_directory("fifo"), 0600), 0);
	assert_load_fails("fifo", -EINVAL, ": not a regular file");
	assert_non_null(big);
	memset(big, ' ', (1u << 20) + 1);
	write_bytes("big", big, (1u << 20) + 1);
	assert_load_fails("big", -EFBIG, ": larger than 1048576 bytes");
	write_bytes("big", big, 1u << 20);
	free(big);
	if (geteuid() != 0) {
		assert_int_equal(chmod(in_directory("text"), 0), 0);
		assert_load_fails("text", -EACCES, ": Permission denied");
		chmod(in_directory("text"), 0600);
	}
}

static void seen_is_the_file_that_was_read(void **state)
{
	static const char text[] = "default { require_tls = true }\n";
	struct policy_set *set = NULL;
	struct stat st;
	struct seen seen;
	struct err err;

	(void)state;
	write_bytes("mailseal.conf", text, strlen(text));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(symlink("mailseal.conf", in_directory("link")), 0);
	assert_int_equal(policy_set_load(path, false, &set, &seen, &err), 0);
	assert_int_equal(seen.main.st_ino, st.st_ino);
	assert_int_equal(seen.main.st_dev, st.st_dev);
	assert_int_equal(seen.main.st_size, strlen(text));
	assert_string_equal(set->by_default->origin[SETTING_REQUIRE_TLS].file, "link");
	policy_set_free(set);
	set = NULL;
	assert_int_equal(policy_set_load(in_directory("big"), false, &set, NULL, NULL), 0);
	policy_set_free(set);
}

static void errors_of_long_paths_keep_the_line(void **state)
{
	char name[4000], label[300];
	struct policy_set *set = NULL;
	struct err err;
	char text[400];

	(void)state;
	memset(name, 'd', sizeof(name));
	snprintf(name + sizeof(name) - 20, 20, "/mailseal.conf");
	memset(label, 'x', sizeof(label));
	label[299] = '\0';
	snprintf(text, sizeof(text), "\n\nhost \"%s\" {}", label);
	assert_int_equal(policy_set_parse(name, text, strlen(text), &set, &err), -EINVAL);
	assert_non_null(strstr(err.text, "d/mailseal.conf:3: host \"xxx"));
	assert_non_null(strstr(err.text, "is longer than 253 characters"));
}

static void the_shipped_example_loads(void **state)
{
	struct policy_set *set = NULL;
	struct policy policy;
	struct err err;

	(void)state;
	if (policy_set_load("config/mailseal.conf", false, &set, NULL, &err))
		fail_msg("%s (run from the root of the tree)", err.text);
	assert_int_equal(set->count, 1);
	policy_for_host(set, NULL, 0, NULL, &policy);
	assert_false(policy.demands.require_tls);
	assert_true(policy.demands.verify_certificate);
	assert_int_equal(policy.demands.min_tls, TLS_VERSION_1_2);
	policy_set_free(set);
}

/* `# word = ...` within a section. */
static bool is_commented_setting(const char *line)
{
	const char *at = line + strspn(line, "\t");

	return at > line && strncmp(at, "# ", 2) == 0 &&
	       strncmp(at + 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz_"), " = ", 3) == 0;
}

/* `# host "...`, to the end of the comment. */
static bool is_commented_section(const char *line)
{
	return strncmp(line, "# host \"", 8) == 0 || strncmp(line, "# sender \"", 10) == 0 ||
	       strncmp(line, "# recipient \"", 13) == 0;
}

/* Files that exist instead of those of the example. */
static bool name_true_files(char *line, size_t size)
{
	char *at = strstr(line, "/etc/ssl/");

	if (at && (strstr(line, ".pem") || strstr(line, ".key")))
		snprintf(at, size - (size_t)(at - line), "%s/%s\"\n", directory,
			strstr(line, ".pem") ? "ca.pem" : "key.pem");
	else if (at)
		return false;
	return true;
}

/* The commented settings of the example must load too, with files that exist. */
static void the_example_loads_with_its_comments_opened(void **state)
{
	FILE *file = fopen("config/mailseal.conf", "r");
	size_t size = 20000, length = 0;
	char line[300], *text = calloc(1, size);
	struct policy_set *set = NULL;
	unsigned all = 0;
	struct err err;
	bool section = false;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		section = section ? line[0] == '#' : is_commented_section(line);
		if (is_commented_setting(line) || section)
			line[strspn(line, "\t")] = ' ';
		if (name_true_files(line, sizeof(line)))
			length += (size_t)snprintf(text + length, size - length, "%s", line);
		if (strcmp(line, "}\n") == 0 || strcmp(line, "  }\n") == 0)
			section = false;
	}
	fclose(file);
	if (policy_set_parse("f", text, length, &set, &err))
		fail_msg("%s\n%s", err.text, text);
	assert_int_equal(set->count, 11);
	for (size_t i = 0; i < set->count; i++)
		all |= set->sections[i]->set;
	assert_int_equal(all, (1u << SETTING_COUNT) - 1);
	assert_int_equal(set->by_default->set >> SETTING_ON_BAD_CERTIFICATE & 1, 1);
	policy_set_free(set);
	free(text);
}

static void pem_frames_are_checked(void **state)
{
	static const char *const good[] = {
		pem,
		"text before\n-----BEGIN X509 CERTIFICATE-----\r\nMAgCAQECAQEFAA==\r\n-----END "
		"X509 CERTIFICATE-----",
		"-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n-----BEGIN TRUSTED "
		"CERTIFICATE-----\n"
		"MAgCAQECAQEFAA==\n-----END TRUSTED CERTIFICATE-----\n",
	};
	static const char *const bad[] = {
		"",
		"-----BEGIN ",
		"-----BEGIN CERTIFICATE-----",
		"-----BEGIN CERTIFICATE-----\nMAgCAQECAQEFAA==\n",
		"-----BEGIN CERTIFICATE-----\nMAgCAQECAQEFAA==\n-----END X509 CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMAgCAQEC!QEFAA==\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMIICAQECAQEFAA==\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMQgCAQECAQEFAA==\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN PRIVATE KEY-----\nMAgCAQECAQEFAA==\n-----END PRIVATE KEY-----\n",
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(pem_check(good[i], strlen(good[i]), &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(pem_check(bad[i], strlen(bad[i]), &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_values_are_told),
		cmocka_unit_test(fingerprints_are_sha256_in_hexadecimal),
		cmocka_unit_test(client_certificate_and_key_belong_together),
		cmocka_unit_test(tls_cannot_be_required_where_connections_pass_untouched),
		cmocka_unit_test(connection_settings_have_no_place_beside_envelopes),
		cmocka_unit_test(ca_file_must_be_usable),
		cmocka_unit_test(wrong_labels_are_told),
		cmocka_unit_test(what_is_unknown_is_told),
		cmocka_unit_test(second_sections_and_settings_are_told),
		cmocka_unit_test(broken_text_is_told),
		cmocka_unit_test(traps_of_libconfuse_are_closed),
		cmocka_unit_test(comments_change_neither_lines_nor_meaning),
		cmocka_unit_test(every_setting_is_taken),
		cmocka_unit_test(what_is_not_set_is_not_set),
		cmocka_unit_test(a_failed_load_leaves_nothing_for_the_next),
		cmocka_unit_test(sections_are_bounded),
		cmocka_unit_test(files_that_cannot_be_read_are_told),
		cmocka_unit_test(seen_is_the_file_that_was_read),
		cmocka_unit_test(errors_of_long_paths_keep_the_line),
		cmocka_unit_test(the_shipped_example_loads),
		cmocka_unit_test(the_example_loads_with_its_comments_opened),
		cmocka_unit_test(pem_frames_are_checked),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
