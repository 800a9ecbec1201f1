/*
 * setting: the names of the settings and how their values are written.
 */
#ifndef MAILSEAL_CONFIG_SETTING_H
#define MAILSEAL_CONFIG_SETTING_H

#include "config/set.h"

/* "require_tls", ... */
const char *setting_name(enum setting setting);

/* SETTING_COUNT if there is none of that name. */
enum setting setting_by_name(const char *name);

/* True for ca_file, match and servername; the values of the others are a bool or an enum. */
bool setting_is_text(enum setting setting);

/*
 * Puts one written value into the section: the value, or for match one name more. 0, -ENOMEM, or
 * -EINVAL with err telling what is wrong with it and what to write. Reads the file that ca_file
 * names.
 */
int setting_put(struct section *section, enum setting setting, const char *value, struct err *err);

/* The value of an ordered setting as one writes it: "true", "reject", "1.2". */
const char *setting_value_name(enum setting setting, int value);

/*
 * What is wrong with `name`, which is neither a setting nor a section where it stands: outside of
 * all sections (`top`) or in one. Into `what`: what to write instead.
 */
void setting_explain_unknown(const char *name, bool top, struct err *what);

#endif
