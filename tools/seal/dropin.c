/*
 * dropin: the text of a drop-in, and of the file of variables beside it. Whatever is put in, is
 * written so that systemd reads exactly that.
 */
#include "tools/seal/seal.h"

#include "tools/doctor/loader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK "# Written by mailseal enable"
#define MADE "# Directories made for it: "

bool seal_is_own(const char *text)
{
	return strncmp(text, MARK, strlen(MARK)) == 0;
}

unsigned seal_made(const char *text)
{
	const char *at = strstr(text, "\n" MADE);
	unsigned long made = at ? strtoul(at + 1 + strlen(MADE), NULL, 10) : 0;

	return made < 16 ? (unsigned)made : 0;
}

/* In double quotes, `escaped` behind a backslash. A specifier is one only where it is meant. */
static void put_quoted(FILE *to, const char *text, const char *escaped, bool literal_percent)
{
	fputc('"', to);
	for (; *text; text++) {
		if (strchr(escaped, *text))
			fputc('\\', to);
		if (*text == '%' && literal_percent)
			fputc('%', to);
		if (*text == '\n' && !strchr(escaped, '$'))
			fputs("\\n", to); /* a line of a unit ends, within quotes too */
		else
			fputc(*text, to);
	}
	fputc('"', to);
}

/* A path that takes the whole line. */
static void put_path(FILE *to, const char *path, const char *escaped)
{
	for (; *path; path++) {
		if (strchr(escaped, *path))
			fputc('\\', to);
		if (*path == '%')
			fputc('%', to);
		fputc(*path, to);
	}
}

/* The library first, then the others that were named. */
static char *merge(const char *library, const char *others)
{
	size_t size = 0;
	char *text = NULL;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	fputs(library, to);
	while (others && *others) {
		const char *at = others + strspn(others, LOADER_SEPARATORS);
		size_t length = strcspn(at, LOADER_SEPARATORS);

		others = at + length;
		if (length && !is_library(at, length))
			fprintf(to, ":%.*s", (int)length, at);
	}
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* The system agent has a log and ports of its own, and would serve the service wherever it runs. (A
 * configuration that is named keeps it away by itself.) */
bool seal_has_own_agent(const struct seal_options *o)
{
	return !o->system_agent && (o->log[0] || o->ports);
}

int seal_variables(const struct seal_wish *w, struct seal_variable out[SEAL_VARIABLES_MOST])
{
	const struct seal_options *o = w->options;
	const char *const values[][2] = {
		{"MAILSEAL_CONFIG", o->config[0] ? o->config : NULL},
		{"MAILSEAL_LOG", o->log[0] ? o->log : NULL},
		{"MAILSEAL_PORTS", o->ports},
		{"MAILSEAL_SOCKET", o->system_agent	    ? MAILSEAL_SOCKET_DEFAULT
				    : seal_has_own_agent(o) ? "none"
							    : NULL},
	};
	size_t n = 0;
	bool failed;

	memset(out, 0, SEAL_VARIABLES_MOST * sizeof(*out));
	out[n] = (struct seal_variable){"LD_PRELOAD", merge(w->library, w->preload)};
	failed = !out[n++].value;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		if (!values[i][1])
			continue;
		out[n] = (struct seal_variable){values[i][0], strdup(values[i][1])};
		failed = failed || !out[n].value;
		n++;
	}
	if (failed)
		seal_variables_clear(out);
	return failed ? -ENOMEM : 0;
}

void seal_variables_clear(struct seal_variable list[SEAL_VARIABLES_MOST])
{
	for (size_t i = 0; i < SEAL_VARIABLES_MOST; i++)
		free(list[i].value);
	memset(list, 0, SEAL_VARIABLES_MOST * sizeof(*list));
}

static void put_head(FILE *to, const struct seal_wish *w, const struct sealing *s)
{
	const char *quote = strchr(s->name, '\\') ? "'" : "";

	fprintf(to, MARK " for %s: its mail goes over TLS, or as the policy says.\n", s->name);
	fprintf(to, "# Undo it: mailseal disable %s%s%s%s\n", w->tree->user ? "--user " : "", quote,
		s->name, quote);
	fputs("# Write what you add into another file: mailseal writes this one anew.\n", to);
}

static void put_assertions(FILE *to, const struct seal_wish *w)
{
	for (size_t i = 0; i < 2; i++) {
		if (!w->exists[i])
			continue;
		if (i == 0)
			fputs("# The loader only warns where the library is missing, and runs the "
			      "program unprotected.\n",
				to);
		fprintf(to, "AssertPathExists=%s\n", w->exists[i]);
	}
}

static void put_unset(FILE *to, const char *const *words)
{
	fputs("# The same list as before, without what is set here.\nUnsetEnvironment=\n", to);
	for (; *words; words++) {
		fputs("UnsetEnvironment=", to);
		put_quoted(to, *words, "\"\\", false);
		fputc('\n', to);
	}
}

static void put_dropin(FILE *to, const struct seal_wish *w, const struct sealing *s,
	const struct seal_variable *list)
{
	char path[PATH_MAX];

	put_head(to, w, s);
	if (s->made)
		fprintf(to, MADE "%u\n", s->made);
	fputs("\n[Unit]\n", to);
	put_assertions(to, w);
	if (w->options->system_agent && !w->tree->user)
		fputs("Requires=mailseal-agent.socket\nAfter=mailseal-agent.socket\n", to);
	fputs("\n[Service]\n", to);
	for (; list->name; list++) {
		char *assignment;

		fputs("Environment=", to);
		if (asprintf(&assignment, "%s=%s", list->name, list->value) > 0) {
			put_quoted(to, assignment, "\"\\", true);
			free(assignment);
		}
		fputc('\n', to);
	}
	if (w->variables) {
		sealing_path(w->tree, s, SEAL_VARIABLES, path);
		fputs("# Files of variables count for more than Environment=: this one says the "
		      "same, and is the last.\nEnvironmentFile=",
			to);
		put_path(to, path, "\\*?[");
		fputc('\n', to);
	}
	if (w->unset)
		put_unset(to, w->unset);
	for (size_t i = 0; i < 2; i++) {
		if (!w->binds[i])
			continue;
		fputs("BindReadOnlyPaths=", to);
		put_quoted(to, w->binds[i], "\"\\", true);
		fputc('\n', to);
	}
	if (w->log)
		fputs("# Its agent writes the log, which stands outside.\n"
		      "BindReadOnlyPaths=-" JOURNAL_SOCKET " -" JOURNAL_DEV_LOG " -" DEV_LOG "\n",
			to);
	if (w->mounts)
		fputs("MountAPIVFS=yes\n", to);
	if (w->families)
		fputs("# The library reaches its agent over local sockets.\n"
		      "RestrictAddressFamilies=AF_UNIX\n",
			to);
}

static void put_variables(FILE *to, const struct seal_wish *w, const struct sealing *s,
	const struct seal_variable *list)
{
	put_head(to, w, s);
	for (; list->name; list++) {
		fprintf(to, "%s=", list->name);
		put_quoted(to, list->value, "\"\\`$", false);
		fputc('\n', to);
	}
}

static char *text_of(void (*put)(FILE *, const struct seal_wish *, const struct sealing *,
			     const struct seal_variable *),
	const struct seal_wish *w, const struct sealing *s, const struct seal_variable *list)
{
	size_t size = 0;
	char *text = NULL;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	put(to, w, s, list);
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int seal_write_texts(const struct seal_wish *w, struct sealing *s)
{
	struct seal_variable list[SEAL_VARIABLES_MOST];
	int rc = seal_variables(w, list);

	for (size_t i = 0; i < 2; i++) {
		free(s->files[i].text);
		s->files[i].text = NULL;
	}
	if (rc)
		return rc;
	s->files[SEAL_FILE_DROPIN].text = text_of(put_dropin, w, s, list);
	if (w->variables)
		s->files[SEAL_FILE_VARIABLES].text = text_of(put_variables, w, s, list);
	seal_variables_clear(list);
	return s->files[SEAL_FILE_DROPIN].text &&
			       (!w->variables || s->files[SEAL_FILE_VARIABLES].text)
		       ? 0
		       : -ENOMEM;
}
