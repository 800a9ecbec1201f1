/*
 * tools_doctor: mailseal doctor as a user meets it, with programs, units and processes that are
 * made here. The library is any library: what is looked at is its name and its file.
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
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <jansson.h>
#include <cmocka.h>

#include "tests/unit/tools_command.h"

static unsigned char bytes[1 << 20]; /* of true(1) */
static size_t length;

static void read_true(void)
{
	FILE *file = fopen("/bin/true", "r");

	assert_non_null(file);
	length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_true(length > sizeof(Elf64_Ehdr) && length < sizeof(bytes));
}

static void write_program(const char *name, size_t n)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

/* The segment of a type, to be changed in `bytes`. */
static Elf64_Phdr *segment(uint32_t type)
{
	Elf64_Ehdr *head = (Elf64_Ehdr *)bytes;

	for (unsigned i = 0; i < head->e_phnum; i++) {
		Elf64_Phdr *p = (Elf64_Phdr *)(bytes + head->e_phoff) + i;

		if (p->p_type == type)
			return p;
	}
	fail_msg("true(1) has no segment of type %u", type);
	return NULL;
}

static void need_64_bit(void)
{
	need_command();
	read_true();
	if (bytes[EI_CLASS] != ELFCLASS64) {
		print_message("true(1) is no 64-bit program here: skipped\n");
		skip();
	}
}

static void wrong_usage_is_64(void **state)
{
	(void)state;
	need_command();
	assert_sh(64, "./mailseal doctor", "no program, process or unit given");
	assert_sh(64, "./mailseal doctor ''", "the name of the program is empty");
	assert_sh(64, "./mailseal doctor true x", "'x' is not the number of a process");
	assert_sh(64, "./mailseal doctor true 0", "'0' is not the number of a process");
	assert_sh(64, "./mailseal doctor true 1 2", "too many arguments");
	assert_sh(64, "./mailseal doctor --pid=-1", "is not the number of a process");
	assert_sh(64, "./mailseal doctor --pid 99999999999999999999", "is not the number");
	assert_sh(64, "./mailseal doctor --unit a.service true", "a unit goes alone");
	assert_sh(64, "./mailseal doctor --unit ''", "the name of the unit is empty");
	assert_sh(64, "./mailseal doctor --unit billing", "billing: not the name of a service");
	assert_sh(64, "./mailseal doctor --ports 25, true", "'25,' is not a list");
	assert_sh(
		67, "./mailseal doctor --user no-such-user true", "there is no user no-such-user");
	assert_sh(64, "./mailseal doctor --frob", "frob");
}

static void what_is_no_program_is_told(void **state)
{
	(void)state;
	need_command();
	assert_sh(66, "./mailseal doctor no-such-program",
		"mailseal: no-such-program: not found along PATH\n");
	assert_sh(66, "./mailseal doctor ./none", "./none: No such file or directory");
	assert_sh(66, "PATH=. ./mailseal doctor good.conf",
		"good.conf: found along PATH, but not executable");
}

static void directories_and_devices_are_no_programs(void **state)
{
	(void)state;
	need_command();
	assert_sh(66, "./mailseal doctor /tmp", "/tmp is a directory, not a program");
	assert_sh(65, "./mailseal doctor /dev/null", "/dev/null is not a regular file");
	assert_sh(65, "mkfifo -m 755 pipe; timeout 10 ./mailseal doctor ./pipe",
		"is not a regular file");
	assert_sh(65, ": >empty; ./mailseal doctor ./empty", "neither an ELF program nor a script");
	assert_sh(65, "printf 'x\\0y' >data; ./mailseal doctor ./data",
		"neither an ELF program nor a script");
	assert_sh(65, "./mailseal doctor ./libmailseal.so", "is an ELF file, but no program");
	assert_sh(65, "./mailseal doctor /etc/passwd", "neither an ELF program nor a script");
	assert_sh(0, "echo true >text; chmod 755 text; ./mailseal doctor ./text", "verdict");
	assert_says("has no #! line: shells run it by /bin/sh");
}

static void what_may_not_be_read_is_77(void **state)
{
	(void)state;
	need_command();
	if (geteuid() != 0 || sh("command -v setpriv") != 0) {
		print_message("another user needs root and setpriv: skipped\n");
		skip();
	}
	assert_sh(0, "chmod 755 . && cp /bin/true secret && chmod 711 secret", "");
	assert_sh(77, "setpriv --reuid 65534 --clear-groups ./mailseal doctor ./secret",
		"secret: Permission denied");
	assert_sh(77, "setpriv --reuid 65534 --clear-groups ./mailseal doctor --pid $$",
		"Ask as root, or as the user of the process");
}

static void dynamic_programs_are_reached(void **state)
{
	(void)state;
	need_command();
	assert_sh(0, "./mailseal doctor true", "verdict   mailseal reaches true.\n");
	assert_says("is dynamically linked, by the loader of ");
	assert_says("libmailseal.so fits the program and its C library\n");
	assert_sh(0, "./mailseal doctor /bin/true", "mailseal reaches /bin/true.");
	assert_sh(0, "cp /bin/true my; PATH=$PWD:$PATH ./mailseal doctor my", "/my is dynamically");
	assert_sh(0, "ln -sf my link; ./mailseal doctor ./link", "/my is dynamically linked");
}

static void static_and_foreign_programs_are_not(void **state)
{
	Elf64_Ehdr *head = (Elf64_Ehdr *)bytes;

	(void)state;
	need_64_bit();
	segment(PT_INTERP)->p_type = PT_NULL;
	write_program("static", length);
	assert_sh(1, "./mailseal doctor ./static", "/static is statically linked");
	assert_says("mailseal does NOT reach ./static.");
	read_true();
	head->e_machine ^= 0x7f;
	write_program("foreign", length);
	assert_sh(1, "./mailseal doctor ./foreign", "and the program is 64-bit processor ");
	assert_says("is not one for this program");
	read_true();
	bytes[EI_DATA] ^= 3;
	write_program("swapped", length);
	assert_sh(1, "./mailseal doctor ./swapped", "/swapped is a program for another processor");
}

static void loaders_of_neither_libc_are_told(void **state)
{
	char loader[100];
	Elf64_Phdr *p;

	(void)state;
	need_64_bit();
	p = segment(PT_INTERP);
	snprintf(loader, sizeof(loader), "%s/ldx", directory);
	if (strlen(loader) >= p->p_filesz) {
		print_message("the loader's name is too short here: skipped\n");
		skip();
	}
	assert_int_equal(sh("cp '%s' ldx", (char *)bytes + p->p_offset), 0);
	memcpy(bytes + p->p_offset, loader, strlen(loader) + 1);
	p->p_filesz = strlen(loader) + 1;
	write_program("other", length);
	assert_sh(
		0, "./mailseal doctor ./other", "/ldx belongs to neither glibc nor musl. Whether");
	assert_sh(1, "echo >ldx; ./mailseal doctor ./other", "/ldx is not one for this program");
	assert_sh(1, "rm ldx; ./mailseal doctor ./other", "/ldx: No such file or directory");
}

/* A 32-bit program in 300 octets: a header, a loader that is not there. */
static void narrow_programs_need_a_narrow_library(void **state)
{
	static const char loader[] = "/lib/ld-linux.so.9";
	Elf32_Ehdr head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(head),
		.e_ehsize = sizeof(head),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1};
	Elf32_Phdr p = {.p_type = PT_INTERP,
		.p_offset = sizeof(head) + sizeof(p),
		.p_filesz = sizeof(loader)};

	(void)state;
	need_64_bit();
	memset(bytes, 0, 300);
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), &p, sizeof(p));
	memcpy(bytes + sizeof(head) + sizeof(p), loader, sizeof(loader));
	write_program("narrow", 300);
	assert_sh(1, "./mailseal doctor ./narrow",
		"library, and the program is 32-bit x86. The loader says so on standard error");
	assert_says("its loader /lib/ld-linux.so.9: No such file or directory");
}

static void go_is_seen_by_its_notes(void **state)
{
	static const struct {
		Elf64_Nhdr head;
		char name[4];
		char id[8];
	} note = {{4, 8, 4}, "Go\0", "abcdefg"};
	Elf64_Phdr *p;

	(void)state;
	need_64_bit();
	p = segment(PT_NOTE);
	p->p_filesz = sizeof(note);
	memcpy(bytes + p->p_offset, &note, sizeof(note));
	write_program("godynamic", length);
	assert_sh(1, "./mailseal doctor ./godynamic", "is written in Go: its network code makes");
	segment(PT_INTERP)->p_type = PT_NULL;
	write_program("gostatic", length);
	assert_sh(1, "./mailseal doctor ./gostatic", "is written in Go: statically linked");
}

/* Cut anywhere: told, or not noticed, but never more than that. */
static void truncated_programs_are_told(void **state)
{
	(void)state;
	need_64_bit();
	for (size_t n = 1; n < length; n += n < 1200 ? 37 : 997) {
		int status;

		write_program("cut", n);
		status = sh("./mailseal doctor ./cut");
		if (status != 0 && status != 1 && status != 65)
			fail_msg("cut to %zu octets: ended with %d: %s", n, status, output);
	}
	write_program("cut", 80);
	assert_sh(65, "./mailseal doctor ./cut", "/cut: the ELF file ends too early");
	write_program("cut", 20);
	assert_sh(65, "./mailseal doctor ./cut", "/cut: the ELF file ends too early");
}

/* Numbers in the headers that lead out of the file. */
static void lying_programs_are_told(void **state)
{
	Elf64_Ehdr *head = (Elf64_Ehdr *)bytes;

	(void)state;
	need_64_bit();
	head->e_phoff = UINT64_MAX - 8;
	write_program("lying", length);
	assert_sh(65, "./mailseal doctor ./lying", "contradicts itself");
	read_true();
	head->e_phnum = 0xffff;
	write_program("lying", length);
	assert_sh(65, "./mailseal doctor ./lying", "contradicts itself");
	read_true();
	segment(PT_INTERP)->p_offset = UINT64_MAX - 2;
	write_program("lying", length);
	assert_sh(65, "./mailseal doctor ./lying", "contradicts itself");
	read_true();
	segment(PT_DYNAMIC)->p_filesz = UINT64_MAX;
	write_program("lying", length);
	assert_sh(65, "./mailseal doctor ./lying", "contradicts itself");
	/* what is not needed to run may lie */
	read_true();
	head->e_shoff = UINT64_MAX - 8;
	write_program("lying", length);
	assert_sh(0, "./mailseal doctor ./lying", "is dynamically linked");
}

/* Each of its 60,000 segments is the whole file. */
static void overlapping_segments_are_not_read_over_and_over(void **state)
{
	Elf64_Ehdr *head = (Elf64_Ehdr *)bytes;
	char path[200];
	Elf64_Phdr p;
	FILE *file;

	(void)state;
	need_64_bit();
	p = *segment(PT_INTERP);
	head->e_phoff = length;
	head->e_phnum = 60000;
	write_program("overlapping", length);
	snprintf(path, sizeof(path), "%s/overlapping", directory);
	file = fopen(path, "a");
	assert_non_null(file);
	fwrite(&p, sizeof(p), 1, file);
	p = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_W | PF_X, .p_filesz = 4000000};
	for (unsigned i = 1; i < 60000; i++)
		fwrite(&p, sizeof(p), 1, file);
	assert_int_equal(fclose(file), 0);
	assert_sh(0, "timeout 20 ./mailseal doctor ./overlapping", "is dynamically linked");
}

static void scripts_are_followed(void **state)
{
	(void)state;
	need_command();
	write_file("plain", "#!/bin/sh\n");
	write_file("env", "#!/usr/bin/env sh\n");
	write_file("split", "#!/usr/bin/env -S sh -x\n");
	write_file("clean", "#!/usr/bin/env -S -i sh\n");
	write_file("unset", "#!/usr/bin/env -S -u LD_PRELOAD sh\n");
	write_file("other", "#!/usr/bin/env -S LD_PRELOAD=/x.so sh\n");
	write_file("lost", "#!/none/sh\n");
	write_file("vain", "#!/usr/bin/env no-such-program\n");
	write_file("crlf", "#!/bin/sh\r\n");
	write_file("nothing", "#!\n");
	write_file("loop", "#!./loop\n");
	assert_sh(0, "chmod +x plain env split clean unset other lost vain crlf nothing loop", "");
	assert_sh(0, "./mailseal doctor ./plain", "/plain is a script, run by /bin/sh\n");
	assert_sh(0, "./mailseal doctor ./env", "/env is a script, run by /");
	assert_says("/sh (found by env along PATH)\n");
	assert_sh(0, "./mailseal doctor ./split", "(found by env along PATH)");
	assert_sh(1, "./mailseal doctor ./clean",
		"starts its interpreter without LD_PRELOAD (env -i)");
	assert_sh(1, "./mailseal doctor ./unset", "without LD_PRELOAD (env -u LD_PRELOAD)");
	assert_sh(1, "./mailseal doctor ./other", "without LD_PRELOAD (env LD_PRELOAD=/x.so)");
	assert_sh(66, "./mailseal doctor ./lost", "/lost: its interpreter /none/sh: No such file");
	assert_sh(66, "./mailseal doctor ./vain", "env would look for no-such-program in vain");
	assert_sh(65, "./mailseal doctor ./crlf", "its #! line ends in CR LF");
	assert_sh(65, "./mailseal doctor ./nothing", "names no interpreter");
	assert_sh(65, "./mailseal doctor ./loop", "scripts that interpret each other");
}

static void setuid_counts_for_those_who_gain(void **state)
{
	struct statvfs fs;

	(void)state;
	need_command();
	if (geteuid() != 0 || statvfs(directory, &fs) != 0 || fs.f_flag & ST_NOSUID) {
		print_message("making a file setuid needs root, and a file system without nosuid: "
			      "skipped\n");
		skip();
	}
	assert_sh(0, "cp /bin/true setuid && chmod 4755 setuid", "");
	assert_sh(1, "./mailseal doctor ./setuid", "/setuid is setuid (0); for whom");
	assert_sh(0, "./mailseal doctor --user root ./setuid", "mailseal reaches ./setuid.");
	assert_sh(
		1, "./mailseal doctor --user 65534 ./setuid", "/setuid is setuid (0). The loader");
	assert_sh(1, "chmod 2755 setuid; ./mailseal doctor ./setuid", "/setuid is setgid (0)");
	assert_sh(0, "chmod 2744 setuid; ./mailseal doctor ./setuid", "mailseal reaches");
}

static void known_programs_get_a_warning(void **state)
{
	(void)state;
	need_command();
	assert_sh(0, "cp /bin/true cron; ./mailseal doctor ./cron",
		"warning   cron starts jobs with an environment of its own. Write");
	assert_says("mailseal reaches ./cron, but mind the warnings above.");
	assert_sh(0, "cp /bin/true sudo; ./mailseal doctor ./sudo", "with a cleaned environment");
	assert_sh(
		0, "cp /bin/true sudoku; ./mailseal doctor ./sudoku", "mailseal reaches ./sudoku.");
}

static void a_missing_or_unfit_library_is_an_obstacle(void **state)
{
	(void)state;
	need_64_bit();
	assert_sh(0, "mkdir -p alone && cp mailseal mailseal-agent alone/", "");
	((Elf64_Ehdr *)bytes)->e_machine ^= 0x7f;
	write_program("alone/libmailseal.so", length);
	assert_sh(1, "alone/mailseal doctor true", "library, and the program is 64-bit");
	assert_sh(1, "echo >alone/libmailseal.so; alone/mailseal doctor true", "is not a library");
}

/* --- what a script reads --- */

static json_t *parse_output(void)
{
	json_error_t error;
	json_t *json = json_loads(output, 0, &error);

	if (!json)
		fail_msg("no JSON: %s: %s", error.text, output);
	return json;
}

static void json_says_the_same(void **state)
{
	json_t *json, *first;

	(void)state;
	need_command();
	assert_int_equal(sh("./mailseal doctor --json true"), 0);
	json = parse_output();
	assert_true(json_is_true(json_object_get(json, "reached")));
	assert_true(json_is_null(json_object_get(json, "pid")));
	first = json_array_get(json_object_get(json, "findings"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "severity")), "ok");
	assert_string_equal(json_string_value(json_object_get(first, "code")), "dynamic");
	assert_true(json_is_null(json_object_get(first, "advice")));
	json_decref(json);
	assert_int_equal(sh("./mailseal doctor -j none 2>&-"), 66);
	json = parse_output();
	assert_true(json_is_null(json_object_get(json, "reached")));
	assert_string_equal(
		json_string_value(json_object_get(json, "error")), "none: not found along PATH");
	json_decref(json);
	assert_int_equal(
		sh("cp /bin/true $(printf 'b\\351d'); ./mailseal doctor -j ./$(printf 'b\\351d')"),
		0);
	json_decref(parse_output());
}

/* --- services --- */

#define UNIT "[Service]\nExecStart=/bin/true\n"
#define LOADED UNIT "Environment=LD_PRELOAD=LIBRARY\n"

/* Writes a unit with LIBRARY replaced, and examines it. */
static int examine(const char *text)
{
	char whole[2000] = "", library[300];

	snprintf(library, sizeof(library), "%s/libmailseal.so", directory);
	for (const char *at; (at = strstr(text, "LIBRARY")); text = at + 7)
		snprintf(whole + strlen(whole), sizeof(whole) - strlen(whole), "%.*s%s",
			(int)(at - text), text, library);
	snprintf(whole + strlen(whole), sizeof(whole) - strlen(whole), "%s", text);
	write_file("x.service", whole);
	return sh("./mailseal doctor --unit ./x.service");
}

static void settings_of_a_unit_are_told(void **state)
{
	static const struct {
		const char *lines;
		int status;
		const char *says;
	} cases[] = {
		{"", 0, "mailseal reaches ./x.service."},
		{"UnsetEnvironment=LD_PRELOAD\n", 1, "LD_PRELOAD is not set"},
		{"Environment=LD_PRELOAD=/x.so\n", 1,
			"does not load the library: LD_PRELOAD=/x.so"},
		{"Environment=\n", 1, "LD_PRELOAD is not set"},
		{"Environment=LD_PRELOAD=/none/libmailseal.so\n", 1,
			"/none/libmailseal.so: No such file or directory"},
		{"Environment=MAILSEAL_PORTS=smtp\n", 1, "MAILSEAL_PORTS=smtp is no list of ports"},
		{"Environment=MAILSEAL_PORTS=587,2525\n", 0, "=587,2525 leaves port 25 out"},
		{"Environment=MAILSEAL_CONFIG=/none\n", 1,
			"the configuration /none: No such file or directory"},
		{"Environment=MAILSEAL_CONFIG=x\n", 0,
			"MAILSEAL_CONFIG=x depends on the directory"},
		{"Environment=MAILSEAL_AGENT=/none\n", 1, "the agent /none: No such file"},
		{"Environment=MAILSEAL_SOCKET=/none\n", 1,
			"no socket is at /none (MAILSEAL_SOCKET)"},
		{"Environment=MAILSEAL_SOCKET=none\n", 0, "mailseal reaches ./x.service."},
		{"User=nobody\n", 0, "(65534) stands for all who have none here"},
		{"[Unit]\nRequires=mailseal-agent.socket\n[Service]\nEnvironment=MAILSEAL_SOCKET=/"
		 "none\nSystemCallFilter=~@process\n",
			0, "SystemCallFilter allows what mailseal calls in the service"},
		{"[Unit]\nRequires=mailseal-agent.socket\n[Service]\nEnvironment=MAILSEAL_SOCKET=/"
		 "none\nSystemCallFilter=~clone execve\n",
			0, "SystemCallFilter allows what mailseal calls in the service"},
		{"[Unit]\nRequires=mailseal-agent.socket\n[Service]\nEnvironment=MAILSEAL_SOCKET=/"
		 "none\nRestrictAddressFamilies=~AF_UNIX\n",
			1, "the system-wide agent cannot be reached"},
		{"RestrictAddressFamilies=AF_UNIX AF_INET\n", 0,
			"leaves AF_UNIX, which mailseal needs"},
		{"RestrictAddressFamilies=AF_INET\nRestrictAddressFamilies=AF_UNIX\n", 0,
			"leaves AF_UNIX, which mailseal needs"},
		{"RestrictAddressFamilies=AF_INET\n", 0, "leaves AF_UNIX out"},
		{"RestrictAddressFamilies=~AF_UNIX\n", 0, "leaves AF_UNIX out"},
		{"RestrictAddressFamilies=~AF_NETLINK\n", 0, "leaves AF_UNIX, which"},
		{"RestrictAddressFamilies=none\nRestrictAddressFamilies=AF_UNIX AF_INET\n", 0,
			"leaves AF_UNIX, which"},
		{"RestrictAddressFamilies=none\nRestrictAddressFamilies=~AF_INET\n", 0,
			"leaves AF_UNIX, which"},
		{"RestrictAddressFamilies=~AF_UNIX\nRestrictAddressFamilies=AF_UNIX\n", 0,
			"leaves AF_UNIX, which"},
		{"RestrictAddressFamilies=~AF_UNIX\nRestrictAddressFamilies=\n", 0,
			"mailseal reaches ./x.service."},
		{"RestrictAddressFamilies=none\n", 0, "leaves neither AF_INET nor AF_INET6"},
		{"SystemCallFilter=@system-service\n", 0,
			"SystemCallFilter allows what mailseal calls in the service"},
		{"SystemCallFilter=~@mount @clock\n", 0, "SystemCallFilter allows"},
		{"SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources\n", 0,
			"SystemCallFilter allows"},
		{"SystemCallFilter=~@process\n", 1,
			"in the service: clone, wait4, prctl; the "
			"service is killed at its first mail"},
		{"SystemCallFilter=~clone\nSystemCallErrorNumber=EPERM\n", 1,
			"in the service: clone; no mail leaves"},
		{"SystemCallFilter=~clone\n", 1, "or run the system-wide agent"},
		{"SystemCallFilter=@basic-io @file-system\n", 1, "SystemCallFilter forbids"},
		{"SystemCallFilter=~signalfd4\n", 1,
			"in the service: signalfd4; no mail leaves the service"},
		{"SystemCallFilter=~clone\nSystemCallFilter=clone\n", 0, "SystemCallFilter allows"},
		{"SystemCallFilter=~clone\nSystemCallFilter=\n", 0, "mailseal reaches"},
		{"NoNewPrivileges=yes\n", 0, "setuid programs that it starts gain nothing"},
		{"MemoryDenyWriteExecute=true\n", 0, "makes no memory executable"},
		{"PrivateNetwork=1\n", 0, "the service reaches only itself"},
		{"PrivateUsers=on\n", 0, "other users look alike"},
		{"ProtectProc=invisible\n", 0,
			"ProtectProc=invisible: the library looks at its agent"},
		{"ProcSubset=pid\n", 0, "what mailseal reads in /proc is about processes"},
		{"TasksMax=1\n", 1, "TasksMax=1: the agent is one more process"},
		{"TasksMax=4\n", 0, "TasksMax=4: the agent is one more process"},
		{"TasksMax=10%\n", 0, "mailseal reaches ./x.service."},
		{"LimitNOFILE=16:1024\n", 0, "LimitNOFILE=16: the agent needs two"},
		{"SELinuxContext=system_u:x\n", 0, "SELinuxContext=system_u:x: the loader ignores"},
		{"AppArmorProfile=x\n", 0, "AppArmorProfile=x: the profile must"},
		{"RootDirectory=/none\n", 1, "RootDirectory=/none: No such file or directory"},
		{"RootImage=/x.img\n", 1, "RootImage=/x.img: what is in the image cannot be seen"},
		{"PrivateTmp=yes\n", 1, "PrivateTmp hides it from the service"},
		{"InaccessiblePaths=/tmp\n", 1, "InaccessiblePaths hides it"},
		{"InaccessiblePaths=-/tmp\nBindReadOnlyPaths=/tmp\n", 0, "mailseal reaches"},
		{"TemporaryFileSystem=/tmp:ro\n", 1, "TemporaryFileSystem hides it"},
		{"MountImages=/x.img:/tmp:noexec\n", 1, "MountImages hides it"},
		{"MountImages=/x.img:/tm /tmp:/opt\n", 0, "mailseal reaches"},
		{"NoExecPaths=/tmp\n", 1, "NoExecPaths forbids it"},
		{"NoExecPaths=/\nExecPaths=/tmp\n", 0, "mailseal reaches"},
		{"NoExecPaths=/tmp\nExecPaths=/usr -/tmp\n", 0, "mailseal reaches"},
		{"ExecPaths=/\nNoExecPaths=-/%T\n", 0, "mailseal reaches"},
		{"ExecPaths=/\nNoExecPaths=-%T\n", 1, "the library"},
		{"Environment=MAILSEAL_LOG=/var/log/mailseal-test\nProtectSystem=strict\n", 0,
			"ProtectSystem makes it read-only"},
		{"Environment=MAILSEAL_LOG=/var/log/x\nProtectSystem=strict\nReadWritePaths=/var/"
		 "log\n",
			0, "mailseal reaches ./x.service."},
		{"Environment=MAILSEAL_LOG=/none/x.log\n", 0,
			"the log /none/x.log: /none: No such file"},
		{"Environment=MAILSEAL_LOG=/var/log/x-test\nUser=65534\n", 0,
			"the service may not make it in /var/log"},
		{"Environment=MAILSEAL_LOG=/etc/passwd\nUser=65534\n", 0,
			"the log /etc/passwd: the service may not write /etc/passwd"},
		{"Environment=MAILSEAL_LOG=/var/log/%p/"
		 "x.log\nProtectSystem=strict\nLogsDirectory=%p\n",
			0, "mailseal reaches ./x.service."},
		{"DynamicUser=yes\n", 1, "the service gets a user of its own"},
		{"User=no-such-user\n", 0, "User=no-such-user: there is none"},
		{"ExecStart=\nExecStart=/none/program\n", 1,
			"/none/program: No such file or directory"},
		{"ExecStart=\nExecStart=-!/bin/true x\n", 0, "mailseal reaches"},
		{"ExecStart=\nExecStart=+/bin/true x\n", 0, "the + before the command lifts"},
		{"ExecStart=\nExecStart=\"/bin/true\" 'x'\n", 0, "mailseal reaches"},
		{"ExecStart=\nExecStart=true x\n", 0, "mailseal reaches"},
		{"ExecStart=\nExecStart=@/usr/bin/env true /none/program\n", 1, "/none/program"},
		{"ExecStart=\nExecStart=/bin/true ; /none/program\n", 1,
			"/none/program: No such file"},
		{"ExecStart=\nExecStart=/bin/true \\; /none/program\n", 0, "mailseal reaches"},
		{"ExecStart=\nExecStart=/bin/true \";\" /none/program\n", 0, "mailseal reaches"},
		{"ExecStart=\nExecStart=; /none/program ;\n", 1, ";: No such file"},
		{"ExecStart=\nExecStart=/bin/t\\x72u\\145\n", 0, "/bin/true is dynamically"},
		{"ExecStart=\nExecStart=\\x\\q\\09\n", 1, "xq09"},
		{"ExecStartPre=/none/program\n", 0, "ExecStartPre: /none/program: No such file"},
		{"ExecStopPost=-+/none/program\n", 0, "ExecStopPost: /none/program: No such"},
		{"ExecStart=\nExecStart=%b/program\n", 1, "is not known here"},
		{"ExecStart=\nExecStart=%h/no-program\n", 1, "/root/no-program: No such"},
		{"ExecStart=\n", 65, "x.service has no ExecStart="},
	};

	(void)state;
	need_command();
	assert_sh(0, "chmod 755 .", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char unit[1000];
		int status;

		snprintf(unit, sizeof(unit), "%s%s", LOADED, cases[i].lines);
		status = examine(unit);
		if (status != cases[i].status)
			fail_msg("%s: ended with %d, not %d: %s", cases[i].lines, status,
				cases[i].status, output);
		assert_says(cases[i].says);
	}
}

static void a_unit_without_the_library_is_told(void **state)
{
	(void)state;
	need_command();
	assert_int_equal(examine(UNIT), 1);
	assert_says("the unit does not load the library: LD_PRELOAD is not set. Seal it: mailseal "
		    "enable");
	assert_int_equal(examine("[Service]\nExecStart=DIR/mailseal run\n"), 1);
	assert_int_equal(examine("[Unit]\nExecStart=/bin/true\n"), 65);
}

static void mailseal_run_in_a_unit_loads_it(void **state)
{
	(void)state;
	need_command();
	assert_sh(0,
		"printf '[Service]\\nExecStart=%s/mailseal run -c /x --log=y -- /bin/true\\n' $PWD "
		">run.service; ./mailseal doctor ./run.service",
		"the service is started by mailseal run");
	assert_says("/bin/true is dynamically linked");
	assert_sh(1,
		"printf '[Service]\\nExecStart=%s/mailseal run --ports 25 no-such-program\\n' $PWD "
		">run.service; ./mailseal doctor ./run.service",
		"mailseal would look for no-such-program in vain: No such file");
}

/* A unit that loads the library and starts `%s`, with the directory put in for @. */
static int start_by(const char *command)
{
	char text[1500] = "[Service]\nEnvironment=LD_PRELOAD=LIBRARY\nExecStart=";

	for (; *command; command++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s",
			*command == '@' ? (int)strlen(directory) : 1,
			*command == '@' ? directory : command);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "\n");
	return examine(text);
}

/* What is behind them counts, whatever options stand in between. */
static void commands_that_start_others_are_followed(void **state)
{
	static const char *const wrappers[] = {"/usr/bin/env", "env -- A=b", "nice -n 5", "nice -5",
		"nice --adjustment=5", "nohup", "ionice -c2 -n 7", "setsid --wait",
		"stdbuf -oL -e 0", "timeout 5", "timeout -k 3 --signal TERM 5",
		"timeout --foreground 5", "setpriv --reuid 65534 --clear-groups", "chrt -b 0",
		"taskset -c 0", "prlimit --nofile=100", "chroot /", "chroot --userspec=0:0 /",
		"env -u FOO nice timeout 5", "env -S 'nice -n 5'", "env -vS'A=\"b c\" nohup'",
		"env -i LD_PRELOAD=LIBRARY", "env -i @/mailseal run -p 25 --"};
	char command[300];

	(void)state;
	need_64_bit();
	segment(PT_INTERP)->p_type = PT_NULL;
	write_program("static", length);
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++) {
		snprintf(command, sizeof(command), "%s @/static", wrappers[i]);
		if (start_by(command) != 1)
			fail_msg("%s: %s", command, output);
		assert_says("/static is statically linked");
		snprintf(command, sizeof(command), "%s /bin/true", wrappers[i]);
		if (start_by(command) != 0)
			fail_msg("%s: %s", command, output);
		assert_says("/bin/true is dynamically linked");
	}
	assert_int_equal(start_by("nice no-such-program"), 1);
	assert_says("nice would look for no-such-program in vain");
	assert_int_equal(start_by("nice"), 0);
	assert_int_equal(start_by("chroot /none /bin/true"), 1);
	assert_says("chroot /none: No such file or directory");
}

static void commands_that_take_the_library_away_are_obstacles(void **state)
{
	static const char *const commands[][2] = {{"env -i", "(env -i)"}, {"env -", "(env -)"},
		{"env --ignore-env", "(env -i)"}, {"env -iv A=b", "(env -i)"},
		{"env -u LD_PRELOAD", "(env -u LD_PRELOAD)"},
		{"env -uLD_PRELOAD", "(env -u LD_PRELOAD)"},
		{"env --unset=LD_PRELOAD", "(env -u LD_PRELOAD)"},
		{"env LD_PRELOAD=/x.so", "(env LD_PRELOAD=/x.so)"},
		{"env LD_PRELOAD=", "(env LD_PRELOAD=)"}, {"env -S '-i A=b'", "(env -i)"},
		{"nice env -i timeout 5", "(env -i)"}, {"@/mailseal run -- env -i", "(env -i)"},
		{"setpriv --reset-env", "(setpriv --reset-env)"}};
	char command[300];

	(void)state;
	need_command();
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		snprintf(command, sizeof(command), "%s /bin/true", commands[i][0]);
		if (start_by(command) != 1)
			fail_msg("%s: %s", command, output);
		assert_says("/bin/true is started without LD_PRELOAD");
		assert_says(commands[i][1]);
	}
	/* One command takes nothing from the next. */
	assert_int_equal(start_by("env LD_PRELOAD=LIBRARY /bin/true\nExecStart=/bin/true"), 0);
	assert_int_equal(start_by("env -i /bin/true\nExecStart=/bin/true"), 1);
	assert_false(strstr(output, "does not load the library"));
}

/* Only what starts it is known: that is no plain yes. */
static void what_cannot_be_followed_is_a_warning(void **state)
{
	static const char *const commands[] = {"flock /tmp/x", "unshare -n", "runuser -u root --",
		"su root -c", "env nice flock /tmp/x", "env -C /tmp ./", "xargs"};
	char command[300];

	(void)state;
	need_64_bit();
	segment(PT_INTERP)->p_type = PT_NULL;
	write_program("static", length);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		snprintf(command, sizeof(command), "%s /bin/true", commands[i]);
		if (start_by(command) != 0)
			fail_msg("%s: %s", command, output);
		assert_says("was judged, not what it starts. Ask for what sends the mail");
		assert_says("reaches ./x.service itself; what that starts was not judged");
	}
	assert_int_equal(start_by("flock /tmp/x @/static"), 0);
	assert_says("flock names ");
	assert_says("/static, which is statically linked and is not reached.");
	assert_int_equal(start_by("/bin/sh -ec 'exec @/static -t'"), 0);
	assert_says("the text for /bin/sh names ");
	assert_says("/static, which is statically linked and is not reached.");
	assert_int_equal(start_by("runuser -l root -c /bin/true"), 1);
	assert_says("runuser starts does not get LD_PRELOAD (runuser -l). Take that out");
	assert_int_equal(start_by("/bin/sh -c 'unset LD_PRELOAD; exec /bin/true'"), 1);
	assert_says("what the text for /bin/sh starts does not get LD_PRELOAD (unset LD_PRELOAD)");
	write_file("cleans", "#!/bin/sh\nexec env -i /bin/true\n");
	assert_sh(0, "chmod 755 cleans", "");
	assert_int_equal(start_by("@/cleans"), 0);
	assert_says("/cleans starts something without LD_PRELOAD (env -i). If that sends the mail");
	assert_int_equal(start_by("/usr/bin/perl -e 'delete $$ENV{LD_PRELOAD}'"), 0);
	assert_says("warning   the text for /usr/bin/perl mentions 'LD_PRELOAD'");
	assert_int_equal(start_by("/bin/sh -c 'exec \"$PROGRAM\" x'"), 0);
	assert_says("only the shell was judged, not what the text for /bin/sh starts ($PROGRAM)");
	assert_int_equal(start_by("/bin/sh -c 'echo hello'"), 0);
	assert_says("mailseal reaches ./x.service.");
}

static void programs_that_scripts_name_are_looked_at(void **state)
{
	char text[400];

	(void)state;
	need_64_bit();
	segment(PT_INTERP)->p_type = PT_NULL;
	write_program("static", length);
	snprintf(text, sizeof(text), "#!/bin/sh\nexec %s/static \"$@\"\n", directory);
	write_file("wrapper", text);
	snprintf(text, sizeof(text), "#!/usr/bin/perl -w\nsystem('%s/static', 1);\n", directory);
	write_file("perl", text);
	write_file("by_path", "#!/bin/sh -e\nA=b static x\n");
	write_file("harmless", "#!/bin/sh\n# static nice\nA=nice\necho nice\n");
	write_file("others", "#!/bin/sh\ncase $1 in\nx) nice -n 5 ls;;\nesac | \"$MTA\"\n");
	assert_sh(0, "chmod +x wrapper perl by_path harmless others", "");
	assert_sh(0, "./mailseal doctor ./wrapper", "/wrapper names /");
	assert_says("/static, which is statically linked and is not reached.");
	assert_says("reaches ./wrapper itself; what that starts was not judged");
	assert_sh(0, "./mailseal doctor ./perl", "/static, which is statically linked");
	assert_sh(0, "PATH=.:$PATH ./mailseal doctor ./by_path", "/by_path names ./static, which");
	assert_sh(0, "PATH=.:$PATH ./mailseal doctor ./harmless", "mailseal reaches ./harmless.");
	assert_sh(0, "./mailseal doctor ./others", "not what ");
	assert_says("/others starts (nice, ls, $MTA)");
	assert_int_equal(start_by("/bin/sh @/wrapper"), 0);
	assert_says("/static, which is statically linked and is not reached.");
}

static void continued_lines_and_comments_are_read_as_systemd_does(void **state)
{
	(void)state;
	need_command();
	assert_int_equal(
		examine("# a comment \\\n[Service]\n; another\n  ExecStart = \\\n# in between\n"
			" /bin/true \\\n x\nEnvironment=A=b \\\n"
			"  \"LD_PRELOAD=LIBRARY\" 'C=d e'\n"),
		0);
	assert_int_equal(
		examine("[Service]\nExecStart=/bin/true\nEnvironment=LD_PRELOAD=LIBRARY \\"), 0);
	assert_int_equal(examine("\\\n\\\n\\"), 65);
	assert_int_equal(examine("[Service"), 65);
	assert_int_equal(examine("=\n[]\n==\n[Service]\n=x\nExecStart"), 65);
}

static void environment_files_come_after_environment(void **state)
{
	(void)state;
	need_command();
	assert_sh(0,
		"printf '# c\\nexport A=b\\nLD_PRELOAD=\"%s/libmailseal.so\"\\n' $PWD >vars; "
		"printf '[Service]\\nExecStart=/bin/true\\nEnvironment=LD_PRELOAD=/x.so\\n"
		"EnvironmentFile=%s/vars\\n' $PWD >f.service; ./mailseal doctor ./f.service",
		"mailseal reaches ./f.service.");
	assert_sh(1, "rm vars; ./mailseal doctor ./f.service", "/vars: No such file or directory");
	assert_sh(1, "sed -i s,File=,File=-, f.service; ./mailseal doctor ./f.service",
		"LD_PRELOAD=/x.so");
	assert_null(strstr(output, "/vars: No such file"));
}

/* As systemd reads them, which is not as a shell does. */
static void environment_files_have_a_syntax_of_their_own(void **state)
{
	static const struct {
		const char *text, *preload;
	} cases[] = {
		{"LD_PRELOAD=/a /b  \n", "=/a /b."},
		{"LD_PRELOAD = '/a'\" /b\"\n", "=/a /b."},
		{"LD_PRELOAD=/a\\\n/b", "=/a/b."},
		{"LD_PRELOAD=\"/a\\$\\q\\\nb\"", "=/a$\\qb."},
		{"# LD_PRELOAD=/a\n;LD_PRELOAD=/b\n", " is not set"},
		{"export LD_PRELOAD=/a\n", " is not set"},
		{"LD_PRELOAD=/a\nLD_PRELOAD\nLD_PRELOAD=\n", " is not set"},
		{"X='\nLD_PRELOAD=/a", " is not set"},
		{"LD_PRELOAD=/a\rLD_PRELOAD=/b\r\n", "=/b."},
		{"LD_PRELOAD=a'b'c\n", "=a'b'c."},
	};

	(void)state;
	need_command();
	assert_sh(0,
		"printf '[Service]\\nExecStart=/bin/true\\nEnvironmentFile=%s/var[rs]\\n' $PWD "
		">f.service",
		"");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char expected[100];

		write_file("vars", cases[i].text);
		assert_sh(1, "./mailseal doctor ./f.service", "does not load the library");
		snprintf(expected, sizeof(expected), "LD_PRELOAD%s", cases[i].preload);
		assert_says(expected);
	}
	assert_sh(1, "rm vars; ./mailseal doctor ./f.service", "/var[rs]: there is none");
}

static void units_are_found_as_systemctl_cat_finds_them(void **state)
{
	const char *doctor = "SYSTEMD_UNIT_PATH=$PWD/etc:$PWD/usr ./mailseal doctor ";
	char command[300];

	(void)state;
	need_command();
	assert_sh(0,
		"mkdir -p etc usr etc/a-b.service.d usr/a-b.service.d usr/a-.service.d "
		"usr/service.d usr/t@.service.d && "
		"echo '[Service]\nExecStart=/none' >usr/a-b.service && "
		"printf '[Service]\\nExecStart=\\nExecStart=/bin/true\\n' "
		">etc/a-b.service.d/10.conf && "
		"printf '[Service]\\nEnvironment=LD_PRELOAD=/x.so\\n' >usr/a-.service.d/20.conf && "
		"printf '[Service]\\nEnvironment=LD_PRELOAD=%s/libmailseal.so\\n' $PWD "
		">usr/service.d/30.conf && "
		"printf '[Service]\\nTasksMax=1\\n' >usr/a-b.service.d/40.conf && "
		"ln -s /dev/null etc/a-b.service.d/40.conf && "
		"echo nonsense >etc/a-b.service.d/README",
		"");
	snprintf(command, sizeof(command), "%s a-b.service", doctor);
	assert_sh(0, command, "mailseal reaches a-b.service.");
	assert_says("unit ");
	assert_says("/usr/a-.service.d/20.conf\n");
	assert_null(strstr(output, "README"));
	/* an alias, a template with an instance, one that is masked */
	assert_sh(0, "ln -s a-b.service usr/alias.service", "");
	snprintf(command, sizeof(command), "%s alias.service", doctor);
	assert_sh(0, command, "/etc/a-b.service.d/10.conf\n");
	assert_sh(0,
		"printf '[Service]\\nExecStart=/bin/%%i\\n' >usr/t@.service; "
		"printf '[Service]\\nTasksMax=4\\n' >usr/t@.service.d/x.conf",
		"");
	snprintf(command, sizeof(command), "%s t@true.service", doctor);
	assert_sh(0, command, "/bin/true is dynamically linked");
	assert_says("TasksMax=4");
	assert_sh(0, "ln -s /dev/null etc/masked.service", "");
	snprintf(command, sizeof(command), "%s masked.service", doctor);
	assert_sh(65, command, "masked.service has no ExecStart= (is it masked");
	snprintf(command, sizeof(command), "%s none.service", doctor);
	assert_sh(66, command, "there is no unit none.service");
	/* the drop-ins of an alias count for the unit, whatever it is called by */
	assert_sh(0,
		"mkdir etc/alias.service.d; "
		"printf '[Service]\\nTasksMax=3\\n' >etc/alias.service.d/z.conf",
		"");
	snprintf(command, sizeof(command), "%s a-b.service", doctor);
	assert_sh(0, command, "TasksMax=3");
	assert_sh(0,
		"ln -s u@.service usr/v@.service; ln -s v@.service usr/w@.service; "
		"cp usr/t@.service usr/u@.service",
		"");
	snprintf(command, sizeof(command), "%s w@true.service", doctor);
	assert_sh(0, command, "/bin/true is dynamically linked");
	assert_sh(0,
		"ln -s circle.service usr/round.service; "
		"ln -s round.service usr/circle.service",
		"");
	snprintf(command, sizeof(command), "%s circle.service", doctor);
	assert_sh(65, command, "its links go round in a circle");
	assert_sh(66, "./mailseal doctor ./etc/a-b.service.d/", "is a directory");
	assert_sh(66, "mkdir -p d.service; ./mailseal doctor ./d.service", "is a directory");
}

static void a_root_directory_is_a_tree_of_its_own(void **state)
{
	(void)state;
	need_command();
	assert_sh(0,
		"mkdir -p tree/bin tree/opt && cp /bin/true tree/opt/real && ln -s /opt/real "
		"tree/bin/program && printf '[Service]\\nRootDirectory=%s/tree\\n"
		"ExecStart=/bin/program\\nEnvironment=LD_PRELOAD=/opt/libmailseal.so\\n' $PWD "
		">root.service",
		"");
	/* the link leads to what is inside; loader and libraries are not there */
	assert_sh(1, "./mailseal doctor ./root.service", "its loader /lib");
	assert_says("/tree: the service sees nothing outside of it");
	assert_says("/opt/libmailseal.so: No such file or directory");
	assert_says("without MountAPIVFS there may be no /proc");
	assert_sh(1, "rm tree/opt/real; ./mailseal doctor ./root.service", "/bin/program: No such");
}

/* --- processes --- */

static pid_t start(const char *preload)
{
	char library[300];
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(library, sizeof(library), "%s/%s", directory, preload ? preload : "");
		if (preload)
			setenv("LD_PRELOAD", library, 1);
		setenv("MAILSEAL_PORTS", "25,2525", 1);
		setenv("MAILSEAL_LOG", "stderr", 1); /* there may be no other here */
		execlp("sleep", "sleep", "60", (char *)NULL);
		_exit(127);
	}
	for (unsigned i = 0; i < 500 && sh("tr '\\0' ' ' </proc/%d/cmdline | grep -q 'sleep 60' && "
					   "grep -q libc /proc/%d/maps",
						(int)pid, (int)pid) != 0;
		i++)
		usleep(10000);
	usleep(50000);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_process_with_the_library_is_protected(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	need_command();
	pid = start("libmailseal.so");
	status = sh("./mailseal doctor --pid %d", (int)pid);
	if (status == 0)
		status = sh("./mailseal doctor sleep %d", (int)pid);
	stop(pid);
	if (status != 0)
		fail_msg("ended with %d: %s", status, output);
	assert_says("it has loaded /tmp/tools_test.");
	assert_says("it was started with MAILSEAL_PORTS=25,2525");
	assert_says(
		"it holds no TCP connection of its own to a mail port (25, 2525) at this moment");
	assert_says(" is protected by mailseal.");
}

static void a_process_without_the_library_is_not(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	need_command();
	pid = start(NULL);
	status = sh("./mailseal doctor --pid %d", (int)pid);
	stop(pid);
	assert_int_equal(status, 1);
	assert_says("the process has not loaded libmailseal.so. Start it by mailseal run");
	assert_says("is NOT protected by mailseal.");
	assert_int_equal(sh("./mailseal doctor --pid %d", (int)pid), 66);
	assert_says("there is no process");
}

static void a_library_that_could_not_be_loaded_is_told(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	need_command();
	pid = start("none/libmailseal.so");
	status = sh("./mailseal doctor --pid %d", (int)pid);
	stop(pid);
	assert_int_equal(status, 1);
	assert_says("none/libmailseal.so: No such file or directory. The loader says so");
	assert_says("LD_PRELOAD names the library, but the process has not loaded it");
}

static void a_library_that_was_replaced_is_told(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	need_command();
	assert_sh(0, "cp libmailseal.so libmailseal-old.so", "");
	pid = start("libmailseal-old.so");
	sh("cp libmailseal.so new && mv new libmailseal-old.so");
	status = sh("./mailseal doctor --pid %d; sleep 0", (int)pid);
	assert_says("the library that it has loaded is not the one that is now at");
	sh("rm libmailseal-old.so");
	sh("./mailseal doctor --pid %d", (int)pid);
	assert_null(strstr(output, "fits the program"));
	status = sh("./mailseal doctor cat %d", (int)pid);
	stop(pid);
	assert_int_equal(status, 0);
	assert_says("the library that it has loaded is not the one that is now at");
	assert_says("does not run ");
}

static void zombies_and_kernel_threads_are_told(void **state)
{
	pid_t pid;

	(void)state;
	need_command();
	pid = fork();
	if (pid == 0)
		_exit(0);
	siginfo_t info;

	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	assert_int_equal(sh("./mailseal doctor --pid %d", (int)pid), 66);
	assert_says("has ended (a zombie)");
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_usage_is_64),
		cmocka_unit_test(what_is_no_program_is_told),
		cmocka_unit_test(directories_and_devices_are_no_programs),
		cmocka_unit_test(what_may_not_be_read_is_77),
		cmocka_unit_test(dynamic_programs_are_reached),
		cmocka_unit_test(static_and_foreign_programs_are_not),
		cmocka_unit_test(loaders_of_neither_libc_are_told),
		cmocka_unit_test(narrow_programs_need_a_narrow_library),
		cmocka_unit_test(go_is_seen_by_its_notes),
		cmocka_unit_test(truncated_programs_are_told),
		cmocka_unit_test(lying_programs_are_told),
		cmocka_unit_test(overlapping_segments_are_not_read_over_and_over),
		cmocka_unit_test(scripts_are_followed),
		cmocka_unit_test(setuid_counts_for_those_who_gain),
		cmocka_unit_test(known_programs_get_a_warning),
		cmocka_unit_test(a_missing_or_unfit_library_is_an_obstacle),
		cmocka_unit_test(json_says_the_same),
		cmocka_unit_test(settings_of_a_unit_are_told),
		cmocka_unit_test(a_unit_without_the_library_is_told),
		cmocka_unit_test(mailseal_run_in_a_unit_loads_it),
		cmocka_unit_test(commands_that_start_others_are_followed),
		cmocka_unit_test(commands_that_take_the_library_away_are_obstacles),
		cmocka_unit_test(what_cannot_be_followed_is_a_warning),
		cmocka_unit_test(programs_that_scripts_name_are_looked_at),
		cmocka_unit_test(continued_lines_and_comments_are_read_as_systemd_does),
		cmocka_unit_test(environment_files_come_after_environment),
		cmocka_unit_test(environment_files_have_a_syntax_of_their_own),
		cmocka_unit_test(units_are_found_as_systemctl_cat_finds_them),
		cmocka_unit_test(a_root_directory_is_a_tree_of_its_own),
		cmocka_unit_test(a_process_with_the_library_is_protected),
		cmocka_unit_test(a_process_without_the_library_is_not),
		cmocka_unit_test(a_library_that_could_not_be_loaded_is_told),
		cmocka_unit_test(a_library_that_was_replaced_is_told),
		cmocka_unit_test(zombies_and_kernel_threads_are_told),
	};

	return cmocka_run_group_tests(tests, prepare, clean_up);
}
