#include "tools/doctor/diagnosis.h"

#include "tools/print.h"
#include "tools/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LABEL 10 /* columns */
#define WIDTH_LEAST 50

static const struct {
	const char *name, *colour;
} severities[] = {
	[SEVERITY_OK] = {"ok", "\033[32m"},
	[SEVERITY_NOTE] = {"note", "\033[36m"},
	[SEVERITY_WARNING] = {"warning", "\033[33m"},
	[SEVERITY_OBSTACLE] = {"obstacle", "\033[31m"},
};

static void finding_clear(struct finding *f)
{
	free(f->text);
	free(f->advice);
}

void diagnosis_clear(struct diagnosis *d)
{
	for (size_t i = 0; i < d->count; i++)
		finding_clear(&d->at[i]);
	free(d->at);
	*d = (struct diagnosis){0};
}

static bool is_there(const struct diagnosis *d, const char *code, const char *text)
{
	for (size_t i = 0; i < d->count; i++) {
		if (strcmp(d->at[i].code, code) == 0 && strcmp(d->at[i].text, text) == 0)
			return true;
	}
	return false;
}

void diagnosis_name(struct diagnosis *d, const char *unit, bool user)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789:_.@-\\";
	const char *quote = strchr(unit, '\\') ? "'" : "";

	d->unit[0] = '\0';
	if (*unit && *unit != '-' && unit[strspn(unit, plain)] == '\0')
		snprintf(d->unit, sizeof(d->unit), "%s%s%s%s", user ? "--user " : "", quote, unit,
			quote);
}

static bool is_of_word(char c)
{
	return c == '_' || c == '=' || (c >= 'A' && c <= 'Z');
}

/* Puts the names in, where they are known. */
static char *name_in(const struct diagnosis *d, const char *advice)
{
	size_t size = 0;
	char *text = NULL, pid[16] = "";
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	if (d->pid)
		snprintf(pid, sizeof(pid), "%d", (int)d->pid);
	for (const char *at = advice; *at;) {
		bool begins = at == advice || !is_of_word(at[-1]);

		if (begins && *d->unit && strncmp(at, "UNIT", 4) == 0 && !is_of_word(at[4])) {
			fputs(d->unit, to);
			at += 4;
		} else if (begins && *pid && strncmp(at, "PID", 3) == 0 && !is_of_word(at[3])) {
			fputs(pid, to);
			at += 3;
		} else {
			fputc(*at++, to);
		}
	}
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

void diagnosis_add(struct diagnosis *d, enum severity severity, const char *code,
	const char *advice, const char *format, ...)
{
	struct finding *grown = reallocarray(d->at, d->count + 1, sizeof(*d->at));
	char *text = NULL, *named = advice ? name_in(d, advice) : NULL;
	va_list ap;
	int n;

	if (grown)
		d->at = grown;
	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	if (grown && text && (named || !advice) && !is_there(d, code, text)) {
		d->at[d->count++] = (struct finding){severity, code, text, named};
		return;
	}
	d->incomplete = d->incomplete || !grown || !text || (advice && !named);
	free(text);
	free(named);
}

void diagnosis_drop(struct diagnosis *d, const char *code)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->count; i++) {
		if (strcmp(d->at[i].code, code) == 0)
			finding_clear(&d->at[i]);
		else
			d->at[kept++] = d->at[i];
	}
	d->count = kept;
}

size_t diagnosis_count(const struct diagnosis *d, enum severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < d->count; i++)
		count += d->at[i].severity == severity;
	return count;
}

/* 0 where standard output is no terminal: lines are as long as they are then. */
static unsigned terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col < WIDTH_LEAST ? WIDTH_LEAST : size.ws_col;
}

static void print_line(enum severity severity, const char *label, const char *text)
{
	unsigned width = terminal_width();
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
	bool colour = width && !(no_colour && *no_colour) && !(term && strcmp(term, "dumb") == 0);

	printf("%s%s%s%*s", colour ? severities[severity].colour : "", label,
		colour ? "\033[0m" : "", LABEL - (int)strlen(label), "");
	if (width) {
		print_wrapped(text, LABEL, LABEL, width - 1);
		return;
	}
	print_plain(stdout, text);
	putchar('\n');
}

static void print_finding(const struct finding *f)
{
	char *line;

	if (!f->advice || asprintf(&line, "%s. %s", f->text, f->advice) < 0) {
		print_line(f->severity, severities[f->severity].name, f->text);
		return;
	}
	print_line(f->severity, severities[f->severity].name, line);
	free(line);
}

void diagnosis_print_from(const struct diagnosis *d, enum severity least)
{
	for (size_t i = 0; i < d->count; i++) {
		if (d->at[i].severity >= least)
			print_finding(&d->at[i]);
	}
}

void diagnosis_print(const struct diagnosis *d)
{
	diagnosis_print_from(d, SEVERITY_OK);
}

void diagnosis_print_verdict(enum severity severity, const char *text)
{
	print_line(severity, "verdict", text);
}

json_t *diagnosis_as_json(const struct diagnosis *d)
{
	json_t *findings = json_array();

	for (size_t i = 0; i < d->count; i++) {
		const struct finding *f = &d->at[i];

		json_array_append_new(findings,
			json_pack("{s:s, s:s, s:o, s:s?}", "severity", severities[f->severity].name,
				"code", f->code, "text", json_text(f->text), "advice", f->advice));
	}
	return findings;
}
