/*
 * wrapper: commands that start another program in their place, such as env(1) and nice(1): where
 * that program begins among their words, and what they do to its environment on the way.
 * It knows options, and opens no files.
 */
#ifndef MAILSEAL_TOOLS_WRAPPER_H
#define MAILSEAL_TOOLS_WRAPPER_H

#include <stdbool.h>
#include <stddef.h>

/* The words of a command; those that were cut off stay valid until command_clear(). */
struct command {
	char **words; /* NULL behind the last */
	size_t count;
	char **owned;
	size_t owned_count;
};

/* 0 or -ENOMEM. */
int command_add(struct command *c, const char *word);
void command_clear(struct command *c);

enum wrapper_kind {
	WRAPPER_NONE,	  /* not known to start anything */
	WRAPPER_FOLLOWED, /* its words were cut off: what it starts comes first now */
	WRAPPER_SHELL,	  /* it starts what a text says: `text` or the file `script` */
	WRAPPER_OPAQUE	  /* it starts another program, but what becomes of that is not told here */
};

/* What one of them does; all of it valid until command_clear(). */
struct wrapper {
	const char *name;    /* without directory */
	const char *cleaned; /* the option that takes LD_PRELOAD away, such as "-i"; else NULL */
	const char *preload; /* what LD_PRELOAD is set to after that; NULL if it is not set */
	const char *search;  /* what PATH is set to */
	const char *root;    /* the root directory of what it starts */
	const char *text;    /* of a shell: what stands behind -c */
	const char *script;  /* of a shell or the like: the file that it reads */
	bool run;	     /* it is mailseal run */
	bool changes_user;
	bool no_new_privileges;
};

/* Looks at the first word, and cuts the words of a wrapper off that can be followed. */
enum wrapper_kind wrapper_cut(struct command *c, struct wrapper *w);

/* Is it a shell, by the name of its file? */
bool wrapper_is_shell(const char *path);

#endif
