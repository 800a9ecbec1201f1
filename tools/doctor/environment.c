/*
 * environment: the variables that a service is started with.
 */
#include "tools/doctor/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST (1u << 20)
#define WORD_MOST 8192

static void drop(struct service *s, size_t i)
{
	free(s->variables[i]);
	memmove(s->variables + i, s->variables + i + 1,
		(--s->variable_count - i) * sizeof(*s->variables));
}

static bool is_named(const char *variable, const char *name, size_t length)
{
	return strncmp(variable, name, length) == 0 && variable[length] == '=';
}

/* NAME=VALUE: replaces an earlier one. */
static int set(struct service *s, const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	char **grown;

	if (!equals || equals == assignment)
		return 0;
	for (size_t i = 0; i < s->variable_count; i++) {
		if (is_named(s->variables[i], assignment, (size_t)(equals - assignment)))
			drop(s, i--);
	}
	grown = reallocarray(s->variables, s->variable_count + 1, sizeof(*s->variables));
	if (!grown)
		return -ENOMEM;
	s->variables = grown;
	grown[s->variable_count] = strdup(assignment);
	return grown[s->variable_count] ? (s->variable_count++, 0) : -ENOMEM;
}

/* NAME, or NAME=VALUE for that value alone. */
static void unset(struct service *s, const char *what)
{
	size_t length = strcspn(what, "=");

	for (size_t i = 0; i < s->variable_count; i++) {
		if (is_named(s->variables[i], what, length) &&
			(!what[length] || strcmp(s->variables[i], what) == 0))
			drop(s, i--);
	}
}

static int take_words(struct service *s, const char *value)
{
	char *word = malloc(WORD_MOST), *expanded = malloc(WORD_MOST);
	int rc = word && expanded ? 0 : -ENOMEM;

	while (!rc && unit_word(&value, word, WORD_MOST)) {
		unit_expand(&s->unit, word, expanded, WORD_MOST);
		rc = set(s, expanded);
	}
	free(word);
	free(expanded);
	return rc;
}

/* A line of an environment file; quotes around the value go. */
static int take_line(struct service *s, char *line)
{
	char *assignment, *word;
	const char *value;
	size_t size;
	int rc;

	line += strspn(line, " \t");
	if (!*line || *line == '#' || *line == ';' || !(value = strchr(line, '=')))
		return 0;
	size = strlen(line) + 1;
	word = malloc(size);
	if (!word)
		return -ENOMEM;
	value++;
	if (*value != '"' && *value != '\'')
		snprintf(word, size, "%s", value);
	else if (!unit_word(&value, word, size))
		*word = '\0';
	if (strncmp(line, "export ", 7) == 0)
		line += 7;
	rc = asprintf(&assignment, "%.*s=%s", (int)strcspn(line, "= \t"), line, word);
	free(word);
	if (rc < 0)
		return -ENOMEM;
	rc = set(s, assignment);
	free(assignment);
	return rc;
}

static int take_file(struct service *s, struct patient *p, const char *value)
{
	bool may_miss = *value == '-';
	char path[PATH_MAX], *text, *save = NULL;
	int rc = 0;

	if (!unit_expand(&s->unit, value + may_miss, path, sizeof(path)))
		return 0;
	text = patient_read(p, path, FILE_MOST, NULL);
	if (!text) {
		if (!may_miss || errno != ENOENT)
			diagnosis_add(&p->found, SEVERITY_WARNING, "environment-file",
				errno == EACCES ? "Ask as root: what is in it is not known here"
						: "The service does not start without it, unless a "
						  "- stands before its name",
				"EnvironmentFile %s: %s", path, strerror(errno));
		return 0;
	}
	for (char *line = strtok_r(text, "\r\n", &save); !rc && line;
		line = strtok_r(NULL, "\r\n", &save))
		rc = take_line(s, line);
	free(text);
	return rc;
}

int service_environment(struct service *s, struct patient *p)
{
	const char *value;
	char word[256];
	size_t at = 0;
	int rc = 0;

	while (!rc && (value = unit_next(&s->unit, "Environment", &at)))
		rc = take_words(s, value);
	at = 0;
	while (!rc && (value = unit_next(&s->unit, "EnvironmentFile", &at)))
		rc = take_file(s, p, value);
	at = 0;
	while (!rc && (value = unit_next(&s->unit, "UnsetEnvironment", &at))) {
		while (unit_word(&value, word, sizeof(word)))
			unset(s, word);
	}
	return rc;
}

void service_environment_clear(struct service *s)
{
	for (size_t i = 0; i < s->variable_count; i++)
		free(s->variables[i]);
	free(s->variables);
	s->variables = NULL;
	s->variable_count = 0;
}

const char *service_variable(const struct service *s, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < s->variable_count; i++) {
		if (is_named(s->variables[i], name, length))
			return s->variables[i][length + 1] ? s->variables[i] + length + 1 : NULL;
	}
	return NULL;
}
