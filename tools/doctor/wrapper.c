#include "tools/doctor/wrapper.h"

#include "tools/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Options are read as getopt_long(3) does with "+": up to the first word that is none. */
static const struct rule {
	const char *name;
	const char *letters;  /* of options with a value */
	const char *longs;    /* the same, long, a blank behind each */
	const char *no_start; /* letters of options with which it starts nothing */
	unsigned operands;    /* before the program */
} rules[] = {
	{"chroot", "", "groups userspec ", "", 1},
	{"chrt", "TPD", "sched-runtime sched-period sched-deadline ", "mp", 1},
	{"dumb-init", "r", "rewrite ", "", 0},
	{"env", "uCSa", "unset chdir split-string argv0 ", "", 0},
	{"ionice", "cn", "class classdata ", "pPu", 0},
	{"mailseal", "clp", "config log ports ", "", 0},
	{"nice", "n", "adjustment ", "", 0},
	{"nohup", "", "", "", 0},
	{"prlimit", "o", "output ", "p", 0},
	{"setpriv", "",
		"ambient-caps inh-caps bounding-set ruid euid reuid rgid egid regid groups "
		"securebits pdeathsig selinux-label apparmor-profile ptracer landlock-access "
		"landlock-rule seccomp-filter ",
		"d", 0},
	{"setsid", "", "", "", 0},
	{"stdbuf", "ioe", "input output error ", "", 0},
	{"taskset", "", "", "p", 1},
	{"time", "fo", "format output ", "", 0},
	{"timeout", "ks", "kill-after signal ", "", 1},
	{"tini", "pe", "", "", 0},
};

/* They start others: as another user, elsewhere, later, or what their input says. */
static const char *const opaque[] = {"at", "batch", "bwrap", "capsh", "chpst", "daemon",
	"dbus-run-session", "doas", "docker", "envdir", "fakeroot", "find", "firejail", "flock",
	"gdb", "gosu", "ltrace", "newgrp", "nsenter", "parallel", "pkexec", "podman", "run-parts",
	"runuser", "script", "setarch", "setuidgid", "sg", "softlimit", "ssh", "start-stop-daemon",
	"strace", "su", "su-exec", "sudo", "systemd-nspawn", "systemd-run", "unshare", "valgrind",
	"watch", "xargs"};

static const char *const shells[] = {
	"ash", "bash", "dash", "fish", "ksh", "mksh", "rbash", "sh", "yash", "zsh"};

/* Their first operand is a script. */
static const char *const interpreters[] = {"perl", "php", "python", "ruby"};

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static bool is_among(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], name) == 0)
			return true;
	}
	return false;
}

bool wrapper_is_shell(const char *path)
{
	return is_among(shells, COUNT(shells), path_base(path));
}

/* python3.11 too */
static bool is_interpreter(const char *name)
{
	for (size_t i = 0; i < COUNT(interpreters); i++) {
		size_t length = strlen(interpreters[i]);

		if (strncmp(name, interpreters[i], length) == 0 &&
			strspn(name + length, "0123456789.") == strlen(name + length))
			return true;
	}
	return false;
}

/* --- the words --- */

static char *own(struct command *c, const char *word)
{
	char **grown = reallocarray(c->owned, c->owned_count + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	c->owned = grown;
	grown[c->owned_count] = strdup(word);
	return grown[c->owned_count] ? grown[c->owned_count++] : NULL;
}

static int insert(struct command *c, size_t at, char *word)
{
	char **grown = reallocarray(c->words, c->count + 2, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	c->words = grown;
	memmove(grown + at + 1, grown + at, (c->count - at) * sizeof(*grown));
	grown[at] = word;
	grown[++c->count] = NULL;
	return 0;
}

static void cut(struct command *c, size_t at, size_t count)
{
	memmove(c->words + at, c->words + at + count,
		(c->count - at - count + 1) * sizeof(*c->words));
	c->count -= count;
}

int command_add(struct command *c, const char *word)
{
	char *copy = own(c, word);

	return copy ? insert(c, c->count, copy) : -ENOMEM;
}

void command_clear(struct command *c)
{
	for (size_t i = 0; i < c->owned_count; i++)
		free(c->owned[i]);
	free(c->owned);
	free(c->words);
	*c = (struct command){0};
}

/* The next word of env -S, quotes undone within the text itself; NULL at the end. Variables stay as
 * they are written. */
static char *split_word(char **text)
{
	char *at = *text + strspn(*text, " \t\n\v\f\r"), *start = at, *put = at, quote = '\0';

	if (!*at || *at == '#')
		return NULL;
	for (; *at && (quote || !strchr(" \t\n\v\f\r", *at)); at++) {
		if (!quote && (*at == '"' || *at == '\''))
			quote = *at;
		else if (quote && *at == quote)
			quote = '\0';
		else if (*at == '\\' && at[1] && quote != '\'')
			*put++ = *++at == '_' ? ' ' : *at;
		else
			*put++ = *at;
	}
	*text = at + (*at != '\0');
	*put = '\0';
	return start;
}

/* Puts the words of `text` in for those `count` at `at`. */
static int split(struct command *c, size_t at, size_t count, const char *text)
{
	char *rest = own(c, text), *word;
	int rc = rest ? 0 : -ENOMEM;

	if (!rc)
		cut(c, at, count);
	for (; !rc && (word = split_word(&rest)); at++)
		rc = insert(c, at, word);
	return rc;
}

/* --- options --- */

struct reading {
	const struct rule *rule;
	struct command *c;
	struct wrapper *w;
	size_t at;	  /* the word that is read */
	size_t value_end; /* behind the option and its value */
	bool ends;	  /* it starts nothing, or what it does is not known */
	bool moves;	  /* into another directory */
	bool was_split;
};

static bool names_preload(const char *value)
{
	return value && strcmp(value, "LD_PRELOAD") == 0;
}

static void take_env(struct reading *r, char letter, const char *value)
{
	if (letter == 'i')
		r->w->cleaned = "-i";
	else if (letter == 'u' && names_preload(value))
		r->w->cleaned = "-u LD_PRELOAD";
	else if (letter == 'C')
		r->moves = true;
	else if (letter == 'S' && value) {
		r->was_split = true;
		if (split(r->c, r->at, r->value_end - r->at, value))
			r->ends = true;
	}
}

static void take_letter(struct reading *r, char letter, const char *value)
{
	if (strchr(r->rule->no_start, letter))
		r->ends = true;
	else if (strcmp(r->rule->name, "env") == 0)
		take_env(r, letter, value);
}

/* -x, -xVALUE, -x VALUE, and several letters in a word. */
static void read_letters(struct reading *r)
{
	const char *word = r->c->words[r->at];

	r->value_end = r->at + 1;
	for (const char *at = word + 1; *at && !r->ends; at++) {
		const char *value = NULL;

		if (strchr(r->rule->letters, *at)) {
			value = at[1] ? at + 1 : r->c->words[r->at + 1];
			if (!at[1] && value)
				r->value_end++;
		}
		take_letter(r, *at, value);
		if (strchr(r->rule->letters, *at))
			return;
	}
}

/* Is the word of `length` a short form of one in the list? */
static bool is_long(const char *list, const char *word, size_t length)
{
	for (; length && *list; list += strcspn(list, " ") + 1) {
		if (strcspn(list, " ") >= length && strncmp(list, word, length) == 0)
			return true;
	}
	return false;
}

static void take_long(struct reading *r, const char *name, size_t length, const char *value)
{
	const char *rule = r->rule->name;

	if (strcmp(rule, "env") == 0) {
		if (is_long("ignore-environment ", name, length))
			take_env(r, 'i', NULL);
		else if (is_long("unset ", name, length))
			take_env(r, 'u', value);
		else if (is_long("chdir ", name, length))
			take_env(r, 'C', value);
		else if (is_long("split-string ", name, length))
			take_env(r, 'S', value);
	} else if (strcmp(rule, "setpriv") == 0) {
		if (length > 4 && is_long("reset-env ", name, length))
			r->w->cleaned = "--reset-env";
		else if (is_long("no-new-privs nnp ", name, length))
			r->w->no_new_privileges = true;
		else if (is_long("ruid euid reuid rgid egid regid ", name, length))
			r->w->changes_user = true;
		else if (is_long("dump ", name, length))
			r->ends = true;
	} else if (is_long("pid ", name, length) && *r->rule->no_start) {
		r->ends = true;
	} else if (strcmp(rule, "chroot") == 0 && is_long("userspec ", name, length)) {
		r->w->changes_user = true;
	}
}

static void read_long(struct reading *r)
{
	const char *name = r->c->words[r->at] + 2, *equals = strchr(name, '=');
	size_t length = strcspn(name, "=");
	const char *value = equals ? equals + 1 : NULL;

	r->value_end = r->at + 1;
	if (!equals && is_long(r->rule->longs, name, length)) {
		value = r->c->words[r->at + 1];
		r->value_end += value != NULL;
	}
	take_long(r, name, length, value);
}

static void read_options(struct reading *r)
{
	while (!r->ends && r->at < r->c->count) {
		const char *word = r->c->words[r->at];

		if (word[0] != '-')
			return;
		if (word[1] == '\0' || strcmp(word, "--") == 0) {
			r->at++;
			if (!word[1] && strcmp(r->rule->name, "env") == 0)
				r->w->cleaned = "-";
			return;
		}
		r->was_split = false;
		if (word[1] == '-')
			read_long(r);
		else
			read_letters(r);
		if (!r->was_split)
			r->at = r->value_end;
	}
}

static void read_assignments(struct reading *r)
{
	for (; r->at < r->c->count && strchr(r->c->words[r->at], '='); r->at++) {
		const char *word = r->c->words[r->at];

		if (strncmp(word, "LD_PRELOAD=", 11) == 0)
			r->w->preload = word + 11;
		else if (strncmp(word, "PATH=", 5) == 0)
			r->w->search = word + 5;
	}
}

static enum wrapper_kind follow(struct command *c, struct wrapper *w, const struct rule *rule)
{
	struct reading r = {.rule = rule, .c = c, .w = w, .at = 1};
	const char *program;

	w->run = strcmp(rule->name, "mailseal") == 0;
	if (w->run && (c->count < 2 || strcmp(c->words[r.at++], "run") != 0))
		return WRAPPER_NONE;
	read_options(&r);
	if (strcmp(rule->name, "env") == 0)
		read_assignments(&r);
	if (strcmp(rule->name, "chroot") == 0 && r.at < c->count)
		w->root = c->words[r.at];
	r.at += rule->operands;
	if (r.ends || r.at >= c->count)
		return WRAPPER_NONE;
	program = c->words[r.at];
	cut(c, 0, r.at);
	/* from where that is looked up is not known */
	return r.moves && strchr(program, '/') && program[0] != '/' ? WRAPPER_OPAQUE
								    : WRAPPER_FOLLOWED;
}

/* Does a text follow the option, such as sh -ec, perl -ne? */
static bool takes_text(const char *word, bool shell)
{
	size_t length = strlen(word);

	if (word[0] != '-' || word[1] == '-' || length < 2)
		return false;
	if (shell)
		return strchr(word, 'c') != NULL;
	return length < 4 && strchr("ce", word[length - 1]);
}

/* The first operand, or the text that stands there instead of a file. */
static enum wrapper_kind read_shell(const struct command *c, struct wrapper *w, bool shell)
{
	for (size_t i = 1; i < c->count; i++) {
		const char *word = c->words[i];

		if (word[0] != '-' && word[0] != '+') {
			w->script = word;
			return WRAPPER_SHELL;
		}
		if (takes_text(word, shell) && i + 1 < c->count) {
			w->text = c->words[i + 1];
			return WRAPPER_SHELL;
		}
		i += shell && word[1] != '-' && strchr(word, 'o'); /* sh -eo pipefail */
	}
	return WRAPPER_NONE;
}

enum wrapper_kind wrapper_cut(struct command *c, struct wrapper *w)
{
	*w = (struct wrapper){0};
	if (!c->count)
		return WRAPPER_NONE;
	w->name = path_base(c->words[0]);
	/* many programs in one file */
	if (c->count > 1 && (strcmp(w->name, "busybox") == 0 || strcmp(w->name, "toybox") == 0)) {
		cut(c, 0, 1);
		w->name = path_base(c->words[0]);
	}
	for (size_t i = 0; i < COUNT(rules); i++) {
		if (strcmp(rules[i].name, w->name) == 0)
			return follow(c, w, &rules[i]);
	}
	if (wrapper_is_shell(w->name) || is_interpreter(w->name))
		return read_shell(c, w, wrapper_is_shell(w->name));
	if (c->count > 1 && is_among(opaque, COUNT(opaque), w->name))
		return WRAPPER_OPAQUE;
	return WRAPPER_NONE;
}
