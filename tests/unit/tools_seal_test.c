/*
 * tools_seal: mailseal enable and disable as a user meets them, on a tree of their own.
 */
#include "tests/unit/tools_seal.h"

#define ENABLE "./mailseal enable --root tree "
#define DISABLE "./mailseal disable --root tree "
#define BILLING SYSTEM "billing.service.d/50-mailseal.conf"
#define PRELOAD "LD_PRELOAD=/usr/local/lib/mailseal/libmailseal.so"

static void enable_writes_a_drop_in_and_disable_leaves_no_trace(void **state)
{
	struct stat st;
	char path[300];

	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(0, "find tree | sort >before; umask 077; " ENABLE "billing",
		"billing.service: written tree/etc/systemd/system/billing.service.d/"
		"50-mailseal.conf\n");
	assert_holds(BILLING, "# Undo it: mailseal disable billing.service\n");
	assert_holds(BILLING, "[Unit]\n");
	assert_holds(BILLING, "\nAssertPathExists=/usr/local/lib/mailseal/libmailseal.so\n");
	assert_holds(BILLING, "\n[Service]\nEnvironment=\"" PRELOAD "\"\n");
	assert_lacks(BILLING, "RestrictAddressFamilies");
	assert_lacks(BILLING, "EnvironmentFile");
	snprintf(path, sizeof(path), "%s/" BILLING, directory);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_sh(0, DISABLE "billing.service", "billing.service: removed ");
	assert_sh(0, "find tree | sort | diff before -", "");
	assert_sh(0, DISABLE "billing.service", "billing.service is not sealed: nothing to do");
}

static void enable_again_changes_nothing(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(0, ENABLE "billing && touch -d 2001-01-01 " BILLING " && " ENABLE "billing",
		"billing.service is sealed already: nothing changed");
	assert_sh(0, "stat -c %y " BILLING, "2001-01-01");
	assert_sh(0, ENABLE "--ports 25,587 billing", "billing.service: rewritten ");
	assert_holds(BILLING, "Environment=\"MAILSEAL_PORTS=25,587\"\n");
	assert_null(strstr(output, "was not given"));
	assert_holds(BILLING, "# Directories made for it: 1\n");
	assert_sh(0, ENABLE "billing", "--ports, with which it was sealed before, was not given");
	assert_sh(0, DISABLE "billing && ls " SYSTEM, "");
	assert_null(strstr(output, "billing.service.d\n"));
}

static void a_directory_that_was_there_stays(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(
		0, "mkdir " SYSTEM "billing.service.d; " ENABLE "billing; " DISABLE "billing", "");
	assert_sh(0, "rmdir " SYSTEM "billing.service.d", "");
	assert_sh(0, ENABLE "billing; echo >" SYSTEM "billing.service.d/x.conf; " DISABLE "billing",
		"");
	assert_sh(0, "ls " SYSTEM "billing.service.d", "x.conf\n");
	/* those above it are made and removed, too */
	assert_sh(0, "rm -r tree/etc/systemd; " ENABLE "billing", "written");
	assert_sh(0, DISABLE "billing; ls tree/etc", "group\npasswd\n");
	assert_null(strstr(output, "systemd\n"));
}

static void the_preload_of_the_unit_is_kept(void **state)
{
	static const struct {
		const char *lines, *value;
	} cases[] = {
		{"Environment=LD_PRELOAD=/a.so\n", ":/a.so\""},
		{"Environment=LD_PRELOAD=/a.so\nEnvironment=\"LD_PRELOAD=/b.so  /c.so\" X=1\n",
			":/b.so:/c.so\""},
		{"Environment=LD_PRELOAD=/a.so\nEnvironment=\n", "libmailseal.so\""},
		{"Environment=LD_PRELOAD=/old/libmailseal.so:/a.so\n", ".so:/a.so\""},
		{"Environment=LD_PRELOAD='/x/$LIB/libmailseal.so'\n", "libmailseal.so\""},
		{"Environment=LD_PRELOAD=/100%%/%p.so\n", ":/100%%/billing.so\""},
		{"Environment=\"LD_PRELOAD=/q\\\"\\\\x.so\"\n", ":/q\\\"\\\\x.so\""},
	};

	(void)state;
	make_tree();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char unit[500], expected[300];

		snprintf(unit, sizeof(unit), "ExecStart=/usr/bin/prog\n%s", cases[i].lines);
		write_unit("billing.service", unit);
		assert_sh(0, ENABLE "billing", "");
		snprintf(expected, sizeof(expected), "%s\n", cases[i].value);
		assert_holds(BILLING, expected);
		assert_holds(BILLING, "\nEnvironment=\"" PRELOAD);
	}
}

/* What the unit preloads may change after it was merged. */
static void a_preload_that_changed_is_told(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service",
		"ExecStart=/usr/bin/prog\nEnvironmentFile=/etc/default/billing\n");
	assert_sh(0,
		"mkdir -p tree/etc/default; echo LD_PRELOAD=/a.so >tree/etc/default/billing; "
		"touch tree/a.so tree/b.so; " ENABLE "billing",
		"");
	sh("./mailseal status --root tree billing");
	assert_null(strstr(output, "by now"));
	assert_null(strstr(output, "any more"));
	sh("echo LD_PRELOAD=/a.so:/b.so >tree/etc/default/billing; "
	   "./mailseal status --root tree billing");
	assert_says("preloads /b.so by now, which the drop-in does not. mailseal enable "
		    "billing.service writes the drop-in anew");
	sh("echo LD_PRELOAD= >tree/etc/default/billing; ./mailseal status --root tree billing");
	assert_says("the drop-in preloads /a.so, which its unit");
}

static void the_managers_own_environment_is_kept(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(0,
		"mkdir tree/etc/systemd/system.conf.d; "
		"printf '[Manager]\\nDefaultEnvironment=LD_PRELOAD=/a.so\\n' "
		">tree/etc/systemd/system.conf; "
		"printf '[Manager]\\nDefaultEnvironment=LD_PRELOAD=/b.so\\n' "
		">tree/etc/systemd/system.conf.d/x.conf; " ENABLE "billing",
		"");
	assert_holds(BILLING, PRELOAD ":/b.so\"\n");
}

/* What an environment file sets counts for more than Environment=, in any order. */
static void environment_files_do_not_undo_it(void **state)
{
	const char *variables = SYSTEM "billing.service.d/50-mailseal.env";

	(void)state;
	make_tree();
	write_unit("billing.service",
		"ExecStart=/usr/bin/prog\nEnvironmentFile=-/etc/default/billing\n");
	assert_sh(0,
		"mkdir tree/etc/default; echo 'LD_PRELOAD=\"/a.so\"' >tree/etc/default/billing; "
		"touch 'tree/etc/a \"$x`.conf'; " ENABLE "--config '/etc/a \"$x`.conf' billing",
		"50-mailseal.env\n");
	assert_holds(BILLING, "\nEnvironmentFile=/etc/systemd/system/billing.service.d/"
			      "50-mailseal.env\n");
	assert_holds(BILLING, "\nEnvironment=\"" PRELOAD ":/a.so\"\n");
	assert_holds(variables, "\nLD_PRELOAD=\"/usr/local/lib/mailseal/libmailseal.so:/a.so\"\n");
	assert_holds(variables, "\nMAILSEAL_CONFIG=\"/etc/a \\\"\\$x\\`.conf\"\n");
	/* read once more, it comes out as it was meant */
	assert_sh(0, ENABLE "--config '/etc/a \"$x`.conf' billing", "sealed already");
	/* a file that says nothing now may do so later */
	assert_sh(0, "rm tree/etc/default/billing; " ENABLE "billing; cat " SYSTEM "*/*.env",
		"LD_PRELOAD=\"/usr/local/lib/mailseal/libmailseal.so\"\n");
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(0, ENABLE "billing",
		"billing.service: removed tree/etc/systemd/system/"
		"billing.service.d/50-mailseal.env");
	assert_sh(0, DISABLE "billing; ls " SYSTEM, "");
	assert_null(strstr(output, "billing.service.d\n"));
}

static void what_unsets_it_is_written_anew(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service",
		"ExecStart=/usr/bin/prog\nUnsetEnvironment=A LD_PRELOAD \"B=%n c\"\n");
	assert_sh(0, ENABLE "billing", "written");
	assert_holds(BILLING, "\nUnsetEnvironment=\nUnsetEnvironment=\"A\"\n"
			      "UnsetEnvironment=\"B=%n c\"\n");
	write_unit("billing.service", "ExecStart=/usr/bin/prog\nUnsetEnvironment=A\n");
	assert_sh(0, ENABLE "billing", "rewritten");
	assert_lacks(BILLING, "UnsetEnvironment");
}

static void address_families_are_added_to_a_list_only(void **state)
{
	static const struct {
		const char *lines;
		bool added;
	} cases[] = {
		{"", false},
		{"RestrictAddressFamilies=AF_INET AF_INET6\n", true},
		{"RestrictAddressFamilies=AF_INET AF_UNIX\n", false},
		{"RestrictAddressFamilies=~AF_UNIX\n", true},
		{"RestrictAddressFamilies=~AF_NETLINK\n", false},
		{"RestrictAddressFamilies=AF_INET\nRestrictAddressFamilies=\n", false},
		{"RestrictAddressFamilies=AF_INET AF_UNIX\nRestrictAddressFamilies=~AF_UNIX\n",
			true},
		/* nothing is allowed: what is not sent needs no agent, but it may log */
		{"RestrictAddressFamilies=none\n", true},
		{"RestrictAddressFamilies=none\nRestrictAddressFamilies=~AF_INET\n", false},
	};

	(void)state;
	make_tree();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char unit[500];

		snprintf(unit, sizeof(unit), "ExecStart=/usr/bin/prog\n%s", cases[i].lines);
		write_unit("billing.service", unit);
		assert_sh(0, ENABLE "billing", "");
		if (!strstr(text_of(BILLING), "\nRestrictAddressFamilies=AF_UNIX\n") ==
			cases[i].added)
			fail_msg("%s: %s", cases[i].lines, text_of(BILLING));
	}
	/* a list that a later file makes would begin with ours */
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(0,
		"printf '[Service]\\nRestrictAddressFamilies=~AF_UNIX\\n' >" SYSTEM
		"billing.service.d/60.conf; " ENABLE "billing",
		"RestrictAddressFamilies leaves AF_UNIX out");
	assert_lacks(BILLING, "RestrictAddressFamilies");
	assert_sh(0,
		"printf '[Service]\\nRestrictAddressFamilies=AF_INET\\n' >" SYSTEM
		"billing.service.d/60.conf; " ENABLE "billing",
		"");
	assert_holds(BILLING, "\nRestrictAddressFamilies=AF_UNIX\n");
}

static void later_drop_ins_that_undo_it_are_told(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"Environment=", "60.conf:2: Environment= is read after the drop-in"},
		{"Environment=LD_PRELOAD=/x.so", "Environment=LD_PRELOAD=/x.so is read after"},
		{"UnsetEnvironment=LD_PRELOAD", "UnsetEnvironment=LD_PRELOAD is read after"},
		{"EnvironmentFile=/etc/vars", "EnvironmentFile=/etc/vars is read after"},
	};

	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\nEnvironmentFile=-/none\n");
	assert_sh(0, "mkdir " SYSTEM "billing.service.d; echo LD_PRELOAD=/y.so >tree/etc/vars", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (i == 2)
			continue; /* what unsets it is written anew, but for what comes later */
		assert_int_equal(
			sh("printf '[Service]\\n%s\\n' >" SYSTEM "billing.service.d/60.conf",
				cases[i].line),
			0);
		if (i < 2)
			write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
		else
			write_unit("billing.service",
				"ExecStart=/usr/bin/prog\nEnvironmentFile=-/none\n");
		assert_sh(69, ENABLE "billing", cases[i].says);
		assert_string_equal(text_of(BILLING), "");
	}
	assert_sh(0,
		"printf '[Unit]\\nAssertFileNotEmpty=\\n' >" SYSTEM
		"billing.service.d/60.conf; " ENABLE "billing",
		"60.conf:2: AssertFileNotEmpty= takes the assertion back");
}

static void names_are_what_systemd_makes_of_them(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	write_unit("job@.service", "ExecStart=/usr/bin/prog %i\n");
	write_unit("a\\x2db.service", "ExecStart=/usr/bin/prog\nEnvironmentFile=-/etc/x\n");
	write_unit("billing.timer", "[Timer]\nOnCalendar=daily\n");
	write_unit("other.timer", "[Timer]\nOnCalendar=daily\nUnit=billing.service\n");
	write_unit("each.socket", "[Socket]\nListenStream=1\nAccept=yes\n");
	write_unit("x.target", "[Unit]\n");
	assert_sh(0,
		"ln -s billing.service " VENDOR "pay.service; " ENABLE "pay billing pay.service",
		"written tree/etc/systemd/system/billing.service.d/");
	assert_sh(0, "ls " SYSTEM, "billing.service.d\n");
	assert_sh(0, DISABLE "pay", "billing.service: removed");
	assert_sh(0, ENABLE "job@.service", "system/job@.service.d/");
	assert_sh(0, ENABLE "job@one", "system/job@one.service.d/");
	assert_sh(0, ENABLE "'a\\x2db'", "a\\x2db.service.d/50-mailseal.env\n");
	assert_sh(0, "cat " SYSTEM "a*/*.conf", "# Undo it: mailseal disable 'a\\x2db.service'\n");
	assert_says("EnvironmentFile=/etc/systemd/system/a\\\\x2db.service.d/50-mailseal.env\n");
	assert_sh(64, ENABLE "billing.timer", "it starts billing.service, which");
	assert_sh(64, ENABLE "other.timer", "it starts billing.service, which");
	assert_sh(64, ENABLE "each.socket", "it starts each@.service, which");
	assert_sh(64, ENABLE "x.target", "x.target is no service, so there is no program to seal");
	assert_sh(66, ENABLE "biling", "there is no unit biling.service in tree; there is billing");
	assert_sh(
		66, DISABLE "biling", "there is no unit biling.service in tree; there is billing");
	assert_sh(64, ENABLE "../billing", "a path; write the name of a unit");
	assert_sh(64, ENABLE "..", "'..' is not the name of a unit");
	assert_sh(64, ENABLE "''", "'' is not the name of a unit");
	assert_sh(64, ENABLE "'a b'", "'a b' is not the name of a unit");
	assert_sh(64, ENABLE "$(printf '%0300d' 1)", "is not the name of a unit");
	assert_sh(69, "ln -s /dev/null " SYSTEM "gone.service; " ENABLE "gone",
		"gone.service is masked");
}

static void what_would_not_be_protected_is_refused(void **state)
{
	(void)state;
	make_tree();
	write_unit("bad.service", "ExecStart=/usr/bin/none\n");
	write_unit("good.service", "ExecStart=/usr/bin/prog\n");
	write_unit("empty.service", "Type=oneshot\n");
	write_unit("filter.service", "ExecStart=/usr/bin/prog\nSystemCallFilter=~clone\n");
	assert_sh(69, ENABLE "good bad", "obstacle  tree/usr/bin/none: No such file or directory");
	assert_says("bad.service would not be protected so");
	assert_sh(0, "ls " SYSTEM, "");
	assert_string_equal(output, "");
	assert_sh(65, ENABLE "empty", "empty.service has no ExecStart=");
	assert_sh(0, ENABLE "--force bad", "written");
	assert_sh(69, ENABLE "filter",
		"By the system agent it would: mailseal enable --system-agent filter.service");
	assert_sh(69, ENABLE "--system-agent filter", "there is no unit mailseal-agent.socket");
	write_unit("mailseal-agent.socket", "[Socket]\nListenSequentialPacket=/x\n");
	assert_sh(0, ENABLE "--system-agent filter", "written");
	assert_null(strstr(output, "no socket is at"));
	assert_holds(SYSTEM "filter.service.d/50-mailseal.conf",
		"Requires=mailseal-agent.socket\nAfter=mailseal-agent.socket\n");
	assert_holds(SYSTEM "filter.service.d/50-mailseal.conf",
		"MAILSEAL_SOCKET=/run/mailseal/agent.sock");
	assert_sh(69, "rm tree/usr/local/lib/mailseal/libmailseal.so; " ENABLE "good",
		"tree/usr/local/lib/mailseal/libmailseal.so: No such file or directory; install");
	/* taking it away needs neither library nor unit */
	assert_sh(0, "rm " VENDOR "*; " DISABLE "bad filter", "bad.service: removed");
	assert_sh(0, "ls " SYSTEM, "");
	assert_string_equal(output, "");
}

/* It has a log and ports of its own, serves the whole machine, and refuses who names another
 * policy. */
static void what_the_system_agent_means_is_told(void **state)
{
	(void)state;
	make_tree();
	write_unit("mailseal-agent.socket", "[Socket]\nListenSequentialPacket=/x\n");
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(0, ENABLE "--log /var/x.log billing", "written");
	assert_holds(BILLING, "Environment=\"MAILSEAL_SOCKET=none\"\n");
	assert_sh(0, ENABLE "--ports 25,587 billing", "written");
	assert_holds(BILLING, "Environment=\"MAILSEAL_SOCKET=none\"\n");
	assert_sh(0, ENABLE "--config /etc/mailseal.conf --force billing", "written");
	assert_null(strstr(text_of(BILLING), "MAILSEAL_SOCKET"));
	assert_sh(0, ENABLE "--dry-run --system-agent billing",
		"this starts mailseal-agent.socket: the system agent serves every program under "
		"mailseal on this machine");
	assert_sh(0, ENABLE "--system-agent billing", "other sealed services too");
	assert_sh(0, DISABLE "--dry-run billing", "system agent served it, and goes on");
	assert_sh(0, DISABLE "billing",
		"systemctl disable --now mailseal-agent.socket mailseal-agent.service");
	assert_sh(0, ENABLE "billing", "written");
	assert_sh(0, DISABLE "billing", "removed");
	assert_null(strstr(output, "system agent"));

	write_unit("billing.service",
		"ExecStart=/usr/bin/prog\nEnvironment=MAILSEAL_CONFIG=/etc/other.conf\n");
	assert_sh(69, ENABLE "billing", "the configuration tree/etc/other.conf: No such file");
	assert_null(strstr(output, "--system-agent"));
	write_unit("mailseal-agent.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(69, ENABLE "--system-agent billing",
		"MAILSEAL_CONFIG=/etc/other.conf: the system agent has /etc/mailseal.conf, and "
		"refuses");
	write_unit("mailseal-agent.service",
		"ExecStart=/usr/bin/prog --ports 25,587 --config /etc/other.conf\n");
	assert_sh(0, ENABLE "--system-agent billing", "written");
	write_unit("mailseal-agent.service", "ExecStart=/usr/bin/prog --config=/etc/third.conf\n");
	assert_sh(1, "./mailseal status --root tree", "the system agent has /etc/third.conf");
	assert_says("billing.service: no-mail");
	write_unit("billing.service",
		"ExecStart=/usr/bin/prog\nEnvironment=MAILSEAL_SOCKET=/run/x.sock\n");
	assert_sh(0, ENABLE "--log syslog billing",
		"MAILSEAL_SOCKET=/run/x.sock named a system agent");
}

static void another_ones_files_are_left_alone(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	write_unit("good.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(73,
		"mkdir " SYSTEM "billing.service.d; echo mine >" BILLING "; " ENABLE "good billing",
		"50-mailseal.conf was not written by mailseal enable");
	assert_string_equal(text_of(BILLING), "mine\n");
	assert_sh(0, "test ! -e " SYSTEM "good.service.d", "");
	assert_sh(73, DISABLE "billing", "was not written by mailseal enable");
	assert_sh(73, "ln -sf /etc/passwd " BILLING "; " ENABLE "billing", "was not written by");
	assert_sh(73, "rm " BILLING "; mkdir " BILLING "; " ENABLE "billing", "was not written by");
	assert_sh(73, "rm -r " BILLING "; mkfifo " BILLING "; timeout 10 " ENABLE "billing",
		"was not written by");
	assert_sh(73,
		"rm -r " SYSTEM "billing.service.d; echo >" SYSTEM "billing.service.d; " ENABLE
		"billing",
		"billing.service.d: Not a directory");
	assert_sh(73,
		"rm " SYSTEM "billing.service.d; mkdir elsewhere; ln -s $PWD/elsewhere " SYSTEM
		"billing.service.d; " ENABLE "billing",
		"billing.service.d is a symbolic link");
	assert_sh(0, "ls elsewhere", "");
	assert_string_equal(output, "");
}

/* Links in the tree lead to places in it. */
static void links_stay_in_the_tree(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(0,
		"rmdir tree/etc/systemd/system; mkdir -p tree/opt/units; "
		"ln -s /opt/units tree/etc/systemd/system; " ENABLE "billing",
		"written");
	assert_sh(0, "ls tree/opt/units/*", "50-mailseal.conf");
	assert_sh(0, DISABLE "billing; ls tree/opt/units", "removed");
	assert_sh(66, "./mailseal enable --root none billing", "--root none: No such file");
}

static void dry_runs_change_nothing(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\nEnvironmentFile=-/etc/x\n");
	assert_sh(0, ENABLE "--dry-run billing",
		"# tree/etc/systemd/system/billing.service.d/"
		"50-mailseal.conf\n# Written by mailseal enable");
	assert_says("# tree/etc/systemd/system/billing.service.d/50-mailseal.env\n");
	assert_sh(0, "ls " SYSTEM, "");
	assert_string_equal(output, "");
	assert_sh(0, ENABLE "billing; " DISABLE "--dry-run billing", "would be removed");
	assert_holds(BILLING, PRELOAD);
	assert_sh(0, ENABLE "--json billing", "\"change\": \"unchanged\"");
	assert_sh(69, "rm tree/usr/bin/prog; " ENABLE "--json billing", "\"failed\": true");
}

static void wrong_usage_is_64(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(64, "./mailseal enable", "no unit given");
	assert_sh(64, ENABLE "--now billing", "--now: nothing runs in the tree");
	assert_sh(64, ENABLE "--user billing", "not with --user");
	assert_sh(64, ENABLE "--ports 465 billing", "port 465 is for smtps");
	assert_sh(64, ENABLE "--ports x billing", "'x' is not a list");
	assert_sh(64, ENABLE "--config x billing", "with --root write absolute paths");
	assert_sh(64, ENABLE "--config /x --system-agent billing", "leave --config out");
	assert_sh(64, ENABLE "--log /x --system-agent billing", "leave --log out");
	assert_sh(64, ENABLE "--ports 25,587 --system-agent billing", "leave --ports out");
	assert_sh(64, ENABLE "--config \"$(printf '/\\377')\" billing", "no text in UTF-8");
	assert_sh(64, ENABLE "--config \"$(printf '/\\nx')\" billing", "control character");
	assert_sh(64, ENABLE "--log '' billing", "--log: empty");
	assert_sh(64, ENABLE "--log jornal billing",
		"--log: there is no target 'jornal'; did you mean journal?");
	assert_sh(69, ENABLE "--config /none billing", "the configuration tree/none: No such file");
	if (geteuid() == 0 && sh("command -v setpriv") == 0)
		assert_sh(77,
			"chmod 755 . && setpriv --reuid 65534 --clear-groups ./mailseal enable x",
			"only root may seal the system's services");
}

static void users_are_those_of_the_tree(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\nUser=svc\n");
	assert_sh(0, "chmod 700 tree/usr/local; " ENABLE "--force billing", "may not pass");
	write_unit("billing.service", "ExecStart=/usr/bin/prog\nUser=nobody\n");
	assert_sh(0, ENABLE "--force billing", "User=nobody: there is none");
}

static void a_root_directory_gets_its_own_assertion(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/prog\nRootDirectory=/srv/%p\nMountAPIVFS=yes\n");
	assert_sh(69, "mkdir -p tree/srv/billing; " ENABLE "billing", "/prog: No such file");
	assert_sh(0, ENABLE "--force billing", "written");
	assert_holds(BILLING, "AssertPathExists=/srv/%p/usr/local/lib/mailseal/libmailseal.so\n");
	write_unit("billing.service", "ExecStart=/prog\nRootImage=/srv/x.img\n");
	assert_sh(69, ENABLE "billing", "what is in the image cannot be seen");
	assert_sh(0, ENABLE "--force billing", "written");
	assert_lacks(BILLING, "Assert");
}

/* What is bound into it, is seen there, over links, too; the system agent needs little. */
static void what_is_bound_into_a_root_directory_is_seen(void **state)
{
	(void)state;
	make_tree();
	assert_sh(0,
		"mkdir -p tree/srv/jail/usr tree/srv/jail/opt && ln -s usr/bin tree/srv/jail/bin "
		"&& "
		"for d in lib lib64; do ln -s usr/$d tree/srv/jail/$d; done && "
		"mv tree/lib/* tree/usr/lib 2>/dev/null; mv tree/lib64 tree/usr; rmdir tree/lib; "
		"ln -s usr/lib tree/lib; ln -s usr/lib64 tree/lib64; "
		"ln -s loop tree/srv/jail/loop",
		"");
	write_unit("billing.service", "ExecStart=/bin/prog\nRootDirectory=/srv/jail\n"
				      "MountAPIVFS=yes\nBindReadOnlyPaths=-/usr:/usr:rbind\n");
	assert_sh(0, ENABLE "billing", "written");
	assert_holds(BILLING, "\nAssertPathExists=/usr/local/lib/mailseal/libmailseal.so\n");
	assert_lacks(BILLING, "BindReadOnlyPaths=\"");
	assert_holds(BILLING, "\nBindReadOnlyPaths=-/run/systemd/journal/socket "
			      "-/run/systemd/journal/dev-log -/dev/log\n");
	write_unit("billing.service", "ExecStart=/loop/prog\nRootDirectory=/srv/jail\n"
				      "BindReadOnlyPaths=/usr\n");
	assert_sh(69, ENABLE "billing", "/loop/prog: Too many levels of symbolic links");
	write_unit("billing.service", "ExecStart=/bin/prog\nRootDirectory=/srv/%p\n"
				      "BindReadOnlyPaths=/usr/bin /usr/lib /usr/lib64\n");
	assert_sh(69,
		"rm -r " SYSTEM "billing.service.d; mv tree/srv/jail tree/srv/billing; " ENABLE
		"billing",
		"By the system agent it would: mailseal enable --system-agent billing.service");
	write_unit("mailseal-agent.socket", "[Socket]\nListenSequentialPacket=/x\n");
	assert_sh(0, ENABLE "--system-agent billing", "written");
	assert_holds(BILLING, "\nAssertPathExists=/usr/local/lib/mailseal/libmailseal.so\n");
	assert_holds(BILLING, "\nBindReadOnlyPaths=\"/usr/local/lib/mailseal\"\n"
			      "BindReadOnlyPaths=\"/run/mailseal\"\nMountAPIVFS=yes\n");
	assert_lacks(BILLING, "/dev/log");
	/* a library that is bound from elsewhere is asserted there */
	write_unit("billing.service",
		"ExecStart=/bin/prog\nRootDirectory=/srv/%p\n"
		"BindReadOnlyPaths=/usr/bin /usr/lib /usr/lib64 /opt/%p:/usr/local/lib/mailseal\n");
	assert_sh(0,
		"mkdir tree/opt; cp -r tree/usr/local/lib/mailseal tree/opt/billing; "
		"cp mailseal-agent tree/opt/billing; " ENABLE "billing",
		"written");
	assert_holds(BILLING, "\nAssertPathExists=/opt/%p/libmailseal.so\n");
}

/* One name for libraries of both kinds, where they are there and the loader understands it. */
static void a_library_of_each_kind_is_named_by_one_name(void **state)
{
	const char *each = "LD_PRELOAD=/usr/local/lib/mailseal/$LIB/libmailseal.so\"\n";

	(void)state;
	make_tree();
	if (sh("ld.so --list-diagnostics | sed -n 's/^dl_dst_lib=\"\\(.*\\)\"$/\\1/p' >lib; "
	       "test -s lib") != 0) {
		print_message("the loader does not tell what $LIB is: skipped\n");
		skip();
	}
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(0,
		"cd tree/usr/local/lib/mailseal && mkdir -p lib32 \"$(cat ../../../../../lib)\" && "
		"cp libmailseal.so lib32 && cp libmailseal.so \"$(cat ../../../../../lib)\" && "
		"ln -s \"$(cat ../../../../../lib)\" '$LIB'",
		"");
	assert_sh(0, ENABLE "billing", "written");
	assert_holds(BILLING, each);
	assert_holds(BILLING, "\nAssertPathExists=/usr/local/lib/mailseal/libmailseal.so\n"
			      "AssertPathExists=/usr/local/lib/mailseal/lib32/libmailseal.so\n");
	/* as it was named before */
	write_unit("billing.service",
		"ExecStart=/usr/bin/prog\n"
		"Environment=LD_PRELOAD=/usr/local/lib/mailseal/$LIB/libmailseal.so:/a.so\n");
	assert_sh(0, ENABLE "billing", "named the library already");
	assert_holds(BILLING, "$LIB/libmailseal.so:/a.so\"\n");
	/* what the loader makes of it is not there */
	assert_sh(0,
		"rm tree/usr/local/lib/mailseal/$(cat lib)/libmailseal.so; "
		"cp -r tree/usr/local/lib/mailseal/lib32 tree/usr/local/lib/mailseal/other; "
		"ln -sfn other 'tree/usr/local/lib/mailseal/$LIB'; " ENABLE "billing",
		"rewritten");
	assert_holds(BILLING, PRELOAD ":/a.so\"\n");
}

static void what_hides_the_drop_in_is_told(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\n");
	assert_sh(69,
		"mkdir -p tree/etc/systemd/system.control/billing.service.d; "
		"ln -s /dev/null "
		"tree/etc/systemd/system.control/billing.service.d/50-mailseal.conf; " ENABLE
		"billing",
		"another drop-in hides it: LD_PRELOAD is not set");
	assert_sh(0,
		"ln -sfn /nowhere tree/etc/systemd/system.control/billing.service.d/x.conf; rm "
		"tree/etc/systemd/system.control/billing.service.d/50*; " ENABLE
		"--dry-run billing",
		PRELOAD);
	/* one that names the library too does no harm */
	assert_sh(0,
		"rm -r tree/etc/systemd/system.control; mkdir " SYSTEM "billing.service.d; cp -r "
		"tree/usr/local/lib/mailseal tree/opt; printf '[Service]\n"
		"Environment=LD_PRELOAD=/opt/libmailseal.so\n' >" SYSTEM
		"billing.service.d/mailseal.conf; " ENABLE "billing",
		"warning   /etc/systemd/system/billing.service.d/mailseal.conf:2: "
		"Environment=LD_PRELOAD=/opt/libmailseal.so is read after the drop-in");
}

static void what_is_not_known_is_told(void **state)
{
	(void)state;
	make_tree();
	write_unit("billing.service", "ExecStart=/usr/bin/prog\nEnvironment=LD_PRELOAD=/%b.so\n");
	assert_sh(69, ENABLE "billing", "LD_PRELOAD=/%b.so: what % stands for is not known here");
	write_unit("billing.service", "ExecStart=/usr/bin/prog\nPassEnvironment=X LD_PRELOAD\n");
	assert_sh(0, ENABLE "billing",
		"PassEnvironment=LD_PRELOAD: what the manager was started with");
	assert_sh(66, "mkdir tree/etc/init.d; touch tree/etc/init.d/exim4; " ENABLE "exim4",
		"but tree/etc/init.d/exim4: systemd makes a unit of it when it starts there");
	assert_sh(77,
		"chmod 755 . tree tree/etc; chmod 700 " SYSTEM "billing.service.d; "
		"if test $(id -u) = 0; then setpriv --reuid 65534 --clear-groups " ENABLE
		"billing; else chmod 0 " SYSTEM "billing.service.d; " ENABLE "billing; fi",
		"Permission denied");
}

static void units_of_a_user(void **state)
{
	const char *user = "env -u XDG_RUNTIME_DIR HOME=$PWD/home XDG_CONFIG_HOME= XDG_DATA_HOME= ";
	char command[300];

	(void)state;
	make_tree();
	assert_sh(0,
		"rm -rf home; mkdir -p home/.local/share/systemd/user && "
		"printf '[Service]\\nExecStart=/bin/true\\n' "
		">home/.local/share/systemd/user/m.service",
		"");
	snprintf(command, sizeof(command), "%s ./mailseal enable --user m", user);
	assert_sh(0, command, "/home/.config/systemd/user/m.service.d/50-mailseal.conf\n");
	assert_says("No systemd --user runs here");
	assert_sh(0, "cat home/.config/systemd/user/m.service.d/*",
		"mailseal disable --user m.service");
	assert_says("/libmailseal.so\"\n");
	snprintf(command, sizeof(command), "%s ./mailseal enable --user --now m", user);
	assert_sh(69, command, "--now: no systemd --user runs here; nothing is changed");
	snprintf(command, sizeof(command), "%s ./mailseal disable --user m; ls -A home", user);
	assert_sh(0, command, "removed");
	assert_null(strstr(output, ".config\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enable_writes_a_drop_in_and_disable_leaves_no_trace),
		cmocka_unit_test(enable_again_changes_nothing),
		cmocka_unit_test(a_directory_that_was_there_stays),
		cmocka_unit_test(the_preload_of_the_unit_is_kept),
		cmocka_unit_test(a_preload_that_changed_is_told),
		cmocka_unit_test(the_managers_own_environment_is_kept),
		cmocka_unit_test(environment_files_do_not_undo_it),
		cmocka_unit_test(what_unsets_it_is_written_anew),
		cmocka_unit_test(address_families_are_added_to_a_list_only),
		cmocka_unit_test(later_drop_ins_that_undo_it_are_told),
		cmocka_unit_test(names_are_what_systemd_makes_of_them),
		cmocka_unit_test(what_would_not_be_protected_is_refused),
		cmocka_unit_test(what_the_system_agent_means_is_told),
		cmocka_unit_test(another_ones_files_are_left_alone),
		cmocka_unit_test(links_stay_in_the_tree),
		cmocka_unit_test(dry_runs_change_nothing),
		cmocka_unit_test(wrong_usage_is_64),
		cmocka_unit_test(users_are_those_of_the_tree),
		cmocka_unit_test(a_root_directory_gets_its_own_assertion),
		cmocka_unit_test(what_is_bound_into_a_root_directory_is_seen),
		cmocka_unit_test(a_library_of_each_kind_is_named_by_one_name),
		cmocka_unit_test(what_hides_the_drop_in_is_told),
		cmocka_unit_test(what_is_not_known_is_told),
		cmocka_unit_test(units_of_a_user),
	};

	return cmocka_run_group_tests(tests, prepare, clean_up);
}
