/*
 * tools_policy: `mailseal policy` as a user meets it: what it writes, what it refuses, and that a
 * refusal changes nothing.
 */
#include "tests/unit/tools_policy.h"

/* Nothing was left behind by a refusal. */
static void assert_untouched(void)
{
	assert_sh(1, "test -e p.d", "");
}

static void set_makes_a_section_and_says_what_holds(void **state)
{
	(void)state;
	need_command();
	policy(0, "set sender example.com require_tls=true verify_certificate=true",
		"sender \"example.com\", in ");
	assert_says("/" DOMAINS ":3, so that now\n"
		    "  require_tls = true (sender \"example.com\", domains.conf:4)\n"
		    "  verify_certificate = true (sender \"example.com\", domains.conf:5)\n");
	assert_sh(0, "cat " DOMAINS,
		"# Written by `mailseal policy`, which keeps no comments: other lines like this "
		"one "
		"will be lost.\n\nsender \"example.com\" {\n\trequire_tls = true\n"
		"\tverify_certificate = true\n}\n");
	assert_sh(0, "stat -c %a p.d " DOMAINS, "755\n644\n");
	assert_sh(0,
		"umask 077; rm -r p.d; ./mailseal policy -c p.conf set sender a.b mode=observe",
		"warning: mode: nothing is blocked here");
	assert_sh(0, "stat -c %a p.d " DOMAINS, "755\n644\n");
	assert_sh(0, "head -1 p.conf; ./mailseal check p.conf", "# kept as it is\n");
	assert_sh(0, "ls -A p.d", "domains.conf\n");
}

static void set_changes_what_is_named_and_nothing_else(void **state)
{
	(void)state;
	need_command();
	policy(0, "set recipient .bank.example require_tls=true violation=reject", "");
	policy(0, "set recipient .BANK.example violation=tempfail", "require_tls = true");
	policy(0, "set host mx.example 'match=a.example, b.example' require_tls=false", "");
	assert_sh(0, "cat " DOMAINS,
		"recipient \".bank.example\" {\n\trequire_tls = true\n\tviolation = "
		"\"tempfail\"\n}\n"
		"host \"mx.example\" {\n\trequire_tls = false\n"
		"\tmatch = { \"a.example\", \"b.example\" }\n}\n");
	policy(0, "set host 192.0.2.0/24 intercept=false", "connections pass untouched");
	policy(0, "set sender '<>' message_override=any require_tls=true",
		"warning: message_override: any message may turn require_tls off");
}

static void unset_takes_settings_and_empty_sections_out(void **state)
{
	(void)state;
	need_command();
	policy(0, "set sender a.example require_tls=true mode=observe", "");
	policy(0, "set sender b.example require_tls=true mode=observe", "");
	policy(0, "unset sender a.example mode", "require_tls = true (sender \"a.example\"");
	policy(0, "unset sender a.example require_tls", "sender \"a.example\": removed from ");
	assert_says("  require_tls = false (built-in default)\n");
	policy(0, "unset sender B.example", "removed from ");
	assert_sh(1, "grep sender " DOMAINS, "");
	policy(65, "unset sender a.example", "sender \"a.example\" has no section");
	policy(0, "set sender a.example require_tls=true", "");
	policy(65, "unset sender a.example mode",
		"argument 'mode': sender \"a.example\" does not set it (");
	policy(65, "unset sender a.example mod", "mod: unknown setting; did you mean mode?");
	assert_sh(0, "grep -c require_tls " DOMAINS, "1\n");
}

static void what_was_changed_is_told_as_it_holds_now(void **state)
{
	(void)state;
	need_command();
	policy(0,
		"set host mx.example violation=reject message_override=ignore "
		"on_bad_certificate=refuse "
		"match=a.example,b.example",
		"so that now\n  require_tls = false (built-in default)\n"
		"  verify_certificate = true (built-in default)\n"
		"  violation = reject (host \"mx.example\", domains.conf:4)\n"
		"  message_may_relax = false (host \"mx.example\", domains.conf:5)\n"
		"  message_may_tighten = false (host \"mx.example\", domains.conf:5)\n"
		"  on_bad_certificate = refuse (host \"mx.example\", domains.conf:6)\n"
		"  match = a.example, b.example (host \"mx.example\", domains.conf:7)\n");
	policy(0, "unset host mx.example violation match",
		"  violation = tempfail (built-in default)\n  match: not set\n");
	assert_null(strstr(output, "on_bad_certificate"));
	policy(0, "unset host mx.example", "removed from ");
	assert_says("  message_may_relax = false (default, p.conf:2)\n");
	assert_says("  on_bad_certificate = unauthenticated (built-in default)\n");
}

/* Nothing else would do while the configuration has this error. */
static void unset_mends_a_section_that_stands_in_both_files(void **state)
{
	(void)state;
	need_command();
	assert_sh(0,
		"mkdir -p p.d; printf 'sender \"Main.example\" { require_tls = false }\\nsender "
		"\"b.example\" { mode = observe }\\n' >" DOMAINS,
		"");
	policy(78, "list", "second section for the same; the first is at ");
	policy(78, "set sender c.example require_tls=true", "has this error already; nothing was");
	policy(78, "unset sender b.example", "has this error already; nothing was");
	policy(78, "unset sender c.example", "has this error already; nothing was");
	assert_sh(0, "grep -c sender " DOMAINS, "2\n");
	policy(0, "unset sender main.example", "sender \"main.example\"");
	assert_says("  require_tls = true (sender \"main.example\", p.conf:3)\n");
	policy(0, "list", "b.example");
	policy(65, "unset sender main.example", "/p.conf:3 already");
	assert_sh(0, "./mailseal check p.conf", "");
}

static void sections_of_the_main_file_are_left_to_it(void **state)
{
	(void)state;
	need_command();
	policy(65, "set sender MAIN.example require_tls=false",
		"sender \"MAIN.example\" stands in ");
	assert_says("/p.conf:3 already");
	policy(65, "unset sender main.example", "/p.conf:3 already");
	policy(64, "set default x require_tls=true", "default stands in ");
	assert_untouched();
}

static void arguments_that_are_wrong_are_named(void **state)
{
	(void)state;
	need_command();
	policy(65, "set sender a.example ca_file=/etc/ssl/cert.pem",
		"argument 'ca_file=/etc/ssl/cert.pem': ca_file: is a setting of the connection");
	policy(65, "set sender a.example require_tls=maybe",
		"argument 'require_tls=maybe': require_tls: \"maybe\" is not a value for it");
	policy(65, "set sender a.example require_tl=true", "did you mean require_tls?");
	policy(65, "set host a.example intercept=false", "argument 'intercept=false': intercept: ");
	policy(65, "set host a.example servername=", "argument 'servername=': servername: ");
	policy(65, "set recipient '<>' require_tls=true", "recipient '<>' ");
	policy(65, "set sender '*.example' require_tls=true", "sender '*.example' ");
	policy(65, "set sender a.example ciphers=X", "ciphers: is a setting of the connection");
	policy(65, "set host a.example ciphers=NONSENSE", "host \"a.example\": ciphers: ");
	assert_says("; nothing was changed\n");
	assert_null(strstr(output, "domains.conf"));
	policy(65, "set host 192.0.2.1 intercept=false require_tls=true",
		"host \"192.0.2.1\": intercept: impossible combination: ");
	policy(64, "set sender a.example require_tls", "is not SETTING=VALUE");
	policy(64, "set sender a.example =true", "is not SETTING=VALUE");
	policy(64, "set sender a.example mode=observe mode=enforce",
		"'mode=enforce': the setting is given twice");
	policy(64, "set snder a.example mode=observe", "snder: ");
	assert_says("did you mean sender?");
	policy(64, "set sender a.example", "set needs a SETTING=VALUE");
	policy(64, "set sender", "set needs KIND DOMAIN");
	policy(64, "unset sender", "unset needs KIND DOMAIN");
	policy(64, "frob", "'frob' is none of list, set and unset");
	policy(64, "", "say list, set or unset");
	policy(64, "list all", "list takes no arguments");
	policy(64, "--json unset sender a.example", "--json goes with list");
	assert_sh(64, "./mailseal policy -c '' list", "--config: the name of the file is empty");
	assert_untouched();
}

static void a_configuration_that_is_wrong_already_is_told_first(void **state)
{
	(void)state;
	need_command();
	assert_sh(78, "./mailseal policy -c bad.conf set sender a.b mode=observe",
		"/bad.conf:2: require_tls: ");
	assert_says("has this error already; nothing was changed.\n");
	assert_sh(1, "test -e bad.d", "");
	assert_sh(78, "./mailseal policy -c bad.conf list", "/bad.conf:2: require_tls: ");
	assert_sh(78, "./mailseal policy -c none.conf set sender a.b mode=observe",
		"/none.conf: No such file");
	assert_sh(0, "mkdir -p p.d; echo nonsense >" DOMAINS, "");
	policy(78, "set sender a.b mode=observe", "/" DOMAINS ":1: ");
	assert_sh(0, "cat " DOMAINS, "nonsense\n");
	/* What only the TLS library finds may be mended, and stands in the way of all else. */
	assert_sh(0, "printf 'host \"a.example\" {\\n ciphers = \"X\" }\\n' >" DOMAINS, "");
	policy(78, "set host b.example require_tls=true", "/" DOMAINS ":2: ciphers: ");
	assert_says("has this error already; nothing was changed.\n");
	policy(0, "unset host a.example ciphers", "removed from ");
}

/* As a control panel calls it: many at once, and none is lost. */
static void concurrent_changes_are_all_kept(void **state)
{
	(void)state;
	need_command();
	assert_sh(0,
		"for i in 1 2 3 4 5 6 7 8 9 10 11 12; do ./mailseal policy -c p.conf set sender "
		"d$i.example require_tls=true >/dev/null & done; wait; grep -c '^sender' " DOMAINS,
		"12\n");
	assert_sh(0, "./mailseal check p.conf >/dev/null; ls -A p.d", "domains.conf\n");
}

static void mode_owner_and_links_of_the_file_stay(void **state)
{
	(void)state;
	need_command();
	assert_sh(0,
		"mkdir -p p.d elsewhere; touch elsewhere/real; chmod 640 elsewhere/real; ln -sf "
		"../elsewhere/real " DOMAINS,
		"");
	if (geteuid() == 0)
		assert_sh(0, "chown 65534:65534 elsewhere/real", "");
	policy(0, "set sender a.example require_tls=true", "");
	assert_sh(0,
		"stat -c %a elsewhere/real; grep -c a.example elsewhere/real; readlink " DOMAINS,
		"640\n1\n../elsewhere/real\n");
	assert_sh(0, "ls -A elsewhere", "real\n");
	if (geteuid() == 0)
		assert_sh(0, "stat -c %u:%g elsewhere/real", "65534:65534\n");
	assert_sh(0, "rm elsewhere/real", "");
	policy(78, "set sender b.example require_tls=true", DOMAINS);
	assert_sh(0, "test -L " DOMAINS " && ! test -e elsewhere/real", "");
}

static void what_cannot_be_written_leaves_the_old_file_whole(void **state)
{
	(void)state;
	need_command();
	policy(0, "set sender a.example require_tls=true", "");
	assert_sh(0, "cp " DOMAINS " before", "");
	/* No room for the text. */
	assert_sh(73,
		"(ulimit -f 0; trap '' XFSZ; ./mailseal policy -c p.conf set sender b.example "
		"require_tls=true)",
		"/" DOMAINS ": File too large; nothing was changed\n");
	assert_sh(0, "cmp before " DOMAINS " && ls -A p.d", "domains.conf\n");
	assert_sh(78, "touch q.conf q.d; ./mailseal policy -c q.conf set sender a.b mode=observe",
		"q.d/domains.conf: Not a directory\n");
	if (geteuid() == 0 && sh("command -v setpriv") != 0)
		return;
	assert_sh(73,
		geteuid() == 0 ? "chmod 755 . p.d; setpriv --reuid 65534 --clear-groups ./mailseal "
				 "policy -c p.conf set sender b.example require_tls=true"
			       : "chmod 555 p.d; ./mailseal policy -c p.conf set sender b.example "
				 "require_tls=true",
		"/" DOMAINS ": Permission denied; nothing was changed\n");
	assert_sh(0, "cmp before " DOMAINS " && chmod 755 p.d && ls -A p.d", "domains.conf\n");
}

static void list_cuts_what_is_long(void **state)
{
	(void)state;
	need_command();
	policy(0, "set host a.example fingerprints=$(printf %064d 1)", "fingerprints = 0000");
	policy(0, "set host b.example fingerprints=$(printf %064d 1),$(printf %064d 2)", "");
	policy(0,
		"set host c.example "
		"match=first.example,second.example,third.example,fourth.example",
		"");
	policy(0, "list", " fingerprints = 0000000000000000...  ");
	assert_says(" fingerprints = 2 of them  ");
	assert_says(" match = first.example, second.example, third.exa...  ");
	for (char *line = output; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 130);
	policy(0, "list --json",
		"0000000000000000000000000000000000000000000000000000000000000002");
	assert_sh(0,
		"openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj "
		"/CN=a "
		"2>/dev/null; mkdir -p long-long-long-long-long-long-long-long/directory && cp "
		"cert.pem "
		"long*/directory/; ./mailseal policy -c p.conf set host d.example ca_file=$(echo "
		"$PWD/long*/directory/cert.pem)",
		"ca_file = /");
	policy(0, "list", " ca_file = ...");
	assert_says("/directory/cert.pem  ");
}

static void list_shows_both_files(void **state)
{
	(void)state;
	need_command();
	write_file("empty.conf", "");
	assert_sh(0, "./mailseal policy list --config empty.conf",
		"KIND     DOMAIN    REQUIRE_TLS  VERIFY_CERTIFICATE  OTHER SETTINGS  WHERE\n"
		"default  (others)  false        true                -               built in\n");
	assert_says("No domain has a section. To make one, in ");
	policy(0, "set recipient x.example verify_certificate=false violation=reject", "");
	policy(0, "list",
		"sender     main.example  true         -                   -"
		"                           p.conf:3\n");
	assert_says("recipient  x.example     -            false               violation = reject"
		    "          domains.conf:3\n"
		    "default    (others)      false        true                message_override = "
		    "tighten  p.conf:2\n");
	assert_sh(0, "MAILSEAL_CONFIG=p.conf ./mailseal policy list", "domains.conf:3\n");
	if (sh("command -v python3 >/dev/null") != 0)
		return;
	policy(0,
		"list --json | python3 -c 'import json, sys; d = json.load(sys.stdin); "
		"s = d[\"sections\"][1]; print(len(d[\"sections\"]), s[\"kind\"], s[\"domain\"], "
		"s[\"settings\"], s[\"line\"], d[\"default\"][\"settings\"][\"require_tls\"])'",
		"2 recipient x.example {'verify_certificate': False, 'violation': 'reject'} 3 "
		"False\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(set_makes_a_section_and_says_what_holds, begin),
		cmocka_unit_test_setup(set_changes_what_is_named_and_nothing_else, begin),
		cmocka_unit_test_setup(unset_takes_settings_and_empty_sections_out, begin),
		cmocka_unit_test_setup(what_was_changed_is_told_as_it_holds_now, begin),
		cmocka_unit_test_setup(unset_mends_a_section_that_stands_in_both_files, begin),
		cmocka_unit_test_setup(sections_of_the_main_file_are_left_to_it, begin),
		cmocka_unit_test_setup(arguments_that_are_wrong_are_named, begin),
		cmocka_unit_test_setup(a_configuration_that_is_wrong_already_is_told_first, begin),
		cmocka_unit_test_setup(concurrent_changes_are_all_kept, begin),
		cmocka_unit_test_setup(mode_owner_and_links_of_the_file_stay, begin),
		cmocka_unit_test_setup(what_cannot_be_written_leaves_the_old_file_whole, begin),
		cmocka_unit_test_setup(list_shows_both_files, begin),
		cmocka_unit_test_setup(list_cuts_what_is_long, begin),
	};

	return cmocka_run_group_tests(tests, prepare_configuration, clean_up);
}
