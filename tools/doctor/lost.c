#include "tools/doctor/lost.h"

#include "tools/doctor/loader.h"
#include "tools/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MOST 4
#define STEPS_MOST 16

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

/* They start others with an environment of their own, elsewhere, or by a daemon. */
static const char *const forgetful[] = {"at", "batch", "chpst", "doas", "docker", "machinectl",
	"pkexec", "podman", "ssh", "sudo", "systemd-nspawn", "systemd-run"};

static bool is_among(const char *const *list, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], word) == 0)
			return true;
	}
	return false;
}

/* It may stand in a text for another shell, too. */
static bool names_mailseal(const struct command *c)
{
	for (size_t i = 1; i < c->count; i++) {
		if (strstr(c->words[i], "mailseal"))
			return true;
	}
	return false;
}

/* su -, su -l, su -lc TEXT: letters behind one that takes a value are that value. */
static bool is_login(const char *word)
{
	if (strcmp(word, "-") == 0 ||
		(strlen(word) > 3 && strncmp(word, "--login", strlen(word)) == 0))
		return true;
	return word[0] == '-' && word[1] != '-' && word[1 + strcspn(word + 1, "lcsgGwu")] == 'l';
}

static bool has_option(const struct command *c, bool (*is)(const char *word))
{
	for (size_t i = 1; i < c->count && strcmp(c->words[i], "--") != 0; i++) {
		if (is(c->words[i]))
			return true;
	}
	return false;
}

static bool is_scope(const char *word)
{
	return strcmp(word, "--scope") == 0;
}

void lost_by_command(const struct command *c, char out[LOST_SIZE])
{
	const char *name = c->count > 1 ? path_base(c->words[0]) : "";
	bool user = strcmp(name, "su") == 0 || strcmp(name, "runuser") == 0;

	out[0] = '\0';
	if (names_mailseal(c))
		return;
	if (user && has_option(c, is_login))
		snprintf(out, LOST_SIZE, "%s -l", name);
	else if (is_among(forgetful, COUNT(forgetful), name) && !has_option(c, is_scope) &&
		 (strcmp(name, "chpst") != 0 || strcmp(c->words[1], "-e") == 0))
		snprintf(out, LOST_SIZE, "%s", name);
}

/* --- texts of shells --- */

struct reading {
	const char *at;
	struct command command; /* the simple command that is read */
	char *word;
	size_t length;
	bool has_word;
	unsigned depth;
	char *out;
	bool failed;
};

static void end_word(struct reading *r)
{
	if (!r->has_word)
		return;
	r->word[r->length] = '\0';
	r->failed = r->failed || command_add(&r->command, r->word) != 0;
	r->length = 0;
	r->has_word = false;
}

static void put(struct reading *r, char c)
{
	r->word[r->length++] = c;
	r->has_word = true;
}

/* Up to the quote's end; within double quotes a backslash escapes few. */
static void read_quoted(struct reading *r, char quote)
{
	r->has_word = true;
	for (r->at++; *r->at && *r->at != quote; r->at++) {
		if (quote == '"' && *r->at == '\\' && r->at[1] && strchr("\"\\$`\n", r->at[1]))
			r->at++;
		put(r, *r->at);
	}
	if (*r->at)
		r->at++;
}

/* One simple command, or what stands between two separators. False at the end of the text. */
static bool read_command(struct reading *r)
{
	r->at += strspn(r->at, "\n;|&()` \t\r");
	if (!*r->at)
		return false;
	while (*r->at && !strchr("\n;|&()`", *r->at)) {
		if (*r->at == '\'' || *r->at == '"') {
			read_quoted(r, *r->at);
		} else if (*r->at == '#' && !r->has_word) {
			r->at += strcspn(r->at, "\n");
		} else if (strchr(" \t\r", *r->at)) {
			end_word(r);
			r->at++;
		} else {
			if (*r->at == '\\' && r->at[1] && *++r->at == '\n') {
				r->at++;
				continue;
			}
			put(r, *r->at++);
		}
	}
	end_word(r);
	return true;
}

static void drop_first(struct command *c)
{
	memmove(c->words, c->words + 1, c->count * sizeof(*c->words));
	c->count--;
}

static bool is_assignment(const char *word)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	size_t length = strspn(word, letters);

	return length > 0 && word[length] == '=';
}

/* LD_PRELOAD=... without the library: what was in it before may be kept. */
static bool drops(const char *word)
{
	static const char name[] = "LD_PRELOAD=";

	return strncmp(word, name, sizeof(name) - 1) == 0 &&
	       !names_library(word + sizeof(name) - 1) && !strstr(word, "$LD_PRELOAD") &&
	       !strstr(word, "${LD_PRELOAD") && !strstr(word, "mailseal");
}

/* Words of the shell that stand before a command, and assignments. */
static void cut_before(struct reading *r)
{
	static const char *const before[] = {"!", "{", "builtin", "command", "do", "elif", "else",
		"eval", "exec", "if", "then", "until", "while"};
	struct command *c = &r->command;

	while (c->count &&
		(is_among(before, COUNT(before), c->words[0]) || is_assignment(c->words[0]))) {
		if (drops(c->words[0]))
			snprintf(r->out, LOST_SIZE, "LD_PRELOAD=");
		drop_first(c);
	}
}

/* What changes the environment of the shell itself. */
static void take_builtin(struct reading *r)
{
	static const char *const setters[] = {"declare", "export", "typeset", "unset"};
	const struct command *c = &r->command;
	bool unsets = strcmp(c->words[0], "unset") == 0;

	if (!is_among(setters, COUNT(setters), c->words[0]))
		return;
	for (size_t i = 1; i < c->count; i++) {
		unsets = unsets || (c->words[i][0] == '-' && strchr(c->words[i], 'n')) ||
			 strcmp(c->words[i], "+x") == 0;
		if (drops(c->words[i]) || (unsets && strcmp(c->words[i], "LD_PRELOAD") == 0))
			snprintf(r->out, LOST_SIZE, "%s LD_PRELOAD", c->words[0]);
	}
}

static void read_text(const char *text, unsigned depth, char *out);

/* Follows what can be followed; `by` is what took it away on the way. */
static void take_command(struct reading *r)
{
	struct command *c = &r->command;
	char by[LOST_SIZE] = "";
	enum wrapper_kind kind = WRAPPER_FOLLOWED;
	struct wrapper w;

	take_builtin(r);
	for (unsigned i = 0; i < STEPS_MOST && kind == WRAPPER_FOLLOWED && c->count; i++) {
		kind = wrapper_cut(c, &w);
		if (w.cleaned)
			snprintf(by, sizeof(by), "%s %s", w.name, w.cleaned);
		if (w.preload)
			snprintf(by, sizeof(by), "%s",
				names_library(w.preload) ? "" : "env LD_PRELOAD=");
		if (w.run)
			return;
	}
	if (*by && !(c->count && names_mailseal(c))) {
		memcpy(r->out, by, sizeof(by));
		return;
	}
	if (kind == WRAPPER_OPAQUE)
		lost_by_command(c, by);
	if (*by)
		memcpy(r->out, by, sizeof(by));
	if (kind == WRAPPER_SHELL && w.text && wrapper_is_shell(w.name) && r->depth < DEPTH_MOST)
		read_text(w.text, r->depth + 1, r->out);
}

/* A later finding takes the place of an earlier one: one is enough. */
static void read_text(const char *text, unsigned depth, char *out)
{
	struct reading r = {.at = text, .depth = depth, .out = out};

	r.word = malloc(strlen(text) + 1);
	while (r.word && !r.failed && read_command(&r)) {
		cut_before(&r);
		if (r.command.count)
			take_command(&r);
		command_clear(&r.command);
	}
	command_clear(&r.command);
	free(r.word);
}

void lost_by_shell(const char *text, char out[LOST_SIZE])
{
	out[0] = '\0';
	read_text(text, 0, out);
}
