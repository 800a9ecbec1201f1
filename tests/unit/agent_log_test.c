/*
 * Where the log goes: the journal's fields, a file through all that is done to log files, and the
 * count of what was lost.
 */
#include "shim/agent/log.h"
#include "shim/handoff/journal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>
#include <cmocka.h>

static char top[64], directory[96], path[128], moved[128];
static char text[1 << 16];

static int set_up(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/agent_log_XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(directory, sizeof(directory), "%s/log", top);
	snprintf(path, sizeof(path), "%s/mail.log", directory);
	snprintf(moved, sizeof(moved), "%s/moved", top);
	assert_int_equal(mkdir(directory, 0755), 0);
	return log_open(path);
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	unlink(moved);
	rmdir(directory);
	return rmdir(top);
}

static const char *read_file(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	close(fd);
	text[n] = '\0';
	return text;
}

static void assert_has(const char *name, const char *what)
{
	assert_non_null(strstr(read_file(name), what));
}

static void assert_lacks(const char *name, const char *what)
{
	assert_null(strstr(read_file(name), what));
}

/* --- the file --- */

static void renamed_file_is_made_anew(void **state)
{
	(void)state;
	log_event("one", "x");
	assert_int_equal(rename(path, moved), 0);
	log_event("two", "x");
	assert_has(moved, "event=one");
	assert_lacks(moved, "event=two");
	assert_has(path, "event=two reason=\"x\"\n");
}

static void file_that_another_made_is_taken(void **state)
{
	(void)state;
	assert_int_equal(rename(path, moved), 0);
	close(open(path, O_CREAT | O_WRONLY | O_EXCL, 0600));
	log_event("one", "x");
	assert_has(path, "event=one");
}

static void truncated_file_begins_at_its_start(void **state)
{
	(void)state;
	log_event("one", "x");
	assert_int_equal(truncate(path, 0), 0);
	log_event("two", "x");
	assert_lacks(path, "event=one");
	assert_true(text[0] >= '1' && text[0] <= '9'); /* no hole of zeros */
}

static void deleted_file_is_made_anew(void **state)
{
	(void)state;
	assert_int_equal(unlink(path), 0);
	log_event("one", "x");
	assert_has(path, "event=one");
}

static void replaced_directory_is_followed(void **state)
{
	char old[160], file[200];

	(void)state;
	snprintf(old, sizeof(old), "%s/old", top);
	snprintf(file, sizeof(file), "%s/mail.log", old);
	assert_int_equal(rename(directory, old), 0);
	assert_int_equal(mkdir(directory, 0755), 0);
	log_event("one", "x");
	assert_has(path, "event=one");
	assert_lacks(file, "event=one");
	unlink(file);
	rmdir(old);
}

/* Nothing can be made at the path: rather a moved file than none. */
static void moved_file_serves_until_there_is_another(void **state)
{
	(void)state;
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(rmdir(directory), 0);
	log_event("one", "x");
	assert_has(moved, "event=one");
	assert_int_equal(mkdir(directory, 0755), 0);
	log_event("two", "x");
	assert_has(path, "event=two");
	assert_lacks(path, "lost");
}

/* A deleted file takes lines, but nobody would read them. There is no syslog here. */
static void what_is_lost_is_counted(void **state)
{
	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
	for (int i = 0; i < 3; i++)
		log_event("gone", "x");
	assert_int_equal(mkdir(directory, 0755), 0);
	log_event("two", "x");
	log_event("three", "x");
	assert_has(path, "event=two");
	assert_has(path, "event=log reason=\"3 lines ");
	assert_lacks(path, "event=gone");
	assert_true(strstr(text, "3 lines") < strstr(text, "event=three"));
}

static void full_disk_is_survived(void **state)
{
	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/full", path), 0);
	log_event("gone", "x");
	log_event("gone", "x");
	assert_int_equal(unlink(path), 0);
	log_event("one", "x");
	assert_has(path, "event=one");
	assert_has(path, "\"2 lines ");
}

/* A line that broke off ends before the next one begins. */
static void line_that_broke_off_spoils_no_other(void **state)
{
	struct rlimit before, narrow;
	struct stat st;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	log_event("one", "x");
	assert_int_equal(stat(path, &st), 0);
	getrlimit(RLIMIT_FSIZE, &before);
	narrow = before;
	narrow.rlim_cur = (rlim_t)st.st_size + 40;
	setrlimit(RLIMIT_FSIZE, &narrow);
	log_event("broken", "%0500d", 1);
	log_event("gone", "x");
	setrlimit(RLIMIT_FSIZE, &before);
	log_event("two", "x");
	assert_has(path, "event=one reason=\"x\"\n");
	assert_non_null(strstr(text, ": event=two reason=\"x\"\n"));
	assert_null(strstr(text, "0event=two"));
	for (const char *at = text; *at; at = strchr(at, '\n') + 1)
		assert_true(at[0] == '2' && at[4] == '-'); /* each line with its time */
	assert_non_null(strstr(text, "\"2 lines "));
	signal(SIGXFSZ, SIG_DFL);
}

/* --- the journal --- */

#define ENTRY_SIZE JOURNAL_ENTRY_SIZE(LOG_LINE_MAX)

static const char *entry(const char *line)
{
	static char bytes[ENTRY_SIZE + 1];
	size_t n = journal_entry(LOG_INFO, line, 7, bytes, ENTRY_SIZE);

	assert_true(n <= ENTRY_SIZE);
	bytes[n] = '\0';
	assert_int_equal(strlen(bytes), n);
	return bytes;
}

static void each_key_is_a_field(void **state)
{
	(void)state;
	assert_string_equal(entry("event=transaction pid=5 certificate-verified=yes sender=\"a b\" "
				  "reply=\"\" suppressed=3"),
		"PRIORITY=6\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=mailseal\nSYSLOG_PID=7\n"
		"MESSAGE=event=transaction pid=5 certificate-verified=yes sender=\"a b\" "
		"reply=\"\" suppressed=3\n"
		"MAILSEAL_EVENT=transaction\nMAILSEAL_PID=5\nMAILSEAL_CERTIFICATE_VERIFIED=yes\n"
		"MAILSEAL_SENDER=a b\nMAILSEAL_REPLY=\nMAILSEAL_SUPPRESSED=3\n");
}

static void values_are_as_they_were(void **state)
{
	struct log_line line;
	const char *fields;

	(void)state;
	line_begin(&line, "x");
	line_quoted(&line, "quotes", "a\"b\\c", 100);
	line_quoted(&line, "utf8", "j\xc3\xb6rg@\xe2\x82\xac.example", 100);
	line_quoted(&line, "latin1", "j\xf6rg", 100);
	line_quoted(&line, "control", "a\r\nMAILSEAL_VERDICT=tls-verified\n", 100);
	line_quoted(&line, "c1", "a\xc2\x9b" "b", 100);
	line_quoted(&line, "hex", "\\x41", 100);
	line_quoted(&line, "last", "\\", 100);
	fields = strstr(entry(line.text), "MAILSEAL_EVENT");
	assert_string_equal(fields,
		"MAILSEAL_EVENT=x\nMAILSEAL_QUOTES=a\"b\\c\n"
		"MAILSEAL_UTF8=j\xc3\xb6rg@\xe2\x82\xac.example\nMAILSEAL_LATIN1=j\\xf6rg\n"
		"MAILSEAL_CONTROL=a\\x0d\\x0aMAILSEAL_VERDICT=tls-verified\\x0a\n"
		"MAILSEAL_C1=a\\xc2\\x9bb\nMAILSEAL_HEX=\\x41\nMAILSEAL_LAST=\\\n");
}

/* Whatever a value is, it makes no field of its own. */
static void no_value_makes_a_field(void **state)
{
	static const char letters[] = "\"\\ =x09af\n\r\tMAILSEAL_\xc3\xa4\xff\x01";
	struct log_line line;
	char value[60];

	(void)state;
	srandom(3);
	for (int round = 0; round < 20000; round++) {
		unsigned fields = 0;
		size_t n = (size_t)random() % (sizeof(value) - 1);

		for (size_t i = 0; i < n; i++)
			value[i] = letters[(size_t)random() % (sizeof(letters) - 1)];
		value[n] = '\0';
		line_begin(&line, "x");
		line_quoted(&line, "a", value, sizeof(value));
		line_quoted(&line, "b", value, (size_t)random() % sizeof(value));
		line_word(&line, "c", "d");
		for (const char *at = entry(line.text); *at; at = strchr(at, '\n') + 1)
			fields++;
		assert_int_equal(fields, 9);
		assert_non_null(strstr(entry(line.text), "\nMAILSEAL_C=d\n"));
	}
}

static void longest_line_fits(void **state)
{
	static char longest[LOG_LINE_MAX * 2];
	struct log_line line;

	(void)state;
	memset(longest, '\xff', sizeof(longest) - 1);
	line_begin(&line, "x");
	line_quoted(&line, "a", longest, sizeof(longest));
	line_word(&line, "b", "c");
	assert_non_null(strstr(entry(line.text), "\nMAILSEAL_A=\\xff"));
	for (int i = 0; i < 900; i++)
		memcpy(longest + 4 * (size_t)i, "a=1 ", 4);
	longest[3600] = '\0';
	assert_non_null(strstr(entry(longest), "MESSAGE=a=1 "));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(renamed_file_is_made_anew),
		CASE(file_that_another_made_is_taken),
		CASE(truncated_file_begins_at_its_start),
		CASE(deleted_file_is_made_anew),
		CASE(replaced_directory_is_followed),
		CASE(moved_file_serves_until_there_is_another),
		CASE(what_is_lost_is_counted),
		CASE(full_disk_is_survived),
		CASE(line_that_broke_off_spoils_no_other),
		cmocka_unit_test(each_key_is_a_field),
		cmocka_unit_test(values_are_as_they_were),
		cmocka_unit_test(no_value_makes_a_field),
		cmocka_unit_test(longest_line_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
