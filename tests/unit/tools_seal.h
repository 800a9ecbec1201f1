/*
 * tools_seal: a tree with programs and units, for the tests of mailseal enable and disable.
 */
#ifndef MAILSEAL_TESTS_TOOLS_SEAL_H
#define MAILSEAL_TESTS_TOOLS_SEAL_H

#include "tests/unit/tools_command.h"

#define SYSTEM "tree/etc/systemd/system/"
#define VENDOR "tree/usr/lib/systemd/system/"

/* A tree in which true(1) could run, with mailseal in it. */
static inline void make_tree(void)
{
	need_command();
	assert_sh(0,
		"rm -rf tree; mkdir -p tree/etc/systemd/system tree/usr/lib/systemd/system "
		"tree/usr/bin tree/usr/local/lib/mailseal "
		"tree/usr/local/libexec/mailseal && cp /bin/true tree/usr/bin/prog && "
		"for f in $(ldd /bin/true | grep -oE '/[^ ]+'); do mkdir -p tree/${f%/*} && "
		"cp $f tree/$f || exit 1; done; "
		"cp libmailseal.so tree/usr/local/lib/mailseal && "
		"cp mailseal-agent tree/usr/local/libexec/mailseal && "
		"printf 'root:x:0:0::/:/bin/sh\\nsvc:x:4321:4321::/:/bin/sh\\n' >tree/etc/passwd && "
		"printf 'root:x:0:\\nsvc:x:4321:\\n' >tree/etc/group",
		"");
}

static inline void write_unit(const char *name, const char *text)
{
	char path[150], whole[4000];

	snprintf(path, sizeof(path), VENDOR "%s", name);
	snprintf(whole, sizeof(whole), "%s%s", text[0] == '[' ? "" : "[Service]\n", text);
	write_file(path, whole);
}

/* The whole of a file in the directory; "" where it is not there. */
static inline const char *text_of(const char *name)
{
	static char text[8000];
	char path[400];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "r");
	n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	text[n] = '\0';
	if (file)
		fclose(file);
	return text;
}

static inline void assert_holds(const char *name, const char *line)
{
	if (!strstr(text_of(name), line))
		fail_msg("%s: expected: %s\ngot: %s", name, line, text_of(name));
}

static inline void assert_lacks(const char *name, const char *line)
{
	if (strstr(text_of(name), line))
		fail_msg("%s: has %s\n%s", name, line, text_of(name));
}

#endif
