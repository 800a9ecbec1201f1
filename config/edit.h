/*
 * edit: changes the sections of a loaded set and writes those of one file back as text, for
 * `mailseal policy`. What was edited is no longer frozen: it is only written and freed, never
 * asked. Whether the outcome holds together is for policy_set_load_with() to say, which reads the
 * text as the agent will.
 *
 * To set: load; edit_find(), else edit_add(); edit_put() for each; edit_write() into memory;
 * policy_set_load_with() of that text; then rename the file into place.
 */
#ifndef MAILSEAL_CONFIG_EDIT_H
#define MAILSEAL_CONFIG_EDIT_H

#include "config/setting.h"

#include <stdio.h>

/*
 * The section for the same as `label`, which may be written otherwise ("Example.COM"). 0 with
 * *section, which is NULL where there is none; or -EINVAL with err: `label` is not one for that
 * kind. Which file it stands in tells section->path, to be compared with domains_path().
 */
int edit_find(const struct policy_set *set, enum section_kind kind, const char *label,
	struct section **section, struct err *err);

/* A new empty section at the end of the file `path`. 0, -EINVAL (label) or -ENOMEM with err. */
int edit_add(struct policy_set *set, enum section_kind kind, const char *label, const char *path,
	struct section **section, struct err *err);

/*
 * Sets `name` to `value`, instead of what it was; a list is separated by commas. 0, -ENOMEM, or
 * -EINVAL with err that begins with the name and tells what to write.
 */
int edit_put(struct section *section, const char *name, const char *value, struct err *err);

/* 0, also where it was not set; or -EINVAL (there is no setting of that name, or not of that kind).
 */
int edit_unset(struct section *section, const char *name, struct err *err);

/* Removes the section, and frees it. */
void edit_remove(struct policy_set *set, struct section *section);

/* Value `index` of a setting that the section sets, as one writes it without quotes; NULL behind
 * the last. Only match and fingerprints have more than one. */
const char *section_written(const struct section *section, enum setting setting, unsigned index);

/*
 * Writes the sections that stand in the file `path` as configuration text, in their order; no
 * header, no comments. 0; -EINVAL with err (a text that no quotes can hold); -EIO.
 */
int edit_write(FILE *stream, const struct policy_set *set, const char *path, struct err *err);

#endif
