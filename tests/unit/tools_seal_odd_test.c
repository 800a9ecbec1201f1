/* Units whose files systemd reads otherwise than they look: what counts is what it reads. */
#include "tests/unit/tools_seal.h"

#define ENABLE "./mailseal enable --root tree "
#define BILLING SYSTEM "billing.service.d/50-mailseal.conf"
#define VARIABLES SYSTEM "billing.service.d/50-mailseal.env"
#define LIBRARY "/usr/local/lib/mailseal/libmailseal.so"

static void write_octets(const char *name, const char *octets, size_t size)
{
	char path[400];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(octets, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

#define WRITE_UNIT(text) write_octets(VENDOR "billing.service", text, sizeof(text) - 1)

/* In each of them, systemd sees a file of variables, which would count for more than the drop-in.
 */
static void odd_text_of_a_unit_is_read_as_systemd_does(void **state)
{
#define ODD(text)                                                                                  \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
	static const struct {
		const char *text;
		size_t size;
	} odd[] = {
		ODD("\xef\xbb\xbf[Service]\nExecStart=/usr/bin/prog\nEnvironmentFile=/etc/vars\n"),
		ODD("\xef\xbb\xbf; text\n[Service]\nExecStart=/usr/bin/prog\n"
		    "EnvironmentFile=/etc/vars\n"),
		ODD("[Service]\rExecStart=/usr/bin/prog\rEnvironmentFile=/etc/vars\r"),
		ODD("[Service]\r\nExecStart=/usr/bin/prog \\\r\n a\r\nEnvironmentFile=/etc/"
		    "vars\r\n"),
		ODD("[Service]\nExecStart=/usr/bin/prog\0EnvironmentFile=/etc/vars\n"),
		ODD("[Service]\nExecStart=/usr/bin/prog\nUser=a\\\\\nEnvironmentFile=/etc/vars\n"
		    "User=\n"),
		/* what stands behind damage is not read */
		ODD("[Service]\nExecStart=/usr/bin/prog\nEnvironmentFile=/etc/vars\n"
		    "X=\xc0\x80 \\\n a\nEnvironmentFile=\n"),
		ODD("[Service]\nExecStart=/usr/bin/prog\nEnvironmentFile=/etc/vars\n"
		    "[Unit\n[Service]\nEnvironmentFile=\n"),
	};
#undef ODD

	(void)state;
	make_tree();
	assert_sh(0, "echo LD_PRELOAD=/a.so >tree/etc/vars", "");
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		write_octets(VENDOR "billing.service", odd[i].text, odd[i].size);
		assert_sh(0, "rm -rf " SYSTEM "*; " ENABLE "billing", "50-mailseal.env");
		assert_holds(VARIABLES, "\nLD_PRELOAD=\"" LIBRARY ":/a.so\"\n");
	}
}

/* systemd passes over what it takes for no variable, or for no file of them. */
static void variables_that_systemd_does_not_take_are_not_written_on(void **state)
{
#define ODD(text)                                                                                  \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
	static const struct {
		const char *text;
		size_t size;
	} odd[] = {
		ODD("LD_PRELOAD=/a\xff.so\n"),
		ODD("X=\xed\xa0\x80\nLD_PRELOAD=/a.so\n"),
		ODD("LD_PRELOAD=/a.so\n\xff=1\n"),
		ODD("LD_PRELOAD=/a.so\nX=\0\n"),
		ODD("LD_PRELOAD=\"/a\x01.so\"\n"),
	};
#undef ODD

	(void)state;
	make_tree();
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		WRITE_UNIT("[Service]\nExecStart=/usr/bin/prog\nEnvironmentFile=-/etc/vars\n");
		write_octets("tree/etc/vars", odd[i].text, odd[i].size);
		assert_sh(0, "rm -rf " SYSTEM "*; " ENABLE "billing", "written");
		assert_holds(BILLING, "\nEnvironment=\"LD_PRELOAD=" LIBRARY "\"\n");
		assert_holds(VARIABLES, "\nLD_PRELOAD=\"" LIBRARY "\"\n");
	}
	WRITE_UNIT("[Service]\nExecStart=/usr/bin/prog\nEnvironmentFile=/etc/vars\n");
	assert_sh(0, "printf 'X=\\377\\n' >tree/etc/vars; " ENABLE "billing",
		"EnvironmentFile /etc/vars: it is no text in UTF-8, or holds NUL");
	WRITE_UNIT("[Service]\nExecStart=/usr/bin/prog\nEnvironment=\"LD_PRELOAD=/a\\xff.so\"\n");
	assert_sh(0, "rm -rf " SYSTEM "*; " ENABLE "billing", "written");
	assert_holds(BILLING, "\nEnvironment=\"LD_PRELOAD=" LIBRARY "\"\n");
	WRITE_UNIT("[Service]\nExecStart=/usr/bin/prog\nUnsetEnvironment=LD_PRELOAD \"A\xff\"\n");
	assert_sh(0, ENABLE "billing", "sealed already");
}

/* Within quotes too, a line of a unit ends with the line. */
static void line_ends_in_values_do_not_break_the_drop_in(void **state)
{
	(void)state;
	make_tree();
	WRITE_UNIT("[Service]\nExecStart=/usr/bin/prog\nEnvironment=\"LD_PRELOAD=/a\\nb.so\"\n");
	assert_sh(0, ENABLE "billing", "written");
	assert_holds(BILLING, "\nEnvironment=\"LD_PRELOAD=" LIBRARY ":/a:b.so\"\n");
	WRITE_UNIT("[Service]\nExecStart=/usr/bin/prog\n"
		   "UnsetEnvironment=LD_PRELOAD \"A=x\\ny\"\n");
	assert_sh(0, ENABLE "billing", "written");
	assert_holds(BILLING, "\nUnsetEnvironment=\"A=x\\ny\"\n");
	assert_sh(0, ENABLE "billing", "sealed already");
	WRITE_UNIT("[Service]\nExecStart=/usr/bin/prog\nEnvironmentFile=-/etc/vars\n");
	assert_sh(0, "printf 'LD_PRELOAD=\"/a\\nb.so\"\\n' >tree/etc/vars; " ENABLE "billing",
		"written");
	assert_holds(VARIABLES, "\nLD_PRELOAD=\"" LIBRARY ":/a:b.so\"\n");
	assert_sh(0, ENABLE "billing", "sealed already");
	/* a quote that is not closed: systemd passes over what it would hold */
	WRITE_UNIT("[Service]\nExecStart=/usr/bin/prog\nEnvironment=A=1 \"LD_PRELOAD=/a.so\n");
	assert_sh(0, ENABLE "billing", "written");
	assert_holds(BILLING, "\nEnvironment=\"LD_PRELOAD=" LIBRARY "\"\n");
}

/* Modules of PAM have the last word. */
static void what_pam_sets_is_told(void **state)
{
	(void)state;
	make_tree();
	WRITE_UNIT("[Service]\nExecStart=/usr/bin/prog\nPAMName=login\n");
	assert_sh(
		0, "echo '#LD_PRELOAD=/a.so' >tree/etc/environment; " ENABLE "billing", "written");
	assert_sh(69, "echo 'LD_PRELOAD=/a.so' >>tree/etc/environment; " ENABLE "billing",
		"may take the library away by /etc/environment: LD_PRELOAD=/a.so");
	WRITE_UNIT("[Service]\nExecStart=/usr/bin/prog\n");
	assert_sh(0, ENABLE "billing", "sealed already");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_text_of_a_unit_is_read_as_systemd_does),
		cmocka_unit_test(line_ends_in_values_do_not_break_the_drop_in),
		cmocka_unit_test(what_pam_sets_is_told),
		cmocka_unit_test(variables_that_systemd_does_not_take_are_not_written_on),
	};

	return cmocka_run_group_tests(tests, prepare, clean_up);
}
