/*
 * script: a script is its interpreter, and behind env(1) and the like what they start.
 */
#include "tools/doctor/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cuts the next word out of a #! line; NULL if there is none. */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");
	size_t length = strcspn(word, " \t");

	if (length == 0)
		return NULL;
	*line = word + length + (word[length] != '\0');
	word[length] = '\0';
	return word;
}

/* As the kernel starts it: the rest of the line is one word, and the path of the script follows. */
static int make_command(struct command *c, const char *interpreter, char *rest, const char *path)
{
	size_t length;
	int rc = command_add(c, interpreter);

	rest += strspn(rest, " \t");
	length = strlen(rest);
	while (length && strchr(" \t", rest[length - 1]))
		rest[--length] = '\0';
	if (!rc && *rest)
		rc = command_add(c, rest);
	return rc ? rc : command_add(c, path);
}

static int examine_command(
	struct patient *p, const char *path, struct command *c, unsigned depth, struct err *err)
{
	struct followed f;
	int rc = doctor_command(p, c, &f, err);

	if (rc)
		return rc;
	if (f.by)
		diagnosis_add(&p->found, SEVERITY_OK, "script", NULL,
			"%s is a script, run by %s (found by %s along PATH)", path, f.path, f.by);
	else
		diagnosis_add(&p->found, SEVERITY_OK, "script", NULL, "%s is a script, run by %s",
			path, f.path);
	doctor_command_tell(p, c, &f, path);
	doctor_words_of(p, path, wrapper_is_shell(f.path));
	return doctor_program_at(p, f.path, depth + 1, err);
}

int doctor_script(struct patient *p, const char *path, char *line, unsigned depth, struct err *err)
{
	struct command c = {0};
	char *interpreter;
	struct stat st;
	int rc;

	line[strcspn(line, "\n")] = '\0';
	if (strchr(line, '\r'))
		return err_fail(err, ENOEXEC,
			"%s: its #! line ends in CR LF, so that the "
			"interpreter is not found; give the file LF line ends",
			path);
	interpreter = next_word(&line);
	if (!interpreter)
		return err_fail(err, ENOEXEC, "%s: its #! line names no interpreter", path);
	rc = patient_stat(p, interpreter, &st);
	if (rc)
		return err_fail(
			err, -rc, "%s: its interpreter %s: %s", path, interpreter, strerror(-rc));
	rc = make_command(&c, interpreter, line, path);
	rc = rc ? err_fail(err, -rc, "%s", strerror(-rc))
		: examine_command(p, path, &c, depth, err);
	command_clear(&c);
	return rc;
}
