/*
 * tools_explain: `mailseal explain` as a user meets it. What policy and dialogue decide is tested
 * where they are; here, that explain tells it, and from which section.
 */
#include "tests/unit/tools_command.h"

static const char rules[] = "default { verify_certificate = true\n"
			    " message_override = any }\n"
			    "host \"mail.partner.net\" { require_tls = true\n"
			    " match = { \"a.example\", \"b.example\" } }\n"
			    "host \"127.0.0.0/8\" { intercept = false }\n"
			    "sender \"strict.example\" { require_tls = true }\n"
			    "sender \"watched.example\" { require_tls = true\n"
			    " mode = observe }\n"
			    "recipient \".bank.example\" { require_tls = true\n"
			    " violation = reject\n"
			    " message_override = tighten\n"
			    " min_tls = 1.3 }\n";

static int prepare_rules(void **state)
{
	int rc = prepare(state);

	if (!rc && have_command)
		write_file("r.conf", rules);
	return rc;
}

/* Runs `mailseal explain --config r.conf` with these options. */
static void explain(int status, const char *options, const char *text)
{
	char command[1000];

	snprintf(command, sizeof(command), "./mailseal explain --config r.conf %s", options);
	assert_sh(status, command, text);
}

/* A line of the table, however wide its columns are. */
static void assert_row(const char *server, const char *outcome)
{
	const char *line = strstr(output, server);

	if (!line)
		fail_msg("no row %s in: %s", server, output);
	line += strlen(server);
	line += strspn(line, " ");
	if (strncmp(line, outcome, strlen(outcome)) != 0)
		fail_msg("%s: expected %s, got: %s", server, outcome, output);
}

static void values_are_told_with_their_sections(void **state)
{
	(void)state;
	need_command();
	explain(0, "--host mail.partner.net --sender a@b.example --recipient c@d.bank.example",
		"  require_tls           true              host \"mail.partner.net\", r.conf:3\n");
	assert_says("  verify_certificate    true              default, r.conf:1\n");
	assert_says("  min_tls               1.3               recipient \".bank.example\", "
		    "r.conf:12\n");
	assert_says("  violation             reject            recipient \".bank.example\"");
	assert_says("  message_may_relax     false             recipient \".bank.example\", "
		    "r.conf:11\n");
	assert_says("  mode                  enforce           built-in default\n");
	assert_says("  match                 a.example, b.example");
	assert_says("host \"mail.partner.net\", r.conf:4\n");
	for (char *line = output; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 100);
}

static void each_row_of_the_truth_table_is_told(void **state)
{
	(void)state;
	need_command();
	explain(0, "--recipient c@d.bank.example", "what becomes of it");
	assert_row("STARTTLS, certificate valid", "TLS, verified");
	assert_row(
		"STARTTLS, certificate not valid", "blocked at RCPT\n      550 5.7.5 mailseal: ");
	assert_row("only TLSv1.2, certificate valid", "blocked at RCPT\n      550 5.7.5 ");
	assert_row("no STARTTLS", "blocked at RCPT\n      550 5.7.4 mailseal: the server does not");
	assert_row("STARTTLS refused", "blocked at RCPT\n      550 5.7.4 ");
	assert_row("handshake failed", "blocked at RCPT\n      550 5.7.5 ");
	explain(0, "--recipient c@nowhere.example", "what becomes of it");
	assert_null(strstr(output, "only TLSv1"));
	assert_row("STARTTLS, certificate not valid", "TLS, not verified");
	assert_row("no STARTTLS", "in the clear");
	assert_row("handshake failed", "in the clear");
}

static void the_command_that_is_refused_is_told(void **state)
{
	(void)state;
	need_command();
	write_file("mail.conf", "default { require_tls = true\n message_override = ignore }\n");
	assert_sh(0, "./mailseal explain -c mail.conf -s a@b.example -r c@d.example", "blocked");
	assert_row("no STARTTLS", "blocked at MAIL\n      454 4.7.4 ");
	/* The header decides, after the final dot. */
	explain(0, "-s a@strict.example -r c@d.example", "");
	assert_row("no STARTTLS",
		"blocked after the final dot; RCPT gets 250, then the header decides\n"
		"      454 4.7.4 ");
	explain(0, "-s a@strict.example -r c@d.example --header 'mailseal-require-tls:  NO'", "");
	assert_row("no STARTTLS", "in the clear; RCPT gets 250");
	assert_says("  require_tls           false             field Mailseal-Require-TLS");
	explain(0, "-r c@d.example --header 'Mailseal-Require-TLS: yes'", "");
	assert_row("no STARTTLS", "blocked after the final dot\n      454 4.7.4 ");
}

static void recipients_share_a_transaction(void **state)
{
	(void)state;
	need_command();
	/* The second would have passed where the first waits. */
	write_file("two.conf", "recipient \"held.example\" { require_tls = true }\n");
	assert_sh(0,
		"./mailseal explain -c two.conf -r a@held.example -r b@free.example --header "
		"'Mailseal-Require-TLS: no'",
		"");
	assert_says("not with the others, at RCPT\n      452 4.5.3 ");
	/* The other way round the first has opened the way. */
	assert_sh(0,
		"./mailseal explain -c two.conf -r b@free.example -r a@held.example --header "
		"'Mailseal-Require-TLS: no'",
		"blocked at RCPT\n      454 4.7.4 ");
	assert_null(strstr(output, "452"));
}

static void observed_mail_is_told_as_observed(void **state)
{
	(void)state;
	need_command();
	explain(0, "-s a@watched.example -r c@d.example", "");
	assert_row("no STARTTLS", "in the clear (mode = observe; enforce would block it)\n");
}

static void connections_that_pass_untouched_have_no_rows(void **state)
{
	(void)state;
	need_command();
	explain(0, "--address 127.0.0.1 -s a@strict.example",
		"The connection passes untouched: no TLS by mailseal, and no demand counts.\n");
	assert_says("  intercept             false             host \"127.0.0.0/8\", r.conf:5\n");
	assert_null(strstr(output, "no STARTTLS"));
	explain(0, "--address 192.0.2.1", "(no name is known: each host section may be meant)");
	assert_says(
		"  require_tls           true              host \"mail.partner.net\", r.conf:3\n");
	explain(0, "--host mail.partner.net --host other.example --address 2001:db8::1",
		"match differs between the sections of these names");
	explain(0, "", "host                    (any name without a section)\n");
}

static void addresses_are_read_as_the_dialogue_reads_them(void **state)
{
	(void)state;
	need_command();
	explain(0, "-s '<>' -r '\"a@b\"@c.bank.example'", "(no sender: a bounce)");
	assert_says("(domain c.bank.example)");
	explain(0, "-r 'a@b@c'", "cannot be read in one way only");
	assert_says("require_tls           true ");
	explain(0, "-r '<postmaster>'",
		"(has no domain, so the strictest values of the configuration");
	explain(0, "-r a@", "(has no domain, ");
	explain(0, "--header 'X-Mailer: y' -r a@b.example",
		"X-Mailer: y (not a field of mailseal's: no effect)");
	explain(0,
		"-r a@b.example --header 'Mailseal-Require-TLS: no' --header "
		"'Mailseal-Require-TLS: yes'",
		"require_tls           true              field Mailseal-Require-TLS");
}

static void folded_fields_are_read_as_one(void **state)
{
	(void)state;
	need_command();
	explain(0, "-r a@b.example --header \"$(printf 'Mailseal-Require-TLS:\\r\\n\\tyes')\"",
		"require_tls           true              field Mailseal-Require-TLS");
	assert_says("header                  Mailseal-Require-TLS: yes\n");
	explain(0,
		"-r a@b.example --header \"$(printf 'Subject: x\\n Mailseal-Require-TLS: yes')\"",
		"(not a field of mailseal's: no effect)");
	assert_says("require_tls           false             built-in default");
	explain(65, "--header \"$(printf 'Subject: x\\nMailseal-Require-TLS: yes')\"",
		"--header: not a field of a header: behind a line end, a field goes on with a "
		"blank");
	explain(65, "--header \"$(printf 'Subject: x\\r y')\"", "holds control characters");
	explain(65, "--header \"$(printf 'Subject\\n : x')\"",
		"--header 'Subject' is not a header");
	assert_sh(65,
		"./mailseal explain -c r.conf --header \"X: $(head -c 999 /dev/zero | tr '\\0' "
		"x)\"",
		"a line is too long");
	assert_sh(0,
		"./mailseal explain -c r.conf --header \"$(printf 'X: %0900d\\n %0900d' 1 2)\"",
		"no effect");
}

static void servers_without_a_name_are_literals_in_replies(void **state)
{
	(void)state;
	need_command();
	explain(0, "--address 192.0.2.1", "mailseal: [192.0.2.1] does not offer STARTTLS; ");
	explain(0, "--address 2001:DB8:0::1", "mailseal: [IPv6:2001:db8::1] does not offer");
	explain(0, "--address ::ffff:192.0.2.1", "mailseal: [192.0.2.1] does not offer STARTTLS; ");
	explain(0, "--address 192.0.2.1 --host mail.partner.net",
		"mailseal: mail.partner.net does not offer");
}

static void what_becomes_of_credentials_is_told(void **state)
{
	const char *at, *end;

	(void)state;
	need_command();
	write_file("auth.conf", "default { message_override = ignore }\n"
				"host \"open.example\" { protect_credentials = false }\n"
				"host \"must.example\" { require_tls = true\n"
				" protect_credentials = false\n"
				" violation = reject }\n"
				"host \"seen.example\" { mode = observe }\n"
				"host \"hard.example\" { violation = reject }\n");
	assert_sh(0, "./mailseal explain -c auth.conf --host mx.example",
		"\nwhat becomes of AUTH, if the program logs in\n"
		"  STARTTLS, certificate valid       passes\n"
		"  STARTTLS, certificate not valid   refused\n"
		"      454 4.7.0 mailseal: credentials not sent: certificate of mx.example not "
		"valid: ");
	assert_says("  no STARTTLS                       refused\n"
		    "      454 4.7.0 mailseal: credentials not sent: mx.example does not offer "
		    "STARTTLS;\n"
		    "      protect_credentials by built-in default\n");
	assert_sh(0, "./mailseal explain -c auth.conf --host hard.example",
		"      538 5.7.11 mailseal: credentials not sent: hard.example does not");
	assert_sh(0, "./mailseal explain -c auth.conf --host open.example", "what becomes of AUTH");
	at = strstr(output, "what becomes of AUTH");
	end = strstr(at, "what becomes of STARTTLS");
	at = strstr(at, "refused\n");
	assert_true(!at || at > end);
	assert_sh(0, "./mailseal explain -c auth.conf --host must.example",
		"  no STARTTLS                       refused\n"
		"      538 5.7.11 mailseal: must.example does not offer STARTTLS; require_tls by "
		"host");
	assert_sh(0, "./mailseal explain -c auth.conf --host seen.example",
		"  no STARTTLS                       passes (mode = observe; enforce would refuse "
		"it)\n");
	assert_sh(0, "./mailseal explain -j -c auth.conf --host hard.example",
		"\"auth\": {\n        \"outcome\": \"blocked\",\n        \"reply\": \"538 5.7.11 ");
}

static void what_becomes_of_own_starttls_is_told(void **state)
{
	(void)state;
	need_command();
	write_file("own.conf", "host \"open.example\" { application_tls = allow }\n"
			       "host \"shut.example\" { application_tls = refuse\n"
			       " violation = reject }\n"
			       "host \"seen.example\" { application_tls = refuse\n"
			       " mode = observe }\n");
	assert_sh(0, "./mailseal explain -c own.conf --host mx.example",
		"\nwhat becomes of STARTTLS, if the program issues it itself\n"
		"  passes, but is not shown to the program\n");
	assert_says("  application_tls       auto              built-in default\n");
	assert_sh(0, "./mailseal explain -c own.conf --host open.example",
		"  passes, and is shown to the program\n");
	assert_sh(0, "./mailseal explain -c own.conf --host shut.example",
		"  refused\n      554 5.7.0 mailseal: STARTTLS not accepted; application_tls by host "
		"\"shut.example\"");
	assert_sh(0, "./mailseal explain -c own.conf --host seen.example",
		"  passes (mode = observe; enforce would refuse it), not shown to the program\n");
	assert_sh(0, "./mailseal explain -c own.conf --address 192.0.2.1",
		"application_tls by host \"shut.example\"");
	explain(0, "-j", "\"own_starttls\": {\n    \"outcome\": \"blocked\",\n    \"shown\": false,\n"
			 "    \"reply\": \"554 5.7.0 mailseal: STARTTLS not accepted: mailseal could not "
			 "verify the certificate; require_tls by host \\\"mail.partner.net\\\"");
}

static void bad_input_is_named(void **state)
{
	(void)state;
	need_command();
	explain(65, "--sender example.com", "--sender 'example.com' is not a mail address");
	explain(65, "--recipient ''", "--recipient '': only a sender may be empty");
	explain(65, "--recipient '<>'", "--recipient '<>': only a sender may be empty");
	explain(65, "--recipient \"$(printf 'a@b\\nc')\"", "--recipient: not a mail address");
	explain(65, "--header Mailseal-Require-TLS", "is not a header field");
	explain(65, "--header 'a b: c'", "is not a header field");
	explain(65, "--host 192.0.2.1", "write --address 192.0.2.1");
	explain(65, "--host a..b", "--host 'a..b' ");
	explain(65, "--address mx.example", "--address 'mx.example' is not an IP address");
	explain(64, "--sender a@b --sender c@d", "--sender is given twice");
	explain(64, "a@b.example", "is it a --recipient?");
	assert_sh(64, "./mailseal explain -c ''", "--config: the name of the file is empty");
	assert_sh(78, "./mailseal explain -c bad.conf", "bad.conf:2: require_tls");
	assert_sh(78, "./mailseal explain -c none.conf", "none.conf: No such file");
	assert_sh(0, "MAILSEAL_CONFIG=r.conf ./mailseal explain", "/r.conf\n");
}

static void a_script_gets_json(void **state)
{
	(void)state;
	need_command();
	explain(0, "--json -s a@strict.example -r c@d.bank.example", "\"outcomes\": [");
	if (sh("command -v python3 >/dev/null") != 0)
		return;
	explain(0,
		"-j -s a@strict.example -r c@d.bank.example -r e@f.example --header "
		"'Mailseal-Require-TLS: no' | python3 -c '\n"
		"import json, sys\n"
		"d = json.load(sys.stdin)\n"
		"v = d[\"recipients\"][0][\"values\"][\"require_tls\"]\n"
		"print(v[\"value\"], v[\"origin\"][\"kind\"], v[\"origin\"][\"line\"])\n"
		"for o in d[\"outcomes\"]:\n"
		"    r = o[\"recipients\"]\n"
		"    print(o[\"server\"], o[\"certificate\"], o[\"tls\"], [x[\"outcome\"] for x in "
		"r],"
		" r[0][\"stops_at\"], r[1][\"held\"])\n"
		"'",
		"True sender 6\n"
		"starttls valid TLSv1.3 ['tls-verified', 'tls-verified'] None False\n"
		"starttls not valid TLSv1.3 ['blocked', 'tls-unverified'] RCPT True\n");
	assert_says("none None None ['blocked', 'cleartext'] RCPT True\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_told_with_their_sections),
		cmocka_unit_test(each_row_of_the_truth_table_is_told),
		cmocka_unit_test(the_command_that_is_refused_is_told),
		cmocka_unit_test(recipients_share_a_transaction),
		cmocka_unit_test(observed_mail_is_told_as_observed),
		cmocka_unit_test(connections_that_pass_untouched_have_no_rows),
		cmocka_unit_test(addresses_are_read_as_the_dialogue_reads_them),
		cmocka_unit_test(folded_fields_are_read_as_one),
		cmocka_unit_test(servers_without_a_name_are_literals_in_replies),
		cmocka_unit_test(what_becomes_of_credentials_is_told),
		cmocka_unit_test(what_becomes_of_own_starttls_is_told),
		cmocka_unit_test(bad_input_is_named),
		cmocka_unit_test(a_script_gets_json),
	};

	return cmocka_run_group_tests(tests, prepare_rules, clean_up);
}
