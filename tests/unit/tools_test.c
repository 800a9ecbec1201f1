/*
 * tools: the mailseal command as a user meets it. A copy of build/mailseal runs in a directory of
 * its own beside a library and an agent that are only looked at; programs are run by it, none of
 * them opens a connection.
 */
#include <elf.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/tools_command.h"

static void help_fits_a_screen(void **state)
{
	static const char *const commands[] = {
		"./mailseal --help",
		"./mailseal help",
		"./mailseal run --help",
		"./mailseal check --help",
		"./mailseal help run",
		"./mailseal help check",
		"./mailseal explain --help",
		"./mailseal policy --help",
		"./mailseal enable --help",
		"./mailseal disable --help",
	};

	(void)state;
	need_command();
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		unsigned lines = 0;

		assert_sh(0, commands[i], "Usage: mailseal ");
		for (char *line = output; *line; line += strcspn(line, "\n") + 1) {
			assert_true(strcspn(line, "\n") <= 110);
			lines++;
		}
		assert_true(lines <= 24);
	}
	assert_sh(0, "./mailseal version", "mailseal ");
	assert_sh(0, "./mailseal --version", "mailseal ");
}

static void wrong_usage_is_64(void **state)
{
	(void)state;
	need_command();
	assert_sh(64, "./mailseal", "Usage: mailseal ");
	assert_sh(64, "./mailseal xyzzy",
		"unknown command 'xyzzy'; 'mailseal help' lists the commands");
	assert_sh(64, "./mailseal help xyzzy", "unknown command 'xyzzy'");
	assert_sh(64, "./mailseal chek", "unknown command 'chek'; did you mean check? ");
	assert_sh(64, "./mailseal help Polcy", "unknown command 'Polcy'; did you mean policy? ");
	assert_sh(64, "./mailseal run", "no program given");
	assert_sh(64, "./mailseal run --frob -- true", "frob");
	assert_sh(64, "./mailseal check a b", "more than one file given");
	assert_sh(64, "./mailseal check ''", "the name of the file is empty");
	assert_sh(64, "./mailseal version extra", "version: it takes no argument, such as 'extra'");
	assert_sh(64, "./mailseal --version extra", "it takes no argument");
	assert_sh(64, "./mailseal help run check", "not of 'check' too");
	assert_sh(74, "./mailseal version >/dev/full", "No space left");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	(void)state;
	need_command();
	assert_sh(
		64, "./mailseal \"$(printf 'fr\\033[2J\\tob')\"", "unknown command 'fr?[2J ob'; ");
	assert_sh(64, "./mailseal $(printf 'fr\\302\\233ob\\303\\244\\177')",
		"unknown command 'fr?ob\303\244?'; ");
	assert_sh(64, "./mailseal \"$(printf 'a\\nmailseal: ok')\"", "'a?mailseal: ok'; ");
	assert_sh(64, "./mailseal policy $(printf 'x\\033y') 2>&1 | cat -v; exit 64", "'x?y'");
}

static void run_becomes_the_program(void **state)
{
	(void)state;
	need_command();
	assert_sh(7, "./mailseal run -- sh -c 'exit 7'", "");
	assert_sh(256 + SIGTERM, "exec ./mailseal run -- sh -c 'kill -TERM $$'", "");
	assert_sh(0, "sh -c 'echo $$; exec ./mailseal run sh -c \"echo \\$\\$\"' | uniq | wc -l",
		"1\n");
	assert_sh(0, "echo in | ./mailseal run -- cat", "in\n");
	assert_sh(0, "./mailseal run -- echo --config x -- y", "--config x -- y\n");
	assert_sh(0, "./mailseal run echo --log", "--log\n");
	assert_sh(0, "./mailseal run -- sh -c 'echo $0' ", "sh\n");
}

static void run_sets_the_environment(void **state)
{
	char text[600];

	(void)state;
	need_command();
	assert_sh(
		0, "./mailseal run --config good.conf --log ./mail.log --ports 25,587 -- env", "");
	snprintf(text, sizeof(text), "LD_PRELOAD=%s/libmailseal.so\n", directory);
	assert_says(text);
	snprintf(text, sizeof(text), "MAILSEAL_CONFIG=%s/good.conf\n", directory);
	assert_says(text);
	snprintf(text, sizeof(text), "MAILSEAL_AGENT=%s/mailseal-agent\n", directory);
	assert_says(text);
	snprintf(text, sizeof(text), "MAILSEAL_LOG=%s/mail.log\n", directory);
	assert_says(text);
	assert_says("MAILSEAL_PORTS=25,587\n");
	assert_sh(0, "./mailseal run --log=stderr env", "MAILSEAL_LOG=stderr\n");
	assert_says("MAILSEAL_SOCKET=none\n");
	assert_sh(0, "./mailseal run --ports 25,587 env", "MAILSEAL_SOCKET=none\n");
	assert_sh(0, "MAILSEAL_SOCKET=/x ./mailseal run --log=stderr env", "MAILSEAL_SOCKET=/x\n");
	assert_sh(0, "MAILSEAL_LOG=stderr ./mailseal run env", "MAILSEAL_LOG=stderr\n");
	assert_null(strstr(output, "MAILSEAL_SOCKET="));
	/* Without a file at the default place it stays unnamed, and the built-in default applies.
	 */
	assert_sh(0, "./mailseal run env", "MAILSEAL_AGENT=");
	assert_null(strstr(output, "MAILSEAL_CONFIG="));
	assert_null(strstr(output, "MAILSEAL_LOG="));
	assert_null(strstr(output, "MAILSEAL_PORTS="));
	/* What the environment says already holds, made absolute. */
	assert_sh(0,
		"MAILSEAL_CONFIG=good.conf MAILSEAL_LOG=./l MAILSEAL_PORTS=26 "
		"MAILSEAL_AGENT=mailseal ./mailseal run env",
		"MAILSEAL_PORTS=26\n");
	snprintf(text, sizeof(text), "MAILSEAL_CONFIG=%s/good.conf\n", directory);
	assert_says(text);
	snprintf(text, sizeof(text), "MAILSEAL_LOG=%s/l\n", directory);
	assert_says(text);
	snprintf(text, sizeof(text), "MAILSEAL_AGENT=%s/mailseal\n", directory);
	assert_says(text);
}

static void run_keeps_other_preloads_behind_its_own(void **state)
{
	char text[600];

	(void)state;
	need_command();
	snprintf(text, sizeof(text), "LD_PRELOAD=%s/libmailseal.so:libm.so.6 libdl.so.2\n",
		directory);
	assert_sh(0, "LD_PRELOAD='libm.so.6 libdl.so.2' ./mailseal run env", text);
	snprintf(text, sizeof(text), "LD_PRELOAD=%s/libmailseal.so\n", directory);
	assert_sh(0, "LD_PRELOAD= ./mailseal run env", text);
}

static void run_refuses_a_bad_configuration(void **state)
{
	(void)state;
	need_command();
	assert_sh(78, "./mailseal run --config bad.conf echo ran",
		"bad.conf:2: require_tls: \"maybe\"");
	assert_null(strstr(output, "ran"));
	assert_sh(78, "./mailseal run --config none.conf echo ran",
		"none.conf: No such file or directory");
	assert_sh(78, "./mailseal run --config . echo ran", "not a regular file");
	assert_sh(64, "./mailseal run -c '' echo ran", "--config: the name of the file is empty\n");
	assert_sh(78, "MAILSEAL_CONFIG=none ./mailseal run echo ran", "No such file or directory");
	assert_sh(0, "MAILSEAL_CONFIG= ./mailseal run echo ran", "ran");
}

/* As the agent does: the main file may be missing, what stands in the domains file counts. */
static void run_without_a_configuration_looks_into_the_domains_file(void **state)
{
	(void)state;
	need_command();
	if (sh("unshare -rm mount -t tmpfs none /etc") != 0) {
		print_message("no mount namespace of its own: skipped\n");
		skip();
	}
	assert_sh(78,
		"unshare -rm sh -c 'mount -t tmpfs none /etc && mkdir /etc/mailseal.d && echo "
		"nonsense >/etc/mailseal.d/domains.conf && ./mailseal run echo ran'",
		"/etc/mailseal.d/domains.conf:1: nonsense: unknown section");
	assert_null(strstr(output, "ran\n"));
}

static void run_refuses_bad_options(void **state)
{
	static const char *const ports[] = {"''", "0", "65536", "25,", ",25", "25,,26", "x", "25x",
		"-1", "' 25'", "99999999999", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};
	char command[200];

	(void)state;
	need_command();
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		snprintf(command, sizeof(command), "./mailseal run --ports %s true", ports[i]);
		assert_sh(64, command, "is not a list of up to 16 ports from 1 to 65535");
	}
	assert_sh(64, "MAILSEAL_PORTS=smtp ./mailseal run true",
		"MAILSEAL_PORTS: 'smtp' is not a list");
	assert_sh(64, "./mailseal run --log '' true", "--log: empty");
	assert_sh(73, "./mailseal run --log ./ true", "Is a directory");
	assert_sh(64, "./mailseal run --log jornal true",
		"'jornal'; did you mean journal? A file has a slash in it");
	assert_sh(64, "./mailseal run -l foo true",
		"--log: there is no target 'foo': write stderr, journal or syslog");
	assert_sh(64, "MAILSEAL_LOG=Stderr ./mailseal run true",
		"MAILSEAL_LOG: there is no target 'Stderr'; did you mean stderr?");
	assert_sh(0, "m=$PWD/mailseal; cd / && $m run --log tmp/../no-log env",
		"MAILSEAL_LOG=/tmp/../no-log\n");
	assert_sh(73, "./mailseal run --log none/log true", "none/log: No such file or directory");
	assert_sh(64, "./mailseal run --log -- true", "option -l has no value: -- stands there");
	assert_sh(64, "./mailseal run -c -- true", "option -c has no value: -- stands there");
	assert_sh(0, "./mailseal run --ports 1,65535 true", "");
	assert_sh(64, "./mailseal run --ports 25,465,587 true",
		"--ports: port 465 is for smtps, which speaks TLS from the first byte");
	assert_sh(64, "./mailseal run --ports 0465 true", "port 465 is for smtps");
	assert_sh(64, "MAILSEAL_PORTS=465 ./mailseal run true", "MAILSEAL_PORTS: port 465");
	assert_sh(0, "./mailseal run --ports 4650,1465,46 true", "");
}

/* A copy of true(1) with one thing changed in its ELF header. */
static void write_patched(const char *name, bool (*patch)(unsigned char *bytes, size_t length))
{
	static unsigned char bytes[1 << 20];
	char path[200];
	size_t length;
	FILE *file = fopen("/bin/true", "r");

	assert_non_null(file);
	length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_true(length > sizeof(Elf64_Ehdr) && length < sizeof(bytes));
	assert_true(patch(bytes, length));
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void programs_that_are_not_there_are_told_as_by_env(void **state)
{
	(void)state;
	need_command();
	write_file("plain", "echo plain $1\n");
	assert_sh(127, "./mailseal run no-such-program",
		"no-such-program: No such file or directory");
	assert_sh(127, "./mailseal run ./none", "./none: No such file or directory");
	assert_sh(127, "./mailseal run ''", "No such file");
	assert_sh(126, "./mailseal run ./plain", "cannot be executed");
	assert_sh(126, "./mailseal run .", "cannot be executed");
	assert_sh(126, "PATH=. ./mailseal run plain", "cannot be executed");
	assert_sh(0, "chmod +x plain; ./mailseal run ./plain arg", "plain arg\n");
	assert_sh(0, "PATH=.:/bin:/usr/bin ./mailseal run plain arg", "plain arg\n");
	assert_sh(127, "./mailseal run ./none/none", "./none/none: No such file or directory");
}

static bool lost_interpreter(unsigned char *bytes, size_t length)
{
	unsigned char *loader = memmem(bytes, length, "/lib64/ld-linux", 15);

	if (loader)
		memcpy(loader, "/none0/", 7);
	return loader != NULL;
}

static void an_interpreter_that_is_missing_is_named(void **state)
{
	(void)state;
	need_command();
	assert_sh(127,
		"printf '#!/none/sh -x\\n' >script; chmod +x script; ./mailseal run ./script",
		"./script: its interpreter /none/sh: No such file or directory\n");
	assert_sh(127,
		"printf '#! %s/script\\n' $PWD >script2; chmod +x script2; ./mailseal run "
		"./script2",
		"./script2: its interpreter /none/sh: No such file or directory\n");
	assert_sh(127, "printf '#!/bin/sh\\r\\n' >script; ./mailseal run ./script",
		"./script: its interpreter /bin/sh\\r (the file has CRLF line ends): No such file");
	assert_sh(126, "printf '#!/etc/passwd\\n' >script; ./mailseal run ./script",
		"./script: its interpreter /etc/passwd: Permission denied\n");
	if (sizeof(void *) != 8 || access("/lib64/ld-linux-x86-64.so.2", F_OK) != 0)
		return;
	write_patched("lost", lost_interpreter);
	assert_sh(127, "./mailseal run ./lost", "./lost: its interpreter /none0/");
}

/* As shells do, which tell it from a program that is there but may not be executed. */
static void directories_of_path_that_may_not_be_searched_are_passed_over(void **state)
{
	const char *as_nobody = geteuid() == 0 ? "setpriv --reuid 65534 --clear-groups" : "";
	char command[300];

	(void)state;
	need_command();
	if (geteuid() == 0 && sh("command -v setpriv") != 0) {
		print_message("no setpriv: skipped\n");
		skip();
	}
	assert_sh(0, "chmod 755 . && mkdir -p shut && cp /bin/true shut/inside && chmod 700 shut",
		"");
	if (geteuid() != 0)
		assert_sh(0, "chmod 0 shut", "");
	snprintf(command, sizeof(command), "PATH=$PWD/shut:/usr/bin:/bin %s ./mailseal run nowhere",
		as_nobody);
	assert_sh(127, command, "nowhere: No such file or directory");
	snprintf(command, sizeof(command),
		"PATH=$PWD/shut:/usr/bin:/bin %s ./mailseal run echo found", as_nobody);
	assert_sh(0, command, "found\n");
}

static bool other_class(unsigned char *bytes, size_t length)
{
	(void)length;
	bytes[EI_CLASS] = bytes[EI_CLASS] == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
	return true;
}

static bool other_machine(unsigned char *bytes, size_t length)
{
	(void)length;
	bytes[offsetof(Elf64_Ehdr, e_machine)] ^= 0x7f;
	return true;
}

static bool without_interpreter(unsigned char *bytes, size_t length)
{
	Elf64_Ehdr head;
	Elf64_Phdr segment;

	memcpy(&head, bytes, sizeof(head));
	for (unsigned i = 0; head.e_ident[EI_CLASS] == ELFCLASS64 && i < head.e_phnum; i++) {
		size_t at = head.e_phoff + i * sizeof(segment);

		if (at + sizeof(segment) > length)
			return false;
		memcpy(&segment, bytes + at, sizeof(segment));
		if (segment.p_type != PT_INTERP)
			continue;
		segment.p_type = PT_NULL;
		memcpy(bytes + at, &segment, sizeof(segment));
		return true;
	}
	return false;
}

static void run_refuses_what_a_preload_cannot_reach(void **state)
{
	(void)state;
	need_command();
	write_patched("static", without_interpreter);
	write_patched("narrow", other_class);
	write_patched("foreign", other_machine);
	assert_sh(69, "./mailseal run ./static",
		"./static is statically linked, so no library can be loaded into it.");
	assert_says("so it is not run");
	assert_sh(69, "PATH=.:/bin ./mailseal run static", "static is statically linked");
	assert_sh(69, "./mailseal run ./narrow", "./narrow is a 32-bit program");
	assert_sh(69, "./mailseal run ./foreign", "./foreign is for another processor");
}

static void scripts_are_followed_to_their_interpreter(void **state)
{
	char text[200];

	(void)state;
	need_command();
	write_patched("static", without_interpreter);
	snprintf(text, sizeof(text), "#! %s/static -x\n", directory);
	write_file("script", text);
	snprintf(text, sizeof(text), "#!%s/script\n", directory);
	write_file("script2", text);
	write_file("script3", "#!/usr/bin/env -S static x\n");
	write_file("loop", "#!loop\n");
	assert_sh(0, "chmod +x script script2 script3 loop", "");
	assert_sh(69, "./mailseal run ./script", "static is statically linked");
	assert_sh(69, "./mailseal run ./script2", "static is statically linked");
	assert_sh(
		69, "PATH=.:/bin:/usr/bin ./mailseal run ./script3", "static is statically linked");
	sh("./mailseal run ./loop");
	assert_sh(0,
		"printf '#!/bin/sh\\necho $1 $2\\n' >good; chmod +x good; ./mailseal run ./good a "
		"b",
		"a b\n");
	assert_sh(
		0, "printf '#!/usr/bin/env sh\\necho $1\\n' >good; ./mailseal run ./good a", "a\n");
}

static void a_damaged_program_is_told_by_run_itself(void **state)
{
	(void)state;
	need_command();
	assert_sh(126, "head -c 80 /bin/true >cut; chmod +x cut; ./mailseal run ./cut",
		"./cut: an ELF file that this system cannot execute: cut off");
	assert_sh(126, "head -c 20 /bin/true >cut; ./mailseal run ./cut", "an ELF file that");
}

/* As doctor judges them. */
static void run_follows_commands_that_start_others(void **state)
{
	static const char *const wrappers[] = {"env", "env A=b", "nice -n 5", "timeout 5", "nohup",
		"env -S 'nice timeout 5'", "stdbuf -o0", "setsid -w", "chroot ."};
	static const char *const cleaning[] = {"env -i", "env -u LD_PRELOAD",
		"env LD_PRELOAD=/x.so", "nice env -", "env -S '-i A=b'", "setpriv --reset-env"};
	char command[300];

	(void)state;
	need_command();
	write_patched("static", without_interpreter);
	write_file("cleans", "#!/usr/bin/env -S -i sh\necho cleaned\n");
	assert_sh(0, "chmod +x cleans", "");
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++) {
		snprintf(command, sizeof(command), "./mailseal run -- %s ./static", wrappers[i]);
		assert_sh(69, command, "static is statically linked");
	}
	for (size_t i = 0; i < sizeof(cleaning) / sizeof(*cleaning); i++) {
		snprintf(command, sizeof(command), "./mailseal run -- %s echo x", cleaning[i]);
		assert_sh(69, command, "would be started without LD_PRELOAD (");
	}
	assert_sh(69, "./mailseal run ./cleans", "started without LD_PRELOAD (env -i)");
	assert_sh(0, "./mailseal run -- env A=b nice -n 5 echo fine", "fine\n");
	assert_sh(0, "./mailseal run -- env -i $PWD/mailseal run -- echo fine", "fine\n");
	assert_sh(0, "./mailseal run -- env -i LD_PRELOAD=$PWD/libmailseal.so echo fine", "fine\n");
	assert_sh(127, "./mailseal run -- env no-such-program", "no-such-program");
	assert_sh(69, "./mailseal run -- env -i $PWD/mailseal run -- ./static", "is statically");
}

static void run_refuses_setuid_programs(void **state)
{
	struct statvfs fs;

	(void)state;
	need_command();
	if (geteuid() != 0 || statvfs(directory, &fs) != 0 || fs.f_flag & ST_NOSUID) {
		print_message("making a file setuid needs root, and a file system without nosuid: "
			      "skipped\n");
		skip();
	}
	assert_sh(0, "cp /bin/true setuid && chown 65534:65534 setuid && chmod 4755 setuid", "");
	assert_sh(69, "./mailseal run ./setuid",
		"./setuid: it is setuid, so the loader ignores LD_PRELOAD");
	assert_sh(69, "chmod 2755 setuid; ./mailseal run ./setuid", "./setuid: it is setgid");
	/* setuid to who one is already changes nothing. */
	assert_sh(0, "chown 0:0 setuid; chmod 4755 setuid; ./mailseal run ./setuid", "");
}

static void run_refuses_without_library_or_agent(void **state)
{
	(void)state;
	need_command();
	assert_sh(0, "mkdir -p alone && cp mailseal alone/", "");
	if (sh("alone/mailseal run echo ran") == 0) {
		print_message("mailseal is installed on this machine: skipped\n");
		skip();
	}
	assert_sh(69, "alone/mailseal run echo ran",
		"Without it nothing would be protected, so nothing is run.");
	assert_null(strstr(output, "ran\n"));
	assert_sh(0, "cp mailseal-agent alone/", "");
	assert_sh(69, "alone/mailseal run echo ran", "libmailseal.so: No such file or directory");
	assert_sh(0,
		"mkdir -p 'a b' a:b && cp mailseal libmailseal.so mailseal-agent 'a b' && cp 'a "
		"b'/* a:b",
		"");
	assert_sh(69, "'a b/mailseal' run echo ran",
		"a b/libmailseal.so: a path with a blank, a colon");
	assert_sh(69, "a:b/mailseal run echo ran", "cannot be preloaded");
	assert_sh(69, "chmod -x 'a b/mailseal-agent'; 'a b/mailseal' run echo ran",
		"mailseal-agent: Permission denied");
	assert_sh(69, "MAILSEAL_AGENT=/none ./mailseal run echo ran",
		"agent /none (MAILSEAL_AGENT): No such file");
	assert_sh(
		69, "echo >alone/libmailseal.so; alone/mailseal run echo ran", "is not a library");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_fits_a_screen),
		cmocka_unit_test(wrong_usage_is_64),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(run_becomes_the_program),
		cmocka_unit_test(run_sets_the_environment),
		cmocka_unit_test(run_keeps_other_preloads_behind_its_own),
		cmocka_unit_test(run_refuses_a_bad_configuration),
		cmocka_unit_test(run_without_a_configuration_looks_into_the_domains_file),
		cmocka_unit_test(run_refuses_bad_options),
		cmocka_unit_test(programs_that_are_not_there_are_told_as_by_env),
		cmocka_unit_test(an_interpreter_that_is_missing_is_named),
		cmocka_unit_test(directories_of_path_that_may_not_be_searched_are_passed_over),
		cmocka_unit_test(run_refuses_what_a_preload_cannot_reach),
		cmocka_unit_test(scripts_are_followed_to_their_interpreter),
		cmocka_unit_test(a_damaged_program_is_told_by_run_itself),
		cmocka_unit_test(run_follows_commands_that_start_others),
		cmocka_unit_test(run_refuses_setuid_programs),
		cmocka_unit_test(run_refuses_without_library_or_agent),
	};

	return cmocka_run_group_tests(tests, prepare, clean_up);
}
