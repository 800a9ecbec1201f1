/*
 * replace: writes a file anew in one step: whoever reads it sees the old text or the new one, and a
 * failure leaves the old one whole and nothing beside it.
 */
#ifndef MAILSEAL_TOOLS_REPLACE_H
#define MAILSEAL_TOOLS_REPLACE_H

#include "tools/mailseal.h"

#include <stddef.h>

struct replace {
	char path[PATH_MAX]; /* of the file itself: links are followed */
	char directory[PATH_MAX];
	int lock;     /* descriptor of the directory */
	bool made;    /* the directory is new */
	int unsynced; /* errno: the new file is there, but may not survive a crash; 0: it will */
};

/*
 * Makes the directory of `path` if it is missing (0755), and waits until nobody else replaces a
 * file in it. Removes what a replace_write() of this user left that was killed. 0 or -errno with
 * err, which names the file; replace_end() is due after 0 only.
 */
int replace_begin(struct replace *replace, const char *path, struct err *err);

/* Puts `text` in the place of the file. It keeps mode and owner; a new one gets 0644. 0, with
 * `unsynced` set; or -errno with err, which names the file: the old one is there then. */
int replace_write(struct replace *replace, const char *text, size_t length, struct err *err);

/* Lets others go on. Takes a directory away again that was made for nothing. */
void replace_end(struct replace *replace);

#endif
