/*
 * tools_cgroup: which service a process belongs to, by what /proc/PID/cgroup says on machines of
 * all kinds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/seal/cgroup.c"

static const char init2[] = "0::/init.scope\n";
static const char init1[] = "9:name=systemd:/init.scope\n8:pids:/init.scope\n0::/init.scope\n";

static const struct {
	const char *what, *text, *init, *unit, *user_unit;
} table[] = {
	{"version 2", "0::/system.slice/billing.service\n", init2, "billing.service", ""},
	{"version 1", "8:pids:/other\n1:name=systemd:/system.slice/a.service\n",
		"1:name=systemd:/init.scope\n", "a.service", ""},
	{"both", "9:name=systemd:/system.slice/a.service\n0::/system.slice/a.service\n", init1,
		"a.service", ""},
	{"both, systemd in version 1 alone", "9:name=systemd:/system.slice/a.service\n0::/\n",
		"9:name=systemd:/init.scope\n0::/\n", "a.service", ""},
	{"both, systemd in version 2 alone", "9:name=systemd:/\n0::/system.slice/a.service\n",
		"9:name=systemd:/\n0::/init.scope\n", "a.service", ""},
	{"without a line end", "0::/system.slice/a.service", init2, "a.service", ""},
	{"slices in slices", "0::/mail.slice/mail-out.slice/a.service\n", init2, "a.service", ""},
	{"no slice", "0::/a.service\n", init2, "a.service", ""},
	{"an instance", "0::/system.slice/system-a.slice/a@b-c\\x2dd.service\n", init2,
		"a@b-c\\x2dd.service", ""},
	{"delegated", "0::/system.slice/a.service/payload/b.service\n", init2, "a.service", ""},
	{"escaped", "0::/system.slice/_cgroup.service\n", init2, "cgroup.service", ""},
	{"a user's", "0::/user.slice/user-7.slice/user@7.service/app.slice/b.service\n", init2,
		"user@7.service", "b.service"},
	{"a user's manager", "0::/user.slice/user-7.slice/user@7.service/init.scope\n", init2,
		"user@7.service", ""},
	{"a session", "0::/user.slice/user-7.slice/session-1.scope\n", init2, "", ""},
	{"a container", "0::/machine.slice/m.scope/payload/system.slice/a.service\n", init2, "",
		""},
	{"systemd in a container that sees the host's tree",
		"0::/docker/12/system.slice/a.service\n", "0::/docker/12/init.scope\n", "a.service",
		""},
	{"another container", "0::/docker/13/system.slice/a.service\n",
		"0::/docker/12/init.scope\n", "", ""},
	{"as long, another", "0::/docker/123/a.service\n", "0::/docker/12/init.scope\n", "", ""},
	{"outside of the namespace", "0::/../a.service\n", init2, "", ""},
	{"an old systemd", "1:name=systemd:/system.slice/a.service\n", "1:name=systemd:/\n",
		"a.service", ""},
	{"the root", "0::/\n", init2, "", ""},
	{"only a slice", "0::/system.slice\n", init2, "", ""},
	{"only an end", "0::/system.slice/.service\n", init2, "", ""},
	{"nothing", "", init2, "", ""},
	{"no init", "0::/system.slice/a.service\n", "", "a.service", ""},
	{"other controllers", "4:memory:/system.slice/a.service\n", init1, "", ""},
	{"junk", "0::\n:::\n0:x\n::/system.slice/a.service", init2, "", ""},
};

static void a_process_belongs_to_its_service(void **state)
{
	char unit[SERVICE_NAME_SIZE], user_unit[SERVICE_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		cgroup_service(table[i].text, table[i].init, unit, user_unit);
		if (strcmp(unit, table[i].unit) || strcmp(user_unit, table[i].user_unit))
			fail_msg("%s: '%s' and '%s'", table[i].what, unit, user_unit);
	}
}

static void names_that_are_too_long_are_none(void **state)
{
	char unit[SERVICE_NAME_SIZE], user_unit[SERVICE_NAME_SIZE], text[600];

	(void)state;
	snprintf(text, sizeof(text), "0::/system.slice/%0247d.service\n", 0);
	cgroup_service(text, init2, unit, user_unit);
	assert_int_equal(strlen(unit), 255);
	snprintf(text, sizeof(text), "0::/system.slice/%0248d.service\n", 0);
	cgroup_service(text, init2, unit, user_unit);
	assert_string_equal(unit, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_belongs_to_its_service),
		cmocka_unit_test(names_that_are_too_long_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
