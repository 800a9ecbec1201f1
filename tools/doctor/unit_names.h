/*
 * unit_names: where units are looked for, and under which name one counts in the end.
 */
#ifndef MAILSEAL_TOOLS_UNIT_NAMES_H
#define MAILSEAL_TOOLS_UNIT_NAMES_H

#include "tools/doctor/doctor.h"

#define UNIT_NAME_SIZE 256

/* Where the system's manager looks, and what it starts with; separated by colons. */
extern const char unit_places_system[];

/* Where this user's manager looks. False where it does not fit, or there is no home. */
bool unit_places_user(char *out, size_t size);

/* The patient's: given, by SYSTEMD_UNIT_PATH, or those of the system's manager. */
#define UNIT_PLACES_SIZE 4096
const char *unit_places(const struct patient *p, char room[UNIT_PLACES_SIZE]);

/* Cuts the next one off. */
bool unit_place_next(const char **list, char out[PATH_MAX]);

bool unit_path_join(char out[PATH_MAX], const char *a, const char *b, const char *c);

/* As systemd wants it: letters, digits and :-_.\@ before a known ending; not longer than 255. */
bool unit_name_is_valid(const char *name);

/* name@instance.service to name@.service; false if it has no instance. */
bool unit_template_of(const char *name, char out[UNIT_NAME_SIZE]);
bool unit_is_template(const char *name);

#define UNIT_NAMES_MOST 16

struct unit_found {
	char path[PATH_MAX]; /* of its file, where it was found first */
	bool masked;
	bool generated; /* in a directory of generators, from a file of init's */
	char names[UNIT_NAMES_MOST][UNIT_NAME_SIZE]; /* its own, then those that lead to it */
	unsigned name_count;
};

/* Finds the file of a unit, over aliases and templates. 0; -ENOENT, -ELOOP and the like with err.
 */
int unit_find(const struct patient *p, const char *name, struct unit_found *found, struct err *err);

/* Calls for the name of each unit file there is, in no order; names come more than once. */
void unit_each(
	const struct patient *p, void (*take)(void *context, const char *name), void *context);

#endif
