/*
 * environment: the variables that a service is started with.
 */
#include "tools/doctor/unit.h"

#include "tools/print.h"

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

/* systemd passes what has another name over. */
static bool is_name(const char *name, size_t length)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	return length > 0 && (*name < '0' || *name > '9') && strspn(name, letters) >= length;
}

bool service_takes(const char *variable)
{
	size_t length = strcspn(variable, "=");

	for (const char *at = variable + length; *at; at++) {
		if ((*at > 0 && *at < ' ' && *at != '\t' && *at != '\n') || *at == 0x7f)
			return false;
	}
	return is_name(variable, length) && is_utf8(variable + length);
}

/* NAME=VALUE: replaces an earlier one. */
static int set(struct service *s, const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	char **grown;

	if (!equals || !service_takes(assignment))
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

/* One that is no text makes the whole file worthless. */
static int check_text(void *ignored, const char *assignment)
{
	(void)ignored;
	return is_utf8(assignment) ? 0 : -EILSEQ;
}

static int take_assignment(void *service, const char *assignment)
{
	return set(service, assignment);
}

struct file_context {
	struct service *s;
	struct patient *p;
	bool may_miss;
};

static int take_file(void *context, const char *path)
{
	struct file_context *c = context;
	size_t length = 0;
	char *text = patient_read(c->p, path, FILE_MOST, &length);
	int rc;

	if (text && (strlen(text) < length || env_file_parse(text, check_text, NULL) == -EILSEQ)) {
		free(text);
		if (!c->may_miss)
			diagnosis_add(&c->p->found, SEVERITY_WARNING, "environment-file",
				"The service does not start with it",
				"EnvironmentFile %s: it is no text in UTF-8, or holds NUL", path);
		return 0;
	}
	if (!text) {
		if (!c->may_miss || errno != ENOENT)
			diagnosis_add(&c->p->found, SEVERITY_WARNING, "environment-file",
				errno == EACCES ? "Ask as root: what is in it is not known here"
						: "The service does not start without it, unless a "
						  "- stands before its name",
				"EnvironmentFile %s: %s", path, strerror(errno));
		return 0;
	}
	rc = env_file_parse(text, take_assignment, c->s);
	free(text);
	return rc;
}

static int take_files(struct service *s, struct patient *p, const char *value)
{
	struct file_context context = {s, p, *value == '-'};
	char path[PATH_MAX];
	int rc;

	if (!unit_expand(&s->unit, value + context.may_miss, path, sizeof(path)))
		return 0;
	rc = patient_glob(p, path, take_file, &context);
	if (rc == -ENOENT && !context.may_miss)
		diagnosis_add(&p->found, SEVERITY_WARNING, "environment-file",
			"The service does not start without it, unless a - stands before its name",
			"EnvironmentFile %s: there is none", path);
	return rc == -ENOENT ? 0 : rc;
}

/* What the manager gives to all of its services. */
static int take_default(struct service *s, const struct patient *p)
{
	const char *value;
	struct unit manager;
	size_t at = 0;
	int rc = unit_load_manager(&manager, p) == -ENOMEM ? -ENOMEM : 0;

	while (!rc && (value = unit_next_in(&manager, "Manager", "DefaultEnvironment", &at)))
		rc = take_words(s, value);
	unit_clear(&manager);
	return rc;
}

int service_environment(struct service *s, struct patient *p)
{
	const char *value;
	char word[256];
	size_t at = 0;
	int rc = 0;

	rc = take_default(s, p);
	while (!rc && (value = unit_next(&s->unit, "Environment", &at)))
		rc = take_words(s, value);
	at = 0;
	while (!rc && (value = unit_next(&s->unit, "EnvironmentFile", &at)))
		rc = take_files(s, p, value);
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
