/*
 * tools_policy_crash: what `mailseal policy` leaves where the disk fails it or it is killed.
 */
#include "tests/unit/tools_policy.h"

/* strace makes a system call fail, or kills there. */
static bool have_strace(void)
{
	if (sh("strace -o /dev/null -e trace=none true") == 0)
		return true;
	print_message("strace is not there, or may not trace: in part skipped\n");
	return false;
}

#define SET_UNDER "./mailseal policy -c p.conf set sender b.example require_tls=true"
/* The leak sanitizer cannot work in a program that is traced. */
#define INJECT                                                                                     \
	"strace -E ASAN_OPTIONS=detect_leaks=0 -f -o /dev/null -e trace=fsync,/^rename -e inject="

/* Once the new file has its name the change holds, whatever becomes of the directory. */
static void a_directory_that_cannot_be_synced_is_told_and_no_failure(void **state)
{
	(void)state;
	need_command();
	if (!have_strace())
		skip();
	policy(0, "set sender a.example require_tls=true", "");
	assert_sh(0, INJECT "fsync:error=EIO:when=2 " SET_UNDER,
		"/p.d: Input/output error; the change holds, but may not survive a crash");
	assert_null(strstr(output, "nothing was changed"));
	assert_sh(0, "grep -c b.example " DOMAINS, "1\n");
	assert_sh(0, INJECT "fsync:error=EINVAL:when=2 " SET_UNDER, "sender \"b.example\"");
	assert_null(strstr(output, "crash"));
	assert_sh(0, INJECT "fsync:error=EOPNOTSUPP:when=2 " SET_UNDER, "sender \"b.example\"");
	assert_null(strstr(output, "crash"));
	/* Of a directory that is new, the one above counts too. */
	assert_sh(
		0, "rm -r p.d; " INJECT "fsync:error=EIO:when=3 " SET_UNDER, "; the change holds");
	assert_sh(0, "cp " DOMAINS " before", "");
	assert_sh(73, INJECT "fsync:error=EIO:when=1 " SET_UNDER, "nothing was changed");
	assert_sh(0, "cmp before " DOMAINS "; ls -A p.d", "domains.conf\n");
}

static void what_a_killed_change_left_is_removed_and_nothing_else(void **state)
{
	(void)state;
	need_command();
	policy(0, "set sender a.example require_tls=true", "");
	assert_sh(0,
		"cd p.d; touch domains.conf.unfinished-aB3dE9 domains.conf.unfinished-aB3dE9x "
		"domains.conf.unfinished-aB3d-9 domains.conf.backup x.unfinished-aB3dE9; ln -s x "
		"domains.conf.unfinished-LINK00; mkdir domains.conf.unfinished-D1RECT",
		"");
	if (geteuid() == 0)
		assert_sh(0,
			"cd p.d; touch domains.conf.unfinished-0thers; chown 65534 "
			"domains.conf.unfinished-0thers",
			"");
	policy(0, "set sender b.example require_tls=true", "");
	assert_sh(0, "rm -f p.d/*0thers; cd p.d; LC_ALL=C ls -A",
		"domains.conf\ndomains.conf.backup\ndomains.conf.unfinished-D1RECT\n"
		"domains.conf.unfinished-LINK00\ndomains.conf.unfinished-aB3d-9\n"
		"domains.conf.unfinished-aB3dE9x\nx.unfinished-aB3dE9\n");
	if (!have_strace())
		return;
	assert_sh(0,
		"rm -r p.d/*[!f]; " INJECT "/^rename:signal=KILL " SET_UNDER "; ls p.d | wc -l",
		"2\n");
	policy(0, "set sender c.example require_tls=true", "");
	assert_sh(0, "ls -A p.d", "domains.conf\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_directory_that_cannot_be_synced_is_told_and_no_failure, begin),
		cmocka_unit_test_setup(
			what_a_killed_change_left_is_removed_and_nothing_else, begin),
	};

	return cmocka_run_group_tests(tests, prepare_configuration, clean_up);
}
