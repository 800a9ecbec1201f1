/*
 * lost: commands and texts of shells that start programs without LD_PRELOAD, as far as that can be
 * seen without knowing what they start. It knows commands, and opens no files.
 */
#ifndef MAILSEAL_TOOLS_LOST_H
#define MAILSEAL_TOOLS_LOST_H

#include "tools/doctor/wrapper.h"

#define LOST_SIZE 80

/* Does a command that starts others in a way that is not followed hand LD_PRELOAD on? What takes it
 * away, as "sudo" or "su -"; "" where nothing is known to, or mailseal run stands behind it. */
void lost_by_command(const struct command *c, char out[LOST_SIZE]);

/* The same of what the text of a shell starts. Variables, functions and branches are not
 * understood. */
void lost_by_shell(const char *text, char out[LOST_SIZE]);

#endif
