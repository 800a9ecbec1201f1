/*
 * The unit's name in the text of /proc/PID/cgroup, as kernels and systemd write it.
 */
#include "shim/handoff/unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct {
	const char *cgroup, *unit;
} table[] = {
	{"0::/system.slice/billing.service\n", "billing.service"},
	{"0::/system.slice/system-php.slice/php@a\\x2db.service\n", "php@a\\x2db.service"},
	{"0::/system.slice/billing.service/workers/7\n", "billing.service"},
	{"0::/user.slice/user-1000.slice/user@1000.service/app.slice/mail.service\n",
		"mail.service"},
	{"0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"},
	{"0::/machine.slice/docker-ab12.scope\n", "docker-ab12.scope"},
	{"0::/system.slice/_cpu.service\n", "cpu.service"},
	{"0::/system.slice/a.socket", "a.socket"},
	{"0::/../../system.slice/a.service\n", "a.service"},
	{"0::/a.service (deleted)\n", ""},
	{"0::/system.slice/.service\n", ""},
	{"0::/user.slice\n", ""},
	{"0::/\n", ""},
	{"", ""},
	{"\n\n:\n::\n0::", ""},
	{"0::/a\"b.service\n", ""},
	{"0::/a b.service\n", ""},
	/* version 1, and both */
	{"12:cpu,cpuacct:/other.service\n1:name=systemd:/system.slice/a.service\n", "a.service"},
	{"2:pids:/x.service\n1:name=systemd:/system.slice/a.service\n0::/system.slice/a.service\n",
		"a.service"},
	{"1:name=systemd:/\n0::/system.slice/b.service\n", "b.service"},
	{"3:name=other:/c.service\n", ""},
	{"3:pids:/c.service\n", ""},
};

static void units_are_found(void **state)
{
	char unit[UNIT_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unit_of_cgroup(table[i].cgroup, strlen(table[i].cgroup), unit);
		assert_string_equal(unit, table[i].unit);
	}
}

/* Whatever the bytes: a name that fits, or none. Memory of just that size lets sanitizers see. */
static void anything_is_read(void **state)
{
	static const char letters[] = "0:/\n_.a\\@-\"service=namytd";
	char unit[UNIT_NAME_SIZE];

	(void)state;
	srandom(11);
	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)random() % 700;
		char *text = malloc(n ? n : 1);

		for (size_t i = 0; i < n; i++)
			text[i] = letters[(size_t)random() % (sizeof(letters) - (round % 2))];
		if (round % 3 == 0 && n > 20)
			memcpy(text, "0::/", 4), memcpy(text + n - 9, ".service\n", 9);
		unit_of_cgroup(text, n, unit);
		assert_true(strlen(unit) < sizeof(unit));
		assert_null(strpbrk(unit, "\" \n/"));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_are_found),
		cmocka_unit_test(anything_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
