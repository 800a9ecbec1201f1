/*
 * doctor_script: a script is its interpreter, and behind env(1) what env starts.
 */
#include "tools/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char env_advice[] =
	"Take that out of the #! line, or name the library in /etc/ld.so.preload";

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

static void tell_cleaned(struct patient *p, const char *path, const char *option)
{
	if (p->everywhere)
		return;
	diagnosis_add(&p->found, SEVERITY_OBSTACLE, "environment-cleaned", env_advice,
		"%s starts its interpreter without LD_PRELOAD (env %s)", path, option);
}

/* The words behind env: options and assignments up to the program, which is returned. */
static char *env_program(struct patient *p, const char *path, char *line)
{
	char *word;

	while ((word = next_word(&line))) {
		if (strcmp(word, "-i") == 0 || strcmp(word, "-") == 0 ||
			strcmp(word, "--ignore-environment") == 0) {
			tell_cleaned(p, path, word);
		} else if (strcmp(word, "-u") == 0 || strcmp(word, "--unset") == 0) {
			word = next_word(&line);
			if (word && strcmp(word, "LD_PRELOAD") == 0)
				tell_cleaned(p, path, "-u LD_PRELOAD");
		} else if (strncmp(word, "LD_PRELOAD=", 11) == 0) {
			if (!names_library(word + 11))
				tell_cleaned(p, path, word);
		} else if (strncmp(word, "-S", 2) == 0 && word[2]) {
			return word + 2;
		} else if (word[0] != '-' && !strchr(word, '=')) {
			return word;
		}
	}
	return NULL;
}

#define SCRIPT_MOST (1u << 20)

/* What the words of a script may mean. A hint only: nobody reads the script. */
static const struct {
	const char *word, *code, *meaning, *advice;
} words[] = {
	{"starttls", "own-tls", ": it may speak STARTTLS by itself",
		"What becomes of that, application_tls in mailseal.conf(5) decides"},
	{"LD_PRELOAD", "script-preload", "", "See that it leaves libmailseal.so in there"},
	{"env -i", "script-env", "",
		"What it starts so is not reached, unless mailseal run stands behind it"},
	{"sudo ", "script-sudo", "",
		"What it starts so is not reached, unless mailseal run stands behind it"},
};

static void look_for_words(struct patient *p, const char *path)
{
	char *text = patient_read(p, path, SCRIPT_MOST, NULL);

	for (size_t i = 0; text && i < sizeof(words) / sizeof(*words); i++) {
		if (strcasestr(text, words[i].word))
			diagnosis_add(&p->found, SEVERITY_NOTE, words[i].code, words[i].advice,
				"%s mentions '%s'%s", path, words[i].word, words[i].meaning);
	}
	free(text);
}

static int examine_env(
	struct patient *p, const char *path, char *line, unsigned depth, struct err *err)
{
	char found[PATH_MAX], *program = env_program(p, path, line);
	int rc;

	if (!program)
		return err_fail(err, ENOEXEC, "%s: its #! line names no program for env", path);
	rc = patient_find(p, program, found);
	if (rc)
		return err_fail(err, -rc, "%s: env would look for %s in vain: %s", path, program,
			strerror(-rc));
	diagnosis_add(&p->found, SEVERITY_OK, "script", NULL,
		"%s is a script, run by %s (found by env along PATH)", path, found);
	look_for_words(p, path);
	return doctor_program_at(p, found, depth + 1, err);
}

int doctor_script(struct patient *p, const char *path, char *line, unsigned depth, struct err *err)
{
	char *interpreter;
	const char *base;
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
	base = strrchr(interpreter, '/');
	if (base && strcmp(base, "/env") == 0)
		return examine_env(p, path, line, depth, err);
	diagnosis_add(&p->found, SEVERITY_OK, "script", NULL, "%s is a script, run by %s", path,
		interpreter);
	look_for_words(p, path);
	return doctor_program_at(p, interpreter, depth + 1, err);
}
