/* What takes LD_PRELOAD away from what a command or the text of a shell starts. */
#include "tests/unit/tools_command.h"

static void texts_of_shells(void **state)
{
	static const struct {
		const char *text, *by;
	} cases[] = {
		{"", ""},
		{"exec /opt/prog -i", ""},
		{"LD_PRELOAD= /opt/prog", "LD_PRELOAD="},
		{"A=1 LD_PRELOAD='' exec /opt/prog", "LD_PRELOAD="},
		{"LD_PRELOAD=/a.so:$LD_PRELOAD /opt/prog", ""},
		{"LD_PRELOAD=\"/a.so ${LD_PRELOAD}\" /opt/prog", ""},
		{"LD_PRELOAD=/lib/libmailseal.so /opt/prog", ""},
		{"echo LD_PRELOAD=", ""},
		{"# unset LD_PRELOAD\n/opt/prog", ""},
		{"echo 'unset LD_PRELOAD'", ""},
		{"unset A LD_PRELOAD; /opt/prog", "unset LD_PRELOAD"},
		{"unset -v LD_PRELOAD", "unset LD_PRELOAD"},
		{"if true; then unset LD_PRELOAD; fi", "unset LD_PRELOAD"},
		{"(\"unset\" LD_\\\nPRELOAD)", "unset LD_PRELOAD"},
		{"export -n LD_PRELOAD", "export LD_PRELOAD"},
		{"export LD_PRELOAD=/a.so", "export LD_PRELOAD"},
		{"export LD_PRELOAD", ""},
		{"declare +x LD_PRELOAD", "declare LD_PRELOAD"},
		{"true && exec env -i A=b /opt/prog", "env -i"},
		{"nice env - /opt/prog", "env -"},
		{"env -u LD_PRELOAD nohup /opt/prog &", "env -u LD_PRELOAD"},
		{"env LD_PRELOAD= /opt/prog", "env LD_PRELOAD="},
		{"env -i mailseal run -- /opt/prog", ""},
		{"env -i LD_PRELOAD=/lib/libmailseal.so /opt/prog", ""},
		{"$(env -i /opt/prog)", "env -i"},
		{"busybox env -i /opt/prog", "env -i"},
		{"/bin/busybox sh -c 'unset LD_PRELOAD; exec /opt/prog'", "unset LD_PRELOAD"},
		{"sh -c 'bash -c \"env -i /opt/prog\"'", "env -i"},
		{"sudo -u x /opt/prog", "sudo"},
		{"sudo -u x mailseal run -- /opt/prog", ""},
		{"su - x -c /opt/prog", "su -l"},
		{"su x -lc /opt/prog", "su -l"},
		{"su x -c '/opt/prog -l'", ""},
		{"runuser --login x -c /opt/prog", "runuser -l"},
		{"runuser -u x -- /opt/prog -l", ""},
		{"systemd-run /opt/prog", "systemd-run"},
		{"systemd-run --scope /opt/prog", ""},
		{"flock /tmp/x /opt/prog", ""},
		{"'", ""},
		{"\"\\", ""},
		{"env", ""},
		{"sh -c", ""},
	};

	(void)state;
	need_command();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char script[200], says[200];

		snprintf(script, sizeof(script), "#!/bin/sh\n%s\n", cases[i].text);
		write_file("script", script);
		sh("chmod 755 script; ./mailseal doctor ./script");
		snprintf(says, sizeof(says), "without LD_PRELOAD%s%s%s", *cases[i].by ? " (" : "",
			cases[i].by, *cases[i].by ? "). " : "");
		if (!strstr(output, says) == (*cases[i].by != '\0'))
			fail_msg("%s: not '%s': %s", cases[i].text, cases[i].by, output);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_shells),
	};

	return cmocka_run_group_tests(tests, prepare, clean_up);
}
