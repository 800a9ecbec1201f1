/*
 * setting: the names of the settings and how their values are written.
 */
#ifndef MAILSEAL_CONFIG_SETTING_H
#define MAILSEAL_CONFIG_SETTING_H

#include "config/set.h"

/* SECTION_HOST, SECTION_SENDER, SECTION_RECIPIENT or SECTION_DEFAULT by its word. 0, or -EINVAL
 * with err telling which there are and which may have been meant. */
int section_kind_parse(const char *word, enum section_kind *kind, struct err *err);
const char *section_kind_name(enum section_kind kind); /* "host", ... */

/* Makes host or pattern of the section from its label. 0, or -EINVAL with err telling what is wrong
 * with it. */
int section_take_label(struct section *section, struct err *err);

/* "require_tls", ... */
const char *setting_name(enum setting setting);

/* SETTING_COUNT if there is none of that name. */
enum setting setting_by_name(const char *name);

/* True for ca_file, match and the like; the values of the others are a bool or an enum. */
bool setting_is_text(enum setting setting);

/* True for what may stand in a section of any kind; the others are settings of the connection. */
bool setting_is_demand(enum setting setting);

/* True for match, fingerprints and trace. */
bool setting_is_list(enum setting setting);

/* Whether it may stand in that section. 0, or -EINVAL with err telling where it may. */
int setting_check_place(const struct section *section, enum setting setting, struct err *err);

/*
 * Puts one written value into the section: the value, or for a list one more. 0, -ENOMEM, or
 * -EINVAL with err telling what is wrong with it and what to write. Reads the file that ca_file and
 * the like name.
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
