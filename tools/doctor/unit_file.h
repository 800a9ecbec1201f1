/*
 * unit_file: a systemd unit with its drop-ins, read offline as `systemctl cat` shows it.
 * It knows the syntax of systemd.syntax(7), not what settings mean.
 */
#ifndef MAILSEAL_TOOLS_UNIT_FILE_H
#define MAILSEAL_TOOLS_UNIT_FILE_H

#include "tools/doctor/doctor.h"

struct unit_setting {
	char *section, *key, *value; /* blanks around cut off; value may be "" (a reset) */
	unsigned file, line;
};

struct unit {
	char name[256]; /* billing.service, with the instance if it has one */
	bool of_user;	/* of a user's manager */
	char **files;	/* in the order in which they count */
	unsigned file_count;
	struct unit_setting *settings;
	size_t setting_count;
};

/*
 * Loads the unit that is called `name`; with `is_file`, the one in that file and the drop-ins
 * beside it. 0; -ENOENT, -EINVAL (no name of a service), -EISDIR and the like with err. Clear it in
 * any case.
 */
int unit_load(
	struct unit *u, const struct patient *p, const char *name, bool is_file, struct err *err);
void unit_clear(struct unit *u);

/* The same of a timer, a socket or whatever has units' files. */
int unit_load_other(struct unit *u, const struct patient *p, const char *name, struct err *err);

/* What the manager itself is told: system.conf or user.conf, with drop-ins. Clear it, too. */
int unit_load_manager(struct unit *u, const struct patient *p);

/* Takes the settings of one file in. `text` is changed. 0 or -ENOMEM. */
int unit_parse(struct unit *u, const char *path, char *text);

/* The last value in [Service]; NULL if it is not set, or was reset. */
const char *unit_value(const struct unit *u, const char *key);

/* The same in another section. */
const char *unit_value_in(const struct unit *u, const char *section, const char *key);

/* The last value as a yes or no; `otherwise` where it is neither. */
bool unit_is_on(const struct unit *u, const char *key, bool otherwise);

/* The values of a setting that may be given more than once, from the last reset on: start with *at
 * = 0; NULL after the last one. */
const char *unit_next(const struct unit *u, const char *key, size_t *at);
const char *unit_next_in(const struct unit *u, const char *section, const char *key, size_t *at);

/*
 * Cuts the next word off a value: quotes and escapes are undone. Writes it to `out`, cut to size;
 * false if there is none, or a quote is not closed: systemd passes over that.
 */
bool unit_word(const char **value, char *out, size_t size);

/* Puts in what stands for %n, %N, %p, %i, %I, %% and for directories and users that are the same
 * for all units of a manager. False where another specifier stands. */
bool unit_expand(const struct unit *u, const char *text, char *out, size_t size);

/* --- env_file.c: files that EnvironmentFile= names --- */

/* NAME=VALUE, valid during the call alone. What is not 0 ends the reading. */
typedef int env_file_take(void *context, const char *assignment);

/* 0, -ENOMEM, or what `take` returned. */
int env_file_parse(const char *text, env_file_take *take, void *context);

#endif
