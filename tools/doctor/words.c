/*
 * words: the words of a script, as a hint at what it starts. Nobody reads the script:
 * variables, quotes and branches are not understood.
 */
#include "tools/doctor/doctor.h"
#include "tools/doctor/lost.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT_MOST (1u << 20)
#define WORDS_MOST 20000 /* looked up in one script */
#define WORD_SIZE 256
#define NAMES_MOST 5

static const struct {
	const char *word, *code, *meaning, *advice;
} hints[] = {
	{"starttls", "own-tls", ": it may speak STARTTLS by itself",
		"What becomes of that, application_tls in mailseal.conf(5) decides"},
	{"LD_PRELOAD", "script-preload", "", "See that it leaves libmailseal.so in there"},
	{"env -i", "script-env", "",
		"What it starts so is not reached, unless mailseal run stands behind it"},
	{"sudo ", "script-sudo", "",
		"What it starts so is not reached, unless mailseal run stands behind it"},
};

/* Those that are along PATH as well as in shells. */
static const char *const builtins[] = {"[", "cd", "echo", "false", "kill", "printf", "pwd", "read",
	"test", "true", "type", "ulimit", "umask", "wait"};

/* Behind them stands a command, behind their options or a number at least. */
static const char *const before_commands[] = {"!", "builtin", "command", "do", "elif", "else",
	"env", "eval", "exec", "if", "ionice", "nice", "nohup", "setsid", "stdbuf", "sudo", "then",
	"time", "timeout", "until", "while", "{"};

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static bool is_among(const char *const *list, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], word) == 0)
			return true;
	}
	return false;
}

static bool is_program(const struct patient *p, const char *word, char path[PATH_MAX])
{
	struct stat st;

	return patient_find(p, word, path) == 0 && patient_stat(p, path, &st) == 0 &&
	       S_ISREG(st.st_mode) && st.st_mode & 0111;
}

/* What keeps a library out of it; NULL if that is not seen at once. */
static const char *out_of_reach(const struct patient *p, const char *path, char out[80])
{
	int fd = patient_open(p, path);
	const char *language, *why = NULL;
	struct elf e;

	if (fd < 0)
		return NULL;
	if (elf_init(&e, fd, NULL) == 0) {
		language = elf_past_libc(&e);
		if (language) {
			snprintf(out, 80, "is written in %s", language);
			why = out;
		} else if (!e.interpreted && !e.soname) {
			why = "is statically linked";
		}
		elf_clear(&e);
	}
	close(fd);
	return why;
}

bool doctor_word(struct patient *p, const char *name, const char *word)
{
	char path[PATH_MAX], language[80];
	const char *why;

	if (!is_program(p, word, path))
		return false;
	why = out_of_reach(p, path, language);
	if (why) {
		p->unjudged = true;
		diagnosis_add(&p->found, SEVERITY_WARNING, "starts-unreached",
			"If it sends the mail, that goes unprotected: use a dynamically linked "
			"build of it, or a relay on this machine that mailseal reaches",
			"%s names %s, which %s and is not reached", name, path, why);
	}
	return true;
}

struct reading {
	struct patient *p;
	const char *name; /* of the script */
	bool shell;
	bool command; /* a command may stand here */
	bool value;   /* a value is assigned before it */
	unsigned looked_up, names;
	char list[(WORD_SIZE + 2) * NAMES_MOST]; /* of what it starts */
};

static void add_name(struct reading *r, const char *word)
{
	size_t length = strlen(r->list);
	const char *found = strstr(r->list, word);
	char end = found ? found[strlen(word)] : 'x';

	if (r->names == NAMES_MOST || (found && (end == '\0' || end == ',')))
		return;
	snprintf(r->list + length, sizeof(r->list) - length, "%s%s", length ? ", " : "", word);
	r->names++;
}

/* A word without a slash is looked up along PATH, in shells alone: elsewhere it is any word. */
static void look_at(struct reading *r, const char *word)
{
	bool is = false;

	if (is_among(builtins, COUNT(builtins), word) || strcmp(word, r->name) == 0)
		return;
	if ((strchr(word, '/') || r->shell) && r->looked_up < WORDS_MOST) {
		r->looked_up++;
		is = doctor_word(r->p, r->name, word);
	}
	if (r->command && !r->value &&
		(is || (word[0] == '$' && word[1]) || strcmp(word, ".") == 0))
		add_name(r, word);
}

static void take_word(struct reading *r, const char *at, size_t length, char behind)
{
	char word[WORD_SIZE];
	bool assigned = behind == '=';

	if (length >= sizeof(word))
		return;
	memcpy(word, at, length);
	word[length] = '\0';
	if (!assigned)
		look_at(r, word);
	r->command = r->command && (assigned || r->value || word[0] == '-' ||
					   strspn(word, "0123456789") == length ||
					   is_among(before_commands, COUNT(before_commands), word));
	r->value = assigned;
}

static void read_words(struct reading *r, const char *text)
{
	static const char separators[] = " \t\r\n;|&()<>`\"'=,";

	r->command = true;
	while (*text) {
		size_t length = strcspn(text, separators);

		if (length && *text == '#') {
			text += strcspn(text, "\n");
			continue;
		}
		if (length)
			take_word(r, text, length, text[length]);
		text += length;
		if (*text && strchr("\n;|&()`", *text))
			r->command = true;
		text += *text != '\0';
	}
}

void doctor_words(struct patient *p, const char *name, const char *text, bool shell)
{
	struct reading r = {.p = p, .name = name, .shell = shell};

	read_words(&r, text);
	if (!shell || !r.names)
		return;
	p->unjudged = true;
	diagnosis_add(&p->found, SEVERITY_WARNING, "only-shell",
		"Ask for what sends the mail by itself: mailseal doctor PROGRAM",
		"only the shell was judged, not what %s starts (%s%s)", name, r.list,
		r.names == NAMES_MOST ? " ..." : "");
}

/* A script does more than start the program: no more than a warning. */
static void tell_lost(struct patient *p, const char *path, const char *text)
{
	char by[LOST_SIZE];

	lost_by_shell(text, by);
	if (!*by || p->everywhere)
		return;
	p->unjudged = true;
	diagnosis_add(&p->found, SEVERITY_WARNING, "environment-cleaned",
		"If that sends the mail, put mailseal run -- behind it, or name the library in "
		"/etc/ld.so.preload",
		"%s starts something without LD_PRELOAD (%s)", path, by);
}

void doctor_words_of(struct patient *p, const char *path, bool shell)
{
	char *text = patient_read(p, path, SCRIPT_MOST, NULL);

	for (size_t i = 0; text && i < COUNT(hints); i++) {
		if (strcasestr(text, hints[i].word))
			diagnosis_add(&p->found, SEVERITY_NOTE, hints[i].code, hints[i].advice,
				"%s mentions '%s'%s", path, hints[i].word, hints[i].meaning);
	}
	if (text && shell)
		tell_lost(p, path, text);
	if (text)
		doctor_words(p, path, text, shell);
	free(text);
}
