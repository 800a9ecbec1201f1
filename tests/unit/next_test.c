/* libresolv's functions where they come late: with older glibc in a library of their own, which a program's module may
 * bring. The dynamic linker is this test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <string.h>

static void *test_dlsym(void *from, const char *name);
static void *test_dlopen(const char *name, int flags);
static char *test_dlerror(void);

#define dlsym test_dlsym
#define dlopen test_dlopen
#define dlerror test_dlerror
#include "shim/preload/next.c"

static char library, plain_query, old_query;
static bool has_plain, has_old, loaded;
static unsigned looked, opened;

static void *test_dlsym(void *from, const char *name)
{
	looked++;
	if (from == RTLD_NEXT && has_plain && strcmp(name, "res_query") == 0)
		return &plain_query;
	if (from == &library && has_old && strcmp(name, "__res_query") == 0)
		return &old_query;
	return NULL;
}

static void *test_dlopen(const char *name, int flags)
{
	opened++;
	assert_string_equal(name, "libresolv.so.2");
	assert_true(flags & RTLD_NOLOAD); /* a program that does without it must not notice */
	return loaded ? &library : NULL;
}

static char *test_dlerror(void)
{
	return NULL;
}

static int nothing(void **state)
{
	(void)state;
	memset(found, 0, sizeof(found));
	has_plain = has_old = loaded = false;
	looked = opened = 0;
	return 0;
}

static void looked_for_once(void **state)
{
	(void)state;
	next_resolve();
	assert_ptr_equal(found[NEXT_RES_QUERY], NULL);
	has_plain = true;
	assert_ptr_equal(next_late(NEXT_RES_QUERY), &plain_query);
	looked = 0;
	assert_ptr_equal(next_late(NEXT_RES_QUERY), &plain_query);
	assert_int_equal(looked, 0);
	assert_int_equal(opened, 0);
}

static void found_in_a_library_that_came_later(void **state)
{
	(void)state;
	next_resolve();
	assert_null(next_late(NEXT_RES_QUERY));
	loaded = has_old = true;
	assert_ptr_equal(next_late(NEXT_RES_QUERY), &old_query);
	opened = 0;
	assert_ptr_equal(next_late(NEXT_RES_QUERY), &old_query);
	assert_int_equal(opened, 0);
	assert_null(next_late(NEXT_RES_NSEND));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(looked_for_once, nothing),
		cmocka_unit_test_setup(found_in_a_library_that_came_later, nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
