/*
 * tools_check: `mailseal check` as a user meets it.
 */
#include "tests/unit/tools_command.h"

static void check_tells_what_a_file_means(void **state)
{
	(void)state;
	need_command();
	write_file("c.conf", "default { on_bad_certificate = cleartext\n mode = observe\n "
			     "protect_credentials = no }\n"
			     "host \"mail.partner.net\" { require_tls = true\n verify_certificate "
			     "= false\n min_tls = 1.1 }\n"
			     "host \"127.0.0.0/8\" { intercept = false }\n");
	assert_sh(0, "./mailseal check good.conf", "/good.conf: ok\n");
	assert_says("default, line 1: every other host\n    Mail goes only over TLS to a server "
		    "with a valid certificate, unless a\n    message says otherwise in its header "
		    "(Mailseal-Require-TLS: no).\n");
	write_file("tight.conf", "default { require_tls = true\n message_override = tighten }\n");
	assert_sh(0, "./mailseal check tight.conf",
		"default, line 1: every other host\n    Mail goes only over TLS to a server "
		"with a valid certificate.\n");
	assert_says("    A message may ask for more in its header, not for less.\n");
	assert_null(strstr(output, "warning"));
	assert_sh(0, "./mailseal check c.conf", "c.conf:1: warning: on_bad_certificate: ");
	assert_says("c.conf:2: warning: mode: nothing is blocked here");
	assert_says("c.conf:3: warning: protect_credentials: ");
	assert_says("c.conf:5: warning: verify_certificate: TLS is required but the certificate is "
		    "not verified");
	assert_says("c.conf:6: warning: min_tls: ");
	assert_says("host \"mail.partner.net\", line 4\n    Mail goes only over TLS, unless a "
		    "message says otherwise in its header\n");
	assert_says("host \"127.0.0.0/8\", line 7: connections to the bare address (where a name "
		    "was looked up, its section counts beside this one)\n    Connections pass "
		    "untouched");
	write_file("a.conf", "host \"192.0.2.1\" { require_tls = true }\n");
	assert_sh(0, "./mailseal check a.conf", "host \"192.0.2.1\", line 1\n");
	sh("./mailseal check c.conf");
	assert_says("a bare address without a section");
	assert_sh(0, "chmod 666 c.conf; ./mailseal check c.conf",
		"c.conf: warning: others than its owner may write the file");
}

static void check_tells_what_becomes_of_own_starttls(void **state)
{
	(void)state;
	need_command();
	write_file("c.conf", "host \"a.example\" { application_tls = allow }\n"
			     "host \"b.example\" { require_tls = true\n"
			     "application_tls = allow }\n"
			     "host \"c.example\" { application_tls = refuse }\n");
	assert_sh(0, "./mailseal check c.conf",
		"A program may use STARTTLS of its own, and verifies for itself then.\n");
	assert_says("A program that issues STARTTLS itself is refused.\n");
	assert_says("c.conf:3: warning: application_tls: a program that issues STARTTLS itself is");
	assert_null(strstr(output, "c.conf:1: warning: application_tls"));
	assert_sh(0, "./mailseal check --json c.conf", "\"application_tls\": \"refuse\"");
}

static void check_tells_what_an_old_version_means(void **state)
{
	(void)state;
	need_command();
	write_file("v.conf", "default { min_tls = 1.3 }\n"
			     "host \"a.example\" { require_tls = true }\n"
			     "host \"b.example\" { verify_certificate = false\n"
			     "on_bad_certificate = refuse }\n"
			     "host \"c.example\" { verify_certificate = false\n min_tls = 1.2\n"
			     "on_bad_certificate = refuse }\n");
	assert_sh(0, "./mailseal check v.conf",
		"    TLSv1.3 or later: an older version counts as a bad certificate.\n");
	assert_says("    TLSv1.3 or later: an older version is refused.\n");
	assert_says(
		"    TLSv1.3 or later: an older version counts as a bad certificate. With a bad\n"
		"    certificate the mail is refused.\n");
	assert_says("    TLSv1.2 or later.\n");
	assert_says("v.conf:7: warning: on_bad_certificate: has no effect here");
	assert_null(strstr(output, "v.conf:4: warning: on_bad_certificate"));
}

static void check_tells_of_senders_and_recipients_in_both_files(void **state)
{
	(void)state;
	need_command();
	write_file("both.conf", "default { message_override = ignore }\n"
				"sender \"<>\" { verify_certificate = true }\n");
	assert_sh(0,
		"mkdir -p both.d; printf 'recipient \".bank.example\" {\\n require_tls = true "
		"}\\n' >both.d/domains.conf; chmod 644 both.d/domains.conf",
		"");
	assert_sh(0, "./mailseal check both.conf", "/both.d/domains.conf: ok\n");
	assert_says(
		"sender \"<>\", line 2: mail from it, where host and recipient have no section");
	assert_says("recipient \".bank.example\", ");
	assert_says(
		"/both.d/domains.conf, line 1: mail to it, where host and sender have no section");
	assert_says("    What a message asks for in its header does not count.\n");
	assert_says("both.conf:2: warning: verify_certificate: blocks nothing without require_tls");
	assert_null(strstr(output, "turn require_tls off"));
	assert_sh(0, "./mailseal check --json both.conf", "\"kind\": \"recipient\"");
	assert_sh(0, "chmod 666 both.d/domains.conf; ./mailseal check both.conf",
		"/both.d/domains.conf: warning: others than its owner may write the file");
	assert_sh(78, "echo x >both.d/domains.conf; ./mailseal check both.conf",
		"/both.d/domains.conf:1: ");
}

static void check_warns_of_what_surprises(void **state)
{
	(void)state;
	need_command();
	assert_sh(0,
		"openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj "
		"/CN=a "
		"2>/dev/null && chmod 644 key.pem && "
		"printf 'default {\\n require_tls = true }\\nsender \"a.example\" {\\n require_tls "
		"= "
		"true\\n message_override = tighten }\\nsender \"b.example\" {\\n require_tls = "
		"true\\n message_override = any }\\nhost \"h.example\" {\\n match = { "
		"\"x.example\" }\\n fingerprints = { \"%064d\" }\\n client_certificate = "
		"\"%s/cert.pem\"\\n client_key = \"%s/key.pem\" }\\nrecipient \"r.example\" "
		"{\\n min_tls = 1.0 }\\n' 1 $PWD $PWD >w.conf",
		"");
	assert_sh(0, "./mailseal check w.conf",
		"w.conf:2: warning: require_tls: any message may turn require_tls off");
	assert_null(strstr(output, "w.conf:4: warning"));
	assert_says("w.conf:8: warning: message_override: any message may turn require_tls off");
	assert_says("w.conf:10: warning: match: has no effect beside fingerprints");
	assert_says("w.conf:13: warning: client_key: others than its owner may read the file");
	assert_says("w.conf:15: warning: min_tls: versions before 1.2 are tried only where");
	assert_says("Valid is a certificate with one of the fingerprints, and no other.");
	assert_sh(0, "chmod 600 key.pem; ./mailseal check w.conf", "w.conf:10: warning");
	assert_null(strstr(output, "client_key: others"));
}

static void check_warns_of_a_client_certificate_that_is_out_of_date(void **state)
{
	(void)state;
	need_command();
	write_file("ca.cnf", "[ca]\ndefault_ca = d\n[d]\ndatabase = index\nnew_certs_dir = .\n"
			     "rand_serial = yes\ndefault_md = sha256\npolicy = p\n[p]\n"
			     "commonName = supplied\n");
	write_file("make", "set -e\n"
			   "openssl req -new -newkey rsa:2048 -nodes -keyout $1.key -subj /CN=$1 "
			   "-out $1.csr 2>/dev/null\n: >index\n"
			   "openssl ca -config ca.cnf -batch -notext -selfsign -keyfile $1.key "
			   "-startdate $2 -enddate $3 -in $1.csr -out $1.pem 2>/dev/null\n"
			   "printf 'host \"%s.example\" {\n client_certificate = \"%s\"\n "
			   "client_key = \"%s\" }\n' $1 $PWD/$1.pem $PWD/$1.key >>d.conf\n");
	assert_sh(0,
		"sh make old 20200101000000Z 20200202000000Z && "
		"sh make new 20990101000000Z 20990202000000Z && "
		"sh make now 20200101000000Z 20990202000000Z && "
		"cat now.key now.pem old.pem >both.pem && chmod 600 *.key both.pem && "
		"printf 'default {\n client_certificate = \"%s/both.pem\" }\n' $PWD >>d.conf",
		"");
	assert_sh(0, "./mailseal check d.conf",
		"d.conf:2: warning: client_certificate: expired 2020-02-02: a server that asks");
	assert_says("d.conf:5: warning: client_certificate: not valid before 2099-01-01: ");
	assert_null(strstr(output, "d.conf:8: warning"));
	assert_says("d.conf:11: warning: client_certificate: authority's certificate expired "
		    "2020-02-02: ");
	assert_null(strstr(output, "others than"));
	assert_sh(0, "chmod 620 both.pem; chmod 666 now.key; ./mailseal check --json d.conf",
		"others than its owner may write the file");
	assert_says("others than its owner may read the file, and with it the private key");
}

/* What only the TLS library can tell. */
static void check_looks_into_ciphers_and_client_certificates(void **state)
{
	(void)state;
	need_command();
	write_file("ci.conf",
		"host \"a.example\" {\n require_tls = true\n ciphers = \"NONSENSE\" }\n");
	assert_sh(78, "./mailseal check ci.conf", "/ci.conf:3: ciphers: ");
	write_file("ci.conf", "host \"a.example\" {\n ciphersuites = \"TLS_NONSENSE\" }\n");
	assert_sh(78, "./mailseal check ci.conf", "/ci.conf:2: ciphersuites: ");
	assert_sh(0,
		"openssl req -x509 -newkey rsa:2048 -nodes -keyout other.pem -out cert.pem -subj "
		"/CN=a "
		"2>/dev/null; openssl genrsa -out other.pem 2048 2>/dev/null; printf 'default {\\n "
		"client_certificate = \"%s/cert.pem\"\\n client_key = \"%s/other.pem\" }\\n' $PWD "
		"$PWD >ci.conf",
		"");
	assert_sh(78, "./mailseal check ci.conf", "/ci.conf:3: client_key: ");
}

static void check_warns_of_others_who_could_change_the_policy(void **state)
{
	(void)state;
	need_command();
	assert_sh(0,
		"umask 022; mkdir w w/in w/in/own.d t t/own && cp good.conf w/in/own.conf && cp "
		"good.conf t/own/x.conf && touch w/in/own.d/domains.conf && ln -s "
		"../../w/in/own.conf "
		"t/own/link.conf && ./mailseal check w/in/own.conf",
		"own.conf: ok");
	assert_null(strstr(output, "may put files"));
	assert_null(strstr(output, "may write"));
	assert_sh(0, "chmod 1777 t; ./mailseal check t/own/x.conf", "");
	assert_null(strstr(output, "may put files"));
	assert_sh(0, "chmod 775 t; ./mailseal check t/own/x.conf",
		"/t: warning: others than its owner may put files there, and with them another");
	assert_sh(0, "chmod 755 t; chmod 1777 t/own; ./mailseal check t/own/x.conf",
		"/t/own: warning: others than its owner may put files there");
	assert_null(strstr(strstr(output, "put files") + 1, "put files"));
	assert_sh(0, "chmod 755 t/own; chmod 777 w/in/own.d; ./mailseal check w/in/own.conf",
		"/w/in/own.d: warning: others than its owner may put files there");
	assert_sh(0, "chmod 755 w/in/own.d; chmod 777 w/in; ./mailseal check t/own/link.conf",
		"/w/in: warning: others than its owner may put files there");
	assert_null(strstr(output, "/own: warning"));
	if (geteuid() != 0)
		return;
	assert_sh(0,
		"chmod 755 w/in; chown 4321 w/in/own.conf t; ./mailseal check --json t/own/x.conf; "
		"./mailseal check w/in/own.conf",
		"/own.conf: warning: belongs to uid 4321, who may write the file, and with it the");
	assert_says("belongs to uid 4321, who may put files there, and with them another policy");
}

static void check_tells_errors_and_78(void **state)
{
	(void)state;
	need_command();
	assert_sh(78, "./mailseal check bad.conf",
		"/bad.conf:2: require_tls: \"maybe\" is not a value for it; write true or");
	assert_sh(0, "! ./mailseal check bad.conf 2>/dev/null | grep .", "");
	assert_sh(78, "./mailseal check none.conf", "/none.conf: No such file or directory");
	assert_sh(78, "./mailseal check .", "/.: not a regular file");
	assert_sh(78, "./mailseal check ././bad.conf", "/bad.conf:2: require_tls: ");
	assert_null(strstr(output, "/./"));
	/* Framed like a certificate, but none: only the TLS library can tell. */
	assert_sh(0,
		"printf -- '-----BEGIN CERTIFICATE-----\\nMAgCAQECAQEFAA==\\n-----END "
		"CERTIFICATE-----\\n' >fake.pem; "
		"printf 'default {\\n ca_file = \"%s/fake.pem\" }' $PWD >ca.conf",
		"");
	assert_sh(78, "./mailseal check ca.conf", "/ca.conf:2: ca_file: ");
}

static void check_speaks_json(void **state)
{
	(void)state;
	need_command();
	assert_sh(0, "./mailseal check --json good.conf", "\"ok\": true");
	assert_says(
		"\"require_tls\": {\n          \"value\": true,\n          \"line\": 1\n        }");
	assert_sh(78, "./mailseal check --json bad.conf 2>/dev/null", "\"ok\": false");
	assert_says("bad.conf:2: require_tls: ");
	if (sh("command -v python3 >/dev/null") == 0) {
		assert_sh(0,
			"./mailseal check --json c.conf | python3 -c 'import json, sys; d = "
			"json.load(sys.stdin); "
			"print(len(d[\"sections\"]), "
			"d[\"address_without_name_and_section\"][\"require_tls\"], "
			"d[\"built_in\"])'",
			"3 True False\n");
		assert_sh(0, "./mailseal check --json bad.conf 2>/dev/null | python3 -m json.tool",
			"");
	}
}

/* As ExecStartPre= of a unit with Environment=MAILSEAL_CONFIG=... wants it. */
static void check_without_a_file_takes_the_one_of_the_environment(void **state)
{
	(void)state;
	need_command();
	assert_sh(0, "MAILSEAL_CONFIG=$PWD/good.conf ./mailseal check", "/good.conf: ok\n");
	assert_sh(78, "MAILSEAL_CONFIG=$PWD/bad.conf ./mailseal check", "/bad.conf:2: require_tls");
	assert_sh(
		78, "MAILSEAL_CONFIG=$PWD/none.conf ./mailseal check", "/none.conf: No such file");
	assert_sh(78, "MAILSEAL_CONFIG=$PWD/none.conf ./mailseal check --json 2>/dev/null",
		"/none.conf\"");
	assert_sh(0, "MAILSEAL_CONFIG=bad.conf ./mailseal check good.conf", "/good.conf: ok\n");
}

static void check_without_a_file_tells_the_default(void **state)
{
	(void)state;
	need_command();
	if (access("/etc/mailseal.conf", F_OK) == 0) {
		print_message("/etc/mailseal.conf exists on this machine: skipped\n");
		skip();
	}
	assert_sh(0, "MAILSEAL_CONFIG= ./mailseal check",
		"/etc/mailseal.conf does not exist: the built-in default applies.");
	assert_says("every host, built in\n");
	assert_sh(0, "./mailseal check --json", "\"built_in\": true");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_tells_what_a_file_means),
		cmocka_unit_test(check_tells_what_becomes_of_own_starttls),
		cmocka_unit_test(check_tells_what_an_old_version_means),
		cmocka_unit_test(check_tells_of_senders_and_recipients_in_both_files),
		cmocka_unit_test(check_warns_of_what_surprises),
		cmocka_unit_test(check_warns_of_a_client_certificate_that_is_out_of_date),
		cmocka_unit_test(check_looks_into_ciphers_and_client_certificates),
		cmocka_unit_test(check_warns_of_others_who_could_change_the_policy),
		cmocka_unit_test(check_tells_errors_and_78),
		cmocka_unit_test(check_speaks_json),
		cmocka_unit_test(check_without_a_file_takes_the_one_of_the_environment),
		cmocka_unit_test(check_without_a_file_tells_the_default),
	};

	return cmocka_run_group_tests(tests, prepare, clean_up);
}
